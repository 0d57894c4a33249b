"""Queries of the report and of the pages of days and months: roll-ups and obligations. Every function blocks.

All queries of a report read one snapshot, so that concurrent writes of the daemon cannot make a total differ from
its parts. If roll-ups are incomplete or of another time zone, a report counts the calls themselves, one day at a
time. The figures are the same; the cost then grows with the number of calls. The pages read only roll-ups.

Refuses: to decrypt a number.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, select

from callmon.config.settings import Settings
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import Arrived
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.coverage import nothing_was_heard
from callmon.core.statistics.period import DAY, Month
from callmon.core.verdicts import Finding
from callmon.features.months.figures import is_final
from callmon.store.database import Database
from callmon.store.queries.coverage import Fingerprint, coverages
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import Key, Rollup
from callmon.store.row_mapping import facts_of, finding_of, obligation_of
from callmon.store.tables import CALL, FINDING, OBLIGATION, OPEN, ROLLUP, Condition, same_call

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


def lines_in_progress(connection: Connection, begin: datetime, end: datetime) -> list[str]:
    """The line of each public call in progress that arrived in [begin, end)."""
    facts = (fact for data in connection.scalars(select(OPEN.c.data)) for fact in facts_of(data, {}))
    public = (
        fact for fact in facts if isinstance(fact, Arrived) and fact.direction == "inbound" and not fact.test
    )
    return [x.line for x in public if x.line is not None and x.at is not None and begin <= x.at < end]


# The page of months. Its cost is days times lines times languages, independent of the number of calls.

WITHIN = "callback_within_24_hours"


class MonthCounts(NamedTuple):
    """`counts`: by figure and part, of all lines. `last_due`: of its obligations. `has_data`: as in the report."""

    counts: Counter[tuple[str, str]]
    last_due: datetime | None
    in_progress: bool
    has_data: bool


def month_counts(store: Database, zone: ZoneInfo, months: Sequence[Month]) -> list[MonthCounts] | None:
    """The counts of each month. None while roll-ups are being rebuilt or are of another zone."""
    with store.reading() as connection:
        if not update.rollup_state(connection).is_whole(zone):
            return None
        return [_month(connection, zone, month) for month in months]


def is_final_month(store: Database, settings: Settings, month: Month, now: datetime) -> bool:
    """Whether no figure of the month changes any more; False while roll-ups are being rebuilt."""
    for found in month_counts(store, settings.timezone, [month]) or ():
        calls = found.counts["calls_offered", ""]
        return is_final(month, now, calls, found.last_due, found.in_progress, found.has_data)
    return False


def _month(connection: Connection, zone: ZoneInfo, month: Month) -> MonthCounts:
    begin = month.begin
    end = month.end
    counts = Counter[tuple[str, str]]()
    days = and_(
        ROLLUP.c.day >= month.first.isoformat(), ROLLUP.c.day < month.after.isoformat(), ROLLUP.c.line != ""
    )
    for cell in connection.scalars(select(ROLLUP.c.cell).where(days)):
        counts.update(update.decode_cell(cell).counts)
    opened = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    of_callback = and_(opened, OBLIGATION.c.kind == "callback", FINDING.c.standard == WITHIN)
    judged = OBLIGATION.join(FINDING, same_call(OBLIGATION, FINDING))
    verdicts = select(FINDING.c.verdict, func.count()).select_from(judged)
    for verdict, count in connection.execute(verdicts.where(of_callback).group_by(FINDING.c.verdict)):
        counts[f"{WITHIN}.verdict", verdict] = count
    return MonthCounts(
        counts,
        _last_due(connection, opened),
        bool(lines_in_progress(connection, begin, end)),
        counts["calls_offered", ""] > 0 or _was_received(connection, zone, month),
    )


def _last_due(connection: Connection, opened: Condition) -> datetime | None:
    """The last due time of the obligations; a complaint has two."""
    callbacks = select(func.max(OBLIGATION.c.due)).where(opened, OBLIGATION.c.kind != "complaint")
    complaints = select(OBLIGATION.c.data).where(opened, OBLIGATION.c.kind == "complaint")
    dues = [max(obligation_of(data, None, None).due_times) for data in connection.scalars(complaints)]
    latest = connection.execute(callbacks).scalar_one()
    return max((*dues, *([] if latest is None else [latest])), default=None)


def _was_received(connection: Connection, zone: ZoneInfo, month: Month) -> bool:
    """Whether callmon received a part of a month without a call, or the exchange's log covers a part."""
    begin = month.begin
    end = month.end
    listening = coverages(connection, month, zone, Fingerprint())
    is_received = bool(listening) and not nothing_was_heard(listening, begin, end)
    return is_received or any(x.covered_by_log(begin, end) for x in listening.values())
