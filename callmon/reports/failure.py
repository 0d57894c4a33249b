"""Why a report that a page asked for was not made: of which kind it is, for the page to tell in its language, and
the sentence for the log. Pure.

A kind is a person who can act: whoever asked ("order", "long", "empty"), or whoever administers callmon ("large",
"disk", "database", "missing", "ended").
"""

from __future__ import annotations

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
DISK_FULL = "53100"  # PostgreSQL's
FAILS = (CallmonError, SQLAlchemyError, OSError)  # what `of` tells apart
KINDS: tuple[tuple[type[BaseException], Kind], ...] = (
    (ConfigError, "order"),
    (MissingError, "missing"),
    (NoDataError, "empty"),
    (StoreError, "database"),
    (SQLAlchemyError, "database"),
    (BaseException, "ended"),
)


class Trouble(msgspec.Struct, frozen=True):
    """`told` is in English and may name files: for the log. `limit`: the seconds or megabytes allowed."""

    kind: Kind
    told: str
    limit: int = 0


def of(error: BaseException) -> Trouble:
    """One of FAILS, as whoever can act must hear of it."""
    told = str(error) if isinstance(error, CallmonError) else reason(error)
    if any(_is_full(one) for one in _chain(error)):
        return Trouble("disk", told)
    return Trouble(next(kind for cause, kind in KINDS if isinstance(error, cause)), told)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, the driver's own within it, and what each of them came from."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return getattr(error, "sqlstate", None) == DISK_FULL
