"""How many phones a half-hour takes so that the target is reached. Pure.

A line that rings is replayed with one phone, two phones and so on; a queue judged in seconds has Erlang's formula.
Refuses: to ask for more phones where pick-up is the limit; then it says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

import msgspec
from msgspec.structs import replace

from callmon.core.replay.draws import MOVED, SEED, THINNED, uniform, world_salt
from callmon.core.replay.erlang import Load, least_phones, level
from callmon.core.replay.record import THIRD_RING, Rule, SeenCall, SeenDay, seen_rule, wrap_up
from callmon.core.replay.run import prepared, replayed
from callmon.core.replay.volume import Volumes, past_forecasts
from callmon.core.replay.world import World, fitted, samples_of

HALF_HOUR = 1_800_000
ALL_DAY = ((0, 48 * HALF_HOUR * 2),)
ENOUGH_CALLS, MOST_WORLDS = 8_000, 8  # replayed for a figure; of few calls a day in several worlds
LEARNT_DAYS = 50  # of which the misses are made up for
FACTORS = [1 + n / 25 for n in range(11)]  # to 1.4 times the forecast
BEYOND = 3  # phones more than there are that are tried
Kept = dict[int, tuple[float, float]]  # by half-hour: calls that kept the standard, calls


class PhonesNeeded(msgspec.Struct, frozen=True):
    """The least phones of a half-hour that reach the target, and the rate that they reach.

    `out_of_reach`: more phones do not help. Then `limit` is the share of tries picked up in time.
    """

    phones: int
    reach: float
    out_of_reach: bool = False
    limit: float | None = None


def slot_of(at: int) -> int:
    return at // HALF_HOUR


def at_forecast(days: Sequence[SeenDay], forecast: Mapping[int, float], salt: int) -> list[SeenDay]:
    """The days with their calls thinned or repeated, so that each half-hour has the forecast's number on average.

    A repeated call comes up to a quarter of an hour earlier or later: closer, calls would cluster.
    """
    seen = Counter(slot_of(call.at) for day in days for call in day.calls)
    found = []
    for day in days:
        calls: list[SeenCall] = []
        for call in day.calls:
            slot = slot_of(call.at)
            ratio = forecast.get(slot, 0.0) * len(days) / seen[slot]
            times = int(ratio + uniform(salt, THINNED, call.key))
            calls += (_repeated(call, n, salt) for n in range(times))
        found.append(replace(day, calls=tuple(sorted(calls, key=lambda call: call.at))))
    return found


def _repeated(call: SeenCall, number: int, salt: int) -> SeenCall:
    """Without its tries: under another number of phones, others ring."""
    moved = int((uniform(salt, MOVED, call.key, number) - 0.5) * HALF_HOUR) if number else 0
    at = min(max(call.at + moved, slot_of(call.at) * HALF_HOUR), (slot_of(call.at) + 1) * HALF_HOUR - 1)
    return replace(call, key=call.key * 64 + number, at=at, tries=())


class Weeks(msgspec.Struct, frozen=True):
    """The weeks at the forecast's volume, in one world."""

    days: list[SeenDay]
    world: World


def weeks_at(days: Sequence[SeenDay], forecast: Mapping[int, float]) -> list[Weeks]:
    """The weeks in so many worlds that chance moves the rate of a half-hour little: few calls in several."""
    samples = [samples_of(day) for day in days]
    calls = sum(forecast.values()) * len(days)
    found = []
    for number in range(max(1, min(MOST_WORLDS, round(ENOUGH_CALLS / max(1.0, calls))))):
        salt = world_salt(SEED, number)
        found.append(Weeks(at_forecast(days, forecast, salt), fitted(samples, salt)))
    return found


def kept_with(weeks: Sequence[Weeks], phones: int, rule: Rule, within: int) -> Kept:
    """By half-hour, what so many phones keep all day."""
    found: Kept = {}
    there = dict.fromkeys(range(phones), ALL_DAY)
    for some in weeks:
        for day in some.days:
            became = replayed(prepared(replace(day, phones=there)), rule, rule, some.world)
            for call, now in zip(day.calls, became, strict=True):
                if call.counted and call.judged:
                    met, calls = found.get(slot_of(call.at), (0.0, 0.0))
                    kept = now.outcome == "answered" and now.wait < within
                    found[slot_of(call.at)] = (met + kept, calls + 1)
    return found


