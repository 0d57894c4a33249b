"""The queues of manual commands. Any process inserts them, the daemon applies them. Every function blocks.

Only the daemon writes the resulting entries.

    table `hand`              commands on obligations
    table `disruption_hand`   commands on disruptions

Table `mark` has the number of the last applied command of each queue. The daemon's transaction advances it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Table, and_, func, insert, select

from callmon.core.callbacks import commands as callbacks
from callmon.core.callbacks.entries import Refused
from callmon.core.callbacks.obligation import Key, Obligation
from callmon.core.disruptions import commands as disruptions
from callmon.core.disruptions import entries as disruption_entries
from callmon.core.disruptions.disruption import Disruption
from callmon.core.facts import Arrived
from callmon.store.database import Database, read_errors
from callmon.store.encryption import KeyRing
from callmon.store.numbers import overwrite_deleted, record_key, token_renewals
from callmon.store.queries import disruptions as disruption_queries
from callmon.store.queries import obligations as obligation_queries
from callmon.store.queries.obligations import WHOLE, with_newest_tokens
from callmon.store.row_mapping import CALLBACK, CALLER, DIALLED, obligation_of, with_number, without_numbers
from callmon.store.tables import DISRUPTION_HAND, HAND, MARK, NUMBER, OBLIGATION

Command = TypeVar("Command", callbacks.CallbackCommand, disruptions.DisruptionCommand)
_encode = msgspec.json.Encoder().encode


class Queued(NamedTuple):
    """The number of a command. `is_new` is False if the same command was already pending; no second is stored."""

    n: int
    is_new: bool


class _Queue(Generic[Command]):
    """One table of commands. Its row in `mark` has the table's name."""

    def __init__(self, table: Table, command: type[Command]) -> None:
        self._table = table
        self._columns = [column.name for column in table.columns if column.name not in ("n", "data")]
        self._decode: Callable[[str], Command] = msgspec.json.Decoder(command).decode

    def insert(self, connection: Connection, command: Command) -> int:
        """Inserts the command, without a check for an equal one. Returns its number."""
        table = self._table
        if connection.dialect.name == "postgresql":  # so that numbers ascend in the order of their commits
            connection.exec_driver_sql(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE")
        n = int(connection.execute(select(func.coalesce(func.max(table.c.n), 0))).scalar_one()) + 1
        values = {name: getattr(command, name) for name in self._columns}
        connection.execute(insert(table).values(n=n, data=_encode(command).decode(), **values))
        return n

    def last_applied(self, connection: Connection) -> int:
        question = select(MARK.c.value).where(MARK.c.name == self._table.name)
        return int(connection.execute(question).scalar_one())

    def after(self, connection: Connection, n: int, limit: int | None = None) -> list[Command]:
        table = self._table
        question = select(table.c.n, table.c.data).where(table.c.n > n).order_by(table.c.n).limit(limit)
        return [msgspec.structs.replace(self._decode(data), n=n) for n, data in connection.execute(question)]

    def pending(self, connection: Connection) -> list[Command]:
        return self.after(connection, self.last_applied(connection))


_CALLBACKS = _Queue(HAND, callbacks.CallbackCommand)
_DISRUPTIONS = _Queue(DISRUPTION_HAND, disruptions.DisruptionCommand)


# Commands on obligations.


def queue_callback_command(store: Database, hand: callbacks.CallbackCommand, number: str | None = None) -> Queued:
    """Inserts a person's command. `number`: the number to call instead of the caller's (R-16)."""
    with store.writing() as connection:
        before = [one for one in _CALLBACKS.pending(connection) if one.obligation == hand.obligation]
        before = [one for one in before if one.exchange == hand.exchange]
        # Compare with the last command only: an earlier equal one may have been undone since.
        if before and callbacks.is_same(hand, before[-1]) and _has_number(connection, store.ring, hand, number):
            return Queued(before[-1].n, False)
        return Queued(insert_callback_command(connection, store.ring, hand, number), True)


def insert_callback_command(
    connection: Connection, ring: KeyRing, hand: callbacks.CallbackCommand, number: str | None = None
) -> int:
    """Inserts a command in the current transaction, without a check for an equal one. Returns its number."""
    n = _CALLBACKS.insert(connection, hand)
    if number is not None:
        call = hand.obligation.removesuffix("-complaint")
        _put_number(connection, (call, hand.exchange, CALLBACK), number, ring)
    return n


def insert_outbound_call(
    connection: Connection, ring: KeyRing, hand: callbacks.CallbackCommand, number: str
) -> bool:
    """Inserts the command for an outbound call that a backfill found. False if it was inserted before."""
    before = and_(HAND.c.obligation == hand.obligation, HAND.c.exchange == hand.exchange)
    question = select(HAND.c.n).where(before, HAND.c.action == hand.action).limit(1)
    if connection.execute(question).one_or_none() is not None:
        return False
    bare = tuple(without_numbers(fact) if isinstance(fact, Arrived) else fact for fact in hand.facts)
    _put_number(connection, (hand.obligation, hand.exchange, DIALLED), number, ring)
    insert_callback_command(connection, ring, msgspec.structs.replace(hand, facts=bare))
    return True


def count_callback_commands(store: Database) -> int:
    """The number of commands that the daemon has not applied yet."""
    with store.reading() as connection:
        return len(_CALLBACKS.pending(connection))


def last_applied_callback_command(store: Database) -> int:
    """The number of the last command that the daemon applied."""
    with store.reading() as connection:
        return _CALLBACKS.last_applied(connection)


def pending_callback_commands(
    store: Database, after: int, token: Callable[[str], str], limit: int = 100
) -> list[tuple[callbacks.CallbackCommand, Obligation | None]]:
    """Up to `limit` commands after the number `after`, in order, each with its obligation as stored.

    Each command gets the token of the number that it refers to. Raises StoreError while the database cannot be
    read.
    """
    with read_errors(), store.reading() as connection:
        hands = _CALLBACKS.after(connection, after, limit)
        renewed = token_renewals(store) if hands else {}
        found = [(_with_token(connection, hand, token, store.ring), _stored(connection, hand)) for hand in hands]
    return [(hand, None if one is None else with_newest_tokens(one, renewed)) for hand, one in found]


def callback_rejections(store: Database, one: Key, actor: str, at: datetime) -> list[Refused]:
    """The refusals of this actor's command of that time on the obligation."""
    written = obligation_queries.ledger_entries(store, one[1].removesuffix("-complaint"), one[0])
    return [x for x in written if isinstance(x, Refused) and (x.actor, x.at, x.obligation) == (actor, at, one[1])]


def _has_number(
    connection: Connection, ring: KeyRing, hand: callbacks.CallbackCommand, number: str | None
) -> bool:
    """Whether `number` is the other number stored for the call; True if `number` is None."""
    if number is None:
        return True
    call = hand.obligation.removesuffix("-complaint")
    which = and_(NUMBER.c["call"] == call, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == CALLBACK)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    return sealed is not None and ring.open(sealed) == number


def _put_number(connection: Connection, place: tuple[str, str, str], number: str, ring: KeyRing) -> None:
    named = dict(zip(("call", "exchange", "role"), place, strict=True))
    overwrite_deleted(connection)
    connection.execute(NUMBER.delete().where(*(NUMBER.c[name] == value for name, value in named.items())))
    connection.execute(insert(NUMBER).values(number=ring.seal(number), token=ring.token(number), **named))
    record_key(connection, ring)


def _with_token(
    connection: Connection, hand: callbacks.CallbackCommand, token: Callable[[str], str], ring: KeyRing
) -> callbacks.CallbackCommand:
    if hand.action == "called":
        return _with_number_called(connection, hand, ring)
    role = CALLBACK if hand.other_number else CALLER if hand.received is not None else None
    if role is None or (hand.received is not None and hand.received.hidden is not None):
        return hand
    call = hand.obligation.removesuffix("-complaint")
    which = and_(NUMBER.c["call"] == call, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == role)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    return msgspec.structs.replace(hand, token=None if sealed is None else token(ring.open(sealed)))


def _with_number_called(
    connection: Connection, hand: callbacks.CallbackCommand, ring: KeyRing
) -> callbacks.CallbackCommand:
    which = and_(NUMBER.c["call"] == hand.obligation, NUMBER.c.exchange == hand.exchange, NUMBER.c.role == DIALLED)
    sealed = connection.execute(select(NUMBER.c.number).where(which)).scalar()
    if sealed is None:  # the number was erased after the command was inserted
        return msgspec.structs.replace(hand, facts=())
    known = {DIALLED: ring.open(sealed)}
    return msgspec.structs.replace(hand, facts=tuple(with_number(fact, known) for fact in hand.facts))


def _stored(connection: Connection, hand: callbacks.CallbackCommand) -> Obligation | None:
    which = and_(OBLIGATION.c.id == hand.obligation, OBLIGATION.c.exchange == hand.exchange)
    row = connection.execute(select(*WHOLE).where(which)).one_or_none()
    return None if row is None else obligation_of(*row)


# Commands on disruptions.


def queue_disruption_command(store: Database, hand: disruptions.DisruptionCommand) -> Queued:
    """Inserts a person's command, unless the same command is already pending."""
    with store.writing() as connection:
        before = [one for one in _DISRUPTIONS.pending(connection) if one.disruption == hand.disruption]
        # For an existing disruption compare with the last command only: an earlier equal one may be undone since.
        for other in before[-1:] if hand.disruption else before:
            if disruptions.is_same(hand, other):
                return Queued(other.n, False)
        return Queued(_DISRUPTIONS.insert(connection, hand), True)


def count_disruption_commands(store: Database) -> int:
    """The number of commands that the daemon has not applied yet."""
    with store.reading() as connection:
        return len(_DISRUPTIONS.pending(connection))


def last_applied_disruption_command(store: Database) -> int:
    """The number of the last command that the daemon applied."""
    with store.reading() as connection:
        return _DISRUPTIONS.last_applied(connection)


def pending_disruption_commands(
    store: Database, after: int, limit: int = 100
) -> list[tuple[disruptions.DisruptionCommand, Disruption | None]]:
    """Up to `limit` commands after the number `after`, in order, each with its disruption as stored.

    Raises StoreError while the database cannot be read.
    """
    with read_errors():
        with store.reading() as connection:
            hands = _DISRUPTIONS.after(connection, after, limit)
        return [
            (hand, disruption_queries.disruption_by_id(store, hand.disruption) if hand.disruption else None)
            for hand in hands
        ]


def disruption_rejections(
    store: Database, hand: disruptions.DisruptionCommand
) -> list[disruption_entries.DisruptionCommandRefused]:
    """The refusals of this command: entries with its actor and time."""
    written = disruption_queries.disruption_entries(store, hand.disruption)
    return [
        x
        for x in written
        if isinstance(x, disruption_entries.DisruptionCommandRefused) and (x.actor, x.at) == (hand.actor, hand.at)
    ]
