"""Periods: months of the local calendar. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from callmon.config.business_calendar import Calendar
from callmon.errors import ConfigError

DAY = timedelta(days=1)
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
        raise ConfigError("{written}: a month is written as 2026-10.", written=written)
    return month_from(date(int(found[1]), int(found[2]), 1), 0, zone)


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


def month_from(first: date, months: int, zone: ZoneInfo) -> Month:
    """The whole month that begins `months` after `first`."""
    years, month_before = divmod(first.year * 12 + first.month - 1 + months, 12)
    begin = date(years, month_before + 1, 1)
    return period(begin, following(begin), zone)


def before(current: Month, zone: ZoneInfo) -> Month:
    return month_from(current.first, -1, zone)


def earlier(current: Month, zone: ZoneInfo, count: int) -> list[Month]:
    """The `count` months before, oldest first."""
    return [month_from(current.first, -n, zone) for n in range(count, 0, -1)]


def to_date(current: Month, today: date, zone: ZoneInfo) -> Month:
    """The days of the month that are over. Raises ConfigError when none is."""
    if today <= current.first:
        raise ConfigError("{when}: no day of it is over yet; give an earlier day or month.", when=current.name)
    return period(current.first, min(today, current.after), zone)


def last(today: date) -> str:
    """The month before that of `today`, as "2026-10"."""
    return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"


def is_due(calendar: Calendar, today: date) -> bool:
    """Whether the first business day of the month has come: last month's report is written from that day on."""
    return any(calendar.business_day(today.replace(day=day)) for day in range(1, today.day + 1))


def is_final(
    month: Month, now: datetime, calls: int, due: datetime | None, is_in_progress: bool, has_data: bool
) -> bool:
    """Whether no figure of the month changes any more. `due`: of its obligations the last; None without any.

    A month without a call and without an obligation is never final, nor is a part of a month.
    """
    may_change = month.to_date or month.end > now or is_in_progress or (due is not None and due >= now)
    return has_data and not may_change and (calls > 0 or due is not None)
