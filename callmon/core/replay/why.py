"""Why a day kept less than usual: its rate against usual days', split into parts that add up. Pure.

Refuses: to speak of a day within the usual spread; a part below one point, or smaller than what is unexplained.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import comb, floor, log, sqrt
from typing import Literal, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from callmon.core.replay.curves import survival
from callmon.core.replay.draws import DAY, MOVED, SEED, TALK, THINNED, uniform, world_salt
from callmon.core.replay.record import (
    THIRD_RING,
    DisruptedSpan,
    Joined,
    SeenCall,
    SeenDay,
    Span,
    cut,
    joined,
    seen_rule,
    tells_rings,
)
from callmon.core.replay.run import prepared, replayed
from callmon.core.replay.world import World, fitted, samples_of, tries_by_stratum

D = TypeVar("D")
Cause = Literal["volume", "hours", "talk", "phones", "pickup", "settings", "disruption"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
LEAST_JUDGED = 20
LEAST_DAYS = 10
UNUSUAL = -2.1
REPLAYED_DAYS, SHRINKING_TRIES = 6, 15
LEAST_POINTS, LEAST_SHARE = 0.01, 0.1
LEAST_PHONES = 3  # of fewer, nothing is said about phones: it would be about a person
MONTH_PAIRS = 8  # days of each month that are replayed
QUARTER, BOX_MOVED = 900_000, 2000
DAY_MS = 86_400_000
SALT = world_salt(SEED, 0)


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

    @property
    def differs(self) -> bool:
        """Whether it is outside the spread, better or worse."""
        return self.z is not None and abs(self.z) > -UNUSUAL


class Pair(msgspec.Struct, frozen=True):
    """A day, the usual day that it is put beside, and what of the day was disrupted."""

    today: SeenDay
    usual: SeenDay
    disrupted: Sequence[DisruptedSpan] = ()

    @property
    def kept_within(self) -> float:
        """Of the judged calls on a disrupted line, the share that kept the standard; 1 where there is none."""
        met = [call.met for call in self.today.calls if call.judged and _is_disrupted(call, self.disrupted)]
        return sum(met) / len(met) if met else 1.0

    @property
    def spared(self) -> SeenDay:
        """Today without the calls lost to a disruption, which tell nothing of people and settings."""
        calls = (call for call in self.today.calls if not _is_lost(call, self.disrupted))
        return replace(self.today, calls=tuple(calls))

    @property
    def phones(self) -> dict[int, tuple[Span, ...]]:
        """Today's; the usual day's where no phone rang between two rings and a disruption lost calls there."""
        found, usual = self.today.phones, self.usual.phones
        begins, ends = self._silent
        rest = list(zip([-DAY_MS, *ends], [*begins, 2 * DAY_MS], strict=True))
        return {
            phone: cut(found.get(phone, ()), rest) + cut(usual.get(phone, ()), zip(begins, ends, strict=True))
            for phone in sorted({*found, *usual} if begins else found)
        }

    @property
    def _silent(self) -> Joined:
        """The times between two rings in which a disruption lost calls: today does not tell who was there."""
        rings = sorted(call.at + tried.start for call in self.today.calls for tried in call.tries)
        lost = (call.at for call in self.today.calls if not call.tries and _is_lost(call, self.disrupted))
        places = {bisect_left(rings, at) for at in lost}
        around = [-DAY_MS, *rings, 2 * DAY_MS]
        return joined((around[place], around[place + 1]) for place in places)


def compare(today: tuple[int, int], usual: Sequence[tuple[int, int]]) -> Usual:
    """Each day as (met, judged)."""
    rates = [(met / judged, judged) for met, judged in usual if judged]
    met, judged = today
    rate, mean = met / judged if judged else 0.0, sum(one for one, _ in rates) / len(rates) if rates else 0.0
    if judged < LEAST_JUDGED or len(rates) < LEAST_DAYS:
        return Usual(len(rates), mean, rate, None)
    chance = max(1e-4, mean * (1 - mean))
    spread = _between(rates, mean, chance)
    return Usual(len(rates), mean, rate, (rate - mean) / sqrt(chance / judged + spread * (1 + 1 / len(rates))))


def _between(rates: Sequence[tuple[float, int]], mean: float, chance: float) -> float:
    """The variance of days' rates beyond what their numbers of calls explain."""
    variance = sum((one - mean) ** 2 for one, _ in rates) / (len(rates) - 1)
    return max(0.0, variance - sum(chance / count for _, count in rates) / len(rates))


