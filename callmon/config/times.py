"""Durations and opening hours as written in a configuration: "5s", "24h", "1h 30m"; "08:30-17:00", "closed". Pure.

Converts texts to values, without regard to dates. Refuses: a number without a unit; a period that ends before it
begins.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from callmon.config.business_calendar import CLOSED, Periods, periods, wall_time
from callmon.errors import RefusedValueError, Sentence

HOW = Sentence('write a length of time with its unit, such as "5s", "100ms", "24h" or "2 days"')
LONGEST = timedelta(days=36_525)

_MICROSECONDS = {"ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds", "milliseconde", "millisecondes"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "seconde", "secondes"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hour", "hours", "heure", "heures"), "h"),
    **dict.fromkeys(("d", "day", "days", "j", "jour", "jours"), "d"),
}
_PART = re.compile(r"(\d{1,12}(?:[.,]\d{1,6})?)\s*([a-z]+)", re.ASCII)


def duration(text: str) -> timedelta:
    """Parse `text` to the microsecond. Raises ValueError, whose text explains the format."""
    parts = _PART.findall(text.casefold())
    if not parts or _PART.sub("", text.casefold()).strip() or any(unit not in _UNITS for _, unit in parts):
        raise RefusedValueError('"{text}" is no length of time; {how}', text=text, how=HOW)
    micro = int(sum(Decimal(n.replace(",", ".")) * _MICROSECONDS[_UNITS[unit]] for n, unit in parts))
    if not 0 < micro <= LONGEST // timedelta(microseconds=1):
        raise RefusedValueError(
            '"{text}" is out of reach; write more than nothing and less than a hundred years', text=text
        )
    return timedelta(microseconds=micro)


def _written(value: object) -> timedelta:
    """Parse a configured value: text, or (from Python) a timedelta."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise RefusedValueError("{value} has no unit; {how}", value=value, how=HOW)
    return duration(value)


Duration = Annotated[timedelta, BeforeValidator(_written)]


def formatted_duration(length: timedelta) -> str:
    """A duration as `check` prints it, in the largest unit without a fraction: "5 s", "100 ms", "24 h".

    Days are used only from two on: a promise of 24 hours is not printed as "1 d".
    """
    micro = length // timedelta(microseconds=1)
    for unit, least in (("d", 2), ("h", 1), ("m", 1), ("s", 1)):
        if micro % _MICROSECONDS[unit] == 0 and micro >= least * _MICROSECONDS[unit]:
            return f"{micro // _MICROSECONDS[unit]} {'min' if unit == 'm' else unit}"
    return f"{Decimal(micro) / 1000:f} ms"


HOW_HOURS = Sentence('write opening hours as "08:30-17:00", several with a comma between, or "closed"')
_PERIOD = re.compile(r"(\d{1,2}):(\d{2})\s*[-\u2013]\s*(\d{1,2}):(\d{2})", re.ASCII)


def day_periods(value: object) -> Periods:
    """Parse the periods of one day. Raises ValueError, whose text explains the format."""
    if not isinstance(value, str):
        raise RefusedValueError("{value} is no text; {how}", value=value, how=HOW_HOURS)
    if value.strip().casefold() in ("", "closed", "fermé"):
        return CLOSED
    found = [_PERIOD.fullmatch(part.strip()) for part in value.split(",")]
    if not all(found):
        raise RefusedValueError('"{value}" is not understood; {how}', value=value, how=HOW_HOURS)
    pairs = [(_wall(m[1], m[2]), _wall(m[3], m[4])) for m in found if m]
    try:
        return periods(*pairs)
    except ValueError as error:
        raise RefusedValueError('"{value}": {why}', value=value, why=error.args[0]) from None


def _wall(hour: str, minute: str) -> timedelta:
    if int(minute) > 59 or int(hour) > 24:
        raise RefusedValueError(
            "there is no {hour}:{minute} o'clock; {how}", hour=hour, minute=minute, how=HOW_HOURS
        )
    return wall_time(int(hour), int(minute))


DayPeriods = Annotated[Periods, PlainValidator(day_periods), PlainSerializer(list)]
