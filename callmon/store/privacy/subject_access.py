"""Subject access: finds, returns and corrects the data stored about one number; logs each access (R-35).

The log records actor, time, purpose, command, and how many calls were found. The log outlives the number. The
token that links the log to a number is deleted with the number.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import sqlmodel
from sqlalchemy import Connection, and_, select, true, update
from sqlmodel import col

from callmon.core.callbacks.commands import CallbackCommand
from callmon.store.bulk import overwrite_deleted, record_key
from callmon.store.commands import insert_callback_command
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_rows, insert_rows
from callmon.store.queries import calls, obligations
from callmon.store.queries.obligations import WorklistItem
from callmon.store.tables import NUMBER
from callmon.store.tables.people import AccessRow as AccessRow


class AccessReason(NamedTuple):
    """One access: time, actor (`who`), purpose, command."""

    at: datetime
    who: str
    purpose: str
    command: str


class NumberUse(NamedTuple):
    """A call with the number, and the number's role in it: "caller", "dialled" or "callback"."""

    call: str
    role: str
    stored: calls.StoredCall


def number_uses(store: Database, numbers: Sequence[str], look: AccessReason) -> list[NumberUse]:
    """Every call of one number, given in several forms, by name. Logs the access before it returns data."""
    question = select(NUMBER.c["call"], NUMBER.c.exchange, NUMBER.c.role)
    question = question.where(NUMBER.c.token.in_(_tokens(store, numbers))).order_by(NUMBER.c["call"])
    with database_errors(store), store.reading() as connection:
        found = [tuple(row) for row in connection.execute(question)]
    log_access(store, look, len(found), numbers[0] if found else None)
    return [
        NumberUse(call, role, stored)
        for call, exchange, role in found
        for stored in calls.stored_calls(store, call, exchange, numbers=True)
    ]


def obligations_of_number(store: Database, numbers: Sequence[str]) -> list[WorklistItem]:
    """The obligations (callbacks and complaints) of one number, given in several forms."""
    return obligations.obligations(
        store, state=None, ids=obligations.obligation_ids(store, _tokens(store, numbers)), numbers=True
    )


def correct_number(
    store: Database, old: Sequence[str], new: str, look: AccessReason, call: str | None = None
) -> int:
    """Replaces `old` by `new` in every row, or only in those of `call`. Returns the number of rows.

    Open callbacks then go to `new`: the ledger gets it as the other number (R-16).
    """
    open_obligations = [
        x.obligation
        for x in obligations_of_number(store, old)
        if x.obligation.is_open and call in (None, x.obligation.call)
    ]
    which = and_(NUMBER.c.token.in_(_tokens(store, old)), true() if call is None else NUMBER.c["call"] == call)
    with database_errors(store), store.writing() as connection:
        overwrite_deleted(connection)
        rows = connection.execute(select(NUMBER).where(which).with_for_update()).mappings().all()
        for row in rows:
            same = [column == row[column.name] for column in NUMBER.primary_key.columns]
            encrypted = {"number": store.ring.encrypt(new), "token": store.ring.token(new)}
            connection.execute(update(NUMBER).where(*same).values(encrypted))
        if rows:
            record_key(connection, store.ring)
        for obligation in open_obligations:
            command = CallbackCommand(
                at=look.at, actor=look.who, action="mark", exchange=obligation.exchange, obligation=obligation.id
            )
            insert_callback_command(
                connection, store.ring, msgspec.structs.replace(command, other_number=True), new
            )
        _log(connection, look, len(rows), store.ring.token(new) if rows else None)
    return len(rows)


def log_access(store: Database, look: AccessReason, found: int, number: str | None = None) -> None:
    """Logs an access. `number`: the number, if it is stored."""
    token = store.ring.token(number) if store.ring and number is not None else None
    with database_errors(store), store.writing() as connection:
        _log(connection, look, found, token)


def log_access_to_call(store: Database, look: AccessReason, call: str) -> None:
    """Logs an access to each number of a call; logs nothing if the call has none."""
    with database_errors(store), store.writing() as connection:
        for (token,) in connection.execute(select(NUMBER.c.token).where(NUMBER.c["call"] == call)).all():
            _log(connection, look, 1, token)


def accesses(store: Database, numbers: Sequence[str] | None = None, newest: int | None = None) -> list[AccessRow]:
    """Logged accesses, oldest first: of one number (None: all numbers); of these only the `newest`, if given."""
    which = true() if numbers is None else col(AccessRow.token).in_(_tokens(store, numbers))
    question = sqlmodel.select(AccessRow).where(which).order_by(col(AccessRow.id).desc()).limit(newest)
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, question)[::-1]


def _tokens(store: Database, numbers: Sequence[str]) -> list[str]:
    return [token for number in numbers for token in store.ring.tokens(number)]


def _log(connection: Connection, look: AccessReason, found: int, token: str | None) -> None:
    insert_rows(connection, AccessRow(**look._asdict(), found=found, token=token))