def compare_months(month: Sequence[tuple[int, int]], before: Sequence[tuple[int, int]]) -> Usual:
    """A month's rate beside that of the month before, from their days as (met, judged)."""
    months = [[day for day in days if day[1]] for days in (month, before)]
    judged = [sum(count for _, count in days) for days in months]
    rate, usual = (
        sum(met for met, _ in days) / count if count else 0.0 for days, count in zip(months, judged, strict=True)
    )
    if min(map(len, months)) < LEAST_DAYS or min(judged) < LEAST_JUDGED:
        return Usual(len(months[1]), usual, rate, None)
    chance = max(1e-4, usual * (1 - usual))
    variance = sum(
        chance / count + _between([(met / of, of) for met, of in days], mean, chance) / len(days)
        for days, count, mean in zip(months, judged, (rate, usual), strict=True)
    )
    return Usual(len(months[1]), usual, rate, (rate - usual) / sqrt(variance))


def spread_days(days: Mapping[D, tuple[int, int]], count: int) -> list[D]:
    """So many of the days, evenly spread over their rates, the lowest first."""
    judged = [day for day, (_, of) in days.items() if of]
    ordered = sorted(judged, key=lambda day: (days[day][0] / days[day][1], judged.index(day)))
    return [ordered[(2 * n + 1) * len(ordered) // (2 * count)] for n in range(count if ordered else 0)]


def shapley(causes: Sequence[Cause], value: Callable[[frozenset[Cause]], float]) -> dict[Cause, float]:
    """What each cause is worth, averaged over all orders in which they may be added."""
    count = len(causes)
    sets = [frozenset(some) for size in range(count + 1) for some in combinations(causes, size)]
    known = {some: value(some) for some in sets}
    worth = dict.fromkeys(causes, 0.0)
    for present, without in known.items():
        for cause in causes:
            if cause not in present:
                weight = 1 / (count * comb(count - 1, len(present)))
                worth[cause] += weight * (known[present | {cause}] - without)
    return worth


def named(
    worth: Mapping[Cause, float], change: float, behind: Mapping[Cause, tuple[int, ...]]
) -> tuple[Part, ...]:
    """The parts of at least a point and a tenth of the change, the largest first; the rest is `other`.

    `other` alone, with every call, where it is larger than each of them: the change is not explained.
    """
    least = max(LEAST_POINTS, LEAST_SHARE * abs(change))
    order = sorted(worth, key=lambda cause: (-abs(worth[cause]), CAUSES.index(cause)))
    parts = [Part(cause, worth[cause], behind.get(cause, ())) for cause in order if abs(worth[cause]) >= least]
    other = change - sum(part.points for part in parts)
    if abs(other) > max((abs(part.points) for part in parts), default=0.0):
        return (Part("other", change, tuple(sorted(key for keys in behind.values() for key in keys))),)
    return (*parts, Part("other", other))


def is_explained(parts: Sequence[Part]) -> bool:
    """Whether a cause is named."""
    return any(part.part != "other" for part in parts)


def rounded_points(shares: Sequence[float]) -> list[int]:
    """Shares in tenths of a point, rounded by largest remainder: what is printed adds up, too."""
    exact = [1000 * share for share in shares]
    rounded = [floor(value) for value in exact]
    missing = round(sum(exact)) - sum(rounded)
    for place in sorted(range(len(exact)), key=lambda n: rounded[n] - exact[n])[:missing]:
        rounded[place] += 1
    return rounded


def explain(
    today: SeenDay, usual: Sequence[SeenDay], disrupted: Sequence[DisruptedSpan] = ()
) -> tuple[Usual, tuple[Part, ...]]:
    """Today's rate beside that of the usual days, and its parts."""
    today, ordered = _counted(today), sorted(map(_counted, usual), key=lambda day: day.name)
    compared = compare(kept(today), [kept(day) for day in ordered])
    if not ordered or not any(call.judged for call in today.calls):
        return compared, ()
    chosen = sorted(range(len(ordered)), key=lambda n: uniform(SALT, DAY, n))[:REPLAYED_DAYS]
    pairs = [Pair(today, ordered[n], disrupted) for n in chosen]
    worth = _worth(_Replays(pairs, ordered), ordered)
    return compared, named(worth, compared.rate - compared.usual, missed_calls(today, disrupted))


def explain_month(compared: Usual, pairs: Sequence[Pair]) -> tuple[Part, ...]:
    """The parts of the difference between two months, of which each pair has a day."""
    counted = [Pair(_counted(one.today), _counted(one.usual), one.disrupted) for one in pairs]
    before = [one.usual for one in counted]
    worth = _worth(_Replays(counted, before), before)
    return named(worth, compared.rate - compared.usual, {})


def _worth(replays: _Replays, usual: Sequence[SeenDay]) -> dict[Cause, float]:
    """What each cause is worth; nothing is said of phones so few that it would be of a person."""
    worth = shapley(replays.causes, replays.rate)
    if max(len(pair.today.phones) for pair in replays.pairs) < LEAST_PHONES:
        worth.pop("pickup", None)
    if max(len(day.phones) for day in usual) < LEAST_PHONES:
        worth.pop("phones", None)
    return worth


def _counted(day: SeenDay) -> SeenDay:
    return replace(day, calls=tuple(call for call in day.calls if call.counted))


def kept(day: SeenDay) -> tuple[int, int]:
    """The counted calls that kept the standard, and those that were judged."""
    judged = [call for call in day.calls if call.judged and call.counted]
    return sum(call.met for call in judged), len(judged)


class _Replays:
    """Days made of today's inputs and of a usual day's, replayed with the same draws."""

    def __init__(self, pairs: Sequence[Pair], usual: Sequence[SeenDay]) -> None:
        self.pairs = pairs
        self.todays = list({pair.today.name: pair.spared for pair in pairs}.values())
        self.kept_within = {pair.today.name: pair.kept_within for pair in pairs}
        self.known: dict[frozenset[Cause], tuple[float, float]] = {}
        self.rules = seen_rule(usual), seen_rule(self.todays)
        world = fitted([samples_of(day) for day in usual], SALT)
        self.worlds = world, replace(world, quicker=quicker(self.todays, world))
        self.causes: list[Cause] = ["volume", "hours", "talk", "phones"]
        if tells_rings(call for day in self.todays for call in day.calls):
            self.causes += ["pickup", "settings"] if self._settings_differ() else ["pickup"]
        if min(self.kept_within.values()) < 1:
            self.causes.append("disruption")

    def _settings_differ(self) -> bool:
        """Whether voicemail took calls two seconds earlier or later, or phones rang together that did not."""
        own, new = self.rules
        longest = max((call.wait for pair in self.pairs for call in pair.usual.calls), default=0)
        usual = own.voicemail if own.voicemail is not None else longest
        box = new.voicemail is not None and abs(new.voicemail - usual) > BOX_MOVED
        several = sum(len(call.tries) > 1 for day in self.todays for call in day.calls) >= SHRINKING_TRIES
        return box or (several and own.strategy != new.strategy)

    def rate(self, changed: frozenset[Cause]) -> float:
        """The mean rate of the days that are made of these inputs of today, and of the usual days' others."""
        replayed_inputs = changed - {"disruption"}
        if replayed_inputs not in self.known:
            rates = [self._rates(pair, replayed_inputs) for pair in self.pairs]
            heard, disrupted = (sum(rate) / len(rates) for rate in zip(*rates, strict=True))
            self.known[replayed_inputs] = heard, disrupted
        return self.known[replayed_inputs]["disruption" in changed]

    def _rates(self, pair: Pair, changed: frozenset[Cause]) -> tuple[float, float]:
        """The rate of a day without today's disruptions, and with them.

        Of the calls on a disrupted line, at most the share is kept that was in fact kept.
        """

        def chosen(cause: Cause) -> SeenDay:
            return pair.today if cause in changed else pair.usual

        calls = _calls(chosen("volume"), chosen("hours"), chosen("talk"))
        if not calls:
            return 1.0, 1.0
        own, new = self.rules
        rule = replace(own, fresh=True)
        if "settings" in changed:
            rule = replace(rule, strategy=new.strategy, ring=new.ring, gap=new.gap, voicemail=new.voicemail)
        world = self.worlds["pickup" in changed]
        phones = (pair if "phones" in changed else pair.usual).phones
        became = replayed(prepared(SeenDay("", calls, phones)), rule, rule, world)
        kept = [
            call
            for call, now in zip(calls, became, strict=True)
            if now.outcome == "answered" and now.wait < THIRD_RING
        ]
        within = sum(_is_disrupted(call, pair.disrupted) for call in kept)
        most = self.kept_within[pair.today.name] * sum(_is_disrupted(call, pair.disrupted) for call in calls)
        return len(kept) / len(calls), (len(kept) - max(0.0, within - most)) / len(calls)


def _is_disrupted(call: SeenCall, disrupted: Iterable[DisruptedSpan]) -> bool:
    return any(span.has(call) for span in disrupted)


def _is_lost(call: SeenCall, disrupted: Iterable[DisruptedSpan]) -> bool:
    """Whether a disruption of its line lost the call: it was in fact not met."""
    return call.judged and not call.met and _is_disrupted(call, disrupted)


def _calls(volume: SeenDay, hours: SeenDay, talk: SeenDay) -> tuple[SeenCall, ...]:
    """As many calls as one day, at the hours of another, with the talks of a third."""
    count, seen = len(volume.calls), hours.calls
    talks = sorted(call.talk for call in talk.calls if call.outcome == "answered") or [0]
    order = sorted(range(len(seen)), key=lambda n: uniform(SALT, THINNED, n))
    found = []
    for n in range(count if seen else 0):
        place, again = order[n % len(order)], n // len(order)
        moved = int((uniform(SALT, MOVED, n, again) - 0.5) * 2 * QUARTER) if again else 0
        length = talks[int(uniform(SALT, TALK, n) * len(talks))]
        found.append(
            SeenCall(
                key=n,
                at=max(0, seen[place].at + moved),
                outcome="answered",
                wait=0,
                talk=length,
                language=seen[place].language,
                line=seen[place].line,
            )
        )
    return tuple(sorted(found, key=lambda call: (call.at, call.key)))


def quicker(days: Iterable[SeenDay], world: World) -> float:
    """The hazard of pick-up on these days to the usual one, drawn to 1 by fifteen usual tries."""
    seen = expected = 0.0
    for stratum, tries in (found for day in days for found in enumerate(tries_by_stratum(day))):
        for length, took in tries:
            seen += took
            expected -= log(max(0.02, survival(world.pickup[stratum], length)))
    return (SHRINKING_TRIES + seen) / (SHRINKING_TRIES + expected)


def missed_calls(today: SeenDay, disrupted: Sequence[DisruptedSpan] = ()) -> dict[Cause, tuple[int, ...]]:
    """The calls of today that were not met, each with what it met first."""
    found: dict[Cause, list[int]] = {}
    for call in today.calls:
        if call.judged and not call.met:
            found.setdefault(_cause_of(call, disrupted), []).append(call.key)
    return {cause: tuple(keys) for cause, keys in found.items()}


def _cause_of(call: SeenCall, disrupted: Sequence[DisruptedSpan]) -> Cause:
    if _is_lost(call, disrupted):
        return "disruption"
    if call.outcome == "voicemail" and call.wait < THIRD_RING:
        return "settings"
    first = min((tried.start for tried in call.tries), default=THIRD_RING)
    return "phones" if first >= THIRD_RING / 2 or not call.tries else "pickup"
