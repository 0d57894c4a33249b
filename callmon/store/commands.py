"""The queues of manual commands. Any process inserts them, the daemon applies them. Every function blocks.

Only the daemon writes the resulting entries.

    table `hand`              commands on obligations
    table `disruption_hand`   commands on disruptions

Table `mark` has the number of the last applied command of each queue. The daemon's transaction advances it.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, and_, func, insert, select
from sqlmodel import col

from callmon.core.callbacks import commands as callbacks
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.entries import Refused
from callmon.core.callbacks.obligation import Obligation
from callmon.core.disruptions import commands as disruptions
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import Disruption, DisruptionCommandRefused
from callmon.core.facts import Arrived
from callmon.store import access
from callmon.store.bulk import overwrite_deleted, record_key
from callmon.store.database import Database, database_errors
from callmon.store.encryption import KeyRing
from callmon.store.instances import insert_rows
from callmon.store.queries.disruptions import disruption_by_id, disruption_entries
from callmon.store.queries.obligations import WHOLE, ledger_entries, token_renewals, with_newest_tokens
from callmon.store.row_mapping import CALLBACK, CALLER, DIALLED, obligation_of, with_number, without_numbers
from callmon.store.tables import MARK, NUMBER, OBLIGATION
from callmon.store.tables.callbacks import HandRow
from callmon.store.tables.columns import table_of
from callmon.store.tables.disruptions import DisruptionHandRow

Command = TypeVar("Command", CallbackCommand, DisruptionCommand)
AT_ONCE = 100
_encode = msgspec.json.Encoder().encode


class Queued(NamedTuple):
    """The number of a command. `is_new` is False if the same command was already pending; no second is stored."""

    n: int
    is_new: bool


class StoredQueue(Generic[Command]):
    """One table of commands. Its row in `mark` has the table's name."""

    def __init__(self, row: type[HandRow] | type[DisruptionHandRow], command: type[Command]) -> None:
        self._row, self._name = row, table_of(row).name
        self._columns = row.model_fields.keys() - {"n", "data"}
        self._decode: Callable[[str], Command] = msgspec.json.Decoder(command).decode

    def insert(self, connection: Connection, command: Command) -> int:
        """Inserts the command, without a check for an equal one. Returns its number."""
        if connection.dialect.name == "postgresql":  # so that numbers ascend in the order of their commits
            connection.exec_driver_sql(f"LOCK TABLE {self._name} IN EXCLUSIVE MODE")
        n = int(connection.scalar(select(func.max(self._row.n))) or 0) + 1
        values = {name: getattr(command, name) for name in self._columns}
        insert_rows(connection, self._row(n=n, data=_encode(command).decode(), **values))
        return n

    def last_applied(self, store: Database) -> int:
        """The number of the last command that the daemon applied."""
        with store.reading() as connection:
            return self._last_applied(connection)

    def count_pending(self, store: Database) -> int:
        """The number of commands that the daemon has not applied yet."""
        with store.reading() as connection:
            return len(self.pending(connection))

    def after(self, connection: Connection, n: int, limit: int | None = None) -> list[Command]:
        number = col(self._row.n)
        question = select(number, col(self._row.data)).where(number > n).order_by(number).limit(limit)
        return [msgspec.structs.replace(self._decode(data), n=n) for n, data in connection.execute(question)]

    def pending(self, connection: Connection) -> list[Command]:
        return self.after(connection, self._last_applied(connection))

    def _last_applied(self, connection: Connection) -> int:
        question = select(MARK.c.value).where(MARK.c.name == self._name)
        return int(connection.execute(question).scalar_one())


CALLBACK_QUEUE = StoredQueue(HandRow, CallbackCommand)
DISRUPTION_QUEUE = StoredQueue(DisruptionHandRow, DisruptionCommand)
NEWEST = "SELECT (SELECT max(n) FROM hand), (SELECT max(n) FROM disruption_hand)"


def newest_commands(store: Database) -> tuple[int, int]:
    """The numbers of the newest command on obligations and on disruptions; 0: none. Raises StoreError.

    The daemon asks twice a second. One statement without SQLAlchemy's work is a fifth of the price of two queries.
    """
    with database_errors(store), store.reading() as connection:
        callback, disruption = connection.exec_driver_sql(NEWEST).one()
    return callback or 0, disruption or 0


# Commands on obligations.


def queue_callback_command(store: Database, command: CallbackCommand, number: str | None = None) -> Queued:
    """Inserts a person's command. `number`: the number to call instead of the caller's (R-16)."""
    with store.writing() as connection:
        place = (command.obligation, command.exchange)
        before = [x for x in CALLBACK_QUEUE.pending(connection) if (x.obligation, x.exchange) == place]
        command = _masked(command)
        # Compare with the last command only: an earlier equal one may have been undone since.
        last = before[-1] if before else None
        if last and callbacks.is_same(command, last) and _has_number(connection, store.ring, command, number):
            return Queued(last.n, False)
        return Queued(insert_callback_command(connection, store.ring, command, number), True)


def insert_callback_command(
    connection: Connection, ring: KeyRing, command: CallbackCommand, number: str | None = None
) -> int:
    """Inserts a command in the current transaction, without a check for an equal one. Returns its number.

    A number in its text is masked: nobody would find it there when the number is to be disposed of.
    """
    n = CALLBACK_QUEUE.insert(connection, _masked(command))
    if number is not None:
        _store_number(connection, (_call(command), command.exchange, CALLBACK), number, ring)
    return n


def _masked(command: CallbackCommand) -> CallbackCommand:
    return msgspec.structs.replace(command, text=access.without_numbers(command.text))


