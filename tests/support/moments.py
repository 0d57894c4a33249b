"""Moments of the past that a test needs, found from the calendar: they have the same property on any date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from tests.support.fact_builder import usual

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def opening_hour(before: datetime, days: int) -> datetime:
    """An hour after an opening of the shipped calendar, at least `days` before that moment: the latest one.

    A message of that moment has opening minutes before its due time. At an arbitrary moment it may have none:
    a callback of a message from Friday evening to Saturday evening is never overdue (standards, R-07).
    """
    calendar = usual().calendar()
    latest = before.astimezone(UTC) - days * DAY
    today = calendar.local_day(latest)
    while True:
        for opens, _ in calendar.spans(today)[:1]:
            if opens + HOUR <= latest:
                return opens + HOUR
        today -= DAY


def stopped(now: datetime) -> type[datetime]:
    """A clock that always shows this moment, in place of a module's `datetime`."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return now.astimezone(tz)

    return Stopped
