"""Queries of the report and of the pages of days and months: roll-ups and obligations. Every function blocks.

All queries of a report read one snapshot, so that concurrent writes of the daemon cannot make a total differ from
its parts. If roll-ups are incomplete or of another time zone, a report counts the calls themselves, one day at a
time. The figures are the same; the cost then grows with the number of calls. The pages read only roll-ups.

Refuses: to decrypt a number.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import sqlmodel
from sqlalchemy import Connection, and_, case, func, select

from callmon.config.business_calendar import Span
from callmon.core.attestations import Attestation
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import Arrived
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.coverage import Coverage, nothing_was_heard
from callmon.core.statistics.period import Month, midnight
from callmon.core.verdicts import Finding
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_rows, insert_rows
from callmon.store.queries import reconciliations
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import MODULUS, Key, Rollup, fingerprint
from callmon.store.row_mapping import facts_of, finding_of, obligation_of
from callmon.store.tables import (
    CALL,
    FINDING,
    GAP,
    HEARTBEAT,
    OBLIGATION,
    OPEN,
    ROLLUP,
    Condition,
    microseconds,
)
from callmon.store.tables.reports import AttestationRow

STEP = timedelta(days=1)
PUBLICS = and_(CALL.c.direction == "inbound", ~CALL.c.is_test)  # a test call is in no figure


class Fingerprint:
    """A fingerprint of rows that does not depend on the order in which they are read."""

    def __init__(self) -> None:
        self._sum = 0

    def include(self, *values: object) -> None:
        self.include_sum(fingerprint(*values))

    def include_sum(self, total: int) -> None:
        """Adds the sum of other rows' fingerprints."""
        self._sum = (self._sum + total) % MODULUS

    def __str__(self) -> str:
        return f"{self._sum:064x}"


class PeriodCounts(NamedTuple):
    """`cells`: the aggregates of a period's calls by (line, language). `calls`: their number as stored."""

    cells: dict[tuple[str, str], Cell]
    calls: dict[tuple[str, str], int]


