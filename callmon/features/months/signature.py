"""The signature edition: the two pages of a report that a manager reads and signs. Pure.

Page 1 has the headline figures beside those of other months, and each line. Page 2 has the causes of misses, the
callbacks, the remarks and the signatures. Everything else is in the annex.
"""

from typing import Literal

from callmon.core.verdicts import CAUSES
from callmon.features.months.figures import FATES
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutRow, LayoutTable
from callmon.features.months.model import WHOLE, Figure, Place, Relation, Report
from callmon.features.months.titles import HEADLINES, PUBLIC_HEADLINES

MOST_LINES = 8  # page 1 has no room for more; those with the most calls are on it
MOST_REMARKS = 400  # characters for which page 2 has room; longer remarks are in the annex only
CALLS = "calls_offered"
THIRD = "answer_by_third_ring.rate"
CALLBACKS = "callbacks_24_hours.rate"
CAUSE = "answer_by_third_ring.cause"


class SignatureBuilder:
    """Makes the texts and tables of the signature edition in one language."""

    def __init__(self, report: Report, formatter: ReportFormatter) -> None:
        self.report, self.formatter = report, formatter
        self.titles = PUBLIC_HEADLINES if report.is_public else HEADLINES

    def tables(self) -> dict[str, LayoutTable]:
        """The tables by key, in order; a public edition has neither causes nor fates."""
        if self.report.is_public:
            found = [self.headlines(), self.members("service"), self.members("line")]
        else:
            found = [self.headlines(), self.lines(), self.causes(), self.fates()]
        return {x.key: x for x in found if x is not None}

    def services(self) -> str:
        return "; ".join(self.formatter.cut(x, self.report) for x in self.report.cuts if x.kind == "service")

    def sentence(self) -> str:
        """The month in one sentence; it has no clause for a figure that is not known."""
        say = self.formatter.say
        month = self.formatter.capital(self.formatter.month(self.report.month.first))
        clauses = []
        if self._is_known(CALLS):
            few = (0, 1) if self.formatter.language == "fr" else (1,)
            is_few = self.report.figure(CALLS).value in few
            received = say(
                "{offered} call received" if is_few else "{offered} calls received", offered=self._shown(CALLS)
            )
            clauses.append(received)
        if self._is_known(THIRD):
            third = say(
                "of the calls that the standard covers, {rate} were answered by a person by the third ring",
                rate=self._shown(THIRD),
            )
            clauses.append(third)
        if self._is_known(CALLBACKS):
            back = say(
                "of the callbacks that fell due, {rate} were made within 24 hours", rate=self._shown(CALLBACKS)
            )
            clauses.append(back)
        return self.formatter.labelled(month, "; ".join(clauses)) + "."

    def _is_known(self, name: str) -> bool:
        return self.report.figure(name).state == "known"

    def _shown(self, name: str) -> str:
        return self.formatter.figure(self.report.figure(name))

    # Tables.

    def headlines(self) -> LayoutTable:
        """The headline figures beside those of the month before and of the same month last year."""
        say, compared = self.formatter.say, {x.relation: x for x in self.report.compared}
        head, months = (
            [self.formatter.capital(self.formatter.month(self.report.month.first))],
            [self.report.figures],
        )
        relations: dict[Relation, str] = {
            "before": say("Previous month"),
            "year_before": say("Same month last year"),
        }
        for relation, title in relations.items():
            other = compared.get(relation)
            head.append(title if other is None else self.formatter.relation(other))
            months.append({} if other is None else dict(other.figures))
        none = Figure(Place(CALLS), "count", "not_available")
        rows = tuple(
            LayoutRow(say(of["term"]), tuple(figures.get(place, none) for figures in months))
            for place, of in ((Place(name), of) for name, of in self.titles.items())
        )
        title = say("Headline figures")
        return LayoutTable("headlines", title, say("Figure"), tuple(head), rows, chart="cells", dashed=True)

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
        rows = tuple(
            LayoutRow(self.formatter.cut(x, report), tuple(report.figure(name, cut=x) for name in HEADLINES))
            for x in cuts
            if x in busiest
        )
        note = say("The lines that received the most calls; the others are in the annex.")
        head = tuple(say(of["short"]) for of in HEADLINES.values())
        notes = (note,) if len(cuts) > len(busiest) else ()
        return LayoutTable(
            "lines", say("By line"), say("Line"), head, rows, tuple(HEADLINES), notes, chart="cells"
        )

    def causes(self) -> LayoutTable:
        """Why calls missed the third ring, by mode."""
        say, report = self.formatter.say, self.report
        cuts = [WHOLE, *(x for x in report.cuts if x.kind == "mode")]
        rows = tuple(
            LayoutRow(
                self.formatter.capital(self.formatter.part(CAUSE, part)),
                tuple(report.figure(CAUSE, part, cut) for cut in cuts),
            )
            for part in CAUSES
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
