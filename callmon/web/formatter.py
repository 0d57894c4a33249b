"""The text of the pages: their own sentences, and times and lengths in callmon's common format. Pure.

A sentence stands in a template or a view in French, which is the catalogue's key (context "page"). The sentences
of a call's story and of the lists of callbacks and disruptions come from `text/`, with their own context.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date

from callmon.config.business_calendar import Periods
from callmon.config.phone_numbers import NO_BREAK, printed
from callmon.reports.formatter import permille
from callmon.text.formatter import Formatter
from callmon.text.labels import reason, translate
from callmon.text.terminal import TerminalPage

if TYPE_CHECKING:
    from callmon.config.settings import Settings

CONTEXT = "page"
OTHER = {"fr": "en", "en": "fr"}
_OF_A_DAY = re.compile(r"(?<=\d) |(?<=\der) ")
FEW = 20  # judged calls below which no rate is printed: the fraction alone


class WebFormatter(TerminalPage):
    """The formatter of one language at one moment."""

    def __init__(self, settings: Settings, language: str, now: datetime) -> None:
        super().__init__(settings, language, now)
        self.language, self.now, self.settings = language, now, settings

    @property
    def speech(self) -> Formatter:
        return self._speech

    def say(self, french: str, **values: object) -> str:
        """The sentence of a page in this language. Tests find every `say` and require its translation."""
        return self._speech.typeset(translate(french, self.language, CONTEXT).format(**values))

    def word(self, kind: str, identifier: str) -> str:
        return self._speech.typeset(self._speech.word(kind, identifier))

    def capital(self, text: str) -> str:
        return self._speech.capital(text)

    def reason(self, key: str, number: int | None) -> str:
        return self._speech.typeset(reason(key, number, self.language))

    def when(self, at: datetime) -> str:
        """« mardi 16 h 45 »."""
        return self._speech.typeset(self._when(at))

    def minute(self, at: datetime) -> str:
        return self._speech.typeset(self._speech.minute(at))

    def second(self, at: datetime) -> str:
        return self._speech.typeset(self._speech.second(at))

    def day(self, at: datetime) -> str:
        return self._speech.day(at)

    def length(self, length: timedelta) -> str:
        """« 2 h 10 »."""
        return self._speech.typeset(self._length(length))

    def long_day(self, day: date) -> str:
        """« mardi 24 novembre 2026 » / "Tuesday 24 November 2026"."""
        text = format_date(day, "EEEE d MMMM y", locale=self._locale)
        told = text.replace(" 1 ", " 1er ") if self.language == "fr" else text
        return _OF_A_DAY.sub(NO_BREAK, told)

    def weekday_of(self, day: date) -> str:
        """« mardi » / "Tuesday"."""
        return format_date(day, "EEEE", locale=self._locale)

    def periods(self, opening: Periods) -> str:
        """« 8 h 30 à 17 h »; « fermé » for none."""
        if not opening:
            return self.say("fermé")
        return ", ".join(
            self.say("{opens} à {closes}", opens=self._wall(x.opens), closes=self._wall(x.closes)) for x in opening
        )

    def _wall(self, since_midnight: timedelta) -> str:
        midnight = datetime(2000, 1, 1, tzinfo=self.settings.timezone)
        return self.minute(midnight + since_midnight)

    def month(self, day: date) -> str:
        """« novembre 2026 »."""
        return format_date(day, "MMMM y", locale=self._locale).replace(" ", NO_BREAK)

    def number(self, number: str) -> str:
        return printed(number, self.language)

    def percent(self, part: int, whole: int) -> str:
        """« 98,5 % », as the monthly report has it (R-23)."""
        tenths = permille(part, whole)
        mark, sign = (",", f"{NO_BREAK}%") if self.language == "fr" else (".", "%")
        whole_part, tenth = divmod(tenths, 10)
        return f"{whole_part}{sign}" if part in (0, whole) else f"{whole_part}{mark}{tenth}{sign}"

    def title_of(self, line: str) -> str:
        """The title of a line; a line that is no longer configured is shown by its name."""
        lines = self.settings.lines()
        return lines[line].title(self.language) if line in lines else line

    def service(self, name: str) -> str:
        told = self.settings.services.get(name)
        if told is None:
            return name
        return told.title_fr if self.language == "fr" else told.title_en

    @property
    def _locale(self) -> str:
        return "fr_CA" if self.language == "fr" else "en_CA"


def local_time(dial: str, tongue: WebFormatter) -> str:
    """The local time at that number: « Chez la personne : 7 h 12 », the same as here, or unknown among several.

    "" when the number has no known time zone.
    """
    import phonenumbers.timezone

    try:
        parsed = phonenumbers.parse(dial)
    except phonenumbers.NumberParseException:
        return ""  # an extension, or a number in another format: no time zone
    zones = phonenumbers.timezone.time_zones_for_number(parsed)
    known = [ZoneInfo(zone) for zone in zones if zone != "Etc/Unknown"]
    here = tongue.now.astimezone(tongue.settings.timezone).utcoffset()
    offsets = {tongue.now.astimezone(zone).utcoffset() for zone in known}
    if not known or offsets == {here}:
        return tongue.say("Chez la personne : même heure qu'ici") if known else ""
    if len(offsets) > 1:
        return tongue.say("Chez la personne : heure inconnue, plusieurs fuseaux possibles")
    there = Formatter(tongue.language, known[0])
    return tongue.say("Chez la personne : {time}", time=there.minute(tongue.now))
