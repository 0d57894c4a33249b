"""The signature edition: the two pages of a report that a manager reads and signs. Pure.

Page 1 has the headline figures beside those of other months, and each line. Page 2 has the causes of misses, the
callbacks, the remarks and the signatures. Everything else is in the annex.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from callmon.core.verdicts import CAUSES
from callmon.features.months.figures import FATES
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutRow, LayoutTable
from callmon.features.months.model import WHOLE, ComparedMonth, Cut, Figure, Place, Report
from callmon.features.months.titles import HEADLINES, PUBLIC_HEADLINES
from callmon.features.months.trends import Trends
from callmon.features.months.watch import to_watch

MOST_LINES = 8  # page 1 has no room for more; those with the most calls are on it
MOST_REMARKS = 400  # characters for which page 2 has room; longer remarks are in the annex only
CALLS = "calls_offered"
THIRD = "answer_by_third_ring.rate"
CALLBACKS = "callbacks_24_hours.rate"
CAUSE = "answer_by_third_ring.cause"


def _is_known(figure: Figure | None) -> bool:
    return figure is not None and figure.state == "known"


class SignatureBuilder:
    """Makes the texts and tables of the signature edition in one language."""

    def __init__(self, report: Report, formatter: ReportFormatter) -> None:
        self.report, self.formatter = report, formatter
        self.titles = PUBLIC_HEADLINES if report.is_public else HEADLINES
        self.trends = Trends(report, formatter)

    def tables(self) -> dict[str, LayoutTable]:
        """The tables by key, in order; a public edition has neither causes nor fates."""
        if self.report.is_public:
            found = [self.headlines(), self.members("service"), self.members("line")]
        else:
            found = [self.headlines(), self.lines(), self.causes(), self.fates()]
        return {x.key: x for x in found if x is not None}

    def services(self) -> str:
        return "; ".join(self.formatter.cut(x, self.report) for x in self.report.cuts if x.kind == "service")

    def sentences(self) -> str:
        """The month as a person would say it; it has no sentence for a figure that is not known."""
        say = self.formatter.say
        month = self.formatter.capital(self.formatter.month(self.report.month.first))
        is_over = not (self.report.is_running or self.report.month.to_date)
        found = [f"{month}." if is_over else say("{month}, not over.", month=month)]
        found += [self._received()] if self._is_known(CALLS) else []
        found += [self._answered()] if self._is_known(THIRD) else []
        found += [self._called_back()] if self._is_known(CALLBACKS) else []
        return " ".join(found)

    def _received(self) -> str:
        """« Le ministère a reçu 714 appels (septembre 2026 : 698). »"""
        say, figure = self.formatter.say, self.report.figure(CALLS)
        few = (0, 1) if self.formatter.language == "fr" else (1,)
        calls = say("{offered} call" if figure.value in few else "{offered} calls", offered=self._shown(CALLS))
        if self.report.is_public:
            calls = say("about {calls}", calls=calls)
        elif not self.trends.this.may_compare("count") and not self.report.imported:
            calls = say("at least {calls}", calls=calls)
        is_part, before = self.report.is_of_lines, self._before(CALLS)
        return say(
            "These lines received {calls}{before}." if is_part else "The ministry received {calls}{before}.",
            calls=calls,
            before=before,
        )

    def _before(self, name: str) -> str:
        """« (septembre 2026 : 81,2 %) », behind a figure that may be compared with the month before; else ""."""
        other = next((x for x in self.report.compared if x.relation == "before"), None)
        if other is None or self.trends.change(name) is None:
            return ""
        month = self.formatter.month_name(date.fromisoformat(f"{other.month}-01"))
        shown = self.formatter.labelled(month, self.formatter.figure(other.figures[Place(name)]))
        return f" ({shown})"

    def _answered(self) -> str:
        """The sentence of the third ring, with the rate, or the fraction that stands for it."""
        if (few := self._fraction(THIRD)) is not None:
            return self.formatter.say(
                "A person answered before the fourth ring in {part} of {all} calls that the standard covers.",
                **few,
            )
        return self.formatter.say(
            "A person answered before the fourth ring in {rate} of the calls that the standard covers{before}.",
            rate=self._shown(THIRD),
            before=self._before(THIRD),
        )

    def _called_back(self) -> str:
        if (few := self._fraction(CALLBACKS)) is not None:
            return self.formatter.say("{part} of {all} callbacks that fell due were made within 24 hours.", **few)
        return self.formatter.say(
            "{rate} of the callbacks that fell due were made within 24 hours{before}.",
            rate=self._shown(CALLBACKS),
            before=self._before(CALLBACKS),
        )

    def _fraction(self, name: str) -> dict[str, str] | None:
        """The two numbers of a rate of few calls; None for a rate that is a percentage."""
        figure = self.report.figure(name)
        numbers = figure.numerator or 0, figure.denominator or 0
        if self.formatter.tenths(*numbers) is not None:
            return None
        return dict(zip(("part", "all"), map(self.formatter.count, numbers), strict=True))

    def _is_known(self, name: str) -> bool:
        return self.report.figure(name).state == "known"

    def _shown(self, name: str) -> str:
        return self.formatter.figure(self.report.figure(name))

    def to_watch(self) -> list[str]:
        titles = {name: self.formatter.say(of["term"]) for name, of in self.titles.items()}
        return to_watch(self.report, self.trends, titles, self.formatter)

    # Tables.

    def headlines(self) -> LayoutTable:
        """The headline figures beside those of the month before and of the same month last year.

        A compared month without any of them has no column. Of twelve months each figure has a line.
        """
        say, report = self.formatter.say, self.report
        places = [Place(name) for name in self.titles]
        beside = [x for x in report.compared if any(_is_known(x.figures.get(place)) for place in places)]
        head = [
            self.formatter.capital(self.formatter.month(report.month.first)),
            *map(self.formatter.relation, beside),
        ]
        rows = tuple(
            self._headline(place, say(of["term"]), beside)
            for place, of in zip(places, self.titles.values(), strict=True)
        )
        return LayoutTable(
            "headlines",
            say("Headline figures"),
            say("Figure"),
            tuple(head),
            rows,
            notes=tuple(self.trends.notes()),
            chart="cells",
            dashed=True,
        )

    def _headline(self, place: Place, title: str, beside: Sequence[ComparedMonth]) -> LayoutRow:
        none = Figure(place, "count", "not_available")
        return LayoutRow(
            title,
            (self.report.figures[place], *(x.figures.get(place, none) for x in beside)),
            under=("", *(self.trends.written(place.name, x.relation) for x in beside)),
            trend=self.trends.line(place.name, title),
        )

    def members(self, kind: Literal["service", "line"]) -> LayoutTable | None:
        """The headline figures by service or by line, in a public edition.

        A note names the columns and rows without any number. None where no number is left, and for a single
        member, which is the whole. One row alone is no table: the others stay.
        """
        say, figures = self.formatter.say, self.report.figures
        cuts = [x for x in self.report.cuts if x.kind == kind]
        known = {(at.name, at.cut) for at, x in figures.items() if x.state == "known"}
        names = [name for name in self.titles if any((name, x) in known for x in cuts)]
        shown = [x for x in cuts if any((name, x) in known for name in names)]
        if len(cuts) < 2 or not shown:
            return None
        if len(shown) < 2:
            shown = cuts
        rows = tuple(
            LayoutRow(self.formatter.cut(x, self.report), tuple(self.report.figure(name, cut=x) for name in names))
            for x in shown
        )
        head = {name: say(of["short"]) for name, of in self.titles.items()}
        left = [self.formatter.cut(x, self.report) for x in cuts if x not in shown]
        left += [head[name] for name in self.titles if name not in names]
        title = say("By service") if kind == "service" else say("By line")
        first = say("Service") if kind == "service" else say("Line")
        note = say("Not published this month: {names}.", names="; ".join(left))
        heads = tuple(head[name] for name in names)
        return LayoutTable(
            f"{kind}s", title, first, heads, rows, tuple(names), (note,) if left else (), chart="cells"
        )

    def lines(self) -> LayoutTable:
        """The headline figures of each line."""
        say, report = self.formatter.say, self.report
        cuts = [x for x in report.cuts if x.kind == "line"]
        busiest = sorted(cuts, key=lambda cut: -(report.figure("calls_offered", cut=cut).value or 0))[:MOST_LINES]
        rows = tuple(self._line(x) for x in cuts if x in busiest)
        note = say("The lines that received the most calls; the others are in the annex.")
        head = tuple(say(of["short"]) for of in HEADLINES.values())
        notes = (note,) if len(cuts) > len(busiest) else ()
        return LayoutTable(
            "lines", say("By line"), say("Line"), head, rows, tuple(HEADLINES), notes, chart="cells"
        )

    def _line(self, cut: Cut) -> LayoutRow:
        """The row of a line, with the targets of its rates."""
        places = [Place(name, "", cut) for name in HEADLINES]
        targets = tuple(self.report.targets.get(place) for place in places)
        under = [self._target(place, target) for place, target in zip(places, targets, strict=True)]
        cells = tuple(self.report.figures[place] for place in places)
        return LayoutRow(self.formatter.cut(cut, self.report), cells, under=tuple(under), targets=targets)

    def _target(self, place: Place, target: float | None) -> str:
        """« cible : 80 % », and whether a rate of enough calls is below it; "" without a target."""
        if target is None:
            return ""
        rate = self.report.figures[place]
        shown = self.formatter.tenths(rate.numerator or 0, rate.denominator or 0)
        percent = self.formatter.percent(round(target * 10)).replace(".0%", "%").replace(",0", "")
        is_below = shown is not None and shown < target * 10
        return self.formatter.say("below target: {percent}" if is_below else "target: {percent}", percent=percent)

    def causes(self) -> LayoutTable:
        """Why calls missed the third ring, by mode."""
        say, report = self.formatter.say, self.report
        cuts = [WHOLE, *(x for x in report.cuts if x.kind == "mode")]
        parts = [x for x in CAUSES if report.figure(CAUSE, x).value != 0] or CAUSES
        rows = tuple(
            LayoutRow(
                self.formatter.capital(self.formatter.part(CAUSE, part)),
                tuple(report.figure(CAUSE, part, cut) for cut in cuts),
            )
            for part in parts
        )
        title = say("Why calls were not answered by the third ring")
        head = tuple(self.formatter.cut(x, report) for x in cuts)
        return LayoutTable("causes", title, say("Cause"), head, rows, chart="cells")

    def fates(self) -> LayoutTable:
        """What became of the callbacks opened in the month, by both clocks."""
        say, names = self.formatter.say, ("callbacks_24_hours", "callbacks_business_day")
        shown = [x for x in FATES if any(self.report.figure(name, x).value != 0 for name in names)]
        parts = shown if len(shown) > 1 else FATES
        rows = [
            LayoutRow(
                self.formatter.capital(self.formatter.part(names[0], part)),
                tuple(self.report.figure(name, part) for name in names),
            )
            for part in parts
        ]
        opened = self.report.figure("callbacks_opened")
        total = LayoutRow(self.formatter.meaning("callbacks_opened").term, (opened, opened), is_whole=True)
        head = (say("24 hours by the clock"), say("One business day"))
        return LayoutTable("fates", say("Callbacks"), say("Outcome"), head, (total, *rows), chart="cells")
