"""What the record says of days to come: past calls by half-hour, and the phones needed. Every function blocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from callmon.config.business_calendar import Calendar
from callmon.core.replay.planned import WEEKS, Wanted, date_number, planned_day, staffing_factor
from callmon.core.replay.volume import Volumes, horizon, language_share
from callmon.core.statistics.period import midnight
from callmon.store.database import Database
from callmon.store.queries.seen_days import DayReader, counted_calls, in_language
from callmon.store.tables import CALL, Condition

EIGHT_WEEKS, YEAR = 56, 365  # days
VOLUME_DAYS = 210


def after_closed(calendar: Calendar, day: date) -> bool:
    """Whether the working day before was closed."""
    return calendar.closed.on(day - timedelta(days=3 if day.weekday() == 0 else 1)) is not None


def _of_line(zone: ZoneInfo, first: date, last: date, line: str | None) -> tuple[Condition, ...]:
    of_days = counted_calls(midnight(first, zone), midnight(last + timedelta(days=1), zone))
    return of_days if line is None else (*of_days, CALL.c.line == line)


def share_of(store: Database, zone: ZoneInfo, language: str, known: date, line: str | None) -> float:
    """The share of a language among the line's calls, from eight weeks and a year before `known`."""
    counts = []
    with store.reading() as connection:
        for days in (EIGHT_WEEKS, YEAR):
            which = _of_line(zone, known - timedelta(days=days), known, line)
            question = select(CALL.c.language, func.count()).where(*which).group_by(CALL.c.language)
            found: dict[str, int] = dict(map(tuple, connection.execute(question)))
            counts.append((found.get(language, 0), sum(found.values())))
    (of_weeks, weeks), (of_year, year) = counts
    return language_share(of_weeks, weeks, of_year / year if year else 0.0)


def read_volumes(
    store: Database, zone: ZoneInfo, calendar: Calendar, first: date, last: date, line: str | None = None
) -> list[Volumes]:
    """Inbound calls in opening hours, by local half-hour. A day without calls is left out."""
    question = select(CALL.c.arrived).where(*_of_line(zone, first, last, line))
    found = defaultdict[date, Counter[int]](Counter)
    with store.reading() as connection:
        for (arrived,) in connection.execute(question):
            local = arrived.astimezone(zone)
            found[local.date()][2 * local.hour + local.minute // 30] += 1
    return [Volumes(date_number(day), found[day], after_closed(calendar, day)) for day in sorted(found)]


def planned_rows(
    store: Database,
    zone: ZoneInfo,
    calendar: Calendar,
    days: Sequence[date],
    known: date,
    wanted: Wanted,
    progress: Callable[[float], None] = lambda share: None,
) -> Iterator[dict[str, Any]]:
    """The half-hours of the open ones of these days. Nothing later than `known` is read."""
    volumes = read_volumes(store, zone, calendar, known - timedelta(days=VOLUME_DAYS), known, wanted.line)
    seen = DayReader(zone, wanted.line).read_days(store, known - timedelta(weeks=WEEKS), known)
    share = 1.0
    if wanted.language is not None:
        share = share_of(store, zone, wanted.language, known, wanted.line)
        seen = [in_language(one, wanted.language) for one in seen]
    factors = cache(partial(staffing_factor, volumes, seen, wanted))
    for number, day in enumerate(days, 1):
        if calendar.periods_on(day):
            late, ahead = after_closed(calendar, day), (day - known).days
            yield from planned_day(day, ahead, late, volumes, seen, wanted, share, factors(horizon(ahead)))
        progress(number / len(days))
