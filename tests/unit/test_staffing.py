"""Phones needed: by replay where phones ring, by Erlang's formula where seconds are judged; the calls to come."""

from math import exp, factorial, isclose

import pytest
from msgspec.structs import replace

from bench.questions_phones import HUNT, RINGALL, achieved, is_minimal, mean_volume
from callmon.core.replay.erlang import Load, gamma_share, least_phones, level, level_between
from callmon.core.replay.record import Rule, SeenCall, SeenDay, Try, seen_rule, wrap_up
from callmon.core.replay.staffing import (
    at_forecast,
    kept_with,
    learnt_factor,
    phones_in_queue,
    phones_needed,
    queue_load,
    smoothed,
    weeks_at,
)
from callmon.core.replay.volume import (
    Interval,
    Residuals,
    Volumes,
    day_total,
    half_hours,
    language_share,
    past_residuals,
    profile,
)
from tests.support.ringing_world import RingingSite, counts, simulated


@pytest.mark.parametrize("seed", range(3))
def test_the_phones_needed_keep_the_target_in_months_to_come(seed: int) -> None:
    site = RingingSite(seed=seed, days=30, calls_a_day=65, phones=4, rule=RINGALL)
    days = simulated(site)
    plan = {slot: found.phones for slot, found in phones_needed(days, mean_volume(days), 0.9).items()}
    month = counts(simulated(replace(site, seed=500 + seed, phones=max(plan.values()), plan=plan)))
    assert month["third_ring"] / month["calls"] >= 0.88


def test_one_phone_fewer_misses_the_target_in_the_weeks_replayed() -> None:
    days = simulated(RingingSite(seed=7, days=20, calls_a_day=65, phones=4, rule=RINGALL))
    forecast = mean_volume(days)
    needed = phones_needed(days, forecast, 0.9)
    rule, weeks = replace(seen_rule(days), fresh=True), weeks_at(days, forecast)
    rates = [kept_with(weeks, phones, rule, 18_000) for phones in range(8)]
    for slot, found in needed.items():
        assert smoothed(rates[found.phones], slot) == found.reach >= 0.9
        assert smoothed(rates[found.phones - 1], slot) < 0.9


def test_where_pick_up_is_the_limit_more_phones_are_not_asked_for() -> None:
    days = simulated(RingingSite(seed=3, days=20, calls_a_day=65, phones=4, rule=HUNT))
    needed = phones_needed(days, mean_volume(days), 0.9)
    assert {found.out_of_reach for found in needed.values()} == {True}
    assert {found.phones for found in needed.values()} == {7}
    assert {round(found.limit or 0, 1) for found in needed.values()} == {0.8}


@pytest.mark.long
@pytest.mark.parametrize(("rule", "target"), [(RINGALL, 0.9), (HUNT, 0.75)])
def test_phones_of_twenty_months_are_minimal_and_keep_months_to_come(rule: Rule, target: float) -> None:
    kept = out_of_reach = half_hours = 0
    for seed in range(20):
        site = RingingSite(seed=seed, days=30, calls_a_day=65, phones=4, rule=rule)
        days = simulated(site)
        forecast = mean_volume(days)
        needed = phones_needed(days, forecast, target)
        plan = {slot: found.phones for slot, found in needed.items()}
        kept += achieved(replace(site, days=60), plan) >= target - 0.02
        assert is_minimal(days, forecast, needed, target)
        out_of_reach += sum(found.out_of_reach for found in needed.values())
        half_hours += len(needed)
    assert kept >= 18
    assert out_of_reach <= 0.1 * half_hours  # of a half-hour's few callers, more may give up at once


@pytest.mark.turns(5)
@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_target_above_what_is_picked_up_in_time_is_out_of_reach(seed: int) -> None:
    days = simulated(RingingSite(seed=seed, calls_a_day=30, rule=HUNT))
    needed = phones_needed(days, mean_volume(days), 0.9)
    assert {found.out_of_reach for found in needed.values()} == {True}


