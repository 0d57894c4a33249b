"""Public editions beside others: the revision of a published edition, and other months as published. Pure.

Each edition suppresses its small numbers. But a reader who subtracts an earlier edition learns how many calls a
correction affected. So a revision also suppresses every number that changed by 1 to 4, and numbers from which such
a change could be derived.

Refuses: another month as it would be today; it stands beside the edition only as it was published.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from callmon.errors import ConfigError
from callmon.reports import revision
from callmon.reports.formats.json import Published, figures_of
from callmon.reports.model import ComparedMonth, Figure, Place, Relation, Report
from callmon.reports.public import edition as public
from callmon.reports.public import suppression

Figures = Mapping[Place, Figure]


def succeeding(report: Report, earlier: Published, name: str) -> Report:
    """The public edition of the report of a month, as the revision of the published edition `earlier`.

    Raises ConfigError if `earlier` is not a public edition of the same days and lines.
    """
    before = figures_of(earlier.figures)
    closed: set[Place] = set()
    while True:
        edition = public.edition(report, frozenset(closed))
        leaks = set(told_by_both(before, edition.figures, report)) - closed
        if not leaks:
            return revision.revised(edition, earlier, name)
        closed |= leaks


def beside(edition: Report, others: Iterable[tuple[Published, str]]) -> Report:
    """The edition with other months as they were published.

    Raises ConfigError for a report that is not the public edition of a compared month.
    """
    wanted: dict[str, Relation] = {month.month: month.relation for month in edition.compared}
    found = []
    for other, name in others:
        month = other.period.month
        if not other.state.public or other.period.month_to_date or month not in wanted:
            known = " or ".join(sorted(wanted)) or "no other month"
            raise ConfigError(f"{name}: not the public edition of a month that stands beside this one ({known}).")
        found.append(ComparedMonth(month, wanted[month], figures_of(other.figures)))
    return msgspec.structs.replace(edition, compared=tuple(found))


def told_by_both(before: Figures, after: Figures, report: Report) -> Iterator[Place]:
    """The places to suppress in `after`: together with `before` they reveal a change of 1 to 4.

    Such a change is read directly, in the numbers of a rate, or derived from the sums of both editions.
    """
    changed = dict(_changes(before, after))
    if direct := [place for place, count in changed.items() if _is_small(count)]:
        yield from direct
        return
    if rates := list(_of_rates(before, after)):
        yield from rates
        return
    known = [x for x in (*after, *before) if public.is_counted(x)]
    sums = [constraint for constraint in public.sums(dict.fromkeys(known, 0), report) if constraint.members]
    found = suppression.solve(
        (
            suppression.unknowns(index, constraint, lambda place: place not in changed),
            changed.get(constraint.total, 0) - sum(changed.get(x, 0) for x in constraint.members),
        )
        for index, constraint in enumerate(sums)
    )
    for unknown in (x for x, count in found.items() if _is_small(count)):
        within = sums if isinstance(unknown, Place) else [sums[unknown[1]]]
        for constraint in within:
            places = (*constraint.members, constraint.total)
            shown = [x for x in places if x in changed]
            if shown and (len(within) == 1 or unknown in places):
                yield shown[0]


def _is_small(count: int) -> bool:
    return 0 < abs(count) < public.SMALL


def _changes(before: Figures, after: Figures) -> Iterator[tuple[Place, int]]:
    """The change of every count of calls that both editions publish; a part absent from one of them was 0."""
    for place in dict.fromkeys((*before, *after)):
        pair = (before.get(place), after.get(place))
        is_told = all(figure is None or (figure.kind == "count" and figure.state == "known") for figure in pair)
        if is_told and place.name in public.PUBLISHED | public.OF_CALLS:
            first, second = (0 if figure is None else int(figure.value or 0) for figure in pair)
            yield place, second - first


def _of_rates(before: Figures, after: Figures) -> Iterator[Place]:
    """The first count of each rate whose numerator or denominator changed by 1 to 4."""
    for place, figure in after.items():
        other = before.get(place)
        if place.name not in public.RATES or other is None or None in (figure.denominator, other.denominator):
            continue
        pairs = ((figure.numerator, other.numerator), (figure.denominator, other.denominator))
        if any(_is_small((x or 0) - (y or 0)) for x, y in pairs):
            name, part = public.RATES[place.name][0]
            yield Place(name, part, place.cut)
