"""Queries of the report and of the pages of days and months: roll-ups and obligations. Every function blocks.

All queries of a report read one snapshot, so that concurrent writes of the daemon cannot make a total differ from
its parts. If roll-ups are incomplete or of another time zone, a report counts the calls themselves, one day at a
time. The figures are the same; the cost then grows with the number of calls. The pages read only roll-ups.

Refuses: to decrypt a number.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, select

from callmon.core.callbacks.obligation import Obligation
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.period import DAY, Month
from callmon.core.verdicts import Finding
from callmon.store.queries.coverage import Fingerprint
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import Key, Rollup
from callmon.store.row_mapping import finding_of, obligation_of
from callmon.store.tables import CALL, FINDING, OBLIGATION, ROLLUP, same_call

PUBLICS = and_(CALL.c.direction == "inbound", ~CALL.c.is_test)  # a test call is in no figure


class PeriodCounts(NamedTuple):
    """`cells`: the aggregates of a period's calls by (line, language). `calls`: their number as stored."""

    cells: dict[tuple[str, str], Cell]
    calls: dict[tuple[str, str], int]


def count_steps(connection: Connection, zone: ZoneInfo, period: Month) -> int:
    """How many times `calls` reports progress."""
    return 1 if update.rollup_state(connection).is_whole(zone) else -(-(period.end - period.begin) // DAY)


def aggregate_calls(
    connection: Connection,
    zone: ZoneInfo,
    period: Month,
    fingerprint: Fingerprint,
    step_done: Callable[[], None] = lambda: None,
) -> PeriodCounts:
    """Aggregates the calls that arrived in a period. `step_done` is called after each step (progress)."""
    found = PeriodCounts({}, {})
    is_whole = update.rollup_state(connection).is_whole(zone)
    for rows in _rolled_up(connection, period) if is_whole else _counted(connection, zone, period):
        for (_, line, language, _), rollup in rows:
            fingerprint.include_sum(rollup.fingerprint)
            if line:
                place = (line, language)
                found.cells.setdefault(place, Cell()).merge(rollup.cell)
                found.calls[place] = found.calls.get(place, 0) + rollup.calls
        step_done()
    return found


def _rolled_up(connection: Connection, period: Month) -> Iterator[list[tuple[Key, Rollup]]]:
    days = and_(ROLLUP.c.day >= period.first.isoformat(), ROLLUP.c.day < period.after.isoformat())
    yield [update.decode_row(row) for row in connection.execute(select(ROLLUP).where(days))]


def _counted(connection: Connection, zone: ZoneInfo, period: Month) -> Iterator[list[tuple[Key, Rollup]]]:
    begin = period.begin
    while begin < period.end:
        until, cells = min(begin + DAY, period.end), dict[Key, Rollup]()
        rebuild.count_calls(connection, and_(CALL.c.arrived >= begin, CALL.c.arrived < until), zone, cells)
        yield list(cells.items())
        begin = until


def call_names(connection: Connection, begin: datetime, end: datetime) -> list[tuple[str, str]]:
    """(call, exchange) of the public's ended calls on a line that arrived in [begin, end)."""
    when = and_(CALL.c.line.is_not(None), CALL.c.arrived >= begin, CALL.c.arrived < end)
    rows = connection.execute(select(CALL.c["call"], CALL.c.exchange).where(when, PUBLICS))
    return [(name, exchange) for name, exchange in rows]


def judged_obligations(
    connection: Connection, begin: datetime, end: datetime, fingerprint: Fingerprint
) -> Iterator[tuple[Obligation, tuple[Finding, ...]]]:
    """The obligations opened in [begin, end), with their verdicts."""
    which = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    given: dict[tuple[str, str, str], list[Finding]] = {}
    for kind in ("callback", "complaint"):
        question = select(FINDING).select_from(OBLIGATION.join(FINDING, same_call(OBLIGATION, FINDING)))
        question = question.where(which, OBLIGATION.c.kind == kind, FINDING.c.standard.like(f"{kind}%"))
        for key, finding in map(finding_of, connection.execute(question)):
            fingerprint.include(
                "finding", *key, finding.standard, finding.verdict, finding.reason_key, finding.cause
            )
            given.setdefault((*key, kind), []).append(finding)
    for (data,) in connection.execute(select(OBLIGATION.c.data).where(which)):
        fingerprint.include("obligation", data)
        found = obligation_of(data, None, None)
        yield found, tuple(given.get((found.call, found.exchange, found.kind), ()))
