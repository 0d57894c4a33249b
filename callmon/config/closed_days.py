"""The days on which an Ontario ministry's offices are closed, with their names in French and English. Pure.

There are thirteen a year (users.md section 3): the nine public holidays of the Employment Standards Act, Easter
Monday, Civic Holiday, 30 September and 11 November. One that falls on a weekend is observed on the next day that
is not closed. A test compares all years with the package `holidays`, which would take 4 MB of the daemon.

Refuses: to decide that an office is closed. A ministry adds and removes days.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from dateutil.easter import easter  # type: ignore[import-untyped]  # it has no types

# Dominion Day became Canada Day in 1983. Asterisk's first calls are of 1999.
FIRST_YEAR, LAST_YEAR = 1983, 2100
DAY, SATURDAY = timedelta(days=1), 5


class YearlyDay(NamedTuple):
    """A day of each year: this date, or the Monday that follows it or falls on it. Names of Ontario."""

    name_fr: str
    name_en: str
    month: int
    day: int
    is_monday: bool = False
    since: int = FIRST_YEAR

    def of(self, year: int) -> date:
        first = date(year, self.month, self.day)
        return first + -first.weekday() % 7 * DAY if self.is_monday else first


GOOD_FRIDAY, EASTER_MONDAY = ("Vendredi saint", "Good Friday"), ("lundi de Pâques", "Easter Monday")
_days = tomllib.loads(files("callmon.config").joinpath("closed_days.toml").read_text(encoding="utf-8"))["days"]
YEARLY_DAYS = tuple(YearlyDay(**day) for day in _days)


class ClosedDay(NamedTuple):
    """A day on which the offices are closed, and its names."""

    day: date
    name_fr: str
    name_en: str


@dataclass(frozen=True)
class ClosedDays:
    """Ontario's closed days, plus those that the ministry adds, minus those that it removes."""

    add: tuple[ClosedDay, ...] = ()
    remove: frozenset[date] = frozenset()

    def on(self, day: date) -> ClosedDay | None:
        """The closed day on `day`, or None."""
        if day in self.remove:
            return None
        return next((x for x in self.add if x.day == day), None) or ontario(day.year).get(day)


@lru_cache(maxsize=512)
def ontario(year: int) -> Mapping[date, ClosedDay]:
    """The closed days of one year; empty before FIRST_YEAR and after LAST_YEAR."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return {}
    sunday = easter(year)
    names = {sunday - 2 * DAY: GOOD_FRIDAY, sunday + DAY: EASTER_MONDAY}
    names |= {x.of(year): (x.name_fr, x.name_en) for x in YEARLY_DAYS if year >= x.since}
    for day in sorted(day for day in names if day.weekday() >= SATURDAY):
        fr, en = names[day]
        while day.weekday() >= SATURDAY or day in names:
            day += DAY
        names[day] = f"{fr} (reporté)", f"{en} (observed)"
    return {day: ClosedDay(day, *names[day]) for day in sorted(names)}


def next_twelve_months(today: date) -> tuple[date, date]:
    """First and last day of the twelve months that begin `today` (from 29 February they end on the 28th)."""
    try:
        anniversary = today.replace(year=today.year + 1)
    except ValueError:
        anniversary = date(today.year + 1, 3, 1)
    return today, anniversary - timedelta(days=1)
