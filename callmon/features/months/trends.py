"""A month beside others: which figures may be compared, how they changed, the lines of twelve months. Pure.

Refuses: a change against a month of imported calls, or one that was not heard for too long; a change of a month
that is not over; a change between rates of few calls.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import MOST_UNHEARD, Kind, Place, Relation, Report
from callmon.text.formatter import MINUS

WIDTH = 120  # of a drawing, in its own units
HEIGHT = 26
EDGE = 3
LEAST_POINTS = 0.2  # the height of a drawing of rates is at least twenty points


class TrendLine(NamedTuple):
    """The runs of a line of twelve months as points, and what is written below and about it."""

    runs: list[list[tuple[float, float]]]
    title: str
    span: str
    described: str


class Trends:
    """The changes and the lines of one report in one language."""

    def __init__(self, report: Report, formatter: ReportFormatter) -> None:
        self.report, self.formatter = report, formatter
        self.this = report.compared_as("this")
        self.others = {x.relation: x for x in report.compared}
        self.is_compared = not (report.is_public or report.is_running or report.month.to_date)

    def change(self, name: str, relation: Relation = "before") -> float | None:
        """How much a figure changed: calls, or tenths of a point between the rates as they are shown."""
        other = self.others.get(relation)
        after, before = self.this.figures[Place(name)], None if other is None else other.figures.get(Place(name))
        if other is None or before is None or not self.is_compared or after.kind not in MOST_UNHEARD:
            return None
        if not all(x.may_compare(after.kind) for x in (self.this, other)):
            return None
        amounts = [self.formatter.amount(x) for x in (after, before)]
        return None if None in amounts else amounts[0] - amounts[1]  # type: ignore[operator]  # none is None

    def written(self, name: str, relation: Relation) -> str:
        """A change with its sign; "" for none that may be shown."""
        change = self.change(name, relation)
        if change is None:
            return ""
        if self.this.figures[Place(name)].kind == "rate":
            return self.formatter.points(change / 1000)
        sign = "+" if change > 0 else MINUS if change else ""
        return sign + self.formatter.count(int(abs(change)))

    def notes(self) -> Iterator[str]:
        """Why a change is not shown, a sentence for each month."""
        say, report = self.formatter.say, self.report
        if report.is_public or not report.compared:
            return
        if not self.is_compared:
            yield say("The month is not over: no change is shown.")
            return
        for month in (self.this, *self.others.values()):
            named = self.formatter.month(date.fromisoformat(f"{month.month}-01"))
            hours = self.formatter.hour_count(month.unheard_hours)
            if self.formatter.amount(month.figures[Place("calls_offered")]) is None:
                yield say("There are no figures for {month}.", month=named)
            elif month.has_imported:
                yield say("{month} rests in part on imported calls: no change is shown.", month=named)
            elif not month.may_compare("rate"):
                yield say(
                    "Of {month}, {hours} of opening hours were not heard: no change is shown.",
                    month=named,
                    hours=hours,
                )
            elif not month.may_compare("count"):
                yield say(
                    "Of {month}, {hours} of opening hours were not heard: no change in the calls is shown.",
                    month=named,
                    hours=hours,
                )

    # Twelve months.

    def line(self, name: str, title: str) -> TrendLine | None:
        """The line of a figure; None where fewer than two months have one that may be compared."""
        place, months = Place(name), [*self.report.months, self.this]  # the oldest first
        kind = self.this.figures[place].kind
        amount = self.formatter.amount
        amounts = [
            amount(x.figures[place]) if place in x.figures and x.may_compare(kind) else None for x in months
        ]
        found = [x for x in amounts if x is not None]
        if len(found) < 2 or not self.is_compared:
            return None
        known = [x.figures[place] for x, shown in zip(months, amounts, strict=True) if shown is not None]
        ordered = sorted(known, key=lambda x: x.value or 0)
        low, high = (self.formatter.figure(ordered[end]) for end in (0, -1))
        say = self.formatter.say
        return TrendLine(
            _runs(amounts, kind),
            say("Twelve months: {figure}", figure=title),
            say("{low} to {high}", low=low, high=high),
            say("Line from the oldest month to this one. Lowest: {low}; highest: {high}.", low=low, high=high),
        )


def _runs(amounts: list[float | None], kind: Kind) -> list[list[tuple[float, float]]]:
    """The points of a line in its drawing; a month without a figure breaks it."""
    found = [x for x in amounts if x is not None]
    least, most = min(found), max(found)
    widen = max(0.0, LEAST_POINTS * 1000 - (most - least)) / 2 if kind == "rate" else (0.5 if most == least else 0)
    least, most = least - widen, most + widen
    step = (WIDTH - 2 * EDGE) / max(1, len(amounts) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, amount in enumerate(amounts):
        if amount is None:
            runs.append([])
        else:
            y = HEIGHT - EDGE - (amount - least) / (most - least) * (HEIGHT - 2 * EDGE)
            runs[-1].append((round(EDGE + place * step, 1), round(y, 1)))
    return [run for run in runs if run]
