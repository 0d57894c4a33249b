"""Text of a report in one language: words, numbers, rates and times in the forms of users.md. Pure.

Refuses: a text without a translation. A report is published in both languages at once, without mixed languages.
"""

from datetime import date, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal

from babel.dates import get_day_names

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.standards import ALL_STANDARDS
from callmon.features.months.model import ComparedMonth, Cut, Figure, Report
from callmon.features.months.titles import CUTS, FIGURES, PARTS, SAME_PARTS, UNKNOWN_CUT
from callmon.text import labels
from callmon.text.formatter import MINUS, Definition, Formatter, permille

CONTEXT = "report"
FEW = 20  # judged calls; below, the fraction replaces the percentage
_REASONS = ("exempt", "not_met", "unknown")
# The sign of a state; no two states have the same sign.
STATE_SIGNS = {
    "not_applicable": "n/a",
    "not_available": "not available",
    "too_few": "too few calls",
}
# The kind of label of the parts of a figure.
_WORDS = {
    **dict.fromkeys(("outcomes", "outcomes_in_hours", "relay_outcomes"), "outcome"),
    "signs": "sign",
    "callback_openings": "opening",
    **{name: name for name in ("abandoned_in", "cause", "verdict", "voicemail_when")},
}


class MissingTextError(AssertionError):
    """A text of a report has no translation."""


