"""Queries on the ledger of callbacks, and the queue of manual commands. Every function blocks: use a thread.

A result contains a number only where the calling code requests it. Manual commands are inserted into a table of
their own. The daemon reads and applies them. Only the daemon writes the resulting entries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from callmon.core.callbacks.commands import Hand, is_same
from callmon.core.callbacks.entries import CAUTIONS, AnyEntry, CalledBack, Caution, Owed, Refused, Repeated
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Key, Obligation
from callmon.core.callbacks.shared_numbers import WINDOW
from callmon.core.facts import Arrived, tag_of
from callmon.errors import StoreError
from callmon.store import tables
from callmon.store.database import Store, reason
from callmon.store.encryption import Ring, keyed
from callmon.store.privacy import key_rotation
from callmon.store.queries import calls as queries
from callmon.store.row_mapping import (
    CALLBACK,
    CALLER,
    DIALLED,
    entry_of,
    obligation_of,
    with_number,
    without_numbers,
)

LEDGER, OBLIGATION, HAND, MARK, NUMBER = (
    tables.METADATA.tables[str(row.__tablename__)]
    for row in (
        tables.LedgerRow,
        tables.ObligationRow,
        tables.HandRow,
        tables.MarkRow,
        tables.NumberRow,
    )
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Hand).decode
WHOLE = (OBLIGATION.c.data, OBLIGATION.c.token, OBLIGATION.c.other)


class Listed(NamedTuple):
    """An obligation with the numbers to call: the caller's, and the other number, if one was given (R-16)."""

    obligation: Obligation
    number: str | None
    other: str | None


def token(store: Store) -> Callable[[str], str]:
    """The function from a number to the ledger's token, by the newest key. `take_up` renews older tokens."""
    return store.ring.token if store.ring else keyed(os.urandom(32))  # without a key no number is stored


# State that the daemon restores.


def take_up(store: Store, book: Ledger, exchanges: Iterable[str], now: datetime) -> None:
    """Restores the ledger. Call before the calls in progress are restored."""
    renewed = key_rotation.renewals(store)
    book.restore(_renewed(one, renewed) for one in live(store))
    for token, known in cautions(store):
        book.know(renewed.get(token, token), known)
    for token, at, line in messages(store, now - WINDOW):
        book.sharing.note(renewed.get(token, token), book.terms.day(at), line)
    for name in exchanges:
        for gap in queries.gaps(store, name):
            book.gap(name, gap.start, gap.end)


def _renewed(one: Obligation, renewed: Mapping[str, str]) -> Obligation:
    """The obligation with the tokens of the newest key."""
    token, other = (None if x is None else renewed.get(x, x) for x in (one.token, one.other))
    return msgspec.structs.replace(one, token=token, other=other)


def live(store: Store) -> list[Obligation]:
    """The obligations that the passing of time, a call or a person can still change."""
    question = select(*WHOLE).where(or_(OBLIGATION.c.is_live, OBLIGATION.c.state == "open"))
    with store.reading() as connection:
        return [obligation_of(*row) for row in connection.execute(question)]


def cautions(store: Store) -> list[tuple[str, tuple[Caution, ...]]]:
    """The cautions of each number, by token. They hold for every later message from that number."""
    found = select(OBLIGATION.c.token, OBLIGATION.c.other, OBLIGATION.c.cautions)
    question = found.where(OBLIGATION.c.cautions != "")
    with store.reading() as connection:
        rows = list(connection.execute(question))
    return [(x, _cautions(said)) for token, other, said in rows for x in (token, other) if x is not None]


def _cautions(said: str) -> tuple[Caution, ...]:
    return tuple(known for known in CAUTIONS if known in said.split())


def messages(store: Store, since: datetime) -> Iterator[tuple[str, datetime, str]]:
    """Messages at or after `since` whose number is known: (token, time, line)."""
    joined = LEDGER.join(
        OBLIGATION, and_(LEDGER.c.obligation == OBLIGATION.c.id, LEDGER.c.exchange == OBLIGATION.c.exchange)
    )
    kinds = (tag_of(Owed), tag_of(Repeated))
    condition = and_(LEDGER.c.at >= since, LEDGER.c.kind.in_(kinds), OBLIGATION.c.token.is_not(None))
    question = select(OBLIGATION.c.token, LEDGER.c.data).select_from(joined).where(condition)
    with store.reading() as connection:
        for token, data in connection.execute(question.order_by(LEDGER.c.at)):
            entry = entry_of(data)
            assert isinstance(entry, Owed | Repeated)
            yield token, entry.at, entry.line


