"""Local accounts, sessions, the audit log (FIPPA), and the detection of a restored copy of the database.

    session: begin ─▶ known, known, … ─▶ end | idle for too long | too old | one too many | account changed, locked

Sessions are in the database, so that two instances share them and a command can end them. A session's id is a hash
of the cookie that the browser has. Every change of an account ends its sessions and is recorded in the audit log,
in the same transaction.

A restored copy contains ended sessions and removed accounts again. The time of the last change of an account is
therefore stored in a file outside the database (`Database.notes`). If the audit log of a database lacks that
change, the database is an older copy. Then all sessions are ended at the start, and the audit log records it.
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

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from callmon.errors import ConfigError
from callmon.store.database import Database, database_errors
from callmon.store.tables import ACCOUNT, AUDIT, SESSION, Condition

log = logging.getLogger(__name__)

# Text that may be a telephone number in a page's address. A call's name (1795527733.0) and a disruption's
# (general-1795527733) do not match: no North American number of ten digits begins with 1.
PHONE = re.compile(
    r"(?<!\d)(?!(?<=\w-)1\d{9}(?!\d))\+?"
    r"(?:\d{7,}|1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\d{3}[ .-]\d{4})(?!\.?\d)"
)
UNBROKEN = {0xA0: " ", 0x202F: " ", 0x2011: "-"}  # as French writes a number
LONGEST = 200  # characters of each field, so that requests from strangers do not fill the disk


class AuditEvent(NamedTuple):
    """One action: time, actor (`who`), act, object (a call, month or account), address ("": by a command)."""

    at: datetime
    who: str
    act: str
    about: str = ""
    address: str = ""


def record_event(store: Database, deed: AuditEvent) -> None:
    with database_errors(store), store.writing() as connection:
        insert_event(connection, deed)


def insert_event(connection: Connection, deed: AuditEvent) -> None:
    """Inserts `deed` in the transaction of the action itself. Masks telephone numbers in `about`."""
    texts = {name: _clean(getattr(deed, name)) for name in ("who", "act", "about", "address")}
    texts["about"] = without_numbers(texts["about"])
    connection.execute(insert(AUDIT).values(at=deed.at, **texts))


def without_numbers(text: str) -> str:
    """A text that a person typed, with a # for each telephone number."""
    plain = text.translate(UNBROKEN)
    return PHONE.sub(lambda found: " #" if found[0][0] == " " else "#", plain) if PHONE.search(plain) else text


def audited_name(who: str) -> str:
    """A name as the audit log has it."""
    return _clean(who)


def audit_events(store: Database, newest: int | None = None) -> list[AuditEvent]:
    """Recorded actions, oldest first; only the `newest`, if given."""
    question = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(newest)
    with database_errors(store), store.reading() as connection:
        rows = connection.execute(question).mappings().all()
    return [AuditEvent(*(row[name] for name in AuditEvent._fields)) for row in reversed(rows)]


