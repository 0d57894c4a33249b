"""Local accounts, sessions, the audit log (FIPPA), and the detection of a restored copy of the database.

    session: begin ─▶ known, known, … ─▶ end | idle for too long | too old | one too many | account changed, locked

Sessions are in the database, so that two instances share them and a command can end them. A session's id is a hash
of the cookie that the browser has. Every change of an account ends its sessions and is recorded in the audit log,
in the same transaction.

A restored copy contains ended sessions and removed accounts again. The time of the last change of an account is
therefore stored in a file outside the database (`Database.notes`). If the audit log of a database lacks that
change, the database is an older copy. Then all sessions are ended at the start, all tokens of the API are deleted,
and the audit log records it.
`callmon db upgrade` ends them in any case, and lists the accounts.

The append-only audit log contains no caller's number. Accesses to a number are in `access` (`subject_access.log`).

Refuses: to handle a password; the calling code supplies the hash. Refuses: to change an account of a restored
copy. The administrator decides from the list.
"""

import logging
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, delete, func, or_, update
from sqlmodel import col, select

from callmon.errors import ConfigError
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_row, found_rows, insert_rows
from callmon.store.tables import Condition
from callmon.store.tables.people import AccountRow as AccountRow
from callmon.store.tables.people import AuditRow as AuditRow
from callmon.store.tables.people import SessionRow as SessionRow
from callmon.store.tables.people import TokenRow

log = logging.getLogger(__name__)

# Text that may be a telephone number in a page's address. A call's name (1795527733.0) and a disruption's
# (general-1795527733) do not match: no North American number of ten digits begins with 1.
PHONE = re.compile(
    r"(?<!\d)(?!(?<=\w-)1\d{9}(?!\d))\+?"
    r"(?:\d{7,}|1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\d{3}[ .-]\d{4})(?!\.?\d)"
)
UNBROKEN = {0xA0: " ", 0x202F: " ", 0x2011: "-"}  # as French writes a number
LONGEST = 200  # characters of each field, so that requests from strangers do not fill the disk


def record_event(store: Database, audit_event: AuditRow) -> None:
    with database_errors(store), store.writing() as connection:
        insert_event(connection, audit_event)


def insert_event(connection: Connection, audit_event: AuditRow) -> None:
    """Inserts `audit_event` in the transaction of the action itself. Masks telephone numbers in `about`."""
    row = AuditRow(
        at=audit_event.at,
        who=audited_text(audit_event.who),
        act=audited_text(audit_event.act),
        about=without_numbers(audited_text(audit_event.about)),
        address=audited_text(audit_event.address),
    )
    insert_rows(connection, row)


def without_numbers(text: str) -> str:
    """A text that a person typed, with a # for each telephone number."""
    plain = text.translate(UNBROKEN)
    return PHONE.sub(lambda found: " #" if found[0][0] == " " else "#", plain) if PHONE.search(plain) else text


def audit_events(store: Database, newest: int | None = None) -> list[AuditRow]:
    """Recorded actions, oldest first; only the `newest`, if given."""
    question = select(AuditRow).order_by(col(AuditRow.id).desc()).limit(newest)
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, question)[::-1]


def audited_text(text: str) -> str:
    """The text as one line of bounded length, so that no user can forge a line of the log."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])


def accounts(store: Database) -> list[AccountRow]:
    """All accounts, by name."""
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, select(AccountRow).order_by(AccountRow.name))


def account(store: Database, name: str) -> AccountRow | None:
    if "\0" in name:  # no account has such a name, and PostgreSQL rejects the query
        return None
    with database_errors(store), store.reading() as connection:
        return found_row(connection, select(AccountRow).where(AccountRow.name == name))


def _exists(name: str) -> ConfigError:
    return ConfigError("{name}: this account exists; change its roles or its password.", name=name)


def _no_account(name: str) -> ConfigError:
    return ConfigError("{name}: no such account; `callmon users list` shows the accounts.", name=name)


def check_account(store: Database, name: str, *, exists: bool) -> None:
    """Raises ConfigError unless the account exists; with `exists` false, if it does."""
    if (account(store, name) is not None) != exists:
        raise _no_account(name) if exists else _exists(name)


def add_account(store: Database, name: str, password: str, roles: Collection[str], audit_event: AuditRow) -> None:
    """Adds an account. Raises ConfigError if an account of that name exists."""
    added = AccountRow(
        name=name,
        password=password,
        roles=frozenset(roles),
        is_locked=False,
        made=audit_event.at,
        changed=audit_event.at,
    )
    with database_errors(store), store.writing() as connection:
        if _is_account(connection, name):
            raise _exists(name)
        insert_rows(connection, added)
        insert_event(connection, audit_event)


def renew_hash(store: Database, known: AccountRow, password: str) -> None:
    """Stores a current hash of the same password, unless it has changed meanwhile. Ends no session."""
    same = (col(AccountRow.name) == known.name, col(AccountRow.password) == known.password)
    with database_errors(store), store.writing() as connection:
        connection.execute(update(AccountRow).where(*same).values(password=password))


def remove_account(store: Database, name: str, audit_event: AuditRow) -> None:
    with _changing(store, name, audit_event) as connection:
        connection.execute(delete(AccountRow).where(col(AccountRow.name) == name))


def change_account(store: Database, name: str, audit_event: AuditRow, **values: Any) -> None:
    """Changes its roles, password or lock, and ends its sessions. Raises ConfigError for an unknown name."""
    with _changing(store, name, audit_event) as connection:
        named = update(AccountRow).where(col(AccountRow.name) == name)
        connection.execute(named.values(**values, changed=audit_event.at))


@contextmanager
def _changing(store: Database, name: str, audit_event: AuditRow) -> Iterator[Connection]:
    with database_errors(store), store.writing() as connection:
        if not _is_account(connection, name):
            raise _no_account(name)
        yield connection
        end_sessions_of(connection, name, "account")
        insert_event(connection, audit_event)
        record_change(store, audit_event.at)


def _is_account(connection: Connection, name: str) -> bool:
    return connection.scalar(select(AccountRow.name).where(AccountRow.name == name)) is not None


SEEN_EVERY = timedelta(minutes=1)  # so that frequent requests do not write to the database each time


class SessionLimits(NamedTuple):
    """Limits of a session: `idle` time without a request, `longest` duration, and `most` sessions of a person."""

    idle: timedelta
    longest: timedelta
    most: int


def begin_session(store: Database, session: SessionRow, terms: SessionLimits) -> None:
    """Inserts a session. Deletes all expired sessions, and the person's oldest above `terms.most`."""
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SessionRow).where(_is_over(session.made, terms)))
        insert_rows(connection, session)
        theirs = _of_person(session.person, session.source)
        latest = (col(SessionRow.made).desc(), SessionRow.id)
        kept = connection.scalars(select(SessionRow.id).where(theirs).order_by(*latest).limit(terms.most)).all()
        connection.execute(delete(SessionRow).where(theirs, col(SessionRow.id).not_in(kept)))


