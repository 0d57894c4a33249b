"""When each phone of a day was there, as far as its calls tell. Pure.

Refuses: to read a call that begins after the moment for which it is asked.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from callmon.core.replay.record import Joined, SeenCall, Span, joined, occupied, tells_rings, time_within

# Milliseconds: from so long before its first ring to so long after its last call of the day, a phone is there.
AROUND = 900_000
AWAY, WAITED = 300_000, 60_000  # of a gap between answers, and of the callers' waiting in it, from which on it is


def there(calls: Sequence[SeenCall]) -> dict[int, tuple[Span, ...]]:
    """By phone, from a quarter of an hour before its first ring to one after its last call.

    A record of answers alone does not tell which phones rang: a phone is there from its first to its last answer.
    It is away from a call's end until its next answer if that is five minutes or longer while callers waited.
    """
    spans = occupied(calls)
    if tells_rings(calls):
        return {phone: ((begins[0] - AROUND, ends[-1] + AROUND),) for phone, (begins, ends) in spans.items()}
    waits = joined((call.at, call.at + call.wait) for call in calls)
    return {phone: tuple(_between_absences(busy, waits)) for phone, busy in spans.items()}


def _between_absences(busy: Joined, waits: Joined) -> Iterator[Span]:
    begins, ends = busy
    begin = begins[0]
    for free, again in zip(ends[:-1], begins[1:], strict=True):
        if again - free >= AWAY and time_within(waits, free, again) >= WAITED:
            yield begin, free
            begin = again
    yield begin, ends[-1]


class Presence:
    """The phones there in a span of the day, as known at its end: a later call would tell more of them."""

    def __init__(self, calls: Sequence[SeenCall]) -> None:
        self._busy = occupied(calls)
        self._rung = tells_rings(calls)
        self._waits = joined((call.at, call.at + call.wait) for call in calls)

    def phones(self, begin: int, end: int) -> float:
        """On average between `begin` and `end`."""
        spans = (span for busy in self._busy.values() for span in self._spans(busy, begin, end))
        return sum(max(0, min(end, b) - max(begin, a)) for a, b in spans) / (end - begin)

    def _spans(self, busy: Joined, begin: int, end: int) -> Iterator[Span]:
        """A phone that is idle at the end is there, unless callers waited in vain for it."""
        begins, ends = busy
        after = bisect_left(begins, end)
        if not after:
            return iter(())
        if self._rung:
            return iter([(begins[0] - AROUND, ends[after - 1] + AROUND)])
        first = max(0, bisect_right(ends, begin, hi=after) - 1)
        return _between_absences(([*begins[first:after], end], [*ends[first:after], end]), self._waits)