def _clean(text: str) -> str:
    """One line of bounded length, so that no user can forge a line of the log."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])


class LocalAccount(NamedTuple):
    """One account. `password` is a hash."""

    name: str
    password: str
    roles: frozenset[str]
    is_locked: bool


def accounts(store: Database) -> list[LocalAccount]:
    """All accounts, by name."""
    with database_errors(store), store.reading() as connection:
        rows = connection.execute(select(ACCOUNT).order_by(ACCOUNT.c.name)).mappings().all()
    return [_account(row) for row in rows]


def account(store: Database, name: str) -> LocalAccount | None:
    if "\0" in name:  # no account has such a name, and PostgreSQL rejects the query
        return None
    with database_errors(store), store.reading() as connection:
        row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).mappings().one_or_none()
    return None if row is None else _account(row)


def _exists(name: str) -> ConfigError:
    return ConfigError("{name}: this account exists; change its roles or its password.", name=name)


def _no_account(name: str) -> ConfigError:
    return ConfigError("{name}: no such account; `callmon users list` shows the accounts.", name=name)


def check_account(store: Database, name: str, *, exists: bool) -> None:
    """Raises ConfigError unless the account exists; with `exists` false, if it does."""
    if (account(store, name) is not None) != exists:
        raise _no_account(name) if exists else _exists(name)


def add_account(store: Database, name: str, password: str, roles: Collection[str], deed: AuditEvent) -> None:
    """Adds an account. Raises ConfigError if an account of that name exists."""
    values = {"name": name, "password": password, "roles": _written(roles), "is_locked": False}
    with database_errors(store), store.writing() as connection:
        if connection.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.name == name)).first() is not None:
            raise _exists(name)
        connection.execute(insert(ACCOUNT).values(**values, made=deed.at, changed=deed.at))
        insert_event(connection, deed)


def give_roles(store: Database, name: str, roles: Collection[str], deed: AuditEvent) -> None:
    _change(store, name, deed, roles=_written(roles))


def give_password(store: Database, name: str, password: str, deed: AuditEvent) -> None:
    _change(store, name, deed, password=password)


def lock_account(store: Database, name: str, is_locked: bool, deed: AuditEvent) -> None:
    _change(store, name, deed, is_locked=is_locked)


def renew_hash(store: Database, known: LocalAccount, password: str) -> None:
    """Stores a current hash of the same password, unless it has changed meanwhile. Ends no session."""
    same = (ACCOUNT.c.name == known.name, ACCOUNT.c.password == known.password)
    with database_errors(store), store.writing() as connection:
        connection.execute(update(ACCOUNT).where(*same).values(password=password))


def remove_account(store: Database, name: str, deed: AuditEvent) -> None:
    with _changing(store, name, deed) as connection:
        connection.execute(delete(ACCOUNT).where(ACCOUNT.c.name == name))


def _change(store: Database, name: str, deed: AuditEvent, **values: Any) -> None:
    with _changing(store, name, deed) as connection:
        connection.execute(update(ACCOUNT).where(ACCOUNT.c.name == name).values(**values, changed=deed.at))


@contextmanager
def _changing(store: Database, name: str, deed: AuditEvent) -> Iterator[Connection]:
    with database_errors(store), store.writing() as connection:
        if connection.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.name == name)).first() is None:
            raise _no_account(name)
        yield connection
        end_sessions_of(connection, name, "account")
        insert_event(connection, deed)
        record_change(store, deed.at)


def _account(row: Any) -> LocalAccount:
    return LocalAccount(row["name"], row["password"], _read(row["roles"]), row["is_locked"])


def _written(roles: Collection[str]) -> str:
    return " ".join(sorted(roles))


SEEN_EVERY = timedelta(minutes=1)  # so that frequent requests do not write to the database each time


class SessionLimits(NamedTuple):
    """Limits of a session: `idle` time without a request, `longest` duration, and `most` sessions of a person."""

    idle: timedelta
    longest: timedelta
    most: int


class UserSession(NamedTuple):
    id: str
    person: str
    source: str
    roles: frozenset[str]
    made: datetime
    seen: datetime


def begin_session(store: Database, session: UserSession, terms: SessionLimits) -> None:
    """Inserts a session. Deletes all expired sessions, and the person's oldest above `terms.most`."""
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SESSION).where(_is_over(session.made, terms)))
        connection.execute(insert(SESSION).values(**session._asdict() | {"roles": _written(session.roles)}))
        theirs = and_(SESSION.c.person == session.person, SESSION.c.source == session.source)
        newest = select(SESSION.c.id).where(theirs).order_by(SESSION.c.made.desc(), SESSION.c.id).limit(terms.most)
        kept = [name for (name,) in connection.execute(newest)]
        connection.execute(delete(SESSION).where(theirs, SESSION.c.id.not_in(kept)))


def valid_session(
    store: Database, id: str, at: datetime, terms: SessionLimits, is_use: bool = True
) -> UserSession | None:
    """The session with the current roles of its account; None if it has expired or the account is locked or gone.

    Only a use (`is_use`: a user requests a page) resets the idle time.
    """
    with database_errors(store), store.reading() as connection:
        found = _found(connection, id, at, terms)
    if is_use and found is not None and at - found.seen >= SEEN_EVERY:
        with database_errors(store), store.writing() as connection:
            connection.execute(update(SESSION).where(SESSION.c.id == id).values(seen=at))
    return found


def end_session(store: Database, id: str) -> None:
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SESSION).where(SESSION.c.id == id))


def end_sessions_of(connection: Connection, person: str, source: str) -> None:
    """Ends all sessions of a person from one source."""
    connection.execute(delete(SESSION).where(SESSION.c.person == person, SESSION.c.source == source))


def _found(connection: Connection, id: str, at: datetime, terms: SessionLimits) -> UserSession | None:
    question = select(SESSION).where(SESSION.c.id == id, ~_is_over(at, terms))
    if (row := connection.execute(question).mappings().one_or_none()) is None:
        return None
    session = UserSession(*(row[name] for name in UserSession._fields))
    if session.source != "account":
        return session._replace(roles=_read(row["roles"]))
    unlocked = select(ACCOUNT.c.roles).where(ACCOUNT.c.name == session.person, ~ACCOUNT.c.is_locked)
    own = connection.scalar(unlocked)
    return None if own is None else session._replace(roles=_read(own))


def _is_over(at: datetime, terms: SessionLimits) -> Condition:
    return or_(SESSION.c.seen <= at - terms.idle, SESSION.c.made <= at - terms.longest)


def _read(roles: str) -> frozenset[str]:
    return frozenset(roles.split())


ENDED = "sessions ended"
CHANGES = (
    *("account added", "account roles", "account password", "account locked", "account unlocked"),
    *("account removed", ENDED),
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
        question = select(func.max(AUDIT.c.at)).where(AUDIT.c.act.in_(CHANGES))
        known = connection.execute(question).scalar()
    if known is not None and known >= last - timedelta(microseconds=1):
        return False
    end_all(store, AuditEvent(max(datetime.now(UTC), last), "callmon", ENDED))
    log.warning(
        "accounts: the database is older than the last account change; all sessions ended",
        extra={"changed": last.isoformat(timespec="seconds"), "see": "callmon users list"},
    )
    return True


def end_all(store: Database, deed: AuditEvent) -> int:
    """Ends all sessions and records `deed`. Returns the number of sessions."""
    with database_errors(store), store.writing() as connection:
        count = connection.execute(delete(SESSION)).rowcount
        insert_event(connection, deed)
    return int(count)
