"""Tokens of programs that read the API. The row of the database has the token's hash, never the token.

A change is recorded in the audit log in the same transaction, and beside the database as that of an account is.
"""

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import col, select

from callmon.errors import ConfigError
from callmon.store.access import SEEN_EVERY, AuditRow, insert_event, record_change
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_row, found_rows, insert_rows
from callmon.store.tables.people import TokenRow as TokenRow


def tokens(store: Database) -> list[TokenRow]:
    """All tokens, by name."""
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, select(TokenRow).order_by(TokenRow.name))


def add_token(store: Database, token: TokenRow, audit_event: AuditRow) -> None:
    """Adds a token. Raises ConfigError if there is one of that name."""
    with database_errors(store), store.writing() as connection:
        if connection.scalar(select(TokenRow.name).where(TokenRow.name == token.name)) is not None:
            raise ConfigError("{name}: this token exists; revoke it first, or give another name.", name=token.name)
        insert_rows(connection, token)
        insert_event(connection, audit_event)
        record_change(store, audit_event.at)


def revoke_token(store: Database, name: str, audit_event: AuditRow) -> None:
    """Deletes a token. Raises ConfigError if there is none of that name."""
    with database_errors(store), store.writing() as connection:
        if not connection.execute(delete(TokenRow).where(col(TokenRow.name) == name)).rowcount:
            raise ConfigError("{name}: no such token; `callmon tokens list` shows the tokens.", name=name)
        insert_event(connection, audit_event)
        record_change(store, audit_event.at)


def valid_token(store: Database, id: str, at: datetime) -> TokenRow | None:
    """The token of this hash; None if there is none, or if it has expired. The time of its use is stored."""
    with database_errors(store), store.reading() as connection:
        found = found_row(connection, select(TokenRow).where(TokenRow.id == id, TokenRow.expires > at))
    if found is not None and (found.used is None or at - found.used >= SEEN_EVERY):
        with database_errors(store), store.writing() as connection:
            connection.execute(update(TokenRow).where(col(TokenRow.id) == id).values(used=at))
    return found
