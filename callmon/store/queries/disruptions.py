"""Queries on disruptions, and the queue of manual commands. Every function blocks: use a thread.

Manual commands are inserted into a table of their own. The daemon reads and applies them. Only the daemon writes
the resulting entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, and_, func, insert, or_, select

from callmon.core.calls.call import Call
from callmon.core.calls.endpoints import endpoint
from callmon.core.disruptions.commands import Hand, is_same
from callmon.core.disruptions.disruption import Disruption, after, opened
from callmon.core.disruptions.entries import AnyEntry, Opened, Planned, Refused
from callmon.core.disruptions.register import Noted
from callmon.core.facts import tag_of
from callmon.store import tables
from callmon.store.database import Store
from callmon.store.queries import calls as queries
from callmon.store.queries.calls import CALL
from callmon.store.queries.obligations import Asked, trouble_told
from callmon.store.row_mapping import call_of, disruption_entry_of, disruption_of

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.monitor import Monitor

ENTRY, DISRUPTION, HAND, MARK = (
    tables.METADATA.tables[str(row.__tablename__)]
    for row in (tables.DisruptionEntryRow, tables.DisruptionRow, tables.DisruptionHandRow, tables.MarkRow)
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Hand).decode
ROUTES_OF = 20  # calls
LONGEST = timedelta(days=1)  # no call lasts longer, so a query need not scan years of calls
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # a disruption that is stated to begin earlier has no calls either


def live(store: Store) -> list[Disruption]:
    """The disruptions that the passing of time, an event or a person can still change."""
    return _found(store, DISRUPTION.c.is_live)


def all_of(store: Store, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """Disruptions and planned work that overlap [begin, end), by their beginning. None: no bound."""
    with store.reading() as connection:
        return all_in(connection, begin, end)


def all_in(connection: Connection, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """As `all_of`, in the current transaction."""
    conditions = [] if end is None else [DISRUPTION.c.began < end]
    if begin is not None:
        conditions.append(or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > begin))
    return _found_in(connection, and_(*conditions) if conditions else None)


def named(store: Store, name: str) -> Disruption | None:
    found = _found(store, DISRUPTION.c.id == name)
    return found[0] if found else None


def met(store: Store, line: str, since: datetime, until: datetime) -> list[Disruption]:
    """Disruptions of `line` that overlap [since, until], the duration of a call. Excludes planned work."""
    when = and_(DISRUPTION.c.began <= until, or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > since))
    which = and_(DISRUPTION.c.lines.like(f"% {_escaped(line)} %", escape="\\"), DISRUPTION.c.counts, when)
    return [one for one in _found(store, which) if one.source != "work"]


def met_by(store: Store, call: Call | None) -> list[Disruption]:
    """The disruptions that overlap this call; empty for None and for a call in progress."""
    if call is None or call.line is None or call.arrived is None or call.ended is None:
        return []
    return met(store, call.line, call.arrived, call.ended)


def calls_met(store: Store, one: Disruption) -> int:
    """The number of ended public calls that were up on its lines during the disruption."""
    which = and_(CALL.c.line.in_(list(one.lines)), CALL.c.ended > one.began, CALL.c.arrived > up_since(one))
    which = and_(which, CALL.c.direction == "inbound", ~CALL.c.is_test)
    if one.ended is not None:
        which = and_(which, CALL.c.arrived <= one.ended)
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(CALL).where(which)).scalar_one())


def up_since(one: Disruption) -> datetime:
    """No call that arrived before this time was still up when the disruption began."""
    return max(one.began, EARLIEST) - LONGEST


def _found(store: Store, which: object) -> list[Disruption]:
    with store.reading() as connection:
        return _found_in(connection, which)


def _found_in(connection: Connection, which: object) -> list[Disruption]:
    question = select(DISRUPTION.c.data).order_by(DISRUPTION.c.began, DISRUPTION.c.id)
    if which is not None:
        question = question.where(which)  # type: ignore[arg-type]  # a condition on the columns
    return [disruption_of(data) for (data,) in connection.execute(question)]


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def entries(store: Store, name: str) -> list[AnyEntry]:
    """The entries of one disruption, in order."""
    question = select(ENTRY.c.data).where(ENTRY.c.disruption == name).order_by(ENTRY.c.n)
    with store.reading() as connection:
        return [disruption_entry_of(data) for (data,) in connection.execute(question)]


def noted(connection: Connection) -> Iterator[Noted]:
    """Every entry of the register, with the state of its disruption after it."""
    question = select(ENTRY.c.disruption, ENTRY.c.data).order_by(ENTRY.c.disruption, ENTRY.c.n)
    for _, rows in groupby(connection.execute(question).all(), key=lambda row: row[0]):
        one: Disruption | None = None
        for _, data in rows:
            entry, before = disruption_entry_of(data), one
            if isinstance(entry, Opened | Planned):
                one = opened(entry)
            else:
                assert before is not None
                one = after(before, entry)
            announces = one.announced is not None and (before is None or before.announced is None)
            yield Noted(entry, one, announces)


def routes(store: Store, exchange: str, lines: Iterable[str]) -> list[tuple[str, str, datetime | None]]:
    """The trunks of each line's latest ROUTES_OF calls: (line, trunk, arrival)."""
    found: list[tuple[str, str, datetime | None]] = []
    with store.reading() as connection:
        for line in lines:
            question = select(CALL.c.data).where(CALL.c.line == line, CALL.c.exchange == exchange)
            latest = question.order_by(CALL.c.arrived.desc()).limit(ROUTES_OF)
            calls = [call_of(data, {}) for (data,) in connection.execute(latest)]
            found += [(line, endpoint(call.channel), call.arrived) for call in calls]
    return found


