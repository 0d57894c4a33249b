"""Load what a monthly report is made from: one snapshot of the database, and the settings. Each function blocks.

A report stays the same while neither the data nor the settings change and no obligation falls due.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from callmon.config.settings import Settings
from callmon.core.attestations import AttestationStatus, status_of
from callmon.core.statistics import period as months
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import Month
from callmon.reports.builder import PeriodTotals, ReportBuilder
from callmon.reports.model import ComparedMonth, Relation, Report
from callmon.store.database import Database
from callmon.store.queries import disruptions, reconciliations, reports
from callmon.store.queries import reports as queries
from callmon.store.queries.reports import Fingerprint

Step = Callable[[], None]  # called after each step of the work


def gathered(
    store: Database,
    settings: Settings,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None = None,
    compare: bool = True,
    progress: Callable[[int], Step] = lambda days: lambda: None,
) -> Report:
    """The report of a period as the database has it at `now`.

    `compare`: add the month before, the same month of the year before, and the whole of the eleven months before.
    `progress` gets the number of read steps and returns a function to call after each. A step is a day, or a month
    that the roll-ups cover.
    """
    zone = settings.timezone
    others: list[tuple[Relation, Month]] = []
    if compare:
        others = [("earlier", x) for x in months.earlier(period, zone, 11)[:-1]]
        others += [("before", months.before(period, zone)), ("year_before", months.year_before(period, zone))]
    with store.snapshot() as connection:
        step = progress(sum(queries.count_steps(connection, zone, x) for x in (period, *(x for _, x in others))))
        report = _report(connection, ReportBuilder(settings, period, now, lines), step)
        compared = []
        for relation, month in others:
            builder = ReportBuilder(settings, month, now, lines, has_cuts=relation != "earlier")
            compared.append(ComparedMonth(month.name, relation, _report(connection, builder, step).figures))
    return msgspec.structs.replace(report, compared=tuple(compared[-2:]), months=tuple(compared[:-1]))


def _report(connection: Connection, builder: ReportBuilder, step: Step) -> Report:
    zone, period, now, seal = builder.settings.timezone, builder.month, builder.now, Fingerprint()
    begin, end = period.begin, period.end
    counted = queries.aggregate_calls(connection, zone, period, seal, step)
    for (line, language), cell in counted.cells.items():
        builder.rolled_up(line, language, cell)
    for obligation, findings in queries.judged_obligations(connection, begin, end, seal):
        builder.obligation(obligation, findings)
    received = queries.heard_spans(connection, begin, end, seal)
    compared = queries.agreeing_days(connection, period, zone, seal)
    listening = {name: Coverage(*x, compared.get(name, ())) for name, x in received.items()}
    if end > now:  # the time after `now` is not a gap in reception
        listening = {name: _so_far(x, now, end) for name, x in listening.items()}
    disrupted = tuple(disruptions.all_in(connection, begin, end))
    for x in disrupted:
        seal.include("disruption", x.id, x.began, x.ended, x.counts)
    in_progress = sum(map(builder.is_included, queries.lines_in_progress(connection, begin, end)))
    reconciled = reconciliations.reconciled_counts(connection, period.first, period.after, builder.wanted)
    if reconciled is not None:
        seal.include("reconciliation", *sorted(reconciled.items()))
    attested = _attested(connection, builder, seal)
    totals = PeriodTotals(listening, counted.calls, in_progress, str(seal), disrupted, reconciled)
    return msgspec.structs.replace(builder.report(totals), attested=attested)


def _attested(connection: Connection, builder: ReportBuilder, seal: Fingerprint) -> tuple[AttestationStatus, ...]:
    """The attestations of each line as they stand at the end of the period."""
    after = builder.month.after
    tests = [x for x in reports.attestations_in(connection) if x.tested < after and builder.is_included(x.line)]
    for test in tests:
        seal.include("attestation", *msgspec.structs.astuple(test))
    today = min(builder.now, builder.month.end).astimezone(builder.settings.timezone).date()
    return status_of([x.name for x in builder.lines], tests, after, today)


def _so_far(coverage: Coverage, now: datetime, end: datetime) -> Coverage:
    """Reception in a month that is not over: received until less than a minute ago counts as received until now.

    Otherwise the time since the last reception is a gap.
    """
    if coverage.until is None:
        return coverage
    is_recent = now - coverage.until < timedelta(minutes=1)
    gaps = coverage.gaps if is_recent else (*coverage.gaps, (coverage.until, now))
    return msgspec.structs.replace(coverage, until=end, gaps=gaps)
