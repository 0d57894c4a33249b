"""Cell suppression: which numbers to suppress so that no small number can be derived from sums. Pure.

1. Suppress every number from 1 to the limit minus 1.
2. In each sum, suppress more until nothing is missing, or at least two numbers are and their total is not small.
3. Solve all sums together (Gauss, modulo a large prime). If a secret number results, suppress more and repeat.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from callmon.reports.model import Place

PRIME = (1 << 61) - 1
LEFT = "left over"  # the remainder of a sum, which is not published


class LinearConstraint(NamedTuple):
    """`total` is the sum of `members` and of the remainder `left`; None: no remainder."""

    total: Place
    members: tuple[Place, ...]
    left: int | None


# The rates are made of these parts: other parts are suppressed first.
HEADLINES = ("met", "not_met", "called_back", "attempted", "late")


def suppress(counts: Mapping[Place, int], sums: Iterable[LinearConstraint], limit: int) -> frozenset[Place]:
    """The places to suppress. A count from 1 to `limit` - 1 is small."""
    constraints = list(sums)
    closed = {place for place, count in counts.items() if 0 < count < limit}
    while True:
        while sum(
            _close(constraint, counts, closed, limit) for constraint in constraints
        ):  # not `any`: each pass checks every sum
            pass
        leaks = list(_solved(constraints, counts, closed, limit))
        if not leaks:
            return frozenset(closed)
        touched: set[Place] = set()
        for leak in leaks:  # suppression for one leak may stop another with the same number
            if touched.isdisjoint((leak.total, *leak.members)):
                touched.update((leak.total, *leak.members))
                if not _close_another(leak, counts, closed):
                    closed.add(leak.total)


def _close(constraint: LinearConstraint, counts: Mapping[Place, int], closed: set[Place], limit: int) -> bool:
    """Suppress one more number of a sum, if a missing number can be derived and is secret; True if it did."""
    missing = [x for x in constraint.members if x in closed]
    if constraint.total in closed:
        return not missing and constraint.left is None and _close_another(constraint, counts, closed)
    left = constraint.left or 0
    together = sum(counts[x] for x in missing) + left
    alone = len(missing) == 1 and constraint.left is None
    if not missing and not 0 < left < limit:
        return False
    if not alone and (together == 0 or together >= limit):
        return False
    if not _close_another(constraint, counts, closed):
        closed.add(constraint.total)
    return True


def _close_another(constraint: LinearConstraint, counts: Mapping[Place, int], closed: set[Place]) -> bool:
    """Suppress the smallest shown member that is not 0, HEADLINES last; False if there is none."""
    shown = [x for x in constraint.members if x not in closed and counts[x]]
    if not shown:
        return False
    closed.add(min(shown, key=lambda place: (place.part in HEADLINES, counts[place], place)))
    return True


# All sums together.

Row = dict[object, int]
RIGHT = "="  # the unknown that stands for the negative of a row's total


def _solved(
    sums: Sequence[LinearConstraint], counts: Mapping[Place, int], closed: set[Place], limit: int
) -> Iterator[LinearConstraint]:
    """The sums in which a secret number results when all sums are solved together."""
    rows = [unknowns(index, x, closed.__contains__) for index, x in enumerate(sums)]
    found = solve((row, 0) for row in rows)
    for constraint, row in zip(sums, rows, strict=True):
        leaks = any(unknown in found and _is_secret(unknown, constraint, limit) for unknown in row)
        if leaks and _may_close_more(constraint, counts, closed):
            yield constraint


def _may_close_more(constraint: LinearConstraint, counts: Mapping[Place, int], closed: set[Place]) -> bool:
    return constraint.total not in closed or any(x not in closed and counts[x] for x in constraint.members)


def _is_secret(unknown: object, constraint: LinearConstraint, limit: int) -> bool:
    """A suppressed number must never result; a remainder may, if it is not small."""
    return isinstance(unknown, Place) or 0 < (constraint.left or 0) < limit


def unknowns(index: int, constraint: LinearConstraint, is_unknown: Callable[[Place], bool]) -> Row:
    """The unknowns of a sum with their signs: unknown members and remainder minus an unknown total."""
    row: Row = {place: 1 for place in constraint.members if is_unknown(place)}
    if constraint.left is not None:
        row[LEFT, index] = 1
    if is_unknown(constraint.total):
        row[constraint.total] = -1
    return row


def solve(rows: Iterable[tuple[Mapping[object, int], int]]) -> dict[Any, int]:
    """The unknowns with a unique solution, and their value; each row has unknowns and their total.

    An unknown has a unique solution if it is alone in a row when all rows are reduced.
    """
    reduced: dict[object, Row] = {}  # keyed by the leading unknown of the row
    for row, right in rows:
        left = _without({**row, RIGHT: -right}, reduced)
        lead = next((x for x in left if x != RIGHT), None)
        if lead is None:
            continue
        inverse = pow(left[lead], -1, PRIME)
        left = {x: value * inverse % PRIME for x, value in left.items()}
        for other in reduced.values():
            if lead in other:
                _subtract(other, left, other[lead])
        reduced[lead] = left
    return {lead: _signed(-row.get(RIGHT, 0)) for lead, row in reduced.items() if not row.keys() - {lead, RIGHT}}


def _without(row: Row, reduced: Mapping[object, Row]) -> Row:
    left = {x: value % PRIME for x, value in row.items()}
    for lead in [x for x in left if x in reduced]:
        _subtract(left, reduced[lead], left[lead])
    return left


def _subtract(row: Row, other: Row, times: int) -> None:
    for x, value in other.items():
        changed = (row.get(x, 0) - times * value) % PRIME
        if changed:
            row[x] = changed
        else:
            row.pop(x, None)


def _signed(value: int) -> int:
    value %= PRIME
    return value if value <= PRIME // 2 else value - PRIME
