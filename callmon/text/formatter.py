"""Formats the text of a story: local times, days, seconds, phones and rings in the forms of users.md. Pure.

Source sentences are in French, the key of the catalogues, with plain spaces. `typeset` replaces a space by a
no-break space where French typography or a time requires it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.facts import EXACT, OUTSIDE
from callmon.text.labels import label, translate

MINUS = "\N{MINUS SIGN}"
TENTH = timedelta(seconds=0.1)

_FRENCH_SPACES = re.compile(
    r"(?<=«) | (?=[»:])|(?<=\d) (?=(?:h|min|s|j)\b)|(?<=\b[hj]) (?=\d)|(?<=\bmin) (?=\d)"
    r"|(?<=\bposte) (?=\d)|(?<=\bpostes) (?=\d)"
)
_ENGLISH_SPACES = re.compile(
    r"(?<=«) | (?=»)|(?<=\d) (?=(?:[ap]\.m\.|(?:[shd]|min)\b))|(?<=\d.[hd]) (?=\d)"
    r"|(?<=\b[Pp]hone) (?=\d)|(?<=\b[Pp]hones) (?=\d)"
)

_TWO_STOPS = re.compile(r"([ap]\.m\.)\.")  # in "… at 9:14 a.m." the last full stop also ends the sentence


class Formatter:
    """Formats text in one language and one time zone."""

    def __init__(self, language: str, timezone: ZoneInfo) -> None:
        self.language = language
        self._timezone = timezone

    def say(self, french: str, **values: object) -> str:
        """A sentence of a story in this language. Tests find every `say` and require its translation."""
        return translate(french, self.language, "story").format(**values)

    def word(self, kind: str, identifier: str) -> str:
        return label(kind, identifier, self.language)

    def day(self, at: datetime) -> str:
        """A date: « 24 novembre 2026 », « 1er novembre 2026 » / "24 November 2026"."""
        local = at.astimezone(self._timezone)
        text = format_date(local, "d MMMM y", locale="fr_CA" if self.language == "fr" else "en_CA")
        text = re.sub("^1 ", "1er ", text) if self.language == "fr" else text
        return text.replace(" ", NO_BREAK)

    def weekday(self, at: datetime) -> str:
        """The weekday: « mardi » / "Tuesday"."""
        return format_date(
            at.astimezone(self._timezone), "EEEE", locale="fr_CA" if self.language == "fr" else "en_CA"
        )

    def minute(self, at: datetime) -> str:
        """A time to the minute: « 13 h 42 », « 17 h » / "1:42 p.m.", "5 p.m.", "noon", "midnight"."""
        local = at.astimezone(self._timezone)
        if self.language == "fr":
            return f"{local.hour} h {local.minute:02}" if local.minute else f"{local.hour} h"
        if local.minute == 0 and local.hour % 12 == 0:  # 12 a.m. and 12 p.m. are ambiguous
            return "noon" if local.hour else "midnight"
        minutes = f":{local.minute:02}" if local.minute else ""
        return f"{_twelve(local)}{minutes} {_half(local)}"

    def second(self, at: datetime) -> str:
        """A time to the second, truncated: « 13 h 42 min 05 s » / "1:42:05 p.m."."""
        local = at.astimezone(self._timezone)
        if self.language == "fr":
            return f"{local.hour} h {local.minute:02} min {local.second:02} s"
        return f"{_twelve(local)}:{local.minute:02}:{local.second:02} {_half(local)}"

    def seconds(self, length: timedelta) -> str:
        """A length: « 8,4 s » / "8.4 s". Truncated: 17.999 s is the third ring and must not be shown as 18.0 s."""
        tenths = abs(length) // TENTH
        sign = MINUS if tenths and length < EXACT else ""
        mark = "," if self.language == "fr" else "."
        return f"{sign}{tenths // 10}{mark}{tenths % 10} s"

    def about(self, length: timedelta) -> str:
        """The length of a setting: « 6 s », « 5,5 s »."""
        text = f"{length.total_seconds():g} s"
        return text.replace(".", ",") if self.language == "fr" else text

    def capital(self, text: str) -> str:
        """The text with a capital first letter."""
        return text[:1].upper() + text[1:]

    def ordinal(self, number: int) -> str:
        """The number of a ring: 1re, 2e in French (feminine); plain in English ("ring 2")."""
        return f"{number}{'re' if number == 1 else 'e'}" if self.language == "fr" else str(number)

    def phones(self, phones: Sequence[str]) -> str:
        """Phones as a subject: « Le poste 101 », « Les postes 101 et 102 », « Un numéro de l'extérieur »."""
        names = sorted(dict.fromkeys(phones), key=lambda name: (len(name), name))
        if names == [OUTSIDE]:
            return self.say("Un numéro de l'extérieur")
        if len(names) == 1:
            return self.say("Le poste {phone}", phone=names[0])
        return self.say("Les postes {some} et {last}", some=", ".join(names[:-1]), last=names[-1])

    def typeset(self, text: str) -> str:
        """The text with no-break spaces; characters that could move a terminal's cursor are replaced."""
        spaces = _FRENCH_SPACES if self.language == "fr" else _ENGLISH_SPACES
        plain = "".join(c if c.isprintable() or c == NO_BREAK else "\N{REPLACEMENT CHARACTER}" for c in text)
        return _TWO_STOPS.sub(r"\1", spaces.sub(NO_BREAK, plain))


def _twelve(local: datetime) -> int:
    return local.hour % 12 or 12


def _half(local: datetime) -> str:
    return "a.m." if local.hour < 12 else "p.m."
