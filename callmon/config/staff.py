"""Who of the staff speaks which language on which day, by extension. Pure: no I/O, no clock.

A person changes desk, so an entry may begin and end with a day; the days are those of the ministry's clocks, both
ends included. What is not listed is not known: an extension without an entry on a day is neither French nor not.
Names no person. Serves every standard that asks whether somebody spoke the caller's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry. `exchange` is None for every exchange; a day is None where the entry has no such end."""

    extension: str
    languages: tuple[str, ...]
    valid_from: date | None = None
    valid_until: date | None = None
    exchange: str | None = None

    def holds_on(self, day: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


class StaffLanguages:
    """The entries of one exchange. Immutable."""

    __slots__ = ("_by_extension", "_timezone")

    def __init__(self, listed: Iterable[Listed] = (), timezone: tzinfo = UTC) -> None:
        by_extension: dict[str, tuple[Listed, ...]] = {}
        for entry in listed:
            by_extension[entry.extension] = (*by_extension.get(entry.extension, ()), entry)
        self._by_extension, self._timezone = by_extension, timezone

    def __bool__(self) -> bool:
        """Whether anybody is listed at all."""
        return bool(self._by_extension)

    def languages(self, extension: str, at: datetime | None) -> tuple[str, ...] | None:
        """What is spoken at this extension at that time; None when nobody listed it for that day."""
        entries = self._by_extension.get(extension)
        if not entries or at is None:
            return None
        day = at.astimezone(self._timezone).date()
        return next((entry.languages for entry in entries if entry.holds_on(day)), None)

    def speaks(self, extension: str, language: str, at: datetime | None) -> bool | None:
        """Whether this language is spoken there then; None when it is not known."""
        spoken = self.languages(extension, at)
        return None if spoken is None else language in spoken


NOBODY = StaffLanguages()


def overlaps(listed: list[Listed]) -> Iterator[tuple[int, int]]:
    """The places of two entries that speak of one extension on one day."""
    for (first, one), (second, other) in combinations(enumerate(listed), 2):
        if one.extension == other.extension and _is_same_place(one, other) and _share_a_day(one, other):
            yield first, second


def _is_same_place(one: Listed, other: Listed) -> bool:
    return one.exchange is None or other.exchange is None or one.exchange == other.exchange


def _share_a_day(one: Listed, other: Listed) -> bool:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    return first <= min(one.valid_until or date.max, other.valid_until or date.max)
