"""Questions about disruptions, and what a person asks to be done. Each blocks: ask in a thread.

What is asked by hand goes into a table of its own, which the daemon reads and does: it alone writes what follows.
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
LONGEST = timedelta(days=1)  # no call lasts longer: those of years need not be looked at
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # what is said to have begun before has no calls either


def live(store: Store) -> list[Disruption]:
    """Those that time, an event or a person may still change."""
    return _found(store, DISRUPTION.c.is_live)


def all_of(store: Store, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """Those that lasted at some time of [begin, end), or that are planned in it, by their beginning."""
    with store.reading() as connection:
        return all_in(connection, begin, end)


def all_in(connection: Connection, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """The same in a transaction that is under way."""
    conditions = [] if end is None else [DISRUPTION.c.began < end]
    if begin is not None:
        conditions.append(or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > begin))
    return _found_in(connection, and_(*conditions) if conditions else None)


def named(store: Store, name: str) -> Disruption | None:
    found = _found(store, DISRUPTION.c.id == name)
    return found[0] if found else None


def met(store: Store, line: str, since: datetime, until: datetime) -> list[Disruption]:
    """The disruptions that a call on this line met, which was up then. Planned work alone is none."""
    when = and_(DISRUPTION.c.began <= until, or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > since))
    which = and_(DISRUPTION.c.lines.like(f"% {_escaped(line)} %", escape="\\"), DISRUPTION.c.counts, when)
    return [one for one in _found(store, which) if one.source != "work"]


def met_by(store: Store, call: Call | None) -> list[Disruption]:
    """The disruptions that this call met; of one in progress nothing is said."""
    if call is None or call.line is None or call.arrived is None or call.ended is None:
        return []
    return met(store, call.line, call.arrived, call.ended)


def calls_met(store: Store, one: Disruption) -> int:
    """How many of the public's calls were up on its lines while it lasted, of those that are over."""
    which = and_(CALL.c.line.in_(list(one.lines)), CALL.c.ended > one.began, CALL.c.arrived > up_since(one))
    which = and_(which, CALL.c.direction == "inbound", ~CALL.c.is_test)
    if one.ended is not None:
        which = and_(which, CALL.c.arrived <= one.ended)
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(CALL).where(which)).scalar_one())


def up_since(one: Disruption) -> datetime:
    """No call that arrived before this was still up when it began."""
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
    """What was written of one, in order."""
    question = select(ENTRY.c.data).where(ENTRY.c.disruption == name).order_by(ENTRY.c.n)
    with store.reading() as connection:
        return [disruption_entry_of(data) for (data,) in connection.execute(question)]


def noted(connection: Connection) -> Iterator[Noted]:
    """Every entry again, with what stood after it."""
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
    """Over which trunks each line's latest calls came: (line, trunk, when)."""
    found: list[tuple[str, str, datetime | None]] = []
    with store.reading() as connection:
        for line in lines:
            question = select(CALL.c.data).where(CALL.c.line == line, CALL.c.exchange == exchange)
            latest = question.order_by(CALL.c.arrived.desc()).limit(ROUTES_OF)
            calls = [call_of(data, {}) for (data,) in connection.execute(latest)]
            found += [(line, endpoint(call.channel), call.arrived) for call in calls]
    return found


# What a daemon takes up.


def take_up(store: Store, monitor: Monitor, settings: Settings) -> None:
    """What is live, each line's last call, and over which trunks calls came."""
    monitor.disruptions.book.restore(live(store))
    monitor.learn_last_calls(queries.last_calls(store), queries.last_calls(store, tests=True))
    lines = [line.name for line in settings.lines()]
    for exchange in settings.exchanges:
        monitor.learn_routes(exchange, routes(store, exchange, lines))


# By hand.


def ask(store: Store, hand: Hand) -> Asked:
    """Write down what a person asks for."""
    with store.writing() as connection:
        before = [one for one in _waiting(connection) if one.disruption == hand.disruption]
        # Of one that exists only the last: between two of one kind there may be one that undoes the first.
        for other in before[-1:] if hand.disruption else before:
            if is_same(hand, other):
                return Asked(other.n, False)
        if connection.dialect.name == "postgresql":  # numbers ascend in the order in which they can be read
            connection.exec_driver_sql("LOCK TABLE disruption_hand IN EXCLUSIVE MODE")
        last = connection.execute(select(func.coalesce(func.max(HAND.c.n), 0))).scalar_one()
        row = {"n": last + 1, "at": hand.at, "actor": hand.actor, "action": hand.action}
        row |= {"disruption": hand.disruption, "data": _encode(hand).decode()}
        connection.execute(insert(HAND).values(**row))
        return Asked(int(last) + 1, True)


def waiting(store: Store) -> int:
    """How many requests the daemon has not done yet."""
    with store.reading() as connection:
        return len(_waiting(connection))


def _waiting(connection: Connection) -> list[Hand]:
    question = select(HAND.c.n, HAND.c.data).where(HAND.c.n > _done(connection)).order_by(HAND.c.n)
    return [msgspec.structs.replace(_decode(data), n=n) for n, data in connection.execute(question)]


def done(store: Store) -> int:
    """The number of the last that was done."""
    with store.reading() as connection:
        return _done(connection)


def _done(connection: Connection) -> int:
    question = select(MARK.c.value).where(MARK.c.name == "disruption_hand")
    return int(connection.execute(question).scalar_one())


def asked(store: Store, after: int, limit: int = 100) -> list[tuple[Hand, Disruption | None]]:
    """What was asked by hand after that number, in order, with the disruption as it is stored. Raises StoreError
    while the database cannot be read.
    """
    with trouble_told():
        with store.reading() as connection:
            question = select(HAND.c.n, HAND.c.data).where(HAND.c.n > after).order_by(HAND.c.n).limit(limit)
            hands = [msgspec.structs.replace(_decode(data), n=n) for n, data in connection.execute(question)]
        return [(hand, named(store, hand.disruption) if hand.disruption else None) for hand in hands]


def made_by(store: Store, hand: Hand) -> Disruption | None:
    """The disruption that a person made by this."""
    with store.reading() as connection:
        question = select(ENTRY.c.data).where(ENTRY.c.kind.in_((tag_of(Opened), tag_of(Planned))))
        for (data,) in connection.execute(question.order_by(ENTRY.c.n.desc())):
            entry = disruption_entry_of(data)
            told = entry.told if isinstance(entry, Opened) else entry.at
            if isinstance(entry, Opened | Planned) and (entry.actor, told) == (hand.actor, hand.at):
                return named(store, entry.disruption)
    return None


def refusals(store: Store, hand: Hand) -> list[Refused]:
    """What was refused of what this person asked for then."""
    told = entries(store, hand.disruption)
    return [x for x in told if isinstance(x, Refused) and (x.actor, x.at) == (hand.actor, hand.at)]