def test_the_calls_are_as_many_as_the_forecast_and_in_their_half_hour() -> None:
    days = simulated(RingingSite(seed=1, days=40, calls_a_day=65))
    forecast = {slot: 1.5 * calls for slot, calls in mean_volume(days).items()}
    scaled = at_forecast(days, forecast, 1)
    assert mean_volume(scaled) == pytest.approx(forecast, rel=0.2)
    keys = [call.key for day in scaled for call in day.calls]
    assert len(set(keys)) == len(keys)


def test_without_giving_up_the_level_is_that_of_erlang_c() -> None:
    phones, calls, busy, within = 6, 1 / 60, 240.0, 20.0
    offered = calls * busy
    queued = offered**phones / factorial(phones) * phones / (phones - offered)
    waits = queued / (sum(offered**k / factorial(k) for k in range(phones)) + queued)
    expected = 1 - waits * exp(-(phones - offered) / busy * within)
    assert level(Load(calls, busy, 0.0), phones, within) == pytest.approx(expected, abs=1e-6)


def test_the_level_grows_with_phones_and_with_giving_up() -> None:
    load = Load(1 / 20, 300.0, 1 / 120)
    levels = [level(load, phones, 20.0) for phones in range(40)]
    assert levels == sorted(levels)
    assert (levels[0], levels[39] > 0.999) == (0.0, True)
    assert level(replace(load, giving_up=1 / 30), 12, 20.0) > level(load, 12, 20.0)
    assert level_between(load, 12.5, 20.0) == pytest.approx((levels[12] + levels[13]) / 2)


def test_an_overflowing_queue_answers_nobody_in_time_an_empty_one_all() -> None:
    assert level(Load(1 / 10, 100.0, 0.0), 10, 20.0) == 0.0
    assert level(Load(0.0, 100.0, 0.0), 0, 20.0) == 1.0
    assert 0 <= level(Load(1.0, 400.0, 1 / 200), 300, 20.0) <= 1


def test_the_least_phones_reach_the_target_and_one_fewer_does_not() -> None:
    for calls in (1, 10, 100, 500):
        load = Load(calls / 1800, 250.0, 1 / 300)
        phones = least_phones(load, 0.9, 20.0)
        assert level(load, phones, 20.0) >= 0.9 > level(load, phones - 1, 20.0)


def test_the_share_of_a_gamma_distribution() -> None:
    for at in (0.1, 1.0, 5.0, 30.0):
        assert isclose(gamma_share(1.0, at), 1 - exp(-at), rel_tol=1e-9)
        assert isclose(gamma_share(2.0, at), 1 - exp(-at) * (1 + at), rel_tol=1e-9)
    assert gamma_share(2.5, 0.0) == 0.0


def day_of(*calls: tuple[int, int, int, int | None]) -> SeenDay:
    """Calls as (arrival, wait, talk, phone) in seconds; without a phone the caller gave up."""
    return SeenDay(
        "",
        tuple(
            SeenCall(
                key=n, at=1000 * at, wait=1000 * wait, talk=1000 * talk,
                outcome="abandoned" if phone is None else "answered",
                tries=() if phone is None else (Try(phone, 1000 * wait, 0, True),),
            )
            for n, (at, wait, talk, phone) in enumerate(calls)
        ),
        {},
    )  # fmt: skip


def test_wrap_up_is_the_gap_after_a_call_that_ended_while_a_caller_waited() -> None:
    waited = day_of((0, 0, 100, 1), (90, 20, 50, 1))  # free at 100, answers at 110
    nobody = day_of((0, 0, 100, 1), (105, 5, 50, 1))
    away = day_of((0, 0, 100, 1), (90, 400, 50, 1))
    assert (wrap_up([waited]), wrap_up([nobody]), wrap_up([away])) == (10.0, 0.0, 0.0)
    assert wrap_up([waited, nobody, away]) == 10.0


def test_a_queues_load_has_talks_wrap_up_and_abandoned_calls() -> None:
    load = queue_load([day_of((0, 0, 100, 1), (90, 20, 50, 1), (95, 30, 0, None))], [0, 20])
    assert load[0] == load[20] == Load(1.0, 75.0 + 10.0, 1 / 50)
    found = phones_in_queue(load[0], 60, 0.9, 20.0)
    assert found.reach == level(Load(60 / 1800, 85.0, 1 / 50), found.phones, 20.0) >= 0.9
    assert level(Load(60 / 1800, 85.0, 1 / 50), found.phones - 1, 20.0) < 0.9


