"""A reader who works out counts from public editions: reads their CSV, and knows what adds up to what.

Each count is an integer between two bounds, which the rule of rounding gives. Sums narrow the bounds; where they
do not decide, every value is tried (branch and bound). The search is complete: what it does not find cannot be.
He reads all editions together, and takes it that a revision of a month only adds calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import NamedTuple

from callmon.config.standards import ALL_STANDARDS
from callmon.features.months.figures import NOT_JUDGED, TOTALS
from callmon.features.months.open_data import disclosure, edition
from tests.report.expected_figures import rows_of

MANY = 10**7
SPREAD = 4  # of two values that a count may have: the next is looked at
TENS = disclosure.TENS
RATES = {f"{x}.rate": TOTALS[x] for x in ALL_STANDARDS} | {"callbacks_24_hours.rate": "callbacks_opened"}
# What adds up to what, where an edition publishes it.
PARTS = {
    **dict.fromkeys(("hours", "outcomes", "heard", "weekday.offered"), ("calls_offered", "")),
    **dict.fromkeys(("rings_to_answer", "weekday.answered"), ("outcomes", "answered")),
    **dict.fromkeys(("callbacks_24_hours", "callbacks_business_day"), ("callbacks_opened", "")),
    **{f"{x}.verdict": (total, "") for x, total in TOTALS.items()},
}
# From the definitions: the first contains the second.
THIRD, REACH, VOICEMAIL = "answer_by_third_ring.rate", "reach_a_person.rate", "voicemail_after_fourth_ring.rate"
ONE = "one_transfer_at_most.rate"
CONTAINS = [
    ((REACH, "met"), (THIRD, "met")),
    ((REACH, "met"), (ONE, "judged")),
    ((THIRD, "not_met"), (VOICEMAIL, "judged")),
]


Cut = tuple[str, str]  # its kind, and its member


class Count(NamedTuple):
    """A number that a reader wants: of a part of a figure, of the calls of a cut."""

    figure: str
    part: str
    cut: Cut
    edition: str = ""


class Sum(NamedTuple):
    """`total` is the sum of `parts`."""

    total: Count
    parts: tuple[Count, ...]


ORDER = {"": 0, "judged": 1, "met": 2}  # in which values are tried: what limits others first
Bounds = dict[Count, tuple[int, int]]


def rounded(text: str) -> tuple[int, int]:
    """The counts that are published as this number."""
    least = int(text) - TENS // 2
    return max(0, least), least + TENS - 1


def published(row: Mapping[str, str]) -> Iterator[tuple[Count, tuple[int, int]]]:
    """The bounds that a row of the CSV gives."""
    figure, of = row["figure"], (row["cut"], row["member"])
    if figure in edition.PLAIN or (row["unit"] != "count" and figure not in RATES):
        return
    given = "value" if row["unit"] == "count" else "denominator"
    if row[given]:
        bounds, met = rounded(row[given]), rounded(row["numerator"] or "0")
    elif row["state"] in ("too_few", "suppressed"):
        bounds, met = hidden(row), (0, MANY)
    else:
        return
    if given == "value":
        yield Count(figure, row["part"], of), bounds
    else:
        yield from ((Count(figure, "judged", of), bounds), (Count(figure, "met", of), met))


def hidden(row: Mapping[str, str]) -> tuple[int, int]:
    """The bounds of a count that is not shown: too few calls, or suppressed (0 was never suppressed)."""
    if row["state"] == "suppressed":
        return 1, MANY
    least = disclosure.LEAST if row["cut"] == "whole" else disclosure.LEAST_OF_PART
    return 0, least[row["unit"]] - TENS // 2 - 1


def sums(counts: Iterable[Count], lines: Mapping[str, tuple[str, str]]) -> list[Sum]:
    """What adds up to what: parts to totals, cuts to the whole, lines to their service and mode."""
    found = list(of_parts(set(counts)))
    known = {*counts, *(x for one in found for x in (one.total, *one.parts))}
    for name, part in sorted({(x.figure, x.part) for x in known}):
        mine = {x.cut for x in known if (x.figure, x.part) == (name, part)}
        for total, members in of_cuts(mine, lines):
            found.append(Sum(Count(name, part, total), tuple(Count(name, part, x) for x in members)))
    return found


def of_parts(known: set[Count]) -> Iterator[Sum]:
    for figure, total in RATES.items():
        for cut in sorted({x.cut for x in known if (x.figure, x.part) == (figure, "judged")}):
            judged, met, not_met, rest = (Count(figure, x, cut) for x in ("judged", "met", "not_met", "rest"))
            yield Sum(judged, (met, not_met))
            yield Sum(Count(total, "", cut), (judged, rest))
    for name, (of, part) in PARTS.items():
        for cut in sorted({x.cut for x in known if x.figure == name}):
            members = tuple(sorted(x for x in known if x.figure == name and x.cut == cut))
            if not name.endswith("verdict") or any(x.part == NOT_JUDGED for x in members):
                yield Sum(Count(of, part, cut), members)
    for whole, within in CONTAINS:
        for cut in sorted({x.cut for x in known if (x.figure, x.part) == (within[0], "judged")}):
            rest = Count(whole[0], f"{whole[1]} without {within[0]}", cut)
            yield Sum(Count(*whole, cut), (Count(*within, cut), rest))


def of_cuts(cuts: set[Cut], lines: Mapping[str, tuple[str, str]]) -> Iterator[tuple[Cut, list[Cut]]]:
    for kind in ("service", "mode", "line", "language"):
        members = sorted(x for x in cuts if x[0] == kind)
        if members and ("whole", "") in cuts:
            yield ("whole", ""), members
    for index, kind in enumerate(("service", "mode")):
        for name in sorted({x[1] for x in cuts if x[0] == kind}):
            if members := [("line", x) for x in lines if lines[x][index] == name and ("line", x) in cuts]:
                yield (kind, name), members


def read(editions: Mapping[str, bytes], lines: Mapping[str, tuple[str, str]]) -> PublicReader:
    """The reader of the CSV of editions; everybody knows the service and the mode of each line.

    The name of an edition is its month; " r2" behind it is its revision.
    """
    given: Bounds = {}
    known: list[Sum] = []
    for name, csv in editions.items():
        mine = {x._replace(edition=name): bounds for row in rows_of(csv, "en") for x, bounds in published(row)}
        known += [of(one, name) for one in sums([x._replace(edition="") for x in mine], lines)]
        given |= mine
        for x in (x for x in mine if x.figure == "calls_offered" and name.endswith(" r2")):
            before = x._replace(edition=name.removesuffix(" r2"))
            known += [Sum(x, (before, x._replace(part="added")))] * (before in given)
    return PublicReader(given, known)


def of(one: Sum, name: str) -> Sum:
    """The sum in one edition."""
    return Sum(one.total._replace(edition=name), tuple(x._replace(edition=name) for x in one.parts))


class PublicReader:
    """What one reader knows: bounds of counts, and what adds up to what."""

    def __init__(self, given: Bounds, sums: Iterable[Sum], seed: int = 1) -> None:
        self.of: defaultdict[Count, list[Sum]] = defaultdict(list)
        for one in sums:
            for x in (one.total, *one.parts):
                self.of[x].append(one)
        self.bounds: Bounds = {x: given.get(x, (0, MANY)) for x in (*given, *self.of)}
        self.random = Random(seed)
        assert self._narrow(self.bounds, self.bounds), "the edition contradicts itself"
        self.seen: dict[Count, set[int]] = {x: set() for x in self.bounds}

    def values(self, count: Count) -> set[int]:
        """Every value that a count may have; some, if two of them are SPREAD apart."""
        least, most = self.bounds[count]
        tried = dict.fromkeys((least, min(most, least + SPREAD), *range(least, min(most, least + 20) + 1)))
        for value in tried:
            if max(self.seen[count], default=0) - min(self.seen[count], default=0) >= SPREAD:
                break
            if value not in self.seen[count]:
                self._solve({count: (value, value)})
        return self.seen[count]

    def _together(self, count: Count) -> Bounds:
        """The counts that sums connect with this one, and their bounds."""
        found, waiting = {count: self.bounds[count]}, [count]
        while waiting:
            for one in self.of[waiting.pop()]:
                for x in (one.total, *one.parts):
                    if x not in found:
                        found[x] = self.bounds[x]
                        waiting.append(x)
        return found

    def _solve(self, fixed: Bounds) -> None:
        """Look for one solution, and keep its values. Each try has more steps than the one before."""
        bounds = self._together(next(iter(fixed))) | fixed
        if not self._narrow(bounds, fixed):
            return
        for self.steps in (500, 500, 500, 2_000, 2_000, 50_000):
            order = sorted(bounds, key=lambda x: (ORDER.get(x.part, 9), x.figure != REACH, self.random.random()))
            with suppress(TimeoutError):
                for x, (value, _) in (self._search(bounds, order) or {}).items():
                    self.seen[x].add(value)
                return
        raise TimeoutError(f"not decided: {fixed}")

    def _search(self, bounds: Bounds, order: list[Count]) -> Bounds | None:
        self.steps -= 1
        if self.steps < 0:
            raise TimeoutError
        index = next((n for n, x in enumerate(order) if bounds[x][0] < bounds[x][1]), None)
        if index is None:
            return bounds
        x = order[index]
        least, most = bounds[x]
        middle = self.random.randint(least, min(most, least + 20))
        for span in ((middle, middle), (least, middle - 1), (middle + 1, most)):
            if span[0] <= span[1]:
                tried = bounds | {x: span}
                if self._narrow(tried, [x]) and (found := self._search(tried, order[index:])):
                    return found
        return None

    def _narrow(self, bounds: Bounds, changed: Iterable[Count]) -> bool:
        """Narrow the bounds by the sums until nothing changes; False if no solution is left."""
        waiting = dict.fromkeys(one for x in changed for one in self.of[x])
        while waiting:
            one = next(iter(waiting))
            del waiting[one]
            for x, (least, most) in narrowed(one, bounds):
                if least > most:
                    return False
                if (least, most) != bounds[x]:
                    bounds[x] = least, most
                    waiting |= dict.fromkeys(self.of[x])
        return True


def narrowed(one: Sum, bounds: Bounds) -> Iterator[tuple[Count, tuple[int, int]]]:
    """The bounds of the total from its parts, and of each part from the total and the other parts."""
    least = sum(bounds[x][0] for x in one.parts)
    most = sum(bounds[x][1] for x in one.parts)
    low, high = bounds[one.total]
    low, high = max(low, least), min(high, most)
    yield one.total, (low, high)
    for x in one.parts:
        first, last = bounds[x]
        yield x, (max(first, low - most + last), min(last, high - least + first))
