"""The public card: one page with five figures of the whole, for a wall or a web site. Pure.

The two counts are always numbers. So is a rate from five judged calls on; below, it has the sign of few calls.

Refuses: an edition that is not public; a service or a line.
"""

from datetime import date
from typing import NamedTuple

from callmon.features.months.formats import html
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import Figure, Place, Report
from callmon.features.months.notes import Notes
from callmon.features.months.signature import SignatureBuilder
from callmon.features.months.titles import PUBLIC_HEADLINES

FIGURES = (
    *("calls_offered", "answer_by_third_ring.rate", "reach_a_person.rate", "callbacks_opened"),
    "callbacks_24_hours.rate",
)
FORMATS = ("html", "pdf")


class CardFigure(NamedTuple):
    """A figure as the card shows it: `more` has what a percentage is made of, and the months beside it."""

    term: str
    value: str
    more: str


def card(report: Report, notes: Notes, formatter: ReportFormatter) -> bytes:
    """The card as one HTML page in one language; the PDF is made from it."""
    assert report.is_public
    signature = SignatureBuilder(report, formatter)
    page = (
        html.environment()
        .get_template("card.html.j2")
        .render(
            formatter=formatter,
            title=html.texts(report, notes, formatter)["title"],
            publisher=notes.publisher or signature.services(),
            state=formatter.capital(html.state(report, formatter)),
            completeness=formatter.labelled(
                formatter.meaning("completeness").term, html.completeness(report, formatter)
            ),
            notes=[html.rounding(formatter), *_revision(report, formatter), notes.accessible],
            figures=[_shown(name, report, formatter) for name in FIGURES],
        )
    )
    return page.encode()


def _shown(name: str, report: Report, formatter: ReportFormatter) -> CardFigure:
    figure, say = report.figure(name), formatter.say
    more = [_made_of(figure, formatter)]
    for month in report.compared:
        if (beside := month.figures.get(Place(name))) is not None:
            name_of = formatter.month(date.fromisoformat(f"{month.month}-01"))
            more.append(formatter.labelled(name_of, formatter.figure(beside)))
    return CardFigure(
        say(PUBLIC_HEADLINES[name]["term"]), formatter.figure(figure), "; ".join(x for x in more if x)
    )


def _revision(report: Report, formatter: ReportFormatter) -> list[str]:
    """Which edition this one supersedes."""
    if report.revises is None:
        return []
    return [formatter.labelled(formatter.say("Revision"), html.revision(report, formatter)) + "."]


def _made_of(figure: Figure, formatter: ReportFormatter) -> str:
    """« 150 sur 350 » behind a percentage; "" for a count, and for a rate that is such a fraction itself."""
    if figure.kind != "rate" or figure.numerator is None or figure.denominator is None:
        return ""
    if formatter.tenths(figure.numerator, figure.denominator) is None:
        return ""
    return formatter.say(
        "{part} of {all}", part=formatter.count(figure.numerator), all=formatter.count(figure.denominator)
    )