def called_back(connection: Connection) -> Iterator[CalledBack]:
    """Every callback entry of the ledger."""
    question = select(LEDGER.c.data).where(LEDGER.c.kind == tag_of(CalledBack))
    for (data,) in connection.execute(question.execution_options(yield_per=500)):
        entry = entry_of(data)
        assert isinstance(entry, CalledBack)
        yield entry


# Queries of the pages and commands.


def obligations(
    store: Store, *, state: str | None = "open", ids: Iterable[str] | None = None, numbers: bool = False
) -> list[Listed]:
    """Obligations in `state` and of `ids` (None: any), by opening time. `numbers`: with their numbers."""
    question = select(*WHOLE, OBLIGATION.c["call"], OBLIGATION.c.exchange)
    if state is not None:
        question = question.where(OBLIGATION.c.state == state)
    if ids is not None:
        question = question.where(OBLIGATION.c.id.in_(list(ids)))
    with store.reading() as connection:
        rows = list(connection.execute(question.order_by(OBLIGATION.c.opened)))
        known = _numbers(connection, [(row[3], row[4]) for row in rows], store.ring) if numbers else {}
    return [_listed(obligation_of(*row[:3]), known) for row in rows]


def _listed(one: Obligation, known: dict[tuple[str, str, str], str]) -> Listed:
    """A hidden number is not returned, even if the exchange delivered it (R-51)."""
    number = None if one.hidden is not None else known.get((one.call, one.exchange, CALLER))
    return Listed(one, number, known.get((one.call, one.exchange, CALLBACK)))


def _numbers(connection: Connection, calls: list[tuple[str, str]], ring: Ring) -> dict[tuple[str, str, str], str]:
    found: dict[tuple[str, str, str], str] = {}
    names = sorted({call for call, _ in calls})
    for place in range(0, len(names), 500):
        question = select(NUMBER).where(NUMBER.c["call"].in_(names[place : place + 500]))
        for call, exchange, role, sealed, _ in connection.execute(question):
            found[call, exchange, role] = ring.open(sealed)
    return found


def entries(store: Store, call: str, exchange: str) -> list[AnyEntry]:
    """The ledger entries of all obligations that a call opened, in order."""
    names = (call, f"{call}-complaint")
    condition = and_(LEDGER.c.obligation.in_(names), LEDGER.c.exchange == exchange)
    with store.reading() as connection:
        rows = connection.execute(select(LEDGER.c.data).where(condition).order_by(LEDGER.c.n))
        return [entry_of(data) for (data,) in rows]


def known_by(store: Store, tokens: Iterable[str]) -> list[str]:
    """The ids of all obligations with one of these tokens, as the caller's number or as the other number."""
    wanted = list(tokens)
    which = or_(OBLIGATION.c.token.in_(wanted), OBLIGATION.c.other.in_(wanted))
    with store.reading() as connection:
        return [name for (name,) in connection.execute(select(OBLIGATION.c.id).where(which))]


# Manual commands.


class Asked(NamedTuple):
    """The number of a command. `is_new` is False if the same command was already pending; no second is stored."""

    n: int
    is_new: bool


def ask(store: Store, hand: Hand, number: str | None = None) -> Asked:
    """Inserts a person's command. `number`: the number to call instead of the caller's (R-16)."""
    with store.writing() as connection:
        before = [one for one in _waiting(connection) if one.obligation == hand.obligation]
        before = [one for one in before if one.exchange == hand.exchange]
        # Compare with the last command only: an earlier equal one may have been undone since.
        if before and is_same(hand, before[-1]) and _has_number(connection, store.ring, hand, number):
            return Asked(before[-1].n, False)
        return Asked(put(connection, store.ring, hand, number), True)


def waiting(store: Store) -> int:
    """The number of commands that the daemon has not applied yet."""
    with store.reading() as connection:
        return len(_waiting(connection))


def _waiting(connection: Connection) -> list[Hand]:
    question = select(HAND.c.n, HAND.c.data).where(HAND.c.n > _done(connection)).order_by(HAND.c.n)
    return [msgspec.structs.replace(_decode(data), n=n) for n, data in connection.execute(question)]


def _has_number(connection: Connection, ring: Ring, hand: Hand, number: str | None) -> bool:
    """Whether `number` is the other number stored for the call; True if `number` is None."""
    if number is None:
        return True
    call = hand.obligation.removesuffix("-complaint")
    which = and_(NUMBER.c["call"] == call, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == CALLBACK)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    return sealed is not None and ring.open(sealed) == number


