"""The days on which an Ontario ministry's offices are closed, with their names in French and English. Pure.

There are thirteen a year (users.md section 3): the nine public holidays of the Employment Standards Act, Easter
Monday, Civic Holiday, 30 September and 11 November. One that falls on a weekend is observed on the Monday after
it. Dates come from the `holidays` package. Names do not, because its French and its "Labor Day" are not Ontario's.
Each year is calculated on demand.

Refuses: to decide that an office is closed. A ministry adds and removes days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

# The years that `holidays` covers; outside them it returns nothing, and nothing wrong.
FIRST_YEAR, LAST_YEAR = 1867, 2100

# English name of `holidays` in en_CA → (French, English) names of Ontario.
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
    """The closed days of one year; empty before 1867 and after 2100, which `holidays` does not cover."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return {}
    found = _canada()(subdiv="ON", years=year, categories=("public", "government", "optional"), language="en_CA")
    return {day: _named(day, name) for day, name in sorted(found.items()) if day.year == year}


@cache
def _canada() -> Any:
    """The class of Canada in `holidays`, whose own look-up imports all countries: 256 modules, 7 MB."""
    import holidays  # a recording without opening hours does not need it

    file = Path(holidays.__file__).with_name("countries") / "canada.py"
    spec: Any = spec_from_file_location("holidays.countries.canada", file)
    canada = module_from_spec(spec)
    spec.loader.exec_module(canada)
    return canada.Canada


def _named(day: date, english: str) -> ClosedDay:
    """`english` may hold several names ("A; B"), and mark the day as observed for one on a weekend."""
    pairs = [_pair(name) for name in english.split("; ")]
    return ClosedDay(day, " et ".join(fr for fr, _ in pairs), " and ".join(en for _, en in pairs))


def _pair(english: str) -> tuple[str, str]:
    plain = english.removesuffix(OBSERVED)
    # A day proclaimed after this table was written has no French name here: the generic French term is used, never
    # English. A test checks every year that `holidays` covers.
    fr, en = NAMES.get(plain, ("jour de fermeture", plain))
    return (f"{fr} (reporté)", f"{en} (observed)") if english != plain else (fr, en)


def next_twelve_months(today: date) -> tuple[date, date]:
    """First and last day of the twelve months that begin `today` (from 29 February they end on the 28th)."""
    try:
        anniversary = today.replace(year=today.year + 1)
    except ValueError:
        anniversary = date(today.year + 1, 3, 1)
    return today, anniversary - timedelta(days=1)
