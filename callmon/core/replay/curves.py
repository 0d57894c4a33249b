"""How long it takes until something ends, from values of which some were cut off: Kaplan and Meier's curve. Pure.

Refuses: to claim what no value reached. Beyond the longest one, a hazard is assumed and bears a factor.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import groupby
from math import inf, log

import msgspec

RING = 6000  # ms: one cycle of the ringing tone, and the last part of a curve whose hazard is carried on
Sample = tuple[int, bool]  # a length in ms, and whether it ended there (False: it was cut off)


class Curve(msgspec.Struct, frozen=True, gc=False):
    """S(t) falls at each of `times` to the value beside it. `tail`: the hazard (per ms) of the last ring seen."""

    times: tuple[int, ...]
    fallen: tuple[float, ...]  # -S(t): ascending, as bisection takes it
    seen_until: int
    ends: int
    tail: float


def fit_curve(samples: Iterable[Sample], least: int = 1) -> Curve:
    """The curve of all samples. A value cut off at a time at which another ends was still at risk there.

    Seen is what at least `least` values reach: of the few beyond, one end would move the curve too far.
    """
    ordered = sorted(samples)
    at_risk = len(ordered)
    survival = 1.0
    ends = 0
    times = []
    fallen = []
    until = 0
    for at, same in groupby(ordered, key=lambda sample: sample[0]):
        if at_risk < least:
            break
        found = [ended for _, ended in same]
        if count := sum(found):
            survival *= 1 - count / at_risk
            ends += count
            times.append(at)
            fallen.append(-survival)
        at_risk, until = at_risk - len(found), at
    return Curve(tuple(times), tuple(fallen), until, ends, _tail(times, fallen, until))


def _tail(times: list[int], fallen: list[float], until: int) -> float:
    """The mean hazard of the last ring before `until`; 0 where all ended, or none did."""
    if not times or fallen[-1] == 0:
        return 0.0
    before = bisect_right(times, until - RING)
    start = -fallen[before - 1] if before else 1.0
    return log(start / -fallen[-1]) / RING


def survival(curve: Curve, at: int) -> float:
    """S(at): the share of those that last longer."""
    passed = bisect_right(curve.times, at)
    return -curve.fallen[passed - 1] if passed else 1.0


def drawn(curve: Curve, chance: float, after: int = -1, factor: float = 1.0, halved: bool = False) -> float:
    """A length greater than `after`; infinite where it never ends. `chance` is uniform between 0 and 1.

    Beyond the longest value seen, the hazard is the last ring's times `factor`, `halved` with each further ring.
    """
    left = survival(curve, after) if after >= 0 else 1.0
    target = chance * left
    place = bisect_left(curve.fallen, -target)
    if place < len(curve.times) and left > 0:
        return curve.times[place]
    least = -curve.fallen[-1] if curve.fallen else 1.0
    begin, hazard = max(curve.seen_until, after), curve.tail * factor
    if hazard <= 0 or least <= 0:
        return inf if least > 0 else begin + 1
    needed = log(least / target)
    return begin + 1 + (_halving(needed / hazard) if halved else needed / hazard)


def _halving(length: float) -> float:
    """The time by which hazards of 1, ½, ¼ … ring by ring add up to `length` at full hazard."""
    spent, rate = 0.0, 1.0
    while length > RING * rate:
        length -= RING * rate
        spent, rate = spent + RING, rate / 2
        if rate < 1e-3:
            return inf
    return spent + length / rate
