"""The sentences of the internal report on callers who reached a person, and on the difference to the month before.

The parts are those of `callmon why`. Refuses: a phone, a person, and parts of a month within the usual spread.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from callmon.core.replay.needs import Needs
from callmon.core.replay.why import rounded_points
from callmon.core.verdicts import CAUSES
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import ComparedMonth, ExplainedPart, MonthExplained, Place, Report
from callmon.features.months.titles import SILENCES
from callmon.text.formatter import MINUS

COMPARED = (None, "usual", "not_explained")  # reasons of a month whose rate is said
CAUSE, ANSWERED = "answer_by_third_ring.cause", Place("answer_rate")


def needs_sentences(report: Report, formatter: ReportFormatter) -> list[str]:
    """How many callers reached a person; nothing where it is not asked."""
    found, say = report.needs, formatter.say
    if found is None:
        return []
    reached = _reached(found, formatter) if found.needs else say("No call from a known number, in opening hours.")
    apart = say(
        "Calls without a known number, counted apart: {unknown}.", unknown=formatter.count(found.unknown_number)
    )
    return [reached, apart]


def _reached(found: Needs, formatter: ReportFormatter) -> str:
    say = formatter.say
    if found.needs < formatter.few:
        return say(
            "{met} of {needs} callers, by their number, reached a person within 24 hours.",
            met=formatter.count(found.met),
            needs=formatter.count(found.needs),
        )
    share, first = (round(100 * count / found.needs) for count in (found.met, found.met_at_first))
    return say(
        "{met} of 100 callers, by their number, reached a person within 24 hours, {first} of them with one call; "
        "{others} did not.",
        met=share,
        first=first,
        others=100 - share,
    )


def why_sentences(report: Report, formatter: ReportFormatter) -> list[str]:
    """Five sentences on the difference to the month before, or the reason for which there is none."""
    found, say = report.explained, formatter.say
    if found is None:
        return []
    if found.rate is None or found.usual is None or found.why_not not in COMPARED:
        return [] if found.why_not is None else [say(SILENCES[found.why_not])]
    month = formatter.month_name(date.fromisoformat(f"{found.before}-01"))
    rates = {"rate": _percent(found.rate, formatter), "before": _percent(found.usual, formatter), "month": month}
    if found.why_not == "usual":
        return [say("Third ring kept: {rate}, {before} in {month}: within the usual spread of the days.", **rates)]
    points = formatter.points(found.rate - found.usual)
    this, before = report.compared_as("this"), next(x for x in report.compared if x.relation == "before")
    return [
        say(
            "Third ring kept: {rate}, {before} in {month} ({points}, outside the usual spread of the days).",
            points=points,
            **rates,
        ),
        _made_of(found, formatter),
        *_causes(this, before, formatter),
        say(
            "Calls answered by a person: {rate}, {before} in {month}.",
            rate=formatter.figure(this.figures[ANSWERED]),
            before=formatter.figure(before.figures[ANSWERED]),
            month=month,
        ),
        say(
            "This is an estimate, from {days} days of each month: it describes the line, not the people who work "
            "on it.",
            days=found.days,
        ),
    ]


def _percent(rate: float, formatter: ReportFormatter) -> str:
    return formatter.percent(round(1000 * rate))


def _made_of(found: MonthExplained, formatter: ReportFormatter) -> str:
    """The parts, or that the difference is not explained."""
    if found.parts is None:
        return formatter.say(SILENCES["not_explained"])
    return formatter.say(
        "What the difference is made of, in points: {parts}.", parts=_parts(found.parts, formatter)
    )


def _parts(parts: Sequence[ExplainedPart], formatter: ReportFormatter) -> str:
    """Each part with its points, which add up as they are printed."""
    tenths = rounded_points([part.points for part in parts])
    signed = (
        f"{MINUS if n < 0 else '+' if n else ''}{formatter.decimal(Decimal(abs(n)) / 10, 1)}" for n in tenths
    )
    return ", ".join(f"{formatter.word('part', x.part)} {n}" for x, n in zip(parts, signed, strict=True))


def _causes(this: ComparedMonth, before: ComparedMonth, formatter: ReportFormatter) -> list[str]:
    """The calls that missed the third ring by cause, of both months."""
    counts = {x: (this.count(CAUSE, x), before.count(CAUSE, x)) for x in CAUSES}
    shown = [
        f"{formatter.part(CAUSE, cause)} {formatter.count(now)} ({formatter.count(then)})"
        for cause, (now, then) in counts.items()
        if now or then
    ]
    text = formatter.say("Calls that missed it, in brackets the month before: {causes}.", causes=", ".join(shown))
    return [text] if shown else []
