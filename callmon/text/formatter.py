"""Formats text in one language: sentences, local times, days, lengths, numbers and phones as in users.md. Pure.

Sentences of the source and of the catalogue have plain spaces. `typeset` replaces a space by a
no-break space where French typography or a time requires it.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from textwrap import wrap
from typing import NamedTuple

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.facts import EXACT, OUTSIDE
from callmon.text.labels import agreed, label, ordinal, reason, translate

MINUS = "\N{MINUS SIGN}"
TENTH, MINUTE = timedelta(seconds=0.1), timedelta(minutes=1)

_FRENCH_SPACES = re.compile(
    r"(?<=«) | (?=[»:%÷])|(?<=\d) (?=(?:h|min|s|j)\b)|(?<=\b[hj]) (?=\d)|(?<=\bmin) (?=\d)"
    r"|(?<=\b[Pp]oste) (?=\d)|(?<=\bpostes) (?=\d)"
)
_ENGLISH_SPACES = re.compile(
    r"(?<=«) | (?=»)|(?<=\d) (?=(?:[ap]\.m\.|(?:[shd]|min)\b))|(?<=\d.[hd]) (?=\d)"
    r"|(?<=\b[Pp]hone) (?=\d)|(?<=\b[Pp]hones) (?=\d)"
)

_DATE = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])-(\d\d)", re.ASCII)
_TWO_STOPS = re.compile(r"([ap]\.m\.)\.")  # in "… at 9:14 a.m." the last full stop also ends the sentence


class Definition(NamedTuple):
    """A term and its text: of a figure, its title and its definition in one line."""

    term: str
    text: str


class Formatter:
    """Formats text in one language and one time zone. `context`: the context of `say` in the catalogue."""

    context = "story"

    def __init__(self, language: str, timezone: tzinfo = UTC) -> None:
        self.language, self.timezone = language, timezone
        self.locale = "fr_CA" if language == "fr" else "en_CA"

    def say(self, english: str, context: str = "", **values: object) -> str:
        """A sentence in this language. Tests find every `say` and require its translation.

        `context`: where it has another translation than elsewhere, as a feminine or a singular has.
        """
        text = translate(english, self.language, context or self.context).format(**values)
        return self.typeset(text) if values else typeset_sentence(text, self.language)

    def _say(self, english: str, context: str = "story", **values: object) -> str:
        """A sentence of the stories and lists, whatever the context."""
        return self.typeset(translate(english, self.language, context).format(**values))

    def word(self, kind: str, identifier: str) -> str:
        return self.typeset(label(kind, identifier, self.language))

    def reason(self, key: str, number: int | None) -> str:
        return self.typeset(reason(key, number, self.language))

    # Dates and times.

    def _date(self, at: date, pattern: str) -> str:
        local = at.astimezone(self.timezone) if isinstance(at, datetime) else at
        return written_date(local.date() if isinstance(local, datetime) else local, pattern, self.locale)

    def day(self, at: date) -> str:
        """A date: « 24 novembre 2026 », « 1er novembre 2026 » / "24 November 2026"."""
        text = self._date(at, "d MMMM y")
        text = re.sub("^1 ", "1er ", text) if self.language == "fr" else text
        return text.replace(" ", NO_BREAK)

    def missing_day(self, written: str) -> str:
        """The day that a month lacks: « 30 février 2026 » for "2026-02-30"; "" for any other text."""
        found = _DATE.fullmatch(written)
        year, month, day = map(int, found.groups()) if found else (1, 1, 1)
        is_known = 1 <= day <= monthrange(year, month)[1]
        return "" if is_known else f"{day} {self.month(date(year, month, 1))}"

    def weekday(self, at: date) -> str:
        """The weekday: « mardi » / "Tuesday"."""
        return self._date(at, "EEEE")

    def month(self, at: date) -> str:
        """The month: « novembre 2026 » / "November 2026"."""
        return self._date(at, "LLLL y")

    def month_name(self, at: date) -> str:
        """The month without its year: « novembre » / "November"."""
        return self._date(at, "LLLL")

    def minute(self, at: datetime) -> str:
        """A time to the minute: « 13 h 42 », « 17 h » / "1:42 p.m.", "5 p.m.", "noon", "midnight"."""
        local = at.astimezone(self.timezone).replace(second=0, microsecond=0)
        if (
            self.language == "en" and local.minute == 0 and local.hour % 12 == 0
        ):  # 12 a.m. and 12 p.m. are ambiguous
            return "noon" if local.hour else "midnight"
        return self._time(local, "H 'h' mm", "h:mm a") if local.minute else self._time(local, "H 'h'", "h a")

    def second(self, at: datetime) -> str:
        """A time to the second, truncated: « 13 h 42 min 05 s » / "1:42:05 p.m."."""
        local = at.astimezone(self.timezone).replace(microsecond=0)
        return self._time(local, "H 'h' mm 'min' ss 's'", "h:mm:ss a")

    def _time(self, local: datetime, french: str, english: str) -> str:
        pattern = french if self.language == "fr" else english
        return self.typeset(written_time(local.time(), pattern, locale=self.locale))

    # Lengths and numbers.

    def duration(self, length: timedelta) -> str:
        """A length: « 12 min », « 2 h 10 », « 3 j 4 h ». Truncated, so that the time left is never overstated."""
        minutes = length // MINUTE
        hours, days = minutes // 60, minutes // 1440
        if days and hours % 24:
            return self._say("{days} d {hours} h", days=days, hours=hours % 24)
        if days:
            return self._say("{days} d", days=days)
        if hours:
            return self._say("{hours} h {minutes}", hours=hours, minutes=f"{minutes % 60:02}")
        return self._say("{minutes} min", minutes=minutes)

    def seconds(self, length: timedelta) -> str:
        """A length: « 8,4 s » / "8.4 s". Truncated: 17.999 s is the third ring and must not be shown as 18.0 s."""
        tenths = abs(length) // TENTH
        sign = MINUS if tenths and length < EXACT else ""
        mark = "," if self.language == "fr" else "."
        return self.typeset(f"{sign}{tenths // 10}{mark}{tenths % 10} s")

    def about(self, length: timedelta) -> str:
        """The length of a setting: « 6 s », « 5,5 s »."""
        text = f"{length.total_seconds():g} s"
        return self.typeset(text.replace(".", ",") if self.language == "fr" else text)

    def percent(self, tenths: int) -> str:
        """A percentage from tenths of a percent, with one decimal except for 0 and 100: « 98,5 % »."""
        number = self.decimal(Decimal(tenths) / 10, 0 if tenths in (0, 1000) else 1)
        return f"{number}{NO_BREAK}%" if self.language == "fr" else f"{number}%"

    def decimal(self, value: Decimal, places: int) -> str:
        return written_decimal(value, "#,##0." + "0" * places if places else "#,##0", self.locale)

    def ordinal(self, number: int) -> str:
        return ordinal(number, self.language)

    # Text.

    def phones(self, phones: Sequence[str]) -> str:
        """Phones as a subject: « Le poste 101 », « Les postes 101 et 102 », « Un numéro de l'extérieur »."""
        names = sorted(dict.fromkeys(phones), key=lambda name: (len(name), name))
        if names == [OUTSIDE]:
            return self._say("An outside number")
        if len(names) == 1:
            return self._say("Phone {phone}", phone=names[0])
        return self._say("Phones {some} and {last}", some=", ".join(names[:-1]), last=names[-1])

    def wrapped(self, text: str, width: int, first: str = "", under: str = "") -> list[str]:
        """Typeset lines of at most `width` columns. The first begins with `first`, the others with `under`."""
        lines = wrap(
            self.typeset(text),
            width,
            initial_indent=first,
            subsequent_indent=under,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return [line.rstrip() for line in lines] or [first.rstrip()]

    def capital(self, text: str) -> str:
        return text[:1].upper() + text[1:]

    def typeset(self, text: str) -> str:
        """The text with no-break spaces; characters that could move a terminal's cursor are replaced."""
        return typeset(text, self.language)


def typeset(text: str, language: str) -> str:
    spaces = _FRENCH_SPACES if language == "fr" else _ENGLISH_SPACES
    text = agreed(text) if language == "fr" else text
    if not text.isprintable():  # few texts are not: a page has a thousand
        text = "".join(c if c.isprintable() or c == NO_BREAK else "\N{REPLACEMENT CHARACTER}" for c in text)
    return _TWO_STOPS.sub(r"\1", spaces.sub(NO_BREAK, text))


# The same in each answer. A sentence with values is not kept: it may be about a caller.
typeset_sentence = lru_cache(4096)(typeset)
written_date, written_time = lru_cache(4096)(format_date), lru_cache(4096)(format_time)
written_decimal = lru_cache(4096)(format_decimal)


def permille(numerator: int, denominator: int) -> int:
    """A rate in tenths of a percent, rounded to the nearest; 1000 only for all, 0 only for none (R-23)."""
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    if numerator != denominator:
        tenths = min(tenths, 999)
    return max(tenths, 1) if numerator else tenths
