"""Periods: months of the local calendar. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from callmon.config.business_calendar import Calendar
from callmon.errors import ConfigError

_WRITTEN = re.compile(r"(\d{4})-(\d{2})")


class Month(msgspec.Struct, frozen=True):
    """A local period, from the first moment of `first` up to that of `after`. `to_date`: not a whole month."""

    name: str
    first: date
    after: date
    begin: datetime
    end: datetime
    to_date: bool = False


def month(written: str, zone: ZoneInfo) -> Month:
    """Parse "2026-10" to a period. Raises ConfigError for any other form."""
    found = _WRITTEN.fullmatch(written)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) < 9999:
        raise ConfigError(f"{written}: a month is written as 2026-10.")
    first = date(int(found[1]), int(found[2]), 1)
    return period(first, following(first), zone)


def period(first: date, after: date, zone: ZoneInfo) -> Month:
    """The period from `first` up to the day before `after`, named after the month of `first`."""
    is_whole = after == following(first)
    return Month(f"{first:%Y-%m}", first, after, midnight(first, zone), midnight(after, zone), not is_whole)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def following(first: date) -> date:
    """The first day of the next month."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def before(current: Month, zone: ZoneInfo) -> Month:
    first = date(current.first.year - (current.first.month == 1), (current.first.month - 2) % 12 + 1, 1)
    return period(first, current.first.replace(day=1), zone)


def earlier(current: Month, zone: ZoneInfo, count: int) -> list[Month]:
    """The `count` months before, oldest first."""
    found = [current]
    for _ in range(count):
        found.insert(0, before(found[0], zone))
    return found[:-1]


def year_before(current: Month, zone: ZoneInfo) -> Month:
    first = current.first.replace(year=current.first.year - 1, day=1)
    return period(first, following(first), zone)


def to_date(current: Month, today: date, zone: ZoneInfo) -> Month:
    """The days of the month that are over. Raises ConfigError when none is."""
    if today <= current.first:
        raise ConfigError(f"{current.name}: no day of it is over yet.")
    return period(current.first, min(today, current.after), zone)


def last(today: date) -> str:
    """The month before that of `today`, as "2026-10"."""
    before_it = today.replace(day=1) - timedelta(days=1)
    return f"{before_it:%Y-%m}"


def is_due(calendar: Calendar, today: date) -> bool:
    """Whether the first business day of the month has come: last month's report is written from that day on."""
    return any(calendar.business_day(today.replace(day=day)) for day in range(1, today.day + 1))