def put(connection: Connection, ring: Ring, hand: Hand, number: str | None = None) -> int:
    """Inserts a command in the current transaction, without a check for an equal one. Returns its number."""
    if connection.dialect.name == "postgresql":  # so that numbers ascend in the order of their commits
        connection.exec_driver_sql("LOCK TABLE hand IN EXCLUSIVE MODE")
    last = connection.execute(select(func.coalesce(func.max(HAND.c.n), 0))).scalar_one()
    if number is not None:
        call = hand.obligation.removesuffix("-complaint")
        _put_number(connection, (call, hand.exchange, CALLBACK), number, ring)
    row = {"n": last + 1, "at": hand.at, "actor": hand.actor, "action": hand.action}
    row |= {"exchange": hand.exchange, "obligation": hand.obligation, "data": _encode(hand).decode()}
    connection.execute(insert(HAND).values(**row))
    return int(last) + 1


def called(connection: Connection, ring: Ring, hand: Hand, number: str) -> bool:
    """Inserts the command for an outbound call that a backfill found. False if it was inserted before."""
    before = and_(HAND.c.obligation == hand.obligation, HAND.c.exchange == hand.exchange)
    question = select(HAND.c.n).where(before, HAND.c.action == hand.action).limit(1)
    if connection.execute(question).one_or_none() is not None:
        return False
    bare = tuple(without_numbers(fact) if isinstance(fact, Arrived) else fact for fact in hand.facts)
    _put_number(connection, (hand.obligation, hand.exchange, DIALLED), number, ring)
    put(connection, ring, msgspec.structs.replace(hand, facts=bare))
    return True


def _put_number(connection: Connection, place: tuple[str, str, str], number: str, ring: Ring) -> None:
    named = dict(zip(("call", "exchange", "role"), place, strict=True))
    key_rotation.overwrite(connection)
    connection.execute(NUMBER.delete().where(*(NUMBER.c[name] == value for name, value in named.items())))
    connection.execute(insert(NUMBER).values(number=ring.seal(number), token=ring.token(number), **named))
    key_rotation.note_key(connection, ring)


def done(store: Store) -> int:
    """The number of the last command that the daemon applied."""
    with store.reading() as connection:
        return _done(connection)


def _done(connection: Connection) -> int:
    return int(connection.execute(select(MARK.c.value).where(MARK.c.name == "hand")).scalar_one())


def asked(
    store: Store, after: int, token: Callable[[str], str], limit: int = 100
) -> list[tuple[Hand, Obligation | None]]:
    """Up to `limit` commands after the number `after`, in order, each with its obligation as stored.

    Each command gets the token of the number that it refers to. Raises StoreError while the database cannot be
    read.
    """
    with trouble_told(), store.reading() as connection:
        rows = connection.execute(
            select(HAND.c.n, HAND.c.data).where(HAND.c.n > after).order_by(HAND.c.n).limit(limit)
        )
        hands = [msgspec.structs.replace(_decode(data), n=n) for n, data in rows]
        renewed = key_rotation.renewals(store) if hands else {}
        told = [(_with_token(connection, hand, token, store.ring), _stored(connection, hand)) for hand in hands]
    return [(hand, None if one is None else _renewed(one, renewed)) for hand, one in told]


@contextmanager
def trouble_told() -> Iterator[None]:
    """Converts the driver's errors to StoreError. The next query opens a new connection."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise StoreError(f"the database cannot be read: {reason(error)}") from None


def _with_token(connection: Connection, hand: Hand, token: Callable[[str], str], ring: Ring) -> Hand:
    if hand.action == "called":
        return _with_number_called(connection, hand, ring)
    role = CALLBACK if hand.other_number else CALLER if hand.received is not None else None
    if role is None or (hand.received is not None and hand.received.hidden is not None):
        return hand
    call = hand.obligation.removesuffix("-complaint")
    which = and_(NUMBER.c["call"] == call, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == role)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    return msgspec.structs.replace(hand, token=None if sealed is None else token(ring.open(sealed)))


def _with_number_called(connection: Connection, hand: Hand, ring: Ring) -> Hand:
    which = and_(NUMBER.c["call"] == hand.obligation, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == DIALLED)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    if sealed is None:  # the number was erased after the command was inserted
        return msgspec.structs.replace(hand, facts=())
    known = {DIALLED: ring.open(sealed)}
    return msgspec.structs.replace(hand, facts=tuple(with_number(fact, known) for fact in hand.facts))


def _stored(connection: Connection, hand: Hand) -> Obligation | None:
    which = and_(OBLIGATION.c.id == hand.obligation, OBLIGATION.c.exchange == hand.exchange)
    row = connection.execute(select(*WHOLE).where(which)).one_or_none()
    return None if row is None else obligation_of(*row)


def refusals(store: Store, one: Key, actor: str, at: datetime) -> list[Refused]:
    """The refusals of this actor's command of that time on the obligation."""
    told = entries(store, one[1].removesuffix("-complaint"), one[0])
    return [x for x in told if isinstance(x, Refused) and (x.actor, x.at, x.obligation) == (actor, at, one[1])]