def smoothed(kept: Kept, slot: int) -> float:
    """The rate of a half-hour and, by half, of its neighbours."""
    near = [(kept.get(slot + step, (0.0, 0.0)), weight) for step, weight in ((-1, 0.5), (0, 1.0), (1, 0.5))]
    calls = sum(weight * one[1] for one, weight in near)
    return sum(weight * one[0] for one, weight in near) / calls if calls else 1.0


def phones_needed(
    days: Sequence[SeenDay], forecast: Mapping[int, float], target: float, within: int = THIRD_RING
) -> dict[int, PhonesNeeded]:
    """By half-hour of the forecast, the least phones of a line that rings."""
    days = [replace(day, calls=tuple(call for call in day.calls if call.counted)) for day in days]
    own = replace(seen_rule(days), fresh=True)
    weeks = weeks_at(days, forecast)
    most = max((len(day.phones) for day in days), default=0) + BEYOND
    limit = picked_up_in_time(days, within)
    kept = kept_with(weeks, most, own, within)
    found: dict[int, PhonesNeeded] = {}
    for slot in forecast:
        if (rate := smoothed(kept, slot)) < target:
            found[slot] = PhonesNeeded(most, rate, True, limit)
    for phones in range(1, most + 1):
        if len(found) == len(forecast):
            break
        kept = kept_with(weeks, phones, own, within)
        for slot in forecast.keys() - found.keys():
            if (rate := smoothed(kept, slot)) >= target:
                found[slot] = PhonesNeeded(phones, rate)
    return found


def picked_up_in_time(days: Sequence[SeenDay], within: int) -> float | None:
    """The share of tries picked up in time, but for those that ended as another phone took the call."""
    tries = [
        (tried.took and tried.length < within)
        for day in days
        for call in day.calls
        for tried in call.tries
        if tried.took or call.outcome != "answered" or tried.start + tried.length < call.wait
    ]
    return sum(tries) / len(tries) if tries else None


def queue_load(days: Sequence[SeenDay], slots: Sequence[int]) -> dict[int, Load]:
    """By half-hour, the load of one call per second: each half-hour has the mean talk of its two hours."""
    world = fitted([samples_of(day) for day in days], 0)
    after = wrap_up(days)
    rate = giving_up_rate(days)
    talks = {slot: world.talks_at(slot * HALF_HOUR) for slot in slots}
    return {slot: Load(1.0, max(1.0, fmean(some) / 1000 + after), rate) for slot, some in talks.items()}


def giving_up_rate(days: Sequence[SeenDay]) -> float:
    """The callers who give up, per second waited."""
    calls = [call for day in days for call in day.calls if call.counted]
    waited = sum(call.wait for call in calls)
    return 1000 * sum(call.outcome == "abandoned" for call in calls) / waited if waited else 0.0


def phones_in_queue(load: Load, calls: float, target: float, within: float) -> PhonesNeeded:
    """The least phones of a half-hour of so many calls, by Erlang's formula with the phone's busy time."""
    of_half_hour = replace(load, calls=calls / 1800)
    phones = least_phones(of_half_hour, target, within)
    return PhonesNeeded(phones, level(of_half_hour, phones, within))


def learnt_factor(
    known: Sequence[Volumes], ahead: int, loads: Mapping[int, Load], target: float, within: float
) -> float:
    """How many times the forecast phones must suffice for: then the last 50 days kept the target on average.

    Phones for the forecast itself keep less: a day above it loses more than a day below it gains. `loads`: of one
    call per second, by half-hour. 1 while fewer than 50 days could be forecast.
    """
    past = list(past_forecasts(known, ahead, LEARNT_DAYS))

    def kept(factor: float) -> float:
        return fmean(kept_on(day, forecast, factor) for day, forecast in past)

    def kept_on(day: Volumes, forecast: Mapping[int, float], factor: float) -> float:
        found = 0.0
        for slot, calls in day.calls.items():
            phones = phones_in_queue(loads[slot], factor * forecast.get(slot, 0.0), target, within).phones
            found += calls * level(replace(loads[slot], calls=calls / 1800), phones, within)
        return found / max(1, day.total)

    if len(past) < LEARNT_DAYS:
        return 1.0
    return FACTORS[min(bisect_left(FACTORS, target, key=kept), len(FACTORS) - 1)]
