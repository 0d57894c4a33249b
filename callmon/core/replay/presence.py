"""When each phone of a day was there, as far as its calls tell. Pure.

Refuses: to guess. Where no call passed a phone over, it counts as there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from callmon.core.replay.record import (
    Joined,
    SeenCall,
    SeenDay,
    Span,
    joined,
    occupied,
    seen_rule,
    tells_rings,
    time_within,
    within,
)

# Milliseconds: from so long before its first ring to so long after its last call of the day, a phone is there.
AROUND = 900_000
AWAY, WAITED = 300_000, 60_000  # of a gap between answers, and of the callers' waiting in it, from which on it is
FREED = 15_000  # so long after its call a phone may be passed over without being away
Kind = tuple[str, str]  # of a caller: the line and the language


def there(calls: Sequence[SeenCall]) -> dict[int, tuple[Span, ...]]:
    """By phone, when it was there: all day, or since and until calls passed it over.

    It is away where it was silent for five minutes or longer and a call passed it over (lunch, pause, meeting).
    A record of answers alone does not tell which phones rang: a phone is there from its first to its last answer.
    It is away from a call's end until its next answer if that is five minutes or longer while callers waited.
    """
    spans = occupied(calls)
    if tells_rings(calls):
        passed = _PassedOver(calls, spans)
        return {phone: tuple(passed.spans(phone)) for phone in spans}
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


class _Rung(msgspec.Struct, frozen=True):
    """A phone that begins to ring for a caller; None: no phone did."""

    at: int
    phone: int | None
    kind: Kind
    tried: frozenset[int]


class _PassedOver:
    """When calls passed over free phones: they rang a later phone of the order, or none.

    Where all phones ring together, any other phone is a later one. Where they rotate, one that rings twice is.
    Calls of a kind that rang none, one after another, while its phones rang for others tell of the line alone.
    """

    def __init__(self, calls: Sequence[SeenCall], busy: dict[int, Joined]) -> None:
        rule = seen_rule([SeenDay("", tuple(calls), {})])
        self.busy = busy
        self.day = calls[0].at, calls[-1].at + 1
        self.together, self.rotates = rule.strategy == "ringall", rule.rotates
        found = [
            _Rung(call.at + tried.start, tried.phone, _kind(call), _tried(call))
            for call in calls
            for tried in call.tries
        ]
        found += (
            _Rung(call.at, None, _kind(call), frozenset())
            for call in calls
            if not call.tries and call.wait > rule.lead + 1000
        )
        self.rung = sorted(found, key=lambda one: one.at)
        self.times = [one.at for one in self.rung]
        self.kinds = {phone: {one.kind for one in self.rung if one.phone == phone} for phone in busy}
        self.of_line = {one for run in self._runs() if self._tells_of_line(run) for one in run}
        self.first = Counter(
            (one.phone, other)
            for one in self.rung
            if one.phone is not None
            for other in busy
            if self._is_idle(other, one.at)
        )

    def _runs(self) -> Iterator[list[_Rung]]:
        """Those of a kind, one after another, that rang no phone."""
        ordered = sorted(self.rung, key=lambda one: (one.kind, one.at))
        for (_, rang), run in groupby(ordered, lambda one: (one.kind, one.phone is not None)):
            if not rang:
                yield list(run)

    def _tells_of_line(self, run: Sequence[_Rung]) -> bool:
        """Whether a phone that rings for such callers rang for others between the first and the last of them."""
        others = self.rung[bisect_left(self.times, run[0].at) : bisect_left(self.times, run[-1].at)]
        return any(one.phone is not None and run[0].kind in self.kinds[one.phone] for one in others)

    def _is_idle(self, phone: int, at: int) -> bool:
        """Whether it is silent between its first ring and its last call of the day."""
        begins, ends = self.busy[phone]
        return begins[0] < at < ends[-1] and not within((begins, ends), at)

    def spans(self, phone: int) -> Iterator[Span]:
        begins, ends = self.busy[phone]
        before = self._passed_span(phone, self.day[0], begins[0])
        begin = min(self.day[0], begins[0] - AROUND) if before is None else (before[1] + begins[0]) // 2
        for free, again in zip(ends[:-1], begins[1:], strict=True):
            if again - free >= AWAY and (away := self._passed_span(phone, free + FREED, again)) is not None:
                yield begin, (free + away[0]) // 2
                begin = (away[1] + again) // 2
        after = self._passed_span(phone, ends[-1] + FREED, self.day[1])
        yield begin, max(self.day[1], ends[-1] + AROUND) if after is None else (ends[-1] + after[0]) // 2

    def _passed_span(self, phone: int, begin: int, end: int) -> Span | None:
        """The first and the last time in the span at which a call passed over the phone."""
        found, again = [], Counter[int]()
        for one in self.rung[bisect_left(self.times, begin) : bisect_left(self.times, end)]:
            if one.kind not in self.kinds[phone] or phone in one.tried or one in self.of_line:
                continue
            if one.phone is None or self.together:
                found.append(one.at)
            elif self.rotates:
                again[one.phone] += 1
                found += [one.at] if again[one.phone] > 1 else []
            elif self.first[phone, one.phone] > self.first[one.phone, phone]:
                found.append(one.at)
        return (found[0], found[-1]) if found else None


def _kind(call: SeenCall) -> Kind:
    return call.line, call.language


def _tried(call: SeenCall) -> frozenset[int]:
    return frozenset(tried.phone for tried in call.tries)
