"""Durations as written in a configuration: "5s", "100ms", "24h", "2 days", "1h 30m". Pure.

Refuses: a number without a unit.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator

HOW = 'write a length of time with its unit, such as "5s", "100ms", "24h" or "2 days"'
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
        raise ValueError(f'"{text}" is no length of time; {HOW}')
    micro = int(sum(Decimal(n.replace(",", ".")) * _MICROSECONDS[_UNITS[unit]] for n, unit in parts))
    if not 0 < micro <= LONGEST // timedelta(microseconds=1):
        raise ValueError(f'"{text}" is out of reach; write more than nothing and less than a hundred years')
    return timedelta(microseconds=micro)


def _written(value: object) -> timedelta:
    """Parse a configured value: text, or (from Python) a timedelta."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value} has no unit; {HOW}")
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
