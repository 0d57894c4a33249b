"""The text of the pages: their own sentences, and times and lengths in callmon's common format. Pure.

A sentence stands in a template or a page in English, the catalogue's key (context "page"). The sentences
of a call's story and of the lists of callbacks and disruptions come from `text/`, with their own context.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from callmon.config.business_calendar import Periods
from callmon.config.phone_numbers import NO_BREAK, printed
from callmon.text.formatter import Formatter, permille
from callmon.text.lists import TerminalPage

OTHER = {"fr": "en", "en": "fr"}
ACRONYM = re.compile(r"(.+) \(([^\W_]{2,9})\)")  # at the end of a service's title
FEW = 20  # judged calls below which no rate is printed: the fraction alone


class WebFormatter(TerminalPage):
    """The formatter of one language at one moment."""

    context = "page"

    @property
    def speech(self) -> Formatter:
        """The formatter of stories, whose sentences have their own context."""
        return Formatter(self.language, self.timezone)

    def say(self, english: str, context: str = "", **values: object) -> str:
        """A sentence; a whole number in it has its thousands apart, as in a table."""
        written = {name: self.whole(x) if isinstance(x, int) else x for name, x in values.items()}
        return super().say(english, context, **written)

    def long_day(self, day: date) -> str:
        """« mardi 24 novembre 2026 » / "Tuesday 24 November 2026"."""
        day_and_month, _, year = self.day(day).rpartition(NO_BREAK)
        return f"{self.weekday(day)} {day_and_month} {year}"

    def short_day(self, day: date) -> str:
        """« mar. 24 nov. » / "Tue 24 Nov"."""
        return self._date(day, "EEE d MMM").replace(" ", NO_BREAK)

    def clock(self, name: str) -> str:
        """« 8 h 30 » for "08:30"."""
        hours, minutes = map(int, name.split(":"))
        return self._wall(timedelta(hours=hours, minutes=minutes))

    def near(self, at: datetime) -> str:
        """A time for a narrow column: « 17 h » today, « sam. 9 h 19 » this week, « 24 nov. 9 h 19 »."""
        days = abs((at.astimezone(self.timezone).date() - self.now.astimezone(self.timezone).date()).days)
        day = "" if not days else self._date(at, "EEE" if days < 7 else "d MMM").replace(" ", NO_BREAK) + NO_BREAK
        return f"{day}{self.minute(at)}"

    def at_time(self, at: datetime) -> str:
        """« à 2 h 37 » today, so that it is not taken for a length; else as `near`."""
        is_today = at.astimezone(self.timezone).date() == self.now.astimezone(self.timezone).date()
        return self.say("at {time}", time=self.minute(at)) if is_today else self.near(at)

    def time_left(self, length: timedelta) -> str:
        """« 2 h 37 min », so that it is not taken for a time of the day."""
        minutes = length // timedelta(minutes=1)
        text = self.duration(length)
        return self.say("{length} min", length=text) if 60 <= minutes < 1440 else text

    def month(self, at: date) -> str:
        return super().month(at).replace(" ", NO_BREAK)

    def short_month(self, at: date, with_year: bool) -> str:
        """« nov. », « nov. 2026 » / "Nov", "Nov 2026"."""
        return self._date(at, "LLL y" if with_year else "LLL")

    def whole(self, number: int) -> str:
        """« 1 769 » / "1,769"."""
        return self.decimal(Decimal(number), 0)

    def periods(self, opening: Periods) -> str:
        """« 8 h 30 à 17 h »; « fermé » for none; « jour et nuit »."""
        if not opening:
            return self.say("closed")
        if [(x.opens, x.closes) for x in opening] == [(timedelta(0), timedelta(days=1))]:
            return self.say("day and night")
        return ", ".join(
            self.say("{opens} to {closes}", opens=self._wall(x.opens), closes=self._wall(x.closes))
            for x in opening
        )

    def _wall(self, since_midnight: timedelta) -> str:
        return self.minute(datetime(2000, 1, 1, tzinfo=self.timezone) + since_midnight)

    def number(self, number: str) -> str:
        return printed(number, self.language)

    def share(self, part: int, whole: int) -> str:
        """« 98,5 % », as the monthly report has it (R-23)."""
        return self.percent(permille(part, whole))

    def short_decimal(self, number: float) -> str:
        """« 1,5 » / "1.5", without zeros at the end."""
        return f"{number:g}".replace(".", "," if self.language == "fr" else ".")

    def hours(self, length: timedelta) -> str:
        """« 24 h »: as configured, not as days."""
        hours, rest = divmod(length, timedelta(hours=1))
        return self.say("{hours} h", hours=hours) if not rest else self.duration(length)

    def service(self, name: str, language: str = "") -> str:
        service = self.settings.services.get(name)
        if service is None:
            return name
        return service.title_fr if (language or self.language) == "fr" else service.title_en

    def acronym(self, title: str) -> tuple[str, str]:
        """("OINP", "Ontario Immigrant Nominee Program"); the title twice where it ends in no acronym."""
        found = ACRONYM.fullmatch(title)
        return (found[2], found[1]) if found else (title, title)

    def acronyms(self, page: str) -> list[str]:
        """Those of the services, and of the text telephone, that the page has, each with what it stands for."""
        named = (self.acronym(self.service(name)) for name in self.settings.services)
        known = {x: self.say("{short}: {whole}", short=x, whole=whole) for x, whole in named if x != whole}
        known[self.say("TTY")] = self.say("TTY: teletypewriter")
        return [meaning for short, meaning in known.items() if _has_word(page, short)]


def _has_word(text: str, word: str) -> bool:
    """Whether `text` has `word` with no letter or digit beside it."""
    at = text.find(word)
    while at >= 0:
        if not (text[at - 1 : at].isalnum() or text[at + len(word) : at + len(word) + 1].isalnum()):
            return True
        at = text.find(word, at + 1)
    return False


def templates_of(*packages: str) -> Environment:
    """The HTML templates of these packages, each read once; a missing value is an error."""
    loader = ChoiceLoader([PackageLoader(package) for package in packages])
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    found.trim_blocks = found.lstrip_blocks = True
    found.auto_reload = False
    return found


def local_time(dial: str, formatter: WebFormatter) -> str:
    """« Heure locale de la personne : 7 h 12 », the same as here, or unknown among zones; "" without a zone."""
    import phonenumbers.timezone

    try:
        parsed = phonenumbers.parse(dial)
    except phonenumbers.NumberParseException:
        return ""  # an extension, or a number in another format: no time zone
    zones = phonenumbers.timezone.time_zones_for_number(parsed)
    known = [ZoneInfo(zone) for zone in zones if zone != "Etc/Unknown"]
    here = formatter.now.astimezone(formatter.timezone).utcoffset()
    offsets = {formatter.now.astimezone(zone).utcoffset() for zone in known}
    if not known or offsets == {here}:
        return formatter.say("At the person's place: same time as here") if known else ""
    if len(offsets) > 1:
        return formatter.say("At the person's place: time not known, several time zones possible")
    there = Formatter(formatter.language, known[0])
    return formatter.say("At the person's place: {time}", time=there.minute(formatter.now))