# The calls to come.


def weeks(count: int, level: float = 100.0) -> list[Volumes]:
    """Mondays have twice the calls of other working days, Saturdays a tenth; half of a day's come at eleven."""
    found = []
    for date in range(7 * count):
        if date % 7 < 6:
            total = level * (2 if date % 7 == 0 else 0.1 if date % 7 == 5 else 1)
            found.append(Volumes(date, {20: int(total * 0.3), 22: int(total * 0.5), 24: int(total * 0.2)}))
    return found


@pytest.mark.parametrize("ahead", [1, 7, 28])
def test_a_week_like_the_others_is_forecast_as_it_is(ahead: int) -> None:
    known, coming = weeks(12), weeks(17)[-6:]
    for day in coming:
        found = half_hours(known, day.date, ahead)
        assert found == pytest.approx(day.calls, rel=0.1)  # a factor is drawn a little towards 1


@pytest.mark.parametrize(
    ("growth", "count", "factor"),
    [(0.0, 14, 1.0), (0.02, 14, 1.08), (0.02, 10, 1.0)],  # of ten weeks, fewer than 50 days could be forecast
)
def test_phones_are_planned_for_what_past_forecasts_missed(growth: float, count: int, factor: float) -> None:
    known = [
        replace(
            day, calls={slot: round(calls * (1 + growth) ** (day.date // 7)) for slot, calls in day.calls.items()}
        )
        for day in weeks(count, 1000.0)
    ]
    loads = dict.fromkeys(range(48), Load(1.0, 250.0, 1 / 500))
    assert learnt_factor(known, 7, loads, 0.9, 20.0) == pytest.approx(factor)


@pytest.mark.parametrize("ahead", [1, 7, 28])
def test_nothing_later_than_what_is_known_is_read(ahead: int) -> None:
    known = weeks(20)
    date = known[-1].date
    poisoned = [
        day if day.date <= date - ahead else replace(day, calls=dict.fromkeys(range(48), 10**6)) for day in known
    ]
    assert half_hours(poisoned, date, ahead) == half_hours(known, date, ahead)


def test_a_day_after_a_closed_one_has_a_factor_of_its_own() -> None:
    known = weeks(12)
    holidays = (43, 57, 71)  # Tuesdays after closed Mondays, with half as many calls again
    known = [
        replace(day, after_closed=True, calls={slot: int(1.5 * n) for slot, n in day.calls.items()})
        if day.date in holidays
        else day
        for day in known
        if day.date + 1 not in holidays
    ]
    usual = day_total(known, 85, 1)
    assert usual == pytest.approx(100, rel=0.06)
    assert day_total(known, 85, 1, after_closed=True) / usual == pytest.approx((3 * 1.5 + 2) / 5, rel=0.05)


def test_the_profile_is_the_weekdays_share_and_a_little_of_all() -> None:
    known = [
        replace(day, calls={22: 100}) if day.weekday == 2 else replace(day, calls={30: 100}) for day in weeks(8)
    ]
    assert profile(known, 2) == pytest.approx({22: (8 + 2 * 0.2) / 10, 30: 2 * 0.8 / 10})


def test_without_a_known_day_nothing_is_forecast() -> None:
    assert half_hours([], 30, 1) == {}
    assert day_total([], 30, 1) == 0.0


def test_the_interval_is_that_of_past_misses() -> None:
    known = weeks(20)
    noisy = [
        replace(day, calls={slot: n + (7 if day.date % 2 else -7) for slot, n in day.calls.items()})
        for day in known
    ]
    narrow, wide = past_residuals(known, 1), past_residuals(noisy, 1)
    assert (
        wide.interval(30.0).high - wide.interval(30.0).low > narrow.interval(30.0).high - narrow.interval(30.0).low
    )
    one = wide.interval(30.0)
    assert one.high - one.middle == one.middle - one.low
    assert Residuals(3.0, 1.0).interval(0.0) == Interval(0.0, 0.0, 3.0)


def test_a_language_of_few_calls_is_drawn_to_its_share_of_the_year() -> None:
    assert language_share(0, 0, 0.1) == 0.1
    assert language_share(40, 95, 0.1) == pytest.approx(0.405)