# State that the daemon restores.


def take_up(store: Store, monitor: Monitor, settings: Settings) -> None:
    """Restores the live disruptions, each line's last call, and the trunks of its calls."""
    monitor.disruptions.book.restore(live(store))
    monitor.learn_last_calls(queries.last_calls(store), queries.last_calls(store, tests=True))
    lines = [line.name for line in settings.lines()]
    for exchange in settings.exchanges:
        monitor.learn_routes(exchange, routes(store, exchange, lines))


# Manual commands.


def ask(store: Store, hand: Hand) -> Asked:
    """Inserts a person's command, unless the same command is already pending."""
    with store.writing() as connection:
        before = [one for one in _waiting(connection) if one.disruption == hand.disruption]
        # For an existing disruption compare with the last command only: an earlier equal one may be undone since.
        for other in before[-1:] if hand.disruption else before:
            if is_same(hand, other):
                return Asked(other.n, False)
        if connection.dialect.name == "postgresql":  # so that numbers ascend in the order of their commits
            connection.exec_driver_sql("LOCK TABLE disruption_hand IN EXCLUSIVE MODE")
        last = connection.execute(select(func.coalesce(func.max(HAND.c.n), 0))).scalar_one()
        row = {"n": last + 1, "at": hand.at, "actor": hand.actor, "action": hand.action}
        row |= {"disruption": hand.disruption, "data": _encode(hand).decode()}
        connection.execute(insert(HAND).values(**row))
        return Asked(int(last) + 1, True)


def waiting(store: Store) -> int:
    """The number of commands that the daemon has not applied yet."""
    with store.reading() as connection:
        return len(_waiting(connection))


def _waiting(connection: Connection) -> list[Hand]:
    question = select(HAND.c.n, HAND.c.data).where(HAND.c.n > _done(connection)).order_by(HAND.c.n)
    return [msgspec.structs.replace(_decode(data), n=n) for n, data in connection.execute(question)]


def done(store: Store) -> int:
    """The number of the last command that the daemon applied."""
    with store.reading() as connection:
        return _done(connection)


def _done(connection: Connection) -> int:
    question = select(MARK.c.value).where(MARK.c.name == "disruption_hand")
    return int(connection.execute(question).scalar_one())


def asked(store: Store, after: int, limit: int = 100) -> list[tuple[Hand, Disruption | None]]:
    """Up to `limit` commands after the number `after`, in order, each with its disruption as stored.

    Raises StoreError while the database cannot be read.
    """
    with trouble_told():
        with store.reading() as connection:
            question = select(HAND.c.n, HAND.c.data).where(HAND.c.n > after).order_by(HAND.c.n).limit(limit)
            hands = [msgspec.structs.replace(_decode(data), n=n) for n, data in connection.execute(question)]
        return [(hand, named(store, hand.disruption) if hand.disruption else None) for hand in hands]


def made_by(store: Store, hand: Hand) -> Disruption | None:
    """The disruption that this command created; None if it has created none."""
    with store.reading() as connection:
        question = select(ENTRY.c.data).where(ENTRY.c.kind.in_((tag_of(Opened), tag_of(Planned))))
        for (data,) in connection.execute(question.order_by(ENTRY.c.n.desc())):
            entry = disruption_entry_of(data)
            told = entry.told if isinstance(entry, Opened) else entry.at
            if isinstance(entry, Opened | Planned) and (entry.actor, told) == (hand.actor, hand.at):
                return named(store, entry.disruption)
    return None


def refusals(store: Store, hand: Hand) -> list[Refused]:
    """The refusals of this command: entries with its actor and time."""
    told = entries(store, hand.disruption)
    return [x for x in told if isinstance(x, Refused) and (x.actor, x.at) == (hand.actor, hand.at)]
