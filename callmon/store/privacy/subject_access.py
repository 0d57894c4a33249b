"""What is kept about one person's number: found, told, corrected; each look is logged (R-35).

The log says who looked, when, what for, by which command, and how many calls were found. It outlives the number;
the token that links it to one goes with the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, insert, select, true, update

from callmon.core.callbacks.commands import Hand
from callmon.store.database import Store, _told
from callmon.store.privacy import key_rotation
from callmon.store.privacy.key_rotation import ACCESS, overwrite
from callmon.store.queries import calls, obligations
from callmon.store.queries.calls import NUMBER
from callmon.store.queries.obligations import Listed


class Look(NamedTuple):
    """Who looks, when, what for, by which command."""

    at: datetime
    who: str
    purpose: str
    command: str


class Access(NamedTuple):
    """A look that was had, and how many calls it found."""

    look: Look
    found: int


class Use(NamedTuple):
    """A call to which a number belongs: as its caller, or dialled by it."""

    call: str
    role: str
    stored: calls.StoredCall


def uses(store: Store, numbers: Sequence[str], look: Look) -> list[Use]:
    """Every call of these forms of one number, by name. Logged before anything is told."""
    question = select(NUMBER.c["call"], NUMBER.c.exchange, NUMBER.c.role)
    question = question.where(NUMBER.c.token.in_(_tokens(store, numbers))).order_by(NUMBER.c["call"])
    with _told(store), store.reading() as connection:
        found = [tuple(row) for row in connection.execute(question)]
    log(store, look, len(found), numbers[0] if found else None)
    return [
        Use(call, role, stored)
        for call, exchange, role in found
        for stored in calls.call(store, call, exchange, numbers=True)
    ]


def debts(store: Store, numbers: Sequence[str]) -> list[Listed]:
    """The callbacks and complaints of one number."""
    return obligations.obligations(
        store, state=None, ids=obligations.known_by(store, _tokens(store, numbers)), numbers=True
    )


def correct(store: Store, old: Sequence[str], new: str, look: Look, call: str | None = None) -> int:
    """Puts `new` wherever `old` stands (of that call alone, when one is named); in how many places.

    Whoever is to be called back is then called at `new`: to the ledger, another number that was given (R-16).
    """
    owed = [x.obligation for x in debts(store, old) if x.obligation.is_open and call in (None, x.obligation.call)]
    which = and_(NUMBER.c.token.in_(_tokens(store, old)), true() if call is None else NUMBER.c["call"] == call)
    with _told(store), store.writing() as connection:
        overwrite(connection)
        rows = connection.execute(select(NUMBER).where(which).with_for_update()).mappings().all()
        for row in rows:
            same = [column == row[column.name] for column in NUMBER.primary_key.columns]
            sealed = {"number": store.ring.seal(new), "token": store.ring.token(new)}
            connection.execute(update(NUMBER).where(*same).values(sealed))
        if rows:
            key_rotation.note_key(connection, store.ring)
        for one in owed:
            hand = Hand(at=look.at, actor=look.who, action="mark", exchange=one.exchange, obligation=one.id)
            obligations.put(connection, store.ring, msgspec.structs.replace(hand, other_number=True), new)
        _log(connection, look, len(rows), store.ring.token(new) if rows else None)
    return len(rows)


def log(store: Store, look: Look, found: int, number: str | None = None) -> None:
    """Writes down that somebody looks; `number` when it is kept."""
    token = store.ring.token(number) if store.ring and number is not None else None
    with _told(store), store.writing() as connection:
        _log(connection, look, found, token)


def log_of_call(store: Store, look: Look, call: str) -> None:
    """Writes down that somebody looks at the numbers of a call; nothing when it has none."""
    with _told(store), store.writing() as connection:
        for (token,) in connection.execute(select(NUMBER.c.token).where(NUMBER.c["call"] == call)).all():
            _log(connection, look, 1, token)


def accesses(store: Store, numbers: Sequence[str] | None = None, newest: int | None = None) -> list[Access]:
    """Who looked, oldest first; at one number, or at any; the `newest` alone when so many are asked for."""
    which = true() if numbers is None else ACCESS.c.token.in_(_tokens(store, numbers))
    question = select(ACCESS).where(which).order_by(ACCESS.c.id.desc()).limit(newest)
    with _told(store), store.reading() as connection:
        rows = connection.execute(question).mappings().all()
    return [Access(Look(*(row[name] for name in Look._fields)), row["found"]) for row in reversed(rows)]


def _tokens(store: Store, numbers: Sequence[str]) -> list[str]:
    return [token for number in numbers for token in store.ring.tokens(number)]


def _log(connection: Connection, look: Look, found: int, token: str | None) -> None:
    connection.execute(insert(ACCESS).values(**look._asdict(), found=found, token=token))
