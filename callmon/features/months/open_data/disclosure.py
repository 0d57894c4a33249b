"""Which tables of a public edition would tell a count under 5, and the edition without them. Pure.

A published number is a range of counts. Parts add up: lines to their service, services to the whole, met and not
met to judged, judged and the others to all. These sums narrow the ranges. A count that may be under 5 keeps at
least five possible values. Otherwise its figure is not published by line and, if need be, not by service.

Whether a table is dropped follows from rounded numbers alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from callmon.features.months.figures import TOTALS
from callmon.features.months.model import WHOLE, Cut, Figure, Place

TENS = 10
# The least number of calls, rounded, that is published: of the whole, and of a service or a line.
LEAST, LEAST_OF_PART = {"count": 0, "rate": 10}, {"count": 20, "rate": 50}
SMALL, VALUES = 5, 5  # a count below SMALL has at least so many possible values
MANY = 10**9
ROUNDS = 50  # far more than it takes until no range narrows any more
DETAIL = ("line", "service")  # in the order in which tables are dropped
TOTAL_OF = {f"{standard}.rate": total for standard, total in TOTALS.items()} | {
    "callbacks_24_hours.rate": "callbacks_opened"
}
# From the definitions of the standards: what the second number counts, the first counts as well.
CONTAINED = (
    ("reach_a_person.rate", "met", "answer_by_third_ring.rate", "met"),
    ("reach_a_person.rate", "met", "one_transfer_at_most.rate", "judged"),
    ("answer_by_third_ring.rate", "not met", "voicemail_after_fourth_ring.rate", "judged"),
)
Figures = Mapping[Place, Figure]
Range = tuple[int, int]


class Count(NamedTuple):
    """A number that a reader looks for: of a count all, of a rate judged, met, not met or the others."""

    figure: str
    number: str
    cut: Cut


class Sum(NamedTuple):
    """`total` is the sum of `parts`."""

    total: Count
    parts: tuple[Count, ...]


def without_derivable(figures: Figures, services: Mapping[str, str]) -> Figures:
    """The figures without the tables that would tell a count under 5. `services`: of each line."""
    while names := {x.figure for x in derivable(figures, services)}:
        dropped = {
            (name, kind)
            for name in names
            for kind in [next((k for k in DETAIL if any(x.name == name and x.cut.kind == k for x in figures)), "")]
        }
        kept = {at: x for at, x in figures.items() if (at.name, at.cut.kind) not in dropped}
        if len(kept) == len(figures):
            break
        figures = kept
    return figures


def derivable(figures: Figures, services: Mapping[str, str]) -> list[Count]:
    """The counts that may be under 5 and have too few possible values."""
    given = dict(_given(figures))
    found = _narrowed(given, list(_sums(given, services)))
    return [x for x, (least, most) in found.items() if least < SMALL and most - least + 1 < VALUES]


def _given(figures: Figures) -> Iterator[tuple[Count, Range]]:
    """The range of each number that is published, or kept back for few calls."""
    for at, x in figures.items():
        if x.state not in ("known", "too_few") or x.kind not in ("count", "rate"):
            continue
        least = (LEAST if at.cut == WHOLE else LEAST_OF_PART)[x.kind]
        of, size = ("all", x.value) if x.kind == "count" else ("judged", x.denominator)
        yield Count(at.name, of, at.cut), (0, least - 6) if size is None else _range(int(size))
        if of == "judged":
            yield Count(at.name, "met", at.cut), (0, MANY) if x.numerator is None else _range(x.numerator)


def _range(rounded: int) -> Range:
    return max(0, rounded - TENS // 2), rounded + TENS // 2 - 1


def _sums(given: Iterable[Count], services: Mapping[str, str]) -> Iterator[Sum]:
    """What adds up to what, in a figure and between its groups."""
    known: dict[tuple[str, str], set[Cut]] = {}
    for x in given:
        known.setdefault((x.figure, x.number), set()).add(x.cut)
    for (name, number), cuts in list(known.items()):
        if number == "judged":
            for cut in cuts:
                judged, met, unmet, rest = (Count(name, n, cut) for n in ("judged", "met", "not met", "others"))
                yield Sum(judged, (met, unmet))
                yield Sum(Count(TOTAL_OF[name], "all", cut), (judged, rest))
            known[name, "not met"] = known[name, "others"] = cuts
    for name, number, inner, of in CONTAINED:
        for cut in known.get((inner, of), set()) & known.get((name, number), set()):
            yield Sum(
                Count(name, number, cut), (Count(inner, of, cut), Count(name, f"{number}, not {inner}", cut))
            )
    for (name, number), cuts in known.items():
        for total, parts in _groups(cuts, services):
            yield Sum(Count(name, number, total), tuple(Count(name, number, x) for x in parts))


def _groups(cuts: set[Cut], services: Mapping[str, str]) -> Iterator[tuple[Cut, list[Cut]]]:
    """The whole and its services, the whole and its lines, a service and its lines."""
    for kind in DETAIL:
        if members := [x for x in cuts if x.kind == kind]:
            yield WHOLE, members
    for service in (x for x in cuts if x.kind == "service"):
        if members := [x for x in cuts if x.kind == "line" and services[x.of] == service.of]:
            yield service, members


def _narrowed(given: Mapping[Count, Range], sums: list[Sum]) -> dict[Count, Range]:
    """The ranges that the sums leave. A sum that contradicts the others tells nothing."""
    ranges = {x: (0, MANY) for one in sums for x in (one.total, *one.parts)} | dict(given)
    for _ in range(ROUNDS):
        before = dict(ranges)
        for one in sums:
            narrower = dict(_of_sum(one, ranges))
            if all(least <= most for least, most in narrower.values()):
                ranges |= narrower
        if ranges == before:
            break
    return ranges


def _of_sum(one: Sum, ranges: Mapping[Count, Range]) -> Iterator[tuple[Count, Range]]:
    """The range of the total from its parts, and of each part from the total and the other parts."""
    least, most = (sum(ranges[x][end] for x in one.parts) for end in (0, 1))
    low, high = max(ranges[one.total][0], least), min(ranges[one.total][1], most)
    yield one.total, (low, high)
    for x in one.parts:
        first, last = ranges[x]
        yield x, (max(first, low - most + last), min(last, high - least + first))
