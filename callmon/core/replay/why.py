"""Why a day kept less than usual: its rate against usual days', split into parts that add up. Pure.

Refuses: to speak of a day within the usual spread, and to name a part below one point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import factorial, log, sqrt
from typing import Literal

import msgspec
from msgspec.structs import replace

from callmon.core.replay.curves import survival
from callmon.core.replay.draws import DAY, MOVED, TALK, THINNED, uniform, world_salt
from callmon.core.replay.record import SeenCall, SeenDay, Span, seen_rule
from callmon.core.replay.run import prepared, replayed
from callmon.core.replay.world import World, fitted, samples_of, tries_by_stratum

Cause = Literal["volume", "hours", "talk", "phones", "pickup", "settings", "disruption"]
CAUSES: tuple[Cause, ...] = ("volume", "hours", "talk", "phones", "pickup", "settings", "disruption")
LEAST_JUDGED = 20
LEAST_DAYS = 10
UNUSUAL = -2.1
REPLAYED_DAYS, SHRINKING_TRIES = 6, 15
LEAST_POINTS, LEAST_SHARE = 0.01, 0.1
QUARTER, BOX_MOVED = 900_000, 2000


class Part(msgspec.Struct, frozen=True):
    """What a cause is worth, as a share of the judged calls, and the calls behind it, by their keys."""

    part: str
    points: float
    calls: tuple[int, ...] = ()


class Usual(msgspec.Struct, frozen=True):
    """Today's rate beside usual days'. `z`: how far outside their spread it is; None where it cannot be said."""

    days: int
    usual: float
    rate: float
    z: float | None

    @property
    def unusual(self) -> bool:
        return self.z is not None and self.z < UNUSUAL


def compare(today: tuple[int, int], usual: Sequence[tuple[int, int]]) -> Usual:
    """Each day as (met, judged)."""
    rates = [(met / judged, judged) for met, judged in usual if judged]
    met, judged = today
    rate, mean = met / judged if judged else 0.0, sum(one for one, _ in rates) / len(rates) if rates else 0.0
    if judged < LEAST_JUDGED or len(rates) < LEAST_DAYS:
        return Usual(len(rates), mean, rate, None)
    chance = max(1e-4, mean * (1 - mean))
    variance = sum((one - mean) ** 2 for one, _ in rates) / (len(rates) - 1)
    between = max(0.0, variance - sum(chance / count for _, count in rates) / len(rates))
    return Usual(len(rates), mean, rate, (rate - mean) / sqrt(chance / judged + between * (1 + 1 / len(rates))))


def shapley(causes: Sequence[Cause], value: Callable[[frozenset[Cause]], float]) -> dict[Cause, float]:
    """What each cause is worth, averaged over all orders in which they may be added."""
    count = len(causes)
    known: dict[frozenset[Cause], float] = {}
    for size in range(count + 1):
        for some in combinations(causes, size):
            known[frozenset(some)] = value(frozenset(some))
    worth = dict.fromkeys(causes, 0.0)
    for present, without in known.items():
        for cause in causes:
            if cause not in present:
                weight = factorial(len(present)) * factorial(count - len(present) - 1) / factorial(count)
                worth[cause] += weight * (known[present | {cause}] - without)
    return worth


def named(
    worth: Mapping[Cause, float], change: float, behind: Mapping[Cause, tuple[int, ...]]
) -> tuple[Part, ...]:
    """The parts of at least a point and a tenth of the change, the largest first; the rest is `other`."""
    least = max(LEAST_POINTS, LEAST_SHARE * abs(change))
    order = sorted(worth, key=lambda cause: (-abs(worth[cause]), CAUSES.index(cause)))
    parts = [Part(cause, worth[cause], behind.get(cause, ())) for cause in order if abs(worth[cause]) >= least]
    return (*parts, Part("other", change - sum(part.points for part in parts)))


def explain(
    today: SeenDay,
    usual: Sequence[SeenDay],
    *,
    within: int = 18_000,
    disrupted: Iterable[Span] = (),
    seed: int = 1,
) -> tuple[Usual, tuple[Part, ...]]:
    """Today's rate beside that of the usual days, and its parts."""
    today, ordered = _counted(today), sorted(map(_counted, usual), key=lambda day: day.name)
    compared = compare(_kept(today), [_kept(day) for day in ordered])
    if not ordered or not any(call.judged for call in today.calls):
        return compared, ()
    spans = tuple(disrupted)
    replays = _Replays(today, ordered, within, spans, seed)
    worth = shapley(replays.causes, replays.rate)
    change = compared.rate - compared.usual
    return compared, named(worth, change, behind(today, within, spans))


def _counted(day: SeenDay) -> SeenDay:
    return replace(day, calls=tuple(call for call in day.calls if call.counted))


def _kept(day: SeenDay) -> tuple[int, int]:
    judged = [call for call in day.calls if call.judged]
    return sum(call.met for call in judged), len(judged)


