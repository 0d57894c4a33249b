"""How many calls arrived in each half-hour of past days, and which days were after a closed one."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from callmon.config.business_calendar import Calendar
from callmon.core.replay.volume import Volumes
from callmon.core.statistics.period import midnight
from callmon.store.database import Database
from callmon.store.tables import CALL

MONDAY = date(1970, 1, 5).toordinal()


def date_number(day: date) -> int:
    """Days since a Monday: a multiple of seven is one."""
    return day.toordinal() - MONDAY


def after_closed(calendar: Calendar, day: date) -> bool:
    """Whether the working day before was closed."""
    return calendar.closed.on(day - timedelta(days=3 if day.weekday() == 0 else 1)) is not None


def read_volumes(
    store: Database, zone: ZoneInfo, calendar: Calendar, first: date, last: date, line: str | None = None
) -> list[Volumes]:
    """Inbound calls in opening hours, by local half-hour. A day without calls is left out."""
    question = select(CALL.c.arrived).where(
        CALL.c.arrived >= midnight(first, zone),
        CALL.c.arrived < midnight(last + timedelta(days=1), zone),
        CALL.c.direction == "inbound",
        CALL.c.line.is_not(None) if line is None else CALL.c.line == line,
        ~CALL.c.is_test,
        CALL.c.in_hours.is_not(False),
    )
    found: dict[date, dict[int, int]] = {}
    with store.reading() as connection:
        for (arrived,) in connection.execute(question):
            local = arrived.astimezone(zone)
            slots = found.setdefault(local.date(), {})
            slot = 2 * local.hour + local.minute // 30
            slots[slot] = slots.get(slot, 0) + 1
    return [Volumes(date_number(day), found[day], after_closed(calendar, day)) for day in sorted(found)]
