"""What another rule would have made of a period: the record completed in several worlds, and replayed. Pure.

Refuses: a figure from fewer than 100 calls or 30 answered ones, or for a setting beyond twice what was seen.
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
CONFIDENCE = 0.9
Silence = Literal["few_calls", "few_answered", "unknown_calls", "never_tried", "no_tries"]


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
    if sum(call.outcome == "unknown" for call in calls) > MOST_UNKNOWN * len(calls):
        return "unknown_calls"
    if not tells_rings(calls) and msgspec.structs.replace(rule, added=None, speaking=False, hours=None) != own:
        return "no_tries"
    return "never_tried" if _beyond(days, own, rule) else None


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
    was = counted(ready, [replayed(day, own, own, first) for day in ready])
    found = []
    for number in range(worlds if changed != own else 0):
        world = drawn_world(samples, seed, number)
        found.append(counted(ready, [replayed(day, own, changed, world) for day in ready]))
        done(number)
    names = ("third_ring", "answered", "abandoned", "voicemail")
    return WhatIf(
        was, {name: _estimate([getattr(one, name) for one in found], getattr(was, name)) for name in names}
    )


def _estimate(values: list[int], was: int) -> Estimate:
    """The middle of the worlds, and their 5th and 95th percentile, widened, at least one call away."""
    if set(values) <= {was}:
        return Estimate(was, was, was)
    middle = sum(values) / len(values)
    twentieths = quantiles(values, n=20, method="inclusive")
    low, high = (middle + WIDENED * (end - middle) for end in (twentieths[0], twentieths[-1]))
    return Estimate(max(0, min(low, middle - 1)), middle, max(high, middle + 1))
