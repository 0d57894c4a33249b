"""Compares a day's calls in the exchange's own records with those that callmon stored. Pure: no I/O, no clock.

A call belongs to the local day on which it arrived. It agrees when both sides have its id. A call that only one
side has is a difference, with its id and its line. Only calls that have ended are compared.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Literal, get_args

import msgspec

Side = Literal["exchange", "callmon"]
SIDES: tuple[Side, ...] = get_args(Side)


class ArrivedCall(msgspec.Struct, frozen=True, gc=False):
    """A call that arrived on a public line."""

    call: str
    line: str
    arrived: datetime


class Difference(msgspec.Struct, frozen=True, gc=False):
    """A call that only one side counted."""

    counted_by: Side
    call: str
    line: str
    arrived: datetime


class LineDay(msgspec.Struct, frozen=True, gc=False):
    """How many calls of a line each side counted on that day."""

    line: str
    exchange: int
    callmon: int


class Reconciliation(msgspec.Struct, frozen=True):
    """One day of one exchange. `lines`: every line that is configured or has a call on either side."""

    exchange: str
    day: date
    lines: tuple[LineDay, ...]
    differences: tuple[Difference, ...]

    def only(self, side: Side) -> tuple[Difference, ...]:
        """The calls that only this side counted."""
        return tuple(x for x in self.differences if x.counted_by == side)


class LastComparison(msgspec.Struct, frozen=True):
    """The last compared day of an exchange: when it was compared, and how many calls only one side counted."""

    exchange: str
    day: date
    done: datetime
    only: Mapping[Side, int]


def compare(
    exchange: str,
    day: date,
    lines: Iterable[str],
    logged: Mapping[str, ArrivedCall],
    mentioned: Collection[str],
    kept: Mapping[str, ArrivedCall],
    known: Collection[str],
) -> Reconciliation:
    """Compare one day. `logged`: that day's calls in the exchange's records; `mentioned`: every id in the records.

    `kept`: callmon's calls of that day; `known`: the ids of `logged` of which callmon stored anything. A call that
    is only partly in the records (the exchange stopped during it) counts on both sides.
    """
    lost = [x for x in logged.values() if x.call not in known]
    unlogged = [x for x in kept.values() if x.call not in mentioned]
    of_exchange = Counter(x.line for x in logged.values())
    of_exchange.update(x.line for x in kept.values() if x.call in mentioned and x.call not in logged)
    of_callmon = Counter(x.line for x in kept.values())
    of_callmon.update(x.line for x in logged.values() if x.call in known and x.call not in kept)
    names = sorted({*lines, *of_exchange, *of_callmon})
    found = [Difference("exchange", x.call, x.line, x.arrived) for x in lost]
    found += [Difference("callmon", x.call, x.line, x.arrived) for x in unlogged]
    found.sort(key=lambda x: (x.arrived, x.call))
    counts = tuple(LineDay(name, of_exchange[name], of_callmon[name]) for name in names)
    return Reconciliation(exchange, day, counts, tuple(found))
