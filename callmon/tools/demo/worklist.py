"""What the demonstration has to do now, and the hours of its offices: both relative to the moment of its start.

    4 h before now to 3 h after    the lines are open, within the day; at least from 8:30 to 16:30
    before now                     two callbacks fell due
    after now                      four fall due, before the lines close

A message is due 24 hours after it was left: in opening hours, as those of all days are the same. Pure: no clock.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from callmon.config.business_calendar import Calendar

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AREA_CODE = "343"  # of no other caller of the demonstration, so that none of its calls settles these entries
NUMBERS = [f"{AREA_CODE}55501{last:02d}" for last in range(8)]
# minutes of the day
OPENS = 8 * 60 + 30
CLOSES = 16 * 60 + 30
LAST = 24 * 60

Kind = Literal["callback", "complaint", "to hear", "not safe"]
Group = Literal["overdue", "today", "later", "hidden"]


class Entry(NamedTuple):
    """An entry of the worklist: the group that shows it, its kind, and when its message was left."""

    group: Group
    kind: Kind
    at: datetime
    line: str
    language: str
    number: str


def opening_hours(now: datetime, zone: ZoneInfo) -> str:
    """The hours of each day: "08:30-18:00"."""
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    opens = min(OPENS, max(0, minute - 240) // 30 * 30)
    closes = max(CLOSES, min(LAST, -(-(minute + 180) // 30) * 30))
    return f"{opens // 60:02d}:{opens % 60:02d}-{closes // 60:02d}:{closes % 60:02d}"


def crowded_hour(now: datetime, calendar: Calendar) -> datetime:
    """The begin of the hour in which nobody was free: over for half an hour, or at the end of yesterday."""
    today = calendar.local_day(now)
    begin = datetime.fromtimestamp(now.timestamp() // 1800 * 1800, UTC) - 90 * MINUTE
    if any(opens <= begin for opens, _ in calendar.spans(today)):
        return begin
    return max((closes for _, closes in calendar.spans(today - DAY)), default=now - DAY) - 2 * HOUR


def entries(now: datetime, calendar: Calendar) -> Iterator[Entry]:
    """The entries, each with a number of its own."""
    today = calendar.local_day(now)
    midnight = datetime.combine(today + DAY, time(), calendar.timezone).astimezone(UTC)
    yesterday = min((opens for opens, _ in calendar.spans(today - DAY)), default=now - DAY) + HOUR

    def due(minutes: int, part: float) -> datetime:
        """When the message was left; late in the evening all are due in the last minutes of the day."""
        return now + min(minutes * MINUTE, (midnight - now) * part) - DAY

    yield Entry("overdue", "callback", now - 95 * MINUTE - DAY, "general", "fr", NUMBERS[0])
    yield Entry("overdue", "callback", now - 25 * MINUTE - DAY, "poci", "en", NUMBERS[1])
    yield Entry("today", "callback", due(20, 0.6), "general-toll-free", "en", NUMBERS[2])
    yield Entry("today", "not safe", due(50, 0.7), "poci", "fr", NUMBERS[3])
    yield Entry("today", "callback", due(95, 0.8), "general", "fr", NUMBERS[4])
    yield Entry("today", "callback", due(140, 0.9), "tty", "en", NUMBERS[5])
    yield Entry("later", "complaint", yesterday, "general", "fr", NUMBERS[6])
    yield Entry("hidden", "to hear", now - 3 * HOUR, "general", "fr", NUMBERS[7])
