"""The moments that tests choose from the calendar have their property on any date."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from tests.support.fact_builder import Office, local
from tests.support.moments import opening_hour


@cache
def actionable(received: datetime) -> datetime | None:
    """Until when a person can call back for a message of that moment."""
    office = Office()
    (obligation,) = office.hear(office.message(received)).kept.values()
    return obligation.due.actionable


def test_a_message_of_nine_days_ago_is_overdue_at_each_hour() -> None:
    first = local("2026-11-24 00:00")
    hours = (first + timedelta(hours=number) for number in range(2 * 366 * 24))
    until = {now: actionable(opening_hour(now, 9)) for now in hours}
    assert [now for now, last in until.items() if last is None or last >= now] == []
