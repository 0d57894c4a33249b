"""One completed world: the curves of days drawn with replacement, and the values that were cut off. Pure.

What was seen stays as it was seen. Curves are those of the line, never of a phone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf

import msgspec

from callmon.core.replay.curves import Curve, Sample, drawn, fit_curve
from callmon.core.replay.draws import DAY, FACTOR, PATIENCE, TALK, uniform, world_salt
from callmon.core.replay.record import VAIN, SeenCall, SeenDay, Try

LEAST_TRIES, LEAST_ENDS = 30, 50  # for a curve of its own: of a stratum, of a language
LEAST_ALIKE = 8  # tries of a kind (rang in vain, or not) for a curve of its own
AT_RISK = 10  # values that must reach a time for the curve to go so far
TWO_HOURS = 7_200_000
NEVER = 1 << 60
STRATA, VAIN_STRATA = 5, 2  # all, and those of a phone that rang in vain


class PhoneState(msgspec.Struct, gc=False):
    """When a phone's last call ended, and when it last rang in vain without a call since."""

    ended: int = -NEVER
    vain: int = -NEVER

    def stratum(self, at: int) -> int:
        """One of five: rang in vain within a minute, or 15; its call ended under 15 s ago, under 90 s, longer."""
        if at - self.vain < 900_000:
            return 0 if at - self.vain < 60_000 else 1
        since = at - self.ended
        return 2 if since < 15_000 else 3 if since < 90_000 else 4


class Samples(msgspec.Struct, frozen=True):
    """What a day shows: patience by language, pick-up by stratum, talks by two hours."""

    patience: dict[str, list[Sample]]
    pickup: list[list[Sample]]
    talks: dict[int, list[int]]


class World(msgspec.Struct, frozen=True):
    """Curves, and the salt of all draws. The factors apply beyond what was seen."""

    salt: int
    patience: dict[str, Curve]
    pickup: tuple[Curve, ...]
    talks: dict[int, list[int]]
    beyond_patience: float
    beyond_pickup: float
    quicker: float = 1.0  # multiplies the hazard of pick-up

    def patience_of(self, call: SeenCall) -> float:
        """How long the caller waits: seen where they gave up, else longer than they did wait."""
        if call.outcome == "abandoned":
            return call.wait
        curve = self.patience.get(call.language) or self.patience["all"]
        return drawn(curve, uniform(self.salt, PATIENCE, call.key), call.wait, self.beyond_patience)

    def pickup_of(self, chance: float, seen: Try | None, stratum: int) -> float:
        """How long a phone rings until it is picked up, were it left ringing: the greater the chance, the less."""
        if seen is not None and seen.took:
            return seen.length
        after = -1 if seen is None else seen.length
        if self.quicker != 1.0:
            chance **= 1 / self.quicker
        return drawn(self.pickup[stratum], chance, after, self.beyond_pickup, halved=True)

    def talk_of(self, call: SeenCall) -> int:
        """How long the phone is busy: seen, else one of the talks of these two hours."""
        if call.outcome == "answered":
            return call.talk
        pool = self.talks_at(call.at)
        return pool[int(uniform(self.salt, TALK, call.key) * len(pool))]

    def talks_at(self, at: int) -> list[int]:
        """The talks of these two hours, else of all hours."""
        return self.talks.get(at // TWO_HOURS) or self.talks.get(-1) or [180_000]


def samples_of(day: SeenDay) -> Samples:
    """The samples of a day, each try in the stratum that its phone had when it began to ring."""
    patience: dict[str, list[Sample]] = {}
    talks: dict[int, list[int]] = {}
    for call in day.calls:
        if call.counted and call.outcome != "unknown":
            patience.setdefault(call.language, []).append((call.wait, call.outcome == "abandoned"))
        if call.counted and call.outcome == "answered":
            talks.setdefault(call.at // TWO_HOURS, []).append(call.talk)
    return Samples(patience, tries_by_stratum(day), talks)


def tries_by_stratum(day: SeenDay) -> list[list[Sample]]:
    """Each try of a day, in the stratum that its phone had when it began to ring."""
    strata: list[list[Sample]] = [[] for _ in range(STRATA)]
    states: dict[int, PhoneState] = {}
    tries = [(call.at + tried.start, tried, call.talk) for call in day.calls for tried in call.tries]
    for begin, tried, talk in sorted(tries, key=lambda item: item[0]):
        state = states.setdefault(tried.phone, PhoneState())
        strata[state.stratum(begin)].append((tried.length, tried.took))
        if tried.took:
            states[tried.phone] = PhoneState(begin + tried.length + talk)
        elif tried.length >= VAIN:
            state.vain = begin + tried.length
    return strata


def fitted(samples: Sequence[Samples], salt: int) -> World:
    """The world whose curves are those of these days."""
    patience = defaultdict[str, list[Sample]](list)
    talks = defaultdict[int, list[int]](list)
    for day in samples:
        for language, found in day.patience.items():
            patience[language] += found
        for slot, lengths in day.talks.items():
            talks[slot] += lengths
            talks[-1] += lengths
    patience["all"] = [sample for some in patience.values() for sample in some]
    return World(
        salt,
        _patience_curves(patience),
        _pickup_curves([[sample for day in samples for sample in day.pickup[n]] for n in range(STRATA)]),
        talks,
        0.5 + uniform(salt, FACTOR, 0),
        0.2 + uniform(salt, FACTOR, 1),
    )


def _pickup_curves(pickup: list[list[Sample]]) -> tuple[Curve, ...]:
    """A curve for each stratum; one of few tries has that of its kind (rang in vain, or not), else that of all."""
    curves = []
    for stratum, tries in enumerate(pickup):
        kind = pickup[:VAIN_STRATA] if stratum < VAIN_STRATA else pickup[VAIN_STRATA:]
        alike = [sample for some in kind for sample in some]
        if len(tries) < LEAST_TRIES:
            tries = alike if len(alike) >= LEAST_ALIKE else [sample for some in pickup for sample in some]
        curves.append(fit_curve(tries, min(AT_RISK, 1 + len(tries) // 5)))
    return tuple(curves)


def _patience_curves(samples: dict[str, list[Sample]]) -> dict[str, Curve]:
    """A curve of its own for each language where all of them have enough ends."""
    curves = {language: fit_curve(found, AT_RISK) for language, found in samples.items()}
    if all(curve.ends >= LEAST_ENDS for curve in curves.values()):
        return curves
    return {"all": curves["all"]}


def drawn_world(samples: Sequence[Samples], seed: int, number: int) -> World:
    """The world of that number: its days are drawn with replacement."""
    salt, count = world_salt(seed, number), len(samples)
    return fitted([samples[int(uniform(salt, DAY, n) * count)] for n in range(count)], salt)


def milliseconds(length: float) -> int:
    """A drawn length as whole milliseconds; NEVER where it is infinite."""
    return NEVER if length == inf or length >= NEVER else int(length)
