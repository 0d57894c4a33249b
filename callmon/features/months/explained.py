"""Why a month kept the third ring more or less than the month before, and how many callers reached a person.

Both are estimates of the questions (`callmon why`, `callmon needs`): in the internal report alone, where the site
has switched them on. Refuses: parts from calls that were imported, partly heard or too few, and of some lines.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec
from sqlalchemy import Connection

from callmon.config.settings import Settings
from callmon.core.replay.needs import Needs, count_needs
from callmon.core.replay.planned import Wanted
from callmon.core.replay.record import SeenDay
from callmon.core.replay.what_if import LEAST_ANSWERED, LEAST_CALLS, MOST_UNKNOWN
from callmon.core.replay.why import MONTH_PAIRS, Pair, compare_months, explain_month, is_explained, spread_days
from callmon.core.statistics.period import Month
from callmon.features.months.model import (
    ComparedMonth,
    ExplainedPart,
    MonthExplained,
    MonthSilence,
    PlannedHalfHour,
    Report,
)
from callmon.store.database import Database
from callmon.store.encryption import KeyRing
from callmon.store.queries.contacts import read_contacts, shared_tokens
from callmon.store.queries.seen_days import DayReader, Kept, disrupted_spans, judged_days
from callmon.store.queries.staffing import planned_rows

THIRD = "answer_by_third_ring"
TARGET, RINGS = 0.9, 3  # of the phones needed


def explained(
    connection: Connection,
    ring: KeyRing,
    settings: Settings,
    report: Report,
    before: Month | None,
    lines: Iterable[str] | None,
) -> Report:
    """The report with the answers of the questions that are on."""
    asked = settings.configuration.questions
    needs = _needs(connection, ring, settings, report.month, lines) if "needs" in asked else None
    is_whole = before is not None and lines is None
    why = _why(connection, settings, report, before) if "why" in asked and before and is_whole else None
    return msgspec.structs.replace(report, needs=needs, explained=why)


def planned_week(
    store: Database, settings: Settings, month: Month, now: datetime, line: str | None
) -> tuple[PlannedHalfHour, ...]:
    """The phones needed in the seven days after the month; empty where less than eight weeks are known."""
    known = min(month.after, now.astimezone(settings.timezone).date()) - timedelta(days=1)
    days = [month.after + timedelta(days=n) for n in range(7)]
    wanted = Wanted(line, TARGET, RINGS, None)
    rows = planned_rows(store, settings.timezone, settings.calendar(line), days, known, wanted)
    return tuple(
        PlannedHalfHour(
            row["day"],
            row["slot"],
            row["calls"]["low"],
            row["calls"]["high"],
            None if row["out_of_reach"] else row["phones"],
        )
        for row in rows
        if row["said"]
    )


def _needs(
    connection: Connection, ring: KeyRing, settings: Settings, month: Month, lines: Iterable[str] | None
) -> Needs:
    names = settings.names("line") if lines is None else list(lines)
    shared = shared_tokens(ring, settings.rules.shared_numbers)
    return count_needs(read_contacts(connection, month.begin, month.end, names, shared), month.begin, month.end)


def _why(connection: Connection, settings: Settings, report: Report, before: Month) -> MonthExplained:
    """The month beside the one before; without parts where these would say too much."""
    zone, other = settings.timezone, next(x for x in report.compared if x.relation == "before")
    if report.is_running or report.month.to_date:
        return MonthExplained(before.name, why_not="not_over")
    silence = _silence(report.compared_as("this")) or _silence(other)
    if silence is not None:
        return MonthExplained(before.name, why_not=silence)
    days, usual = (judged_days(connection, zone, x.begin, x.end) for x in (report.month, before))
    compared = compare_months([*days.values()], [*usual.values()])
    found = MonthExplained(before.name, compared.rate, compared.usual, compared.z)
    if compared.z is None:
        return msgspec.structs.replace(found, why_not="few_days")
    if not compared.differs:
        return msgspec.structs.replace(found, why_not="usual")
    pairs = _pairs(connection, settings, days, usual)
    found = msgspec.structs.replace(found, days=len(pairs))
    parts = explain_month(compared, pairs)
    if not is_explained(parts):
        return msgspec.structs.replace(found, why_not="not_explained")
    return msgspec.structs.replace(found, parts=tuple(ExplainedPart(x.part, x.points) for x in parts))


def _silence(month: ComparedMonth) -> MonthSilence | None:
    """Why nothing is said of a month with these figures."""
    calls = month.count("calls_offered")
    if month.has_imported:
        return "imported"
    if calls < LEAST_CALLS or month.count("outcomes", "answered") < LEAST_ANSWERED:
        return "few_calls"
    is_heard = month.may_compare("rate") and month.count(f"{THIRD}.verdict", "unknown") <= MOST_UNKNOWN * calls
    return None if is_heard else "partly_heard"


def _pairs(
    connection: Connection, settings: Settings, days: Mapping[date, Kept], usual: Mapping[date, Kept]
) -> list[Pair]:
    """Days of both months by the rank of their rates."""
    zone, count = settings.timezone, min(MONTH_PAIRS, len(days), len(usual))
    reader = DayReader(zone)

    def seen(day: date) -> SeenDay:
        return reader.read_day(connection, day) or SeenDay(day.isoformat(), (), {})

    return [
        Pair(seen(day), seen(other), disrupted_spans(connection, zone, day))
        for day, other in zip(spread_days(days, count), spread_days(usual, count), strict=True)
    ]
