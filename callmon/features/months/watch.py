"""What page 1 asks its reader to watch, by rule: the lowest line, the largest change, what was not heard. Pure.

Refuses: a line or a rate of few calls; a public edition.
"""

from collections.abc import Iterator, Mapping

from callmon.core.verdicts import CAUSES
from callmon.features.months.formatter import FEW, ReportFormatter
from callmon.features.months.model import Cut, Figure, Report
from callmon.features.months.trends import Trends

THIRD = "answer_by_third_ring"
LARGE = 50  # tenths of a point: a smaller change is that of chance as well
LEAST_HOURS = 0.1


def to_watch(report: Report, trends: Trends, titles: Mapping[str, str], formatter: ReportFormatter) -> list[str]:
    """The sentences, of a report that has data. `titles`: of the figures that may have changed."""
    if report.is_public or not report.has_data:
        return []
    found = (
        *_lowest_line(report, formatter),
        *_largest_change(trends, titles, formatter),
        *_gaps(report, trends, formatter),
    )
    return [*found] or [formatter.say("nothing stands out by rule.")]


def _lowest_line(report: Report, formatter: ReportFormatter) -> Iterator[str]:
    """Of several lines with enough judged calls, the one with the lowest rate by the third ring."""
    rates = [report.figure(f"{THIRD}.rate", cut=x) for x in report.cuts if x.kind == "line"]
    enough = [x for x in rates if x.state == "known" and (x.denominator or 0) >= FEW]
    if len(rates) < 2 or not enough:
        return
    lowest = min(enough, key=lambda x: x.value or 0)
    if lowest.numerator == lowest.denominator:
        return
    text = formatter.say(
        "{line}: by the third ring, a person answered {met} of {judged} calls ({rate})",
        line=formatter.cut(lowest.place.cut, report),
        met=formatter.count(lowest.numerator or 0),
        judged=formatter.count(lowest.denominator or 0),
        rate=formatter.figure(lowest),
    )
    yield text + _cause(report, lowest, formatter) + "."


def _cause(report: Report, rate: Figure, formatter: ReportFormatter) -> str:
    """The most frequent cause of the misses; "" where two are equally frequent."""
    counts = _causes(report, rate.place.cut)
    missed = (rate.denominator or 0) - (rate.numerator or 0)
    most = max(counts.values(), default=0)
    names = [cause for cause, count in counts.items() if count == most]
    if not most or len(names) != 1:
        return ""
    return formatter.say(
        "; the most frequent cause: “{cause}” ({count} of {missed})",
        cause=formatter.part(f"{THIRD}.cause", names[0]),
        count=formatter.count(most),
        missed=formatter.count(missed),
    )


def _causes(report: Report, cut: Cut) -> dict[str, int]:
    found = {cause: report.figure(f"{THIRD}.cause", cause, cut).value for cause in CAUSES if cause != "other"}
    return {cause: int(count or 0) for cause, count in found.items()}


def _largest_change(trends: Trends, titles: Mapping[str, str], formatter: ReportFormatter) -> Iterator[str]:
    """The rate that changed most since the month before, if by five points or more."""
    changes = {
        name: change
        for name in titles
        if name.endswith(".rate") and (change := trends.change(name)) is not None and abs(change) >= LARGE
    }
    if changes:
        name = max(changes, key=lambda x: abs(changes[x]))
        yield formatter.say(
            "{figure}: {change} since the month before.",
            figure=titles[name],
            change=trends.written(name, "before"),
        )


def _gaps(report: Report, trends: Trends, formatter: ReportFormatter) -> Iterator[str]:
    """What nobody heard, and no log has."""
    if (hours := trends.this.unheard_hours) >= LEAST_HOURS:
        yield formatter.say(
            "{hours} of opening hours were not heard: calls may be missing.", hours=formatter.hour_count(hours)
        )
    missing = report.figure("reconciliation_exchange_only")
    if missing.state == "known" and missing.value:
        yield formatter.say(
            "Calls that the exchange counted and callmon did not: {count}.",
            count=formatter.count(int(missing.value)),
        )
