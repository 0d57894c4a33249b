"""Why a report that a page requested was not made: a kind for the page, and a sentence for the log. Pure.

The page states the kind in its own language. The kind names the person who can act: the user who requested the
report ("order", "long", "empty") or the administrator ("large", "disk", "database", "missing", "ended").
"""

import errno
import sqlite3
from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from callmon.errors import CallmonError, ConfigError, MissingError, NoDataError, StoreError
from callmon.store.database import reason

Kind: TypeAlias = Literal["order", "long", "large", "disk", "database", "missing", "empty", "ended"]
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "53100"  # SQLSTATE of PostgreSQL
FAILS = (CallmonError, SQLAlchemyError, OSError)  # the errors that `classify` classifies
KINDS: tuple[tuple[type[BaseException], Kind], ...] = (
    (ConfigError, "order"),
    (MissingError, "missing"),
    (NoDataError, "empty"),
    (StoreError, "database"),
    (SQLAlchemyError, "database"),
    (BaseException, "ended"),
)
LIMITS = {
    "long": "it was not made within {limit} s; `callmon report` may take longer",
    "large": "it needs more than its limit of {limit} MB; `callmon report` has no such limit",
}


class ReportFailure(msgspec.Struct, frozen=True):
    """Why there is no report. `message`: English text for the log; it may name files.

    `limit`: the seconds or megabytes allowed.
    """

    kind: Kind
    message: str
    limit: int = 0


def over_limit(kind: Literal["long", "large"], limit: int) -> ReportFailure:
    return ReportFailure(kind, LIMITS[kind].format(limit=limit), limit)


def classify(error: BaseException) -> ReportFailure:
    """The kind and log text of one of FAILS."""
    message = str(error) if isinstance(error, CallmonError) else reason(error)
    if any(map(_is_full, _chain(error))):
        return ReportFailure("disk", message)
    return ReportFailure(next(kind for cause, kind in KINDS if isinstance(error, cause)), message)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, the driver error that it wraps, and the cause or context of each."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return getattr(error, "sqlstate", None) == DISK_FULL