class _Replays:
    """Days made of today's inputs and of a usual day's, replayed with the same draws."""

    def __init__(self, today: SeenDay, usual: list[SeenDay], within: int, disrupted: tuple[Span, ...], seed: int):
        self.today = today
        self.within = within
        self.disrupted = disrupted
        self.salt = world_salt(seed, 0)
        chosen = sorted(range(len(usual)), key=lambda n: uniform(self.salt, DAY, n))[:REPLAYED_DAYS]
        self.days = [usual[n] for n in chosen]
        self.rules = seen_rule(usual), seen_rule([today])
        world = fitted([samples_of(day) for day in usual], self.salt)
        self.worlds = world, replace(world, quicker=quicker(today, world))
        self.causes: list[Cause] = ["volume", "hours", "talk", "phones"]
        if any(call.tries for call in today.calls):  # what was imported may have none
            self.causes += ["pickup", "settings"] if self._settings_differ() else ["pickup"]
        if disrupted:
            self.causes.append("disruption")

    def _settings_differ(self) -> bool:
        """Whether voicemail took calls two seconds earlier or later, or phones rang together that did not."""
        own, new = self.rules
        longest = max((call.wait for day in self.days for call in day.calls), default=0)
        usual = own.voicemail if own.voicemail is not None else longest
        box = new.voicemail is not None and abs(new.voicemail - usual) > BOX_MOVED
        several = sum(len(call.tries) > 1 for call in self.today.calls) >= SHRINKING_TRIES
        return box or (several and own.strategy != new.strategy)

    def rate(self, changed: frozenset[Cause]) -> float:
        return sum(self._rate_of(day, changed) for day in self.days) / len(self.days)

    def _rate_of(self, usual: SeenDay, changed: frozenset[Cause]) -> float:
        def chosen(cause: Cause) -> SeenDay:
            return self.today if cause in changed else usual

        calls = _calls(chosen("volume"), chosen("hours"), chosen("talk"), self.salt)
        day = SeenDay("", calls, chosen("phones").phones)
        own, new = self.rules
        rule = replace(own, fresh=True)
        if "settings" in changed:
            rule = replace(rule, strategy=new.strategy, ring=new.ring, voicemail=new.voicemail)
        world = self.worlds["pickup" in changed]
        became = replayed(prepared(day), rule, rule, world)
        lost = self.disrupted if "disruption" in changed else ()
        kept = sum(
            now.outcome == "answered" and now.wait < self.within and not _inside(call.at, lost)
            for call, now in zip(calls, became, strict=True)
        )
        return kept / len(calls) if calls else 1.0


def _inside(at: int, spans: Iterable[Span]) -> bool:
    return any(begin <= at < end for begin, end in spans)


def _calls(volume: SeenDay, hours: SeenDay, talk: SeenDay, salt: int) -> tuple[SeenCall, ...]:
    """As many calls as one day, at the hours of another, with the talks of a third."""
    count, seen = len(volume.calls), hours.calls
    talks = sorted(call.talk for call in talk.calls if call.outcome == "answered") or [0]
    order = sorted(range(len(seen)), key=lambda n: uniform(salt, THINNED, n))
    found = []
    for n in range(count if seen else 0):
        place, again = order[n % len(order)], n // len(order)
        moved = int((uniform(salt, MOVED, n, again) - 0.5) * 2 * QUARTER) if again else 0
        length = talks[int(uniform(salt, TALK, n) * len(talks))]
        found.append(
            SeenCall(
                key=n,
                at=max(0, seen[place].at + moved),
                outcome="answered",
                wait=0,
                talk=length,
                language=seen[place].language,
            )
        )
    return tuple(sorted(found, key=lambda call: (call.at, call.key)))


def quicker(day: SeenDay, world: World) -> float:
    """The hazard of pick-up today to the usual one, drawn to 1 by fifteen usual tries."""
    seen = expected = 0.0
    for stratum, tries in enumerate(tries_by_stratum(day)):
        for length, took in tries:
            seen += took
            expected -= log(max(0.02, survival(world.pickup[stratum], length)))
    return (SHRINKING_TRIES + seen) / (SHRINKING_TRIES + expected)


def behind(today: SeenDay, within: int, disrupted: Iterable[Span] = ()) -> dict[Cause, tuple[int, ...]]:
    """The calls of today that were not met, each with what it met first."""
    spans, found = tuple(disrupted), dict[Cause, list[int]]()
    for call in today.calls:
        if call.judged and not call.met:
            found.setdefault(_cause_of(call, within, spans), []).append(call.key)
    return {cause: tuple(keys) for cause, keys in found.items()}


def _cause_of(call: SeenCall, within: int, disrupted: tuple[Span, ...]) -> Cause:
    if _inside(call.at, disrupted):
        return "disruption"
    if call.outcome == "voicemail" and call.wait < within:
        return "settings"
    first = min((tried.start for tried in call.tries), default=within)
    return "phones" if first >= within / 2 or not call.tries else "pickup"
