"""What another rule would have made of a period: the record completed in several worlds, and replayed. Pure.

Refuses: a figure from fewer than 100 calls or 30 answered ones, and for a setting beyond twice what was seen. A
record that its own rule does not give again has no figure either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from statistics import quantiles
from typing import Literal

import msgspec

from callmon.core.replay.draws import SEED
from callmon.core.replay.record import THIRD_RING, Rule, SeenCall, SeenDay, seen_rule, tells_rings
from callmon.core.replay.run import PreparedDay, Replayed, prepared, replayed
from callmon.core.replay.world import drawn_world, fitted, samples_of

WORLDS, WIDENED = 40, 1.25
LEAST_CALLS = 100
LEAST_ANSWERED = 30
MOST_UNKNOWN = 0.05
MOST_DIFFERING = 0.01  # of the calls, under the period's own rule
CONFIDENCE = 0.9
Silence = Literal[
    "few_calls", "few_answered", "unknown_waits", "unknown_calls", "unknown_verdicts", "no_tries", "never_tried",
    "own_rule",
]  # fmt: skip


class Counts(msgspec.Struct, frozen=True):
    """Calls of a period by what became of them. `third_ring`: those that kept the standard, of the `judged`."""

    calls: int
    third_ring: int
    judged: int
    answered: int
    abandoned: int
    voicemail: int


class Estimate(msgspec.Struct, frozen=True):
    """A count under the changed rule: nine chances in ten that it lies between the two."""

    low: float
    middle: float
    high: float


class WhatIf(msgspec.Struct, frozen=True):
    own: Counts
    changed: dict[str, Estimate]


def why_silent(days: Sequence[SeenDay], own: Rule, rule: Rule) -> Silence | None:
    """Why no figure is given; None where one may be."""
    calls = [call for day in days for call in day.calls if call.counted]
    if len(calls) < LEAST_CALLS:
        return "few_calls"
    if sum(call.outcome == "answered" for call in calls) < LEAST_ANSWERED:
        return "few_answered"
    lacking: dict[Silence, int] = {
        "unknown_waits": sum(call.lacks == "wait" for call in calls),
        "unknown_calls": sum(call.outcome == "unknown" for call in calls),
        "unknown_verdicts": sum(call.lacks == "verdict" for call in calls),
    }
    for silence, count in lacking.items():
        if count > MOST_UNKNOWN * len(calls):
            return silence
    known = msgspec.structs.replace(rule, added=None, weekday=None, speaking=False, hours=None)
    if not tells_rings(calls) and known != own:
        return "no_tries"
    if _beyond(days, own, rule):
        return "never_tried"
    return "own_rule" if differing_calls(days, own) > MOST_DIFFERING * len(calls) else None


def differing_calls(days: Sequence[SeenDay], own: Rule) -> int:
    """The calls whose outcome, wait or phone the period's own rule does not give again."""
    world = drawn_world([samples_of(day) for day in days], SEED, 0)
    return sum(
        call.counted and one != other
        for day in days
        for call, one, other in zip(
            day.calls, recorded_ends(day), replayed(prepared(day), own, own, world), strict=True
        )
    )


def recorded_ends(day: SeenDay) -> list[Replayed]:
    """What the record has become of each call."""
    return [
        Replayed(call.outcome, call.wait, next((tried.phone for tried in call.tries if tried.took), None))
        for call in day.calls
    ]


def _beyond(days: Sequence[SeenDay], own: Rule, rule: Rule) -> bool:
    """Whether a changed setting is beyond twice what was seen."""
    longest = max((tried.length for day in days for call in day.calls for tried in call.tries), default=0)
    waited = max((call.wait for day in days for call in day.calls if call.counted), default=0)
    return (
        (rule.voicemail != own.voicemail and (rule.voicemail or 0) > 2 * (own.voicemail or waited))
        or (rule.ring != own.ring and (rule.ring or 0) > 2 * longest)
        or not 0.5 <= rule.pickup <= 2
        or (rule.added is not None and abs(rule.added[0]) > most_phones(days, rule))
    )


def most_phones(days: Sequence[SeenDay], rule: Rule) -> int:
    """The most phones of a day, of those of which the rule may have more or less."""
    return max((len(day.speaking if rule.speaking else day.phones) for day in days), default=0)


def seen_until(days: Sequence[SeenDay]) -> dict[str, float]:
    """The seconds up to which patience and pick-up were seen; beyond them a hazard is assumed."""
    world = fitted([samples_of(day) for day in days], 0)
    pickup = max(curve.seen_until for curve in world.pickup)
    return {"patience": world.patience["all"].seen_until / 1000, "pickup": pickup / 1000}


def counted(days: Sequence[PreparedDay], results: Sequence[Sequence[Replayed]]) -> Counts:
    """The counts of a replay. A call with its seen outcome and wait keeps its verdict."""
    calls = chain.from_iterable(
        zip(day.day.calls, became, strict=True) for day, became in zip(days, results, strict=True)
    )
    found = [(call, now) for call, now in calls if call.counted]
    judged = [is_met(call, now) for call, now in found if call.judged]
    ends = Counter(now.outcome for _, now in found)
    return Counts(len(found), sum(judged), len(judged), ends["answered"], ends["abandoned"], ends["voicemail"])


def is_met(call: SeenCall, now: Replayed) -> bool:
    if (now.outcome, now.wait) == (call.outcome, call.wait):
        return call.met
    return now.outcome == "answered" and now.wait < THIRD_RING


def what_if(
    days: Sequence[SeenDay],
    rule: Callable[[Rule], Rule],
    *,
    worlds: int = WORLDS,
    seed: int = SEED,
    done: Callable[[int], None] = lambda number: None,
) -> WhatIf:
    """The period as it was, and under the rule that `rule` makes of its own. `done` receives a world's number."""
    own, ready = seen_rule(days), [prepared(day) for day in days]
    changed, samples = rule(own), [samples_of(day) for day in days]
    first = drawn_world(samples, seed, 0)
    was = counted(ready, [recorded_ends(day) for day in days])
    again = counted(ready, [replayed(day, own, own, first) for day in ready])
    found = []
    for number in range(worlds if changed != own else 0):
        world = drawn_world(samples, seed, number)
        found.append(counted(ready, [replayed(day, own, changed, world) for day in ready]))
        done(number)
    names = ("third_ring", "answered", "abandoned", "voicemail")
    changed_counts = {}
    for name in names:
        as_it_was: int = getattr(was, name)
        moved = as_it_was - getattr(again, name)
        changed_counts[name] = _estimate([getattr(one, name) + moved for one in found], as_it_was)
    return WhatIf(was, changed_counts)


def _estimate(values: list[int], was: int) -> Estimate:
    """The middle of the worlds, and their 5th and 95th percentile, widened, at least one call away."""
    if set(values) <= {was}:
        return Estimate(was, was, was)
    middle = sum(values) / len(values)
    twentieths = quantiles(values, n=20, method="inclusive")
    low, high = (middle + WIDENED * (end - middle) for end in (twentieths[0], twentieths[-1]))
    return Estimate(max(0, min(low, middle - 1)), middle, max(high, middle + 1))