def count_steps(connection: Connection, zone: ZoneInfo, period: Month) -> int:
    """How many times `calls` reports progress."""
    return 1 if update.rollup_state(connection).is_whole(zone) else -(-(period.end - period.begin) // STEP)


def aggregate_calls(
    connection: Connection,
    zone: ZoneInfo,
    period: Month,
    seal: Fingerprint,
    step_done: Callable[[], None] = lambda: None,
) -> PeriodCounts:
    """Aggregates the calls that arrived in a period. `step_done` is called after each step (progress)."""
    found = PeriodCounts({}, {})
    is_whole = update.rollup_state(connection).is_whole(zone)
    for rows in _rolled_up(connection, period) if is_whole else _counted(connection, zone, period):
        for (_, line, language, _), rollup in rows:
            seal.include_sum(rollup.seal)
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
        until, cells = min(begin + STEP, period.end), dict[Key, Rollup]()
        rebuild.count_calls(connection, and_(CALL.c.arrived >= begin, CALL.c.arrived < until), zone, cells)
        yield list(cells.items())
        begin = until


def call_names(connection: Connection, begin: datetime, end: datetime) -> list[tuple[str, str]]:
    """(call, exchange) of the public's ended calls on a line that arrived in [begin, end)."""
    when = and_(CALL.c.line.is_not(None), CALL.c.arrived >= begin, CALL.c.arrived < end)
    rows = connection.execute(select(CALL.c["call"], CALL.c.exchange).where(when, PUBLICS))
    return [(name, exchange) for name, exchange in rows]


def judged_obligations(
    connection: Connection, begin: datetime, end: datetime, seal: Fingerprint
) -> Iterator[tuple[Obligation, tuple[Finding, ...]]]:
    """The obligations opened in [begin, end), with their verdicts."""
    which = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    of_call = (FINDING.c["call"] == OBLIGATION.c["call"], FINDING.c.exchange == OBLIGATION.c.exchange)
    given: dict[tuple[str, str, str], list[Finding]] = {}
    for kind in ("callback", "complaint"):
        question = select(FINDING).select_from(OBLIGATION.join(FINDING, and_(*of_call)))
        question = question.where(which, OBLIGATION.c.kind == kind, FINDING.c.standard.like(f"{kind}%"))
        for key, finding in map(finding_of, connection.execute(question)):
            seal.include("finding", *key, finding.standard, finding.verdict, finding.reason_key, finding.cause)
            given.setdefault((*key, kind), []).append(finding)
    for (data,) in connection.execute(select(OBLIGATION.c.data).where(which)):
        seal.include("obligation", data)
        found = obligation_of(data, None, None)
        yield found, tuple(given.get((found.call, found.exchange, found.kind), ()))


def lines_in_progress(connection: Connection, begin: datetime, end: datetime) -> list[str]:
    """The line of each public call in progress that arrived in [begin, end)."""
    facts = (fact for data in connection.scalars(select(OPEN.c.data)) for fact in facts_of(data, {}))
    public = (
        fact for fact in facts if isinstance(fact, Arrived) and fact.direction == "inbound" and not fact.test
    )
    return [x.line for x in public if x.line is not None and x.at is not None and begin <= x.at < end]


def heard_spans(
    connection: Connection, begin: datetime, end: datetime, seal: Fingerprint
) -> dict[str, tuple[datetime | None, datetime | None, tuple[Span, ...]]]:
    """By exchange: its start, the time up to which its events are stored, and its gaps in [begin, end).

    The start is its first received call or gap; without one, it is the time up to which its events are stored.
    """
    until = {row.exchange: row.heard for row in connection.execute(select(HEARTBEAT))}
    first = _first_calls(connection)
    for name, at in connection.execute(select(GAP.c.exchange, func.min(GAP.c.began)).group_by(GAP.c.exchange)):
        first[name] = min(first.get(name) or at, at)
    which = and_(GAP.c.began < end, GAP.c.ended > begin)
    gaps: dict[str, list[Span]] = {}
    for name, began, ended in connection.execute(select(GAP).where(which).order_by(GAP.c.began)):
        seal.include("gap", name, microseconds(began), microseconds(ended))
        gaps.setdefault(name, []).append((began, ended))
    names = sorted({*until, *first, *gaps})
    return {
        name: (first.get(name) or until.get(name), until.get(name), tuple(gaps.get(name, ()))) for name in names
    }


def _first_calls(connection: Connection) -> dict[str, datetime | None]:
    """The arrival of each exchange's first call received by AMI; None if all its calls are from a backfill.

    If the roll-ups are complete, they give the day, and only that day and later ones are read.
    """
    kept, found = update.rollup_state(connection), dict[str, datetime | None]()
    was_heard = CALL.c.heard != "filled"
    if not kept.is_ours or kept.until != update.FOREVER:
        first = func.min(case((was_heard, CALL.c.arrived)), type_=CALL.c.arrived.type)
        question = select(CALL.c.exchange, first).where(CALL.c.arrived.is_not(None)).group_by(CALL.c.exchange)
        return {row.exchange: row[1] for row in connection.execute(question)}
    days = select(ROLLUP.c.exchange, func.min(ROLLUP.c.day)).where(ROLLUP.c.stored > 0)
    for name, day in connection.execute(days.group_by(ROLLUP.c.exchange)).all():
        begin = midnight(date.fromisoformat(day), ZoneInfo(kept.zone))
        earliest = select(CALL.c.arrived).where(CALL.c.exchange == name, CALL.c.arrived >= begin, was_heard)
        found[name] = connection.execute(earliest.order_by(CALL.c.arrived).limit(1)).scalar_one_or_none()
    return found


def agreeing_days(
    connection: Connection, period: Month, zone: ZoneInfo, seal: Fingerprint
) -> dict[str, tuple[Span, ...]]:
    """By exchange, the days of the period on which its own records and callmon have the same calls."""
    found: dict[str, tuple[Span, ...]] = {}
    for name, days in reconciliations.days_that_agree(connection, period.first, period.after).items():
        seal.include("compared", name, *days)
        found[name] = tuple((midnight(day, zone), midnight(day + STEP, zone)) for day in days)
    return found


# The pages of days and months. Their cost is days times lines times languages, independent of the number of calls.

Counts = Counter[tuple[str, str]]  # the cells of `core/statistics/aggregates.py`: ("half_hour.offered", "08:30") …


class HalfHourCounts(NamedTuple):
    """`days`: by day and line, the counts of the calls, if there were any. `listening`: by exchange."""

    days: dict[date, dict[str, Counts]]
    listening: dict[str, Coverage]


def half_hour_counts(
    store: Database, zone: ZoneInfo, days: Collection[date], until: datetime
) -> HalfHourCounts | None:
    """The counts of `days` as known at `until`. None while roll-ups are being rebuilt or are of another zone."""
    with store.reading() as connection:
        if not update.rollup_state(connection).is_whole(zone):
            return None
        found: dict[date, dict[str, Counts]] = {}
        which = and_(ROLLUP.c.day.in_([day.isoformat() for day in days]), ROLLUP.c.calls > 0)
        for day, line, cell in connection.execute(select(ROLLUP.c.day, ROLLUP.c.line, ROLLUP.c.cell).where(which)):
            lines = found.setdefault(date.fromisoformat(day), {})
            lines.setdefault(line, Counter()).update(update.decode_cell(cell).counts)
        begin = midnight(min(days), zone)
        heard = heard_spans(connection, begin, max(until, begin + STEP), Fingerprint())
    return HalfHourCounts(found, {name: Coverage(*spans) for name, spans in heard.items()})


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


def _month(connection: Connection, zone: ZoneInfo, month: Month) -> MonthCounts:
    begin, end, counts = month.begin, month.end, Counter[tuple[str, str]]()
    days = and_(
        ROLLUP.c.day >= month.first.isoformat(), ROLLUP.c.day < month.after.isoformat(), ROLLUP.c.line != ""
    )
    for cell in connection.scalars(select(ROLLUP.c.cell).where(days)):
        counts.update(update.decode_cell(cell).counts)
    opened = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    judged = and_(FINDING.c["call"] == OBLIGATION.c["call"], FINDING.c.exchange == OBLIGATION.c.exchange)
    of_callback = and_(opened, OBLIGATION.c.kind == "callback", FINDING.c.standard == WITHIN)
    verdicts = select(FINDING.c.verdict, func.count()).select_from(OBLIGATION.join(FINDING, judged))
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
    begin, end, seal = month.begin, month.end, Fingerprint()
    days = agreeing_days(connection, month, zone, seal)
    heard = heard_spans(connection, begin, end, seal)
    listening = {name: Coverage(*spans, days.get(name, ())) for name, spans in heard.items()}
    is_received = bool(listening) and not nothing_was_heard(listening, begin, end)
    return is_received or any(x.covered_by_log(begin, end) for x in listening.values())


# What persons state about lines.


def insert_attestations(store: Database, given: list[Attestation]) -> None:
    """Inserts all attestations in one transaction. Raises StoreError."""
    rows = [AttestationRow(**msgspec.structs.asdict(x) | {"tested": x.tested.isoformat()}) for x in given]
    with database_errors(store), store.writing() as connection:
        insert_rows(connection, *rows)


def attestations_in(connection: Connection) -> list[Attestation]:
    """All attestations, in the order in which they were inserted."""
    found = found_rows(connection, sqlmodel.select(AttestationRow).order_by(sqlmodel.col(AttestationRow.id)))
    return [msgspec.convert(row.model_dump(exclude={"id"}), Attestation) for row in found]


def attestations(store: Database) -> list[Attestation]:
    """As `attestations_in`, on a connection of its own. Raises StoreError."""
    with database_errors(store), store.reading() as connection:
        return attestations_in(connection)