class ReportFormatter(Formatter):
    """Formats text in French or English, in the time zone of the site."""

    context = CONTEXT
    few = FEW

    def say(self, english: str, context: str = CONTEXT, **values: object) -> str:
        """The text in this language. Raises MissingTextError."""
        if self.language == "fr" and (context, english) not in labels.catalogue():
            raise MissingTextError(f"fr: {english!r} is not translated")
        return super().say(english, context, **values)

    # Names.

    def meaning(self, name: str) -> Definition:
        """The title and definition of a figure; the standard's name precedes the title of its figures."""
        known = FIGURES.get(name)
        if known is not None:
            return Definition(self.say(known.term), self.say(known.text))
        standard, _, what = name.partition(".")
        assert standard in ALL_STANDARDS, name
        own = FIGURES[what]
        title = self.say(own.term)
        title = self.labelled(self.word("standard", standard), title[:1].lower() + title[1:])
        return Definition(title, self.say(own.text))

    def labelled(self, title: str, text: str) -> str:
        """A title and a text, which may be empty: « Ligne de contrôle : appels reçus … »."""
        if not text:
            return title
        return self.typeset(f"{title} : {text}" if self.language == "fr" else f"{title}: {text}")

    def figure_title(self, name: str, part: str) -> str:
        """The title of a figure with the name of its part."""
        return self.labelled(self.meaning(name).term, self.part(name, part))

    def part(self, name: str, part: str) -> str:
        """The name of a part of a figure; "" for no part."""
        if not part:
            return ""
        of_standard = name.partition(".")[0] in ALL_STANDARDS
        what = name.rpartition(".")[2] if of_standard else name
        if of_standard and what in _REASONS:
            return self.reason(part, None)
        kind = _WORDS.get(what, "")
        if part in labels.KINDS.get(kind, ()):
            return self.word(kind, part)
        if name.startswith("weekday."):
            return str(get_day_names("wide", locale=self.locale)[int(part) - 1])
        if name.startswith("half_hour."):
            hour, minute = part.split(":")
            return self.time_of_day(int(hour), int(minute))
        known = PARTS.get(SAME_PARTS.get(name, name), {})
        for table in (known, PARTS.get(what, {}), PARTS["ends"]):
            if part in table:
                return self.say(table[part])
        assert name.startswith("unheard_"), (name, part)
        return part  # the name of an exchange

    def time_of_day(self, hour: int, minute: int) -> str:
        """A time of day: « 8 h 30 » / "8:30 a.m.", "noon", "midnight"."""
        return self.minute(datetime(2000, 1, 1, hour, minute, tzinfo=self.timezone)).replace(" ", NO_BREAK)

    def cut(self, cut: Cut, report: Report) -> str:
        """The name of a cut: « Ensemble », the title of a service or a line, a mode, a language."""
        title = report.titles.get(cut)
        own = "" if title is None else (title.fr if self.language == "fr" else title.en)
        match cut.kind:
            case "whole":
                return self.say(CUTS["whole"])
            case "mode" if cut.of in labels.KINDS["mode"]:
                return self.capital(self.word("mode", cut.of))
            case "language":
                return self.capital(self.word("language", cut.of))
        return own or (self.say(UNKNOWN_CUT) if cut.of == "unknown" else cut.of)

    def kind(self, cut: Cut) -> str:
        return self.say(CUTS[cut.kind])

    # Figures.

    def figure(self, figure: Figure) -> str:
        """A figure as it is printed: its value with its unit, or the sign of its state."""
        if figure.state != "known" or figure.value is None:
            return self.say(STATE_SIGNS[figure.state])
        match figure.kind:
            case "count" | "rings":
                return self.count(int(figure.value))
            case "rate":
                return self.rate(figure.numerator or 0, figure.denominator or 0)
            case "difference":
                return self.points(float(figure.value))
            case "hours":
                return self.hour_count(float(figure.value))
            case "seconds":
                return self._measured(float(figure.value))

    def hour_count(self, hours: float) -> str:
        return self._amount(hours, "h")

    def count(self, count: int) -> str:
        number = self.decimal(Decimal(abs(count)), 0)
        return f"{MINUS}{number}" if count < 0 else number

    def rate(self, numerator: int, denominator: int) -> str:
        """A rate: « 98,5 % »; the fraction « 3 sur 4 » if `denominator` is below `few`."""
        tenths = self.tenths(numerator, denominator)
        if tenths is None:
            return self.say("{part} of {all}", part=numerator, all=denominator).replace(" ", NO_BREAK)
        return self.percent(tenths)

    def amount(self, figure: Figure) -> float | None:
        """The number of a figure, of a rate its `tenths`; None if there is none."""
        if figure.state != "known":
            return None
        rate = (figure.numerator or 0, figure.denominator or 0)
        return self.tenths(*rate) if figure.kind == "rate" else figure.value

    def tenths(self, numerator: int, denominator: int) -> int | None:
        """A rate in tenths of a percent, as it is printed; None if few calls were judged."""
        return None if denominator < self.few else permille(numerator, denominator)

    def points(self, difference: float) -> str:
        """The difference of two rates in percentage points, with its sign."""
        tenths = round(abs(difference) * 1000)
        sign = "" if tenths == 0 else "+" if difference > 0 else MINUS
        return self.say("{sign}{number} points", sign=sign, number=self.decimal(Decimal(tenths) / 10, 1)).replace(
            " ", NO_BREAK
        )

    def _measured(self, seconds: float) -> str:
        """A length from seconds, truncated: below two minutes in s, below two hours in min, else in h."""
        if seconds < 120:
            return self._amount(seconds, "s")
        return self._amount(seconds / 60, "min") if seconds < 7200 else self._amount(seconds / 3600, "h")

    def span(self, length: timedelta) -> str:
        """The length of a setting: « 24 h », « 10 s »; a decimal only if it is not whole."""
        seconds = length.total_seconds()
        value, unit = (seconds / 3600, "h") if seconds % 3600 == 0 and seconds else (seconds, "s")
        return f"{self.decimal(Decimal(str(value)), 0 if value == int(value) else 1)}{NO_BREAK}{unit}"

    def _amount(self, value: float, unit: str) -> str:
        cut = Decimal(repr(value)).quantize(Decimal("0.1"), ROUND_FLOOR)
        return f"{self.decimal(cut, 1)}{NO_BREAK}{unit}"

    # Times.

    def relation(self, month: ComparedMonth) -> str:
        """The heading of a compared month: « Mois précédent : octobre 2026 »."""
        first = date.fromisoformat(f"{month.month}-01")
        text = self.say(
            "month before: {month}" if month.relation == "before" else "same month last year: {month}",
            month=self.month(first),
        )
        return self.capital(text)

    def date_and_time(self, at: datetime) -> str:
        return self.say("{day} at {time}", day=self.day(at), time=self.minute(at)).replace(" ", NO_BREAK)


class RoundedFormatter(ReportFormatter):
    """Formats a public edition, whose numbers are rounded: rates are whole percentages."""

    few = 100

    def tenths(self, numerator: int, denominator: int) -> int | None:
        return None if denominator < self.few else 10 * whole_percent(numerator, denominator)

    def percent(self, tenths: int) -> str:
        """A percentage from tenths of a percent, with a decimal only if it is not whole (a target)."""
        return super().percent(tenths).replace(",0" if self.language == "fr" else ".0", "")


def formatter_of(report: Report, language: str, timezone: tzinfo) -> ReportFormatter:
    """The formatter of a report, which depends on its edition."""
    return (RoundedFormatter if report.is_public else ReportFormatter)(language, timezone)


def whole_percent(numerator: int, denominator: int) -> int:
    """A rate in percent, rounded to the nearest; 100 only for all, 0 only for none (R-23)."""
    percent = (200 * numerator + denominator) // (2 * denominator)
    if numerator != denominator:
        percent = min(percent, 99)
    return max(percent, 1) if numerator else percent
