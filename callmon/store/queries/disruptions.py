"""Queries on disruptions. Every function blocks: use a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, func, or_, select, union_all

from callmon.core.calls.call import Call
from callmon.core.calls.endpoints import endpoint
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import AnyEntry, Disruption, Opened, Planned
from callmon.core.disruptions.register import DisruptionUpdate, update_by
from callmon.core.facts import tag_of
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.row_mapping import call_of, disruption_entry_of, disruption_of
from callmon.store.tables import CALL, DISRUPTION, DISRUPTION_ENTRY, Condition

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.monitor import Monitor

ROUTES_OF = 20  # calls
MOST_MET = 500  # calls of a disruption; above this the page only states that there are more
LONGEST = timedelta(days=1)  # no call lasts longer, so a query need not scan years of calls
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # a disruption that is stated to begin earlier has no calls either


def live_disruptions(store: Database) -> list[Disruption]:
    """The disruptions that the passing of time, an event or a person can still change."""
    return _stored(store, DISRUPTION.c.is_live)


def all_of(store: Database, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """Disruptions and planned work that overlap [begin, end), by their beginning. None: no bound."""
    with store.reading() as connection:
        return all_in(connection, begin, end)


def all_in(connection: Connection, begin: datetime | None = None, end: datetime | None = None) -> list[Disruption]:
    """As `all_of`, in the current transaction."""
    conditions = [] if end is None else [DISRUPTION.c.began < end]
    if begin is not None:
        conditions.append(or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > begin))
    return _stored_in(connection, *conditions)


def disruption_by_id(store: Database, name: str) -> Disruption | None:
    return next(iter(_stored(store, DISRUPTION.c.id == name)), None)


def overlapping(store: Database, line: str, since: datetime, until: datetime) -> list[Disruption]:
    """Disruptions of `line` that overlap [since, until], the duration of a call. Excludes planned work."""
    when = and_(DISRUPTION.c.began <= until, or_(DISRUPTION.c.ended.is_(None), DISRUPTION.c.ended > since))
    which = and_(DISRUPTION.c.lines.contains(f" {line} ", autoescape=True), DISRUPTION.c.counts, when)
    return [disruption for disruption in _stored(store, which) if disruption.source != "work"]


def disruptions_of_call(store: Database, call: Call | None) -> list[Disruption]:
    """The disruptions that overlap this call; empty for None and for a call in progress."""
    if call is None or call.line is None or call.arrived is None or call.ended is None:
        return []
    return overlapping(store, call.line, call.arrived, call.ended)


def calls_met(store: Database, disruption: Disruption, most: int | None = None) -> int:
    """The number of ended public calls that were up on its lines during the disruption, up to `most` + 1.

    Those that arrived during it are counted first: a bounded count seldom reads the day before, in which almost
    every call had ended.
    """
    arrived, began = CALL.c.arrived, disruption.began
    which = [
        CALL.c.line.in_(list(disruption.lines)),
        CALL.c.ended > began,
        CALL.c.direction == "inbound",
        ~CALL.c.is_test,
    ]
    if disruption.ended is not None:
        which.append(arrived <= disruption.ended)
    spans = (arrived > began, and_(arrived > up_since(disruption), arrived <= began))
    calls = union_all(*(select(CALL.c["call"]).where(*which, span) for span in spans))
    bounded = calls.limit(None if most is None else most + 1).subquery()
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(bounded)).scalar_one())


def up_since(disruption: Disruption) -> datetime:
    """No call that arrived before this time was still up when the disruption began."""
    return max(disruption.began, EARLIEST) - LONGEST


def _stored(store: Database, *which: Condition) -> list[Disruption]:
    with store.reading() as connection:
        return _stored_in(connection, *which)


def _stored_in(connection: Connection, *which: Condition) -> list[Disruption]:
    question = select(DISRUPTION.c.data).where(*which).order_by(DISRUPTION.c.began, DISRUPTION.c.id)
    found, view = map(disruption_of, connection.scalars(question)), connection.get_execution_options().get("view")
    return [x.of_lines(view.lines) for x in found] if view is not None and view.lines is not None else list(found)


def disruption_entries(store: Database, name: str) -> list[AnyEntry]:
    """The entries of one disruption, in order."""
    question = select(DISRUPTION_ENTRY.c.data).where(DISRUPTION_ENTRY.c.disruption == name)
    with store.reading() as connection:
        return list(map(disruption_entry_of, connection.scalars(question.order_by(DISRUPTION_ENTRY.c.n))))


def all_updates(connection: Connection) -> Iterator[DisruptionUpdate]:
    """Every entry of the register, with the state of its disruption after it."""
    question = select(DISRUPTION_ENTRY.c.disruption, DISRUPTION_ENTRY.c.data).order_by(
        DISRUPTION_ENTRY.c.disruption, DISRUPTION_ENTRY.c.n
    )
    for _, rows in groupby(connection.execute(question).all(), key=lambda row: row[0]):
        disruption: Disruption | None = None
        for _, data in rows:
            update = update_by(disruption_entry_of(data), disruption)
            disruption = update.disruption
            yield update


def trunks_of_lines(
    store: Database, exchange: str, lines: Iterable[str]
) -> list[tuple[str, str, datetime | None]]:
    """The trunks of each line's latest ROUTES_OF calls: (line, trunk, arrival)."""
    found: list[tuple[str, str, datetime | None]] = []
    with store.reading() as connection:
        for line in lines:
            question = select(CALL.c.data).where(CALL.c.line == line, CALL.c.exchange == exchange)
            latest = question.order_by(CALL.c.arrived.desc()).limit(ROUTES_OF)
            calls = (call_of(data, {}) for data in connection.scalars(latest))
            found += [(line, endpoint(call.channel), call.arrived) for call in calls]
    return found


# State that the daemon restores.


def restore_disruptions(store: Database, monitor: Monitor, settings: Settings) -> None:
    """Restores the live disruptions, each line's last call, and the trunks of its calls."""
    monitor.disruptions.register.restore(live_disruptions(store))
    monitor.learn_last_calls(queries.last_calls(store), queries.last_calls(store, tests=True))
    lines = [line.name for line in settings.lines()]
    for exchange in settings.exchanges:
        monitor.learn_routes(exchange, trunks_of_lines(store, exchange, lines))


def created_by(store: Database, command: DisruptionCommand) -> Disruption | None:
    """The disruption that this command created; None if it has created none."""
    kinds = (tag_of(Opened), tag_of(Planned))
    question = select(DISRUPTION_ENTRY.c.data).where(DISRUPTION_ENTRY.c.kind.in_(kinds))
    with store.reading() as connection:
        for entry in map(disruption_entry_of, connection.scalars(question.order_by(DISRUPTION_ENTRY.c.n.desc()))):
            at = entry.told if isinstance(entry, Opened) else entry.at
            if isinstance(entry, Opened | Planned) and (entry.actor, at) == (command.actor, command.at):
                return disruption_by_id(store, entry.disruption)
    return None
