"""Why a day kept less than usual: when to speak, and the parts, against planted causes."""

from collections.abc import Callable
from itertools import permutations

import pytest
from msgspec.structs import replace

from callmon.core.replay.record import Rule, SeenDay
from callmon.core.replay.why import CAUSES, Part, Usual, compare, explain, named, shapley
from tests.support.ringing_world import HOUR, RingingSite, simulated

RINGALL = Rule(strategy="ringall", voicemail=24_000)
SITE = RingingSite(seed=0, calls_a_day=65, phones=4, rule=RINGALL)
PLANTED: dict[str, Callable[[RingingSite], RingingSite]] = {
    "volume": lambda site: replace(site, calls_a_day=4 * site.calls_a_day),
    "talk": lambda site: replace(site, talk=6 * site.talk),
    "phones": lambda site: replace(site, phones=1),
    "pickup": lambda site: replace(site, speed=2.5),
    "settings": lambda site: replace(site, rule=Rule(ring=15_000, voicemail=8_000)),
}


def usual_days(seed: int, site: RingingSite = SITE) -> list[SeenDay]:
    return [replace(day, name=f"{n:03}") for n, day in enumerate(simulated(replace(site, seed=seed, days=12)))]


def planted(cause: str, seed: int) -> SeenDay:
    return simulated(PLANTED[cause](replace(SITE, seed=900 + seed, days=1)))[0]


def kept(day: SeenDay) -> tuple[int, int]:
    return sum(call.met for call in day.calls), len(day.calls)


@pytest.mark.parametrize("cause", PLANTED)
def test_a_planted_cause_is_the_first_of_a_day_that_is_reported(cause: str) -> None:
    reported = []
    site = replace(SITE, rule=Rule(ring=15_000, voicemail=24_000)) if cause == "settings" else SITE
    for seed in range(2):
        usual = usual_days(seed, site)
        compared, parts = explain(planted(cause, seed), usual)
        assert sum(part.points for part in parts) == pytest.approx(compared.rate - compared.usual, abs=1e-9)
        if compared.unusual:
            reported.append(parts[0].part)
    assert reported == [cause] * len(reported)
    assert reported


def test_of_two_hundred_quiet_days_few_are_reported() -> None:
    reported = 0
    for seed in range(5):
        usual = [kept(day) for day in usual_days(seed)]
        reported += sum(
            compare(kept(day), usual).unusual for day in simulated(replace(SITE, seed=5000 + seed, days=40))
        )
    assert reported <= 10


def test_the_answer_is_the_same_in_whatever_order_the_days_are_given() -> None:
    usual, today = usual_days(4), planted("phones", 4)
    assert explain(today, usual) == explain(today, usual[::-1])


def test_behind_phones_no_phone_rang_and_behind_pick_up_one_did() -> None:
    today = planted("phones", 1)
    calls = {call.key: call for call in today.calls}
    _, parts = explain(today, usual_days(1))
    behind = next(part.calls for part in parts if part.part == "phones")
    assert behind
    assert all(not calls[key].met for key in behind)
    assert all(not calls[key].tries or calls[key].tries[0].start >= 9000 for key in behind)


def test_calls_inside_a_disruption_are_a_part_of_their_own() -> None:
    today = simulated(replace(SITE, seed=6, days=1))[0]
    lost = (10 * HOUR, 14 * HOUR)
    calls = tuple(
        replace(call, met=False, outcome="abandoned") if lost[0] <= call.at < lost[1] else call
        for call in today.calls
    )
    _, parts = explain(replace(today, calls=calls), usual_days(7), disrupted=[lost])
    assert parts[0].part == "disruption"


def test_parts_add_up_for_any_value_and_any_order() -> None:
    causes = CAUSES[:4]
    values = {
        frozenset(some): len(some) ** 2 + 0.1 * len("".join(some))
        for n in range(5)
        for some in permutations(causes, n)
    }
    worth = shapley(causes, values.__getitem__)
    assert sum(worth.values()) == pytest.approx(values[frozenset(causes)] - values[frozenset()], abs=1e-12)
    for order in permutations(causes):
        assert shapley(order, values.__getitem__) == pytest.approx(worth, abs=1e-12)


def test_a_part_below_a_point_or_a_tenth_of_the_change_is_other() -> None:
    worth = {"volume": -0.009, "talk": -0.012, "phones": -0.1}
    assert named(worth, -0.13, {"phones": (1, 2)}) == (
        Part("phones", -0.1, (1, 2)),
        Part("other", pytest.approx(-0.03)),
    )  # type: ignore[arg-type]
    assert [part.part for part in named({"talk": -0.05, "volume": -0.05}, -0.1, {})] == ["volume", "talk", "other"]


USUAL = [(84, 100)] * 20


@pytest.mark.parametrize(
    ("today", "usual", "unusual"),
    [
        ((71, 100), USUAL, True),
        ((81, 100), USUAL, False),
        ((97, 100), USUAL, False),  # a better day is never told
        ((10, 19), USUAL, False),  # too few judged
        ((10, 20), USUAL, True),
        ((10, 100), USUAL[:9], False),  # too few usual days
        ((10, 100), USUAL[:10], True),
        ((60, 100), [(50, 100), (95, 100)] * 10, False),  # days differ so much
    ],
)
def test_it_speaks_of_a_day_outside_the_usual_spread(
    today: tuple[int, int], usual: list[tuple[int, int]], unusual: bool
) -> None:
    assert compare(today, usual).unusual == unusual


def test_without_usual_days_there_are_no_parts() -> None:
    assert explain(planted("phones", 1), [])[1] == ()
    assert compare((0, 0), []) == Usual(0, 0.0, 0.0, None)