def valid_session(
    store: Database, id: str, at: datetime, terms: SessionLimits, is_use: bool = True
) -> SessionRow | None:
    """The session with the current roles of its account; None if it has expired or the account is locked or gone.

    Only a use (`is_use`: a user requests a page) resets the idle time.
    """
    with database_errors(store), store.reading() as connection:
        found = _found(connection, id, at, terms)
    if is_use and found is not None and at - found.seen >= SEEN_EVERY:
        with database_errors(store), store.writing() as connection:
            connection.execute(update(SessionRow).where(col(SessionRow.id) == id).values(seen=at))
    return found


def end_session(store: Database, id: str) -> None:
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SessionRow).where(col(SessionRow.id) == id))


def end_sessions_of(connection: Connection, person: str, source: str) -> None:
    """Ends all sessions of a person from one source."""
    connection.execute(delete(SessionRow).where(_of_person(person, source)))


def _of_person(person: str, source: str) -> Condition:
    return and_(col(SessionRow.person) == person, col(SessionRow.source) == source)


def _found(connection: Connection, id: str, at: datetime, terms: SessionLimits) -> SessionRow | None:
    session = found_row(connection, select(SessionRow).where(SessionRow.id == id, ~_is_over(at, terms)))
    if session is None or session.source != "account":
        return session
    unlocked = select(col(AccountRow.roles)).where(AccountRow.name == session.person, ~col(AccountRow.is_locked))
    roles = connection.scalar(unlocked)
    return None if roles is None else SessionRow(**session.model_dump(exclude={"roles"}), roles=roles)


def _is_over(at: datetime, terms: SessionLimits) -> Condition:
    return or_(col(SessionRow.seen) <= at - terms.idle, col(SessionRow.made) <= at - terms.longest)


ENDED = "sessions ended"
CHANGES = (
    *("account added", "account roles", "account password", "account locked", "account unlocked"),
    *("account removed", "token added", "token revoked", ENDED),
)


def record_change(store: Database, at: datetime) -> None:
    """Stores the time of an account's change. A failure is only logged, so that the change still succeeds."""
    path = store.notes
    if path is None:
        return
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        scratch.write_text(f"{at.isoformat()}\n", encoding="ascii")
        scratch.chmod(0o644)  # it contains only a time; root's commands and the service both read it
        with suppress(PermissionError):
            folder = path.parent.stat()
            os.chown(scratch, folder.st_uid, folder.st_gid)
        os.replace(scratch, path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink()
        why = error.strerror or str(error)
        log.warning("accounts: the change cannot be recorded in the file", extra={"file": str(path), "why": why})


def recorded_change(path: Path | None) -> datetime | None:
    """The time of the last change of an account; None without a file; now, if the file is unreadable."""
    if path is None:
        return None
    try:
        at = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # the time is not known, so the database is treated as an older copy
        return datetime.now(UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def end_if_older(store: Database) -> bool:
    """Whether this database is older than the last change of an account. If so, ends all sessions."""
    last = recorded_change(store.notes)
    if last is None:
        return False
    with database_errors(store), store.reading() as connection:
        question = select(func.max(AuditRow.at)).where(col(AuditRow.act).in_(CHANGES))
        known = connection.execute(question).scalar()
    if known is not None and known >= last - timedelta(microseconds=1):
        return False
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(TokenRow))  # one of them may have been revoked
    end_all(store, AuditRow(at=max(datetime.now(UTC), last), who="callmon", act=ENDED))
    log.warning(
        "accounts: the database is older than the last account change; all sessions ended",
        extra={"changed": last.isoformat(timespec="seconds"), "see": "callmon users list"},
    )
    return True


def end_all(store: Database, audit_event: AuditRow) -> int:
    """Ends all sessions and records `audit_event`. Returns the number of sessions."""
    with database_errors(store), store.writing() as connection:
        count = connection.execute(delete(SessionRow)).rowcount
        insert_event(connection, audit_event)
    return int(count)
