"""What was seen of the calls of a day, as the replay takes it: calls, tries, phones there. Pure.

Times are whole milliseconds of the day; those of a try and of a wait count from the moment at which the caller's
wait began. A phone is a number within the day's record: no name and no extension comes in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise, product
from statistics import median_high
from typing import Literal

import msgspec

Outcome = Literal["answered", "abandoned", "voicemail", "unknown"]
Span = tuple[int, int]  # from, until
Joined = tuple[list[int], list[int]]  # begins and ends of spans that do not overlap
MOST_WRAP_UP = 300_000  # ms
THIRD_RING = 18_000  # ms: an answer before it is an answer by the third ring
QUEUE_RING, QUEUE_RETRY = 15_000, 5000  # ms: of an Asterisk queue that sets neither: a try, the pause after it
EXPECTED_TRIES = 5  # of phones for callers: if none is seen where chance would bring so many, they are kept apart
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
    line: str = ""
    judged: bool = True  # met or not met; the verdict of other calls (exempt, unknown) is left as it is
    met: bool = False
    lacks: Literal["wait", "verdict"] | None = None  # what the record does not tell of it
    counted: bool = True  # in the scope of the question; other calls only keep phones busy


class SeenDay(msgspec.Struct, frozen=True):
    """The calls of a day by arrival, when each phone was there, and those `speaking` the language asked about."""

    name: str
    calls: tuple[SeenCall, ...]
    phones: dict[int, tuple[Span, ...]]
    speaking: frozenset[int] = frozenset()

    def is_on(self, weekday: int | None) -> bool:
        """Whether it is such a day of the week (0: Monday); None: any."""
        return weekday is None or date.fromisoformat(self.name).weekday() == weekday


class DisruptedSpan(msgspec.Struct, frozen=True):
    """A time of a day in which these lines could not take calls."""

    begin: int
    end: int
    lines: frozenset[str]

    def has(self, call: SeenCall) -> bool:
        """Whether the call arrived in it on one of its lines."""
        return self.begin <= call.at < self.end and call.line in self.lines


def occupied(calls: Iterable[SeenCall]) -> dict[int, Joined]:
    """By phone, what was seen to occupy it: ringing and talking."""
    spans: dict[int, list[Span]] = {}
    for call in calls:
        for tried in call.tries:
            begin = call.at + tried.start
            spans.setdefault(tried.phone, []).append(
                (begin, begin + tried.length + (call.talk if tried.took else 0))
            )
    return {phone: joined(some) for phone, some in spans.items()}


def joined(spans: Iterable[Span]) -> Joined:
    begins: list[int] = []
    ends: list[int] = []
    for begin, end in sorted(spans):
        if ends and begin < ends[-1]:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends


def cut(spans: Iterable[Span], inside: Iterable[Span]) -> tuple[Span, ...]:
    """The parts of the spans that lie in one of those `inside`."""
    common = ((max(a, c), min(b, d)) for (a, b), (c, d) in product(spans, inside))
    return tuple((begin, end) for begin, end in common if begin < end)


def within(spans: Joined, at: int) -> bool:
    """Whether `at` lies inside one of the joined spans: after its begin, before its end."""
    place = bisect_left(spans[0], at)
    return place > 0 and at < spans[1][place - 1]


def time_within(spans: Joined, begin: int, end: int) -> int:
    """How much of the joined spans lies between `begin` and `end`."""
    first, after = bisect_right(spans[1], begin), bisect_left(spans[0], end)
    return sum(min(end, b) - max(begin, a) for a, b in zip(*(side[first:after] for side in spans), strict=True))


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How calls are offered. `voicemail`: when it takes the call (None: never); `gap`: between two tries.

    `pickup` multiplies each phone's pick-up time. `added`: phones more or less, and when. `apart`: callers'
    languages for which no phone rings that speaks the language asked about (True), or no other one (False).
    """

    strategy: Literal["hunt", "ringall"] = "hunt"
    ring: int | None = None  # a phone rings for so long; None: until the call ends
    voicemail: int | None = None
    gap: int = 0
    lead: int = 0  # from the beginning of the wait to the first try
    wrap_up: int = 0  # from the end of a call until its phone takes the next one, where pick-up does not tell it
    rotates: bool = False  # the phone that rang longest ago is next, else the first one of the order
    pickup: float = 1.0
    added: tuple[int, Span] | None = None
    weekday: int | None = None  # the phones more or less are so on this day of the week alone (0: Monday)
    speaking: bool = False  # the phones more or less are those that speak the language asked about
    apart: frozenset[tuple[str, bool]] = frozenset()
    hours: Span | None = None  # the line answers no call outside these hours; None: the recorded hours
    fresh: bool = False  # each call is offered by the rule from its arrival on, whatever the record has


