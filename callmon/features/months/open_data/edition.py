"""The public edition: numbers of calls rounded to tens, for the whole, each service and each line. Pure.

Every number is rounded by itself, totals and parts alike: 0 to 4 is 0, and 5 to 14 is 10. A rate is made of its
two rounded numbers. A service or a line with few calls has no numbers: they would be mostly rounding.

The headlines of the whole are always published. A figure is not published by line, or by service, where a reader
who adds and subtracts would work out a count under 5 (`disclosure`).

Refuses: every other figure, and every other group (language, mode, hour, weekday, cause, reason, outcome); another
month as it would be today: it stands beside the edition only as it was published; estimates (needs, why).
"""

from collections.abc import Iterable

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.attestations import AttestationStatus
from callmon.errors import ConfigError
from callmon.features.months.formats.json import Published, figures_of
from callmon.features.months.formatter import whole_percent
from callmon.features.months.model import WHOLE, ComparedMonth, Figure, Place, Relation, Report
from callmon.features.months.open_data.disclosure import LEAST, LEAST_OF_PART, TENS, Figures, without_derivable
from callmon.features.months.titles import PUBLIC_HEADLINES

CUTS = ("whole", "service", "line")
# Not rounded: they count no calls of the public.
PLAIN = {
    *("unheard_hours", "unheard_open_hours", "unheard_known_hours", "test_calls"),
    *("disruptions", "disruptions_hours"),
}
# What is published of each kind of group: of a line the headlines, of a service the rate of each standard too.
BY_LINE = frozenset((*PUBLIC_HEADLINES, *PLAIN))
BY_SERVICE = BY_LINE | {f"{standard}.rate" for standard in ALL_STANDARDS}
PUBLISHED = {"whole": BY_SERVICE | {"complaints_opened"}, "service": BY_SERVICE, "line": BY_LINE}


def edition(report: Report) -> Report:
    """The report as it may be published, with the compared months."""
    cuts = tuple(cut for cut in report.cuts if cut.kind in CUTS)
    return msgspec.structs.replace(
        report,
        cuts=cuts,
        figures=without_derivable(_published(report.figures), {x: of for x, (of, _) in report.lines.items()}),
        complete_at_least=_at_least(report.figure("completeness")),
        compared=tuple(msgspec.structs.replace(x, figures=_published(x.figures)) for x in report.compared),
        months=(),  # as judged today, not as published
        targets={},
        is_public=True,
        imported={name: tens(count) for name, count in report.imported.items() if tens(count)},
        attested=tuple(map(_nameless, report.attested)),
        needs=None,  # exact numbers: a reader could subtract
        explained=None,
    )


def tens(count: float) -> int:
    """The nearest multiple of ten; 5 becomes 10."""
    return TENS * int((count + TENS / 2) // TENS)


def _published(figures: Figures) -> dict[Place, Figure]:
    return {at: _rounded(x) for at, x in figures.items() if at.name in PUBLISHED.get(at.cut.kind, ())}


def _rounded(figure: Figure) -> Figure:
    """The figure of rounded numbers; without a number if these are few."""
    place, kind = figure.place, figure.kind
    size = figure.value if kind == "count" else figure.denominator
    if place.name in PLAIN or size is None:
        return figure
    whole = tens(size)
    if whole < (LEAST if place.cut == WHOLE else LEAST_OF_PART)[kind]:
        return Figure(place, kind, "too_few")
    if kind == "count":
        return Figure(place, kind, "known", whole)
    part = tens(figure.numerator or 0)
    return Figure(place, kind, "known", whole_percent(part, whole) / 100, part, whole)


def _at_least(figure: Figure) -> int | None:
    """A percentage that the completeness reaches whatever was rounded; None if too few calls are known."""
    if figure.denominator is None or figure.numerator is None:
        return None
    known = tens(figure.denominator) - TENS // 2
    missing = tens(figure.denominator - figure.numerator) + TENS // 2 - 1
    return max(0, 100 * (known - missing) // known) if known > 0 else None


def _nameless(status: AttestationStatus) -> AttestationStatus:
    """The attestation without the name of the tester: the internal edition shows it, the public one does not."""
    last = status.last and msgspec.structs.replace(status.last, by="")
    return msgspec.structs.replace(status, last=last)


# Editions beside others.


def beside(published: Report, others: Iterable[tuple[Published, str]]) -> Report:
    """The edition with other months as they were published.

    Raises ConfigError for a report that is not the public edition of a compared month.
    """
    wanted: dict[str, Relation] = {month.month: month.relation for month in published.compared}
    found = []
    for other, name in others:
        month = other.period.month
        if not other.state.public or other.period.month_to_date or month not in wanted:
            known = ", ".join(sorted(wanted)) or "-"
            raise ConfigError(
                "{name}: not the public edition of a month to stand beside this one; possible months: {months}.",
                name=name,
                months=known,
            )
        found.append(ComparedMonth(month, wanted[month], figures_of(other.figures)))
    return msgspec.structs.replace(published, compared=tuple(found))
