"""The languages spoken at each extension on each day: [[staff]], its validation, the lookup. No clock.

A person changes desk, so an entry may have a first and a last day, in the ministry's time zone, both included. An
extension without an entry on a day is unknown: neither French nor not French. All standards on the caller's
language use this lookup. Refuses: to name a person.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from itertools import combinations
from typing import Literal

from pydantic import field_validator

from callmon.config.validation import Found, Table, did_you_mean, setting
from callmon.errors import RefusedValueError, Sentence


class StaffMember(Table):
    """[[staff]]: the languages of an extension, for a time (a person changes desk). No name stands here."""

    extension: str = setting("extension of the phone at the exchange", min_length=1)
    languages: tuple[Literal["fr", "en"], ...] = setting("the languages that the agent at this phone speaks")
    valid_from: date | None = setting("first day; when left out, without limit", None)
    valid_until: date | None = setting("last day, included; when left out, without limit", None)
    exchange: str | None = setting("exchange of the phone; when left out, any", None)

    @field_validator("languages")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise RefusedValueError(
                'is empty; name the languages that the agent speaks: ["fr"], ["en"] or ["fr", "en"]'
            )
        return value

    def _errors(self) -> Found:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            yield (
                ("valid_until",),
                Sentence(
                    "{until} is before valid_from, {since}; it is the last day, included",
                    until=self.valid_until,
                    since=self.valid_from,
                ),
            )

    def holds_on(self, day: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


class StaffLanguages:
    """The entries of one exchange. Immutable."""

    __slots__ = ("_by_extension", "_timezone")

    def __init__(self, listed: Iterable[StaffMember] = (), timezone: tzinfo = UTC) -> None:
        by_extension: dict[str, tuple[StaffMember, ...]] = {}
        for entry in listed:
            by_extension[entry.extension] = (*by_extension.get(entry.extension, ()), entry)
        self._by_extension, self._timezone = by_extension, timezone

    def __bool__(self) -> bool:
        """Whether any extension is listed."""
        return bool(self._by_extension)

    def speaks(self, extension: str, language: str, at: datetime | None) -> bool | None:
        """Whether this language is spoken at this extension at that time; None without an entry for the day."""
        entries = self._by_extension.get(extension)
        if not entries or at is None:
            return None
        day = at.astimezone(self._timezone).date()
        return next((language in entry.languages for entry in entries if entry.holds_on(day)), None)


NOBODY = StaffLanguages()


def overlaps(listed: Sequence[StaffMember]) -> Iterator[tuple[int, int]]:
    """The positions of each pair of entries that cover one extension on one day."""
    for (first, entry), (second, other) in combinations(enumerate(listed), 2):
        is_same_place = entry.exchange is None or other.exchange in (None, entry.exchange)
        if entry.extension == other.extension and is_same_place and _share_a_day(entry, other):
            yield first, second


def _share_a_day(entry: StaffMember, other: StaffMember) -> bool:
    first = max(entry.valid_from or date.min, other.valid_from or date.min)
    return first <= min(entry.valid_until or date.max, other.valid_until or date.max)


def staff_errors(staff: Sequence[StaffMember], exchanges: Collection[str]) -> Found:
    """Mistakes: an unknown exchange; one extension with two entries for one day."""
    for place, entry in enumerate(staff):
        if entry.exchange is not None and entry.exchange not in exchanges:
            hint = did_you_mean(entry.exchange, exchanges)
            text = Sentence('there is no exchange "{name}"{hint}', name=entry.exchange, hint=hint)
            yield ("staff", place, "exchange"), text
    for first, second in overlaps(staff):
        yield (
            ("staff", second, "extension"),
            Sentence(
                '"{extension}" is listed for some of the same days in staff[{first}]; '
                "end one (valid_until) before the other begins (valid_from)",
                extension=staff[second].extension,
                first=first + 1,
            ),
        )
