"""Opening hours as written in a configuration: "08:30-17:00", "08:30-12:00, 13:00-17:00", "closed".

Converts text and tables to the calendar's values, without regard to dates. Refuses: a period that ends before it
begins.
"""

import re
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from callmon.config.business_calendar import CLOSED, Hours, Periods, periods, wall_time
from callmon.config.closed_days import ClosedDay
from callmon.config.validation import Found, Table, setting

HOW = 'write opening hours as "08:30-17:00", several with a comma between, or "closed"'

_PERIOD = re.compile(r"(\d{1,2}):(\d{2})\s*[-\u2013]\s*(\d{1,2}):(\d{2})", re.ASCII)


def day_periods(value: object) -> Periods:
    """Parse the periods of one day. Raises ValueError, whose text explains the format."""
    if not isinstance(value, str):
        raise ValueError(f"{value} is no text; {HOW}")
    if value.strip().casefold() in ("", "closed", "fermé"):
        return CLOSED
    found = [_PERIOD.fullmatch(part.strip()) for part in value.split(",")]
    if not all(found):
        raise ValueError(f'"{value}" is not understood; {HOW}')
    pairs = [(_wall(m[1], m[2]), _wall(m[3], m[4])) for m in found if m]
    try:
        return periods(*pairs)
    except ValueError as error:
        raise ValueError(f'"{value}": {error}') from None


def _wall(hour: str, minute: str) -> timedelta:
    if int(minute) > 59 or int(hour) > 24:
        raise ValueError(f"there is no {hour}:{minute} o'clock; {HOW}")
    return wall_time(int(hour), int(minute))


DayPeriods = Annotated[Periods, PlainValidator(day_periods), PlainSerializer(list)]


def _open_on(day: str) -> Any:
    return setting(f"opening hours on {day}; a day left out is closed", "closed")


class WeekTable(Table):
    """A week's hours. A table replaces the default week as a whole."""

    WHOLE: ClassVar[bool] = True  # a day with a mistake must not look like a closed day (validation.py)

    monday: DayPeriods = _open_on("Monday")
    tuesday: DayPeriods = _open_on("Tuesday")
    wednesday: DayPeriods = _open_on("Wednesday")
    thursday: DayPeriods = _open_on("Thursday")
    friday: DayPeriods = _open_on("Friday")
    saturday: DayPeriods = _open_on("Saturday")
    sunday: DayPeriods = _open_on("Sunday")

    def _errors(self) -> Found:
        """Without a business day no due date can be calculated."""
        if not any(self.hours().week[:5]):
            yield (), "has no opening hours from Monday to Friday, so no business day exists; give a weekday hours"

    def hours(self) -> Hours:
        weekdays = (self.monday, self.tuesday, self.wednesday, self.thursday, self.friday)
        return Hours((*weekdays, self.saturday, self.sunday))


class ClosedDayTable(Table):
    """A day on which the offices are closed, and its names; "2026-12-24" stands for a table of it alone."""

    day: date = setting("the date")
    title_fr: str = setting("its French name", "jour de fermeture", min_length=1)
    title_en: str = setting("its English name", "closed day", min_length=1)

    def closed_day(self) -> ClosedDay:
        return ClosedDay(self.day, self.title_fr, self.title_en)


def _table(value: object) -> object:
    return {"day": value} if isinstance(value, str | date) else value


AddedDay = Annotated[ClosedDayTable, BeforeValidator(_table)]
