"""Load what a monthly report is made from: one snapshot of the database, and the settings. Each function blocks.

A report stays the same while neither the data nor the settings change and no obligation falls due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from callmon.core.attestations import AttestationStatus, status_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from callmon.config.settings import Settings
    from callmon.core.statistics.coverage import Coverage
    from callmon.core.statistics.period import Month
    from callmon.reports.builder import ReportBuilder, ReportContext
    from callmon.reports.model import Relation, Report
    from callmon.store.database import Database
    from callmon.store.queries.reports import Fingerprint

# The settings of an exchange that affect how its calls are interpreted; the others concern its connection.
OF_EXCHANGE = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    "dial_prefixes",
}
OF_SITE = {
    *("timezone", "region", "relay_numbers", "minimum_sample", "callbacks", "calendar", "services", "lines"),
    *("staff", "standards"),
}
Told = Callable[[], None]


def gathered(
    store: Database,
    settings: Settings,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None = None,
    compare: bool = True,
    progress: Callable[[int], Told] = lambda days: lambda: None,
) -> Report:
    """The report of a period as the database has it at `now`.

    `compare`: add the month before and the same month of the year before. `progress` gets the number of read steps
    and returns a function to call after each. A step is a day, or a month that the roll-ups cover.
    """
    from callmon.core.statistics import period as months
    from callmon.reports.model import Comparison
    from callmon.store.queries import reports as reported

    zone, site = settings.timezone, site_of(settings)
    others: list[tuple[Relation, Month]] = [
        ("before", months.before(period, zone)),
        ("year_before", months.year_before(period, zone)),
    ]
    others = others if compare else []
    with reported.snapshot(store) as connection:
        told = progress(
            sum(reported.count_steps(connection, zone, x) for x in (period, *(one for _, one in others)))
        )
        made = _one(connection, site, period, now, lines, told)
        beside = [
            Comparison(
                one.name,
                relation,
                _one(connection, site, one, now, lines, told).figures,
            )
            for relation, one in others
        ]
    return msgspec.structs.replace(made, compared=tuple(beside))


def _one(
    connection: Connection,
    site: ReportContext,
    period: Month,
    now: datetime,
    lines: Iterable[str] | None,
    told: Told,
) -> Report:
    from callmon.core.statistics.coverage import Coverage
    from callmon.reports.builder import PeriodTotals, ReportBuilder
    from callmon.store.queries import disruptions
    from callmon.store.queries import reports as reported

    book, seal = ReportBuilder(site, period, now, lines), reported.Fingerprint()
    begin, end = period.begin, period.end
    counted = reported.aggregate_calls(connection, site.zone, period, seal, told)
    for (line, language), cell in counted.cells.items():
        book.rolled_up(line, language, cell)
    for judged in reported.judged_obligations(connection, begin, end, seal):
        book.obligation(judged.what, judged.findings)
    heard = reported.heard_spans(connection, begin, end, seal)
    told_by_log = reported.agreeing_days(connection, period, site.zone, seal)
    listening = {name: Coverage(*one, told_by_log.get(name, ())) for name, one in heard.items()}
    if end > now:  # the time after `now` is not a gap in reception
        listening = {name: _so_far(one, now, end) for name, one in listening.items()}
    disrupted = tuple(disruptions.all_in(connection, begin, end))
    for one in disrupted:
        seal.add("disruption", one.id, one.began, one.ended, one.counts)
    known = PeriodTotals(
        listening=listening,
        counted=counted.calls,
        in_progress=sum(map(book.is_told, reported.lines_in_progress(connection, begin, end))),
        fingerprint=str(seal),
        disruptions=disrupted,
        reconciled=reported.reconciled(connection, period.first, period.after, lines, seal),
    )
    stands = _attested(connection, site, book, period, now, seal)
    known = msgspec.structs.replace(known, fingerprint=str(seal))
    return msgspec.structs.replace(book.report(known), attested=stands)


def _attested(
    connection: Connection,
    site: ReportContext,
    book: ReportBuilder,
    period: Month,
    now: datetime,
    seal: Fingerprint,
) -> tuple[AttestationStatus, ...]:
    """The attestations of each line as they stand at the end of the period."""
    from callmon.store.queries import attestations

    told = [
        one
        for one in attestations.attestations_in(connection)
        if one.tested < period.after and book.is_told(one.line)
    ]
    for one in told:
        seal.add("attestation", *msgspec.structs.astuple(one))
    today = min(now, period.end).astimezone(site.zone).date()
    return status_of([x.name for x in site.lines if book.is_told(x.name)], told, period.after, today)


def _so_far(one: Coverage, now: datetime, end: datetime) -> Coverage:
    """Reception in a month that is not over: received until less than a minute ago counts as received until now.

    Otherwise the time since the last reception is a gap.
    """
    recent = one.until is not None and now - one.until < timedelta(minutes=1)
    gaps = one.gaps if recent or one.until is None else (*one.gaps, (one.until, now))
    return msgspec.structs.replace(one, until=None if one.until is None else end, gaps=gaps)


def site_of(settings: Settings) -> ReportContext:
    """The settings that the report needs."""
    from callmon.reports.builder import ReportContext
    from callmon.reports.model import Title

    return ReportContext(
        zone=settings.timezone,
        lines=settings.lines(),
        services={name: Title(x.title_fr, x.title_en) for name, x in settings.services.items()},
        calendar=settings.calendar(),
        minimum=settings.minimum_sample,
        judged=_judged(settings),
        attempt_counts=settings.rules.attempt_counts,
        fingerprint=fingerprint(settings),
    )


def _judged(settings: Settings) -> frozenset[str]:
    """The standards that are judged at this site: all except those whose requirements are not configured."""
    from callmon.core.assembly import monitor
    from callmon.core.standards import load

    enabled = monitor(settings, token=str).enabled()
    return frozenset(x.name for x in load(settings.standards) if x.needs is None or enabled[x.name])


def fingerprint(settings: Settings) -> str:
    """SHA-256 (hex) of every setting that affects a figure; it covers no secret and no address."""
    told = settings.configuration.model_dump(mode="json", include=OF_SITE)
    exchanges = {
        name: x.model_dump(mode="json", include=OF_EXCHANGE)
        for name, x in settings.configuration.exchanges.items()
    }
    written = json.dumps(told | {"exchanges": exchanges}, sort_keys=True, ensure_ascii=False, default=str)
    return sha256(written.encode()).hexdigest()