def insert_outbound_call(connection: Connection, ring: KeyRing, command: CallbackCommand, number: str) -> bool:
    """Inserts the command for an outbound call that a backfill found. False if it was inserted before."""
    same = {"obligation": command.obligation, "exchange": command.exchange, "action": command.action}
    question = select(col(HandRow.n)).filter_by(**same).limit(1)
    if connection.execute(question).one_or_none() is not None:
        return False
    bare = tuple(without_numbers(fact) if isinstance(fact, Arrived) else fact for fact in command.facts)
    _store_number(connection, (command.obligation, command.exchange, DIALLED), number, ring)
    insert_callback_command(connection, ring, msgspec.structs.replace(command, facts=bare))
    return True


def pending_callback_commands(
    store: Database, after: int, token: Callable[[str], str]
) -> list[tuple[CallbackCommand, Obligation | None]]:
    """Up to AT_ONCE commands after the number `after`, in order, each with its obligation as stored.

    Each command gets the token of the number that it refers to. Raises StoreError while the database cannot be
    read.
    """
    with database_errors(store), store.reading() as connection:
        commands = CALLBACK_QUEUE.after(connection, after, AT_ONCE)
        renewed = token_renewals(store) if commands else {}
        found = [(_with_token(connection, x, token, store.ring), _stored(connection, x)) for x in commands]
    return [(command, x and with_newest_tokens(x, renewed)) for command, x in found]


def callback_rejections(store: Database, command: CallbackCommand) -> list[Refused]:
    """The refusals of this command: entries with its actor, time and obligation."""
    refused = [x for x in ledger_entries(store, _call(command), command.exchange) if isinstance(x, Refused)]
    return [x for x in refused if (x.actor, x.at, x.obligation) == (command.actor, command.at, command.obligation)]


def _call(command: CallbackCommand) -> str:
    return command.obligation.removesuffix("-complaint")


def _has_number(connection: Connection, ring: KeyRing, command: CallbackCommand, number: str | None) -> bool:
    """Whether `number` is the other number stored for the call; True if `number` is None."""
    if number is None:
        return True
    return _stored_number(connection, (_call(command), command.exchange, CALLBACK), ring) == number


def _stored_number(connection: Connection, place: tuple[str, str, str], ring: KeyRing) -> str | None:
    """The number at that place (call, exchange, role), decrypted; None if none is stored."""
    named = zip(NUMBER.primary_key.columns, place, strict=True)
    encrypted = connection.scalar(select(NUMBER.c.number).where(*(column == value for column, value in named)))
    return None if encrypted is None else ring.decrypt(encrypted)


def _store_number(connection: Connection, place: tuple[str, str, str], number: str, ring: KeyRing) -> None:
    named = dict(zip(("call", "exchange", "role"), place, strict=True))
    overwrite_deleted(connection)
    connection.execute(NUMBER.delete().where(*(NUMBER.c[name] == value for name, value in named.items())))
    connection.execute(insert(NUMBER).values(number=ring.encrypt(number), token=ring.token(number), **named))
    record_key(connection, ring)


def _with_token(
    connection: Connection, command: CallbackCommand, token: Callable[[str], str], ring: KeyRing
) -> CallbackCommand:
    if command.action == "called":
        return _with_number_called(connection, command, ring)
    role = CALLBACK if command.other_number else CALLER if command.received is not None else None
    if role is None or (command.received is not None and command.received.hidden is not None):
        return command
    number = _stored_number(connection, (_call(command), command.exchange, role), ring)
    return msgspec.structs.replace(command, token=None if number is None else token(number))


def _with_number_called(connection: Connection, command: CallbackCommand, ring: KeyRing) -> CallbackCommand:
    number = _stored_number(connection, (command.obligation, command.exchange, DIALLED), ring)
    if number is None:  # it was erased after the command was inserted
        return msgspec.structs.replace(command, facts=())
    return msgspec.structs.replace(
        command, facts=tuple(with_number(fact, {DIALLED: number}) for fact in command.facts)
    )


def _stored(connection: Connection, command: CallbackCommand) -> Obligation | None:
    which = and_(OBLIGATION.c.id == command.obligation, OBLIGATION.c.exchange == command.exchange)
    row = connection.execute(select(*WHOLE).where(which)).one_or_none()
    return None if row is None else obligation_of(*row)


# Commands on disruptions.


def queue_disruption_command(store: Database, command: DisruptionCommand) -> Queued:
    """Inserts a person's command, unless the same command is already pending."""
    with store.writing() as connection:
        before = [x for x in DISRUPTION_QUEUE.pending(connection) if x.disruption == command.disruption]
        # For an existing disruption compare with the last command only: an earlier equal one may be undone since.
        for other in before[-1:] if command.disruption else before:
            if disruptions.is_same(command, other):
                return Queued(other.n, False)
        return Queued(DISRUPTION_QUEUE.insert(connection, command), True)


def pending_disruption_commands(store: Database, after: int) -> list[tuple[DisruptionCommand, Disruption | None]]:
    """Up to AT_ONCE commands after the number `after`, in order, each with its disruption as stored.

    Raises StoreError while the database cannot be read.
    """
    with database_errors(store):
        with store.reading() as connection:
            commands = DISRUPTION_QUEUE.after(connection, after, AT_ONCE)
        return [(x, disruption_by_id(store, x.disruption) if x.disruption else None) for x in commands]


def disruption_rejections(store: Database, command: DisruptionCommand) -> list[DisruptionCommandRefused]:
    """The refusals of this command: entries with its actor and time."""
    refused = [x for x in disruption_entries(store, command.disruption) if isinstance(x, DisruptionCommandRefused)]
    return [x for x in refused if (x.actor, x.at) == (command.actor, command.at)]