def seen_rule(days: Sequence[SeenDay]) -> Rule:
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
    rung = tells_rings(calls)
    starts = [call.tries[0].start for call in calls if call.tries and rung]
    ringall = 2 * len(together) > len(several)
    return Rule(
        strategy="ringall" if ringall else "hunt",
        ring=None if ringall or not rings else median_high(rings),
        voicemail=median_high(voicemails) if voicemails else None,
        gap=0 if ringall else median_high(gaps or [QUEUE_RETRY]),
        lead=median_high(starts or [0]),
        wrap_up=0 if rung else round(1000 * wrap_up(days)),
        rotates=_rotates(calls),
        apart=_apart(days),
    )


def _apart(days: Sequence[SeenDay]) -> frozenset[tuple[str, bool]]:
    """The pairs of callers and phones of which the record has no try, though chance would have brought several."""
    tries = [
        (call.language, tried.phone in day.speaking)
        for day in days
        for call in day.calls
        for tried in call.tries
        if call.counted
    ]
    languages = Counter(language for language, _ in tries)
    phones = Counter(speaks for _, speaks in tries)
    expected = {pair: languages[pair[0]] * phones[pair[1]] / len(tries) for pair in product(languages, phones)}
    return frozenset(pair for pair in expected.keys() - set(tries) if expected[pair] >= EXPECTED_TRIES)


def with_strategy(rule: Rule, strategy: str) -> Rule:
    """The rule with this strategy; a hunt of which nothing was seen rings as an Asterisk queue does."""
    if strategy == rule.strategy:
        return rule
    if strategy == "ringall":
        return msgspec.structs.replace(rule, strategy="ringall", ring=None, gap=0)
    return with_ring(msgspec.structs.replace(rule, strategy="hunt"), rule.ring or QUEUE_RING)


def with_ring(rule: Rule, ring: int) -> Rule:
    """The rule with phones that ring for so long. Where none was seen to stop, the pause after it is a queue's."""
    return msgspec.structs.replace(rule, ring=ring, gap=QUEUE_RETRY if rule.ring is None else rule.gap)


def tells_rings(calls: Iterable[SeenCall]) -> bool:
    """Whether the record tells how long phones rang; a record of answers alone has them at the end of the wait."""
    return any(tried.length for call in calls for tried in call.tries)


def wrap_up(days: Sequence[SeenDay]) -> float:
    """The mean seconds from a phone's call to its next one, of gaps below five minutes while callers waited."""
    gaps: list[int] = []
    for day in days:
        busy: dict[int, list[Span]] = {}
        for call in day.calls:
            for tried in call.tries:
                if tried.took:
                    begin = call.at + tried.start + tried.length
                    busy.setdefault(tried.phone, []).append((begin, begin + call.talk))
        waits = joined((call.at, call.at + call.wait) for call in day.calls)
        for spans in busy.values():
            spans.sort()
            gaps += [
                after[0] - before[1]
                for before, after in pairwise(spans)
                if 0 <= after[0] - before[1] < MOST_WRAP_UP and time_within(waits, before[1], before[1] + 1)
            ]
    return sum(gaps) / len(gaps) / 1000 if gaps else 0.0


def _rotates(calls: list[SeenCall]) -> bool:
    """Whether one phone rarely begins two calls in a row: a fixed order would begin with it again."""
    first = [call.tries[0].phone for call in calls if call.tries]
    again = sum(one == other for one, other in pairwise(first))
    return len(set(first)) > 1 and again * len(set(first)) < len(first) / 2
