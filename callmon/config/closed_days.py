"""The days on which an Ontario ministry's offices are closed, with their names in French and English.

Thirteen a year (users.md section 3): the nine public holidays of the Employment Standards Act, Easter
Monday, Civic Holiday, 30 September and 11 November, and the Monday after one that falls on a weekend. Dates
come from the `holidays` package; names do not, for its French and its "Labor Day" are not Ontario's. A
ministry adds and removes days; callmon does not decide that an office is closed. Pure; each year is worked
out when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

# `holidays` knows this package's years and is silent, not wrong, outside them.
FIRST_YEAR, LAST_YEAR = 1867, 2100

# English as `holidays` says it in en_CA → English and French as Ontario says them.
NAMES: Mapping[str, tuple[str, str]] = {
    "New Year's Day": ("jour de l'An", "New Year's Day"),
    "Family Day": ("jour de la Famille", "Family Day"),
    "Good Friday": ("Vendredi saint", "Good Friday"),
    "Easter Monday": ("lundi de Pâques", "Easter Monday"),
    "Victoria Day": ("fête de la Reine", "Victoria Day"),
    "Canada Day": ("fête du Canada", "Canada Day"),
    "Dominion Day": ("fête du Dominion", "Dominion Day"),
    "Civic Holiday": ("congé civique", "Civic Holiday"),
    "Labour Day": ("fête du Travail", "Labour Day"),
    "National Day for Truth and Reconciliation": (
        "Journée nationale de la vérité et de la réconciliation",
        "National Day for Truth and Reconciliation",
    ),
    "Thanksgiving Day": ("Action de grâce", "Thanksgiving Day"),
    "Armistice Day": ("jour de l'Armistice", "Armistice Day"),
    "Remembrance Day": ("jour du Souvenir", "Remembrance Day"),
    "Christmas Day": ("jour de Noël", "Christmas Day"),
    "Boxing Day": ("lendemain de Noël", "Boxing Day"),
}
OBSERVED = " (observed)"


class ClosedDay(NamedTuple):
    """A day on which the offices are closed, and what to call it."""

    day: date
    name_fr: str
    name_en: str


@dataclass(frozen=True)
class ClosedDays:
    """Ontario's closed days, with those that the ministry adds and without those that it removes."""

    add: tuple[ClosedDay, ...] = ()
    remove: frozenset[date] = frozenset()
    _added: dict[date, ClosedDay] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_added", {closed.day: closed for closed in self.add})

    def on(self, day: date) -> ClosedDay | None:
        """The closed day that `day` is, or None."""
        if day in self.remove:
            return None
        return self._added.get(day) or ontario(day.year).get(day)

    def between(self, first: date, last: date) -> Iterator[ClosedDay]:
        """Those from `first` to `last`, both included, in order (R-49)."""
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            if closed := self.on(date.fromordinal(ordinal)):
                yield closed


@lru_cache(maxsize=512)
def ontario(year: int) -> Mapping[date, ClosedDay]:
    """The closed days of one year. None before 1867 or after 2100, where their dates are nobody's promise."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return {}
    import holidays  # 0.15 s, and a recording without opening hours never asks

    found = holidays.country_holidays(
        "CA", "ON", years=year, categories=("public", "government", "optional"), language="en_CA"
    )
    return {day: _named(day, name) for day, name in sorted(found.items()) if day.year == year}


def _named(day: date, english: str) -> ClosedDay:
    """`english` may hold several names ("A; B"), and say that the day stands in for one on a weekend."""
    pairs = [_pair(name) for name in english.split("; ")]
    return ClosedDay(day, " et ".join(fr for fr, _ in pairs), " and ".join(en for _, en in pairs))


def _pair(english: str) -> tuple[str, str]:
    plain = english.removesuffix(OBSERVED)
    # A day proclaimed after this table was written has no French name here: say so in French, never in
    # English. A test asks every year that `holidays` knows.
    fr, en = NAMES.get(plain, ("jour de fermeture", plain))
    return (f"{fr} (reporté)", f"{en} (observed)") if english != plain else (fr, en)


def next_twelve_months(today: date) -> tuple[date, date]:
    """The first and the last day of the twelve months that begin `today` (29 February ends on the 28th)."""
    try:
        anniversary = today.replace(year=today.year + 1)
    except ValueError:
        anniversary = date(today.year + 1, 3, 1)
    return today, anniversary - timedelta(days=1)
