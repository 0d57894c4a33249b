"""Local accounts: names, password hashes, roles. Every change of an account ends its sessions.

Each change is recorded in the audit log, in the same transaction.

Refuses: to handle a password; the calling code supplies the hash.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from callmon.errors import ConfigError
from callmon.store.access import audit, restored_copy, sessions
from callmon.store.access.audit import AuditEvent
from callmon.store.database import Database, database_errors
from callmon.store.tables import ACCOUNT


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


def add_account(store: Database, name: str, password: str, roles: Collection[str], deed: AuditEvent) -> None:
    """Adds an account. Raises ConfigError if an account of that name exists."""
    values = {"name": name, "password": password, "roles": _written(roles), "is_locked": False}
    with database_errors(store), store.writing() as connection:
        if connection.execute(select(ACCOUNT.c.name).where(ACCOUNT.c.name == name)).first() is not None:
            raise ConfigError(f"{name}: this account exists; change its roles or its password.")
        connection.execute(insert(ACCOUNT).values(**values, made=deed.at, changed=deed.at))
        audit.insert_event(connection, deed)


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
            raise ConfigError(f"{name}: no such account; `callmon users list` shows the accounts.")
        yield connection
        sessions.end_sessions_of(connection, name, "account")
        audit.insert_event(connection, deed)
        restored_copy.record_change(store, deed.at)


def _account(row: Any) -> LocalAccount:
    return LocalAccount(row["name"], row["password"], frozenset(row["roles"].split()), row["is_locked"])


def _written(roles: Collection[str]) -> str:
    return " ".join(sorted(roles))
