"""What was seen of the calls of a day, as the replay takes it: calls, tries, phones there. Pure.

Times are whole milliseconds of the day; those of a try and of a wait count from the moment at which the caller's
wait began. A phone is a number within the day's record: no name and no extension comes in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import msgspec

Outcome = Literal["answered", "abandoned", "voicemail", "unknown"]
Span = tuple[int, int]  # from, until
VAIN = 8000  # ms: a phone that rang for so long without an answer rang in vain


class Try(msgspec.Struct, frozen=True, gc=False):
    """One phone ringing for one caller, from `start` (after the wait began); it `took` the call, or stopped."""

    phone: int
    start: int
    length: int
    took: bool = False


class SeenCall(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One call. `key` is its own among all calls of a period. `talk`: from its answer until the phone was free."""

    key: int
    at: int
    outcome: Outcome
    wait: int
    tries: tuple[Try, ...] = ()
    talk: int = 0
    language: str = "all"
    judged: bool = True  # met or not met; the verdict of other calls (exempt, unknown) is left as it is
    met: bool = False
    counted: bool = True  # in the scope of the question; other calls only keep phones busy


class SeenDay(msgspec.Struct, frozen=True):
    """The calls of a day by arrival, and when each phone was there."""

    name: str
    calls: tuple[SeenCall, ...]
    phones: dict[int, tuple[Span, ...]]


def occupied(day: SeenDay) -> dict[int, tuple[list[int], list[int]]]:
    """By phone, the begins and ends of what was seen to occupy it: ringing and talking, joined."""
    spans: dict[int, list[Span]] = {phone: [] for phone in day.phones}
    for call in day.calls:
        for tried in call.tries:
            begin = call.at + tried.start
            spans.setdefault(tried.phone, []).append(
                (begin, begin + tried.length + (call.talk if tried.took else 0))
            )
    return {phone: _joined(sorted(some)) for phone, some in spans.items()}


def _joined(spans: Iterable[Span]) -> tuple[list[int], list[int]]:
    begins: list[int] = []
    ends: list[int] = []
    for begin, end in spans:
        if ends and begin < ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends


def within(spans: tuple[list[int], list[int]], at: int) -> bool:
    """Whether `at` lies inside one of the joined spans: after its begin, before its end."""
    place = bisect_left(spans[0], at)
    return place > 0 and at < spans[1][place - 1]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are offered. `voicemail`: when it takes the call (None: never); `gap`: between two tries.

    `pickup` multiplies each phone's pick-up time. `added`: phones more or less, with their span.
    """

    strategy: Literal["hunt", "ringall"] = "hunt"
    ring: int | None = None  # a phone rings for so long; None: until the call ends
    voicemail: int | None = None
    gap: int = 0
    lead: int = 0  # from the beginning of the wait to the first try
    rotates: bool = False  # the phone that rang longest ago is next, else the first one of the order
    pickup: float = 1.0
    added: tuple[tuple[int, Span], ...] = ()
    fresh: bool = False  # each call is offered by the rule from its arrival on, whatever the record has


def seen_rule(days: Iterable[SeenDay]) -> Rule:
    """The rule that the record shows: medians of what was seen."""
    calls = [call for day in days for call in day.calls if call.counted]
    voicemails = [call.wait for call in calls if call.outcome == "voicemail"]
    several = [call for call in calls if len(call.tries) > 1]
    together = [call for call in several if call.tries[0].start + call.tries[0].length > call.tries[1].start]
    rings, gaps = [], []
    for call in several:
        for one, other in pairwise(call.tries):
            if one.start + one.length <= other.start:
                rings.append(one.length)
                gaps.append(other.start - one.start - one.length)
    ringall = 2 * len(together) > len(several)
    return Rule(
        strategy="ringall" if ringall else "hunt",
        ring=None if ringall or not rings else _median(rings),
        voicemail=_median(voicemails) if voicemails else None,
        gap=_median(gaps) if gaps and not ringall else 0,
        lead=_median([call.tries[0].start for call in calls if call.tries] or [0]),
        rotates=_rotates(calls),
    )


def _median(values: list[int]) -> int:
    return sorted(values)[len(values) // 2]


def _rotates(calls: list[SeenCall]) -> bool:
    """Whether one phone rarely begins two calls in a row: a fixed order would begin with it again."""
    first = [call.tries[0].phone for call in calls if call.tries]
    again = sum(one == other for one, other in pairwise(first))
    return len(set(first)) > 1 and again * len(set(first)) < len(first) / 2
