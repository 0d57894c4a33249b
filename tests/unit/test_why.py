"""Why a day kept less than usual: when to speak, and the parts, against planted causes."""

from collections.abc import Callable
from itertools import pairwise, permutations

import pytest
from msgspec.structs import replace

from callmon.core.replay.presence import there
from callmon.core.replay.record import DisruptedSpan, Rule, SeenCall, SeenDay, Try
from callmon.core.replay.why import (
    CAUSES,
    Cause,
    Pair,
    Part,
    Usual,
    compare,
    compare_months,
    explain,
    explain_month,
    is_explained,
    named,
    rounded_points,
    shapley,
    spread_days,
)
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


@pytest.mark.sampled(2)
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


LARGE = replace(SITE, phones=6, calls_a_day=100)  # of fewer than three phones nothing is said about pick-up


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "causes",
    [("volume", "talk"), ("volume", "pickup"), ("talk", "phones"), ("phones", "pickup"), ("volume", "phones")],
)
def test_two_planted_causes_are_among_the_first_three(causes: tuple[str, str]) -> None:
    site = replace(LARGE, seed=900, days=1)
    for cause in causes:
        site = replace(site, phones=3) if cause == "phones" else PLANTED[cause](site)
    compared, parts = explain(simulated(site)[0], usual_days(1, LARGE))
    assert compared.unusual
    assert set(causes) - {part.part for part in parts[:3]} == set()


def test_a_moved_mix_of_languages_that_keep_their_rates_is_hours() -> None:
    compared, parts = explain(mixed("today", 40, 40), [mixed(f"{n:02}", 60, 20) for n in range(12)])
    assert (compared.unusual, [part.part for part in parts]) == (True, ["hours", "other"])
    assert [part.points for part in parts] == pytest.approx([-0.25, 0.0], abs=1e-9)


def mixed(name: str, english: int, french: int) -> SeenDay:
    """English calls are answered in the morning; French ones come when no phone is there."""
    answered = [
        SeenCall(
            key=n,
            at=9 * HOUR + 300_000 * n,
            outcome="answered",
            wait=6000,
            tries=(Try(n % 3, 0, 6000, True),),
            talk=60_000,
            language="en",
            met=True,
        )
        for n in range(english)
    ]
    given_up = [
        SeenCall(key=100 + n, at=16 * HOUR + 50_000 * n, outcome="abandoned", wait=40_000, language="fr")
        for n in range(french)
    ]
    return SeenDay(name, (*answered, *given_up), dict.fromkeys(range(3), ((9 * HOUR, 15 * HOUR),)))


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


def lined(day: SeenDay, lost: str = "") -> SeenDay:
    """Every second call is on line a, the others are on b; on these lines, those of ten to one are lost.

    Phones are there as the calls tell.
    """
    calls = [replace(call, line="ab"[n % 2]) for n, call in enumerate(day.calls)]
    spans = [DisruptedSpan(10 * HOUR, 13 * HOUR, frozenset(lost))]
    given_up = {"met": False, "outcome": "abandoned", "tries": (), "wait": 30_000, "talk": 0}
    found = tuple(replace(x, **given_up) if spans[0].has(x) else x for x in calls)
    return replace(day, calls=found, phones=there(found))


@pytest.mark.parametrize(
    ("lost", "disrupted", "end", "first"),
    [
        ("a", "a", 13, "disruption"),
        ("ab", "ab", 13, "disruption"),
        ("ab", "ab", 24, "disruption"),  # it is not ended
        ("b", "a", 13, "other"),  # a bad hour of the other line
        ("ab", "ab", 10, "phones"),  # it had ended before: nobody rang
        ("", "c", 24, "phones"),  # it has no call
    ],
)
def test_a_disruption_takes_the_calls_of_its_lines_that_were_not_met(
    lost: str, disrupted: str, end: int, first: str
) -> None:
    usual = [lined(day) for day in usual_days(7)]
    today = lined(planted("phones", 6) if not lost else simulated(replace(SITE, seed=6, days=1))[0], lost)
    span = DisruptedSpan((9 if end == 10 else 10) * HOUR, end * HOUR, frozenset(disrupted))
    compared, parts = explain(today, usual, disrupted=[span])
    assert compared.unusual
    assert max(parts, key=lambda part: -part.points).part == first
    lost_calls = {call.key for call in today.calls if span.has(call) and not call.met}
    taken = {key for part in parts if part.part == "disruption" for key in part.calls}
    assert taken == (lost_calls if first == "disruption" else set())


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
    swapped = shapley(causes, lambda some: values[frozenset(causes) - some])  # today for the usual day
    assert swapped == pytest.approx({cause: -points for cause, points in worth.items()}, abs=1e-12)


def test_a_part_below_a_point_or_a_tenth_of_the_change_is_other() -> None:
    worth = {"volume": -0.009, "talk": -0.012, "phones": -0.1}
    assert named(worth, -0.13, {"phones": (1, 2)}) == (
        Part("phones", -0.1, (1, 2)),
        Part("other", pytest.approx(-0.03)),
    )  # type: ignore[arg-type]
    assert [part.part for part in named({"talk": -0.05, "volume": -0.05}, -0.1, {})] == ["volume", "talk", "other"]


@pytest.mark.parametrize(
    ("worth", "change", "names"),
    [
        ({"phones": -0.25}, -0.5, ["phones", "other"]),
        ({"phones": -0.25}, -0.5625, ["other"]),
        ({"phones": -0.25, "volume": 0.5}, -0.25, ["volume", "phones", "other"]),
        ({"phones": -0.25, "volume": 0.5}, -0.3125, ["other"]),  # other is negative, the largest part is not
        ({"phones": -0.5}, 0.0625, ["other"]),
        ({"phones": -0.005}, -0.25, ["other"]),
    ],
)
def test_where_other_is_larger_than_every_part_none_is_named(
    worth: dict[Cause, float], change: float, names: list[str]
) -> None:
    parts = named(worth, change, {"phones": (3, 9), "pickup": (1,)})
    assert ([part.part for part in parts], is_explained(parts)) == (names, names != ["other"])
    assert sum(part.points for part in parts) == change
    assert [part.calls for part in parts if part.part == "other"] == [() if is_explained(parts) else (1, 3, 9)]


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


def test_of_fewer_than_three_phones_no_part_speaks_of_picking_up() -> None:
    today, usual = planted("pickup", 3), usual_days(3)
    few = replace(today, phones=dict(list(today.phones.items())[:2]))
    assert "pickup" in [part.part for part in explain(today, usual)[1]]
    compared, parts = explain(few, usual)
    assert "pickup" not in [part.part for part in parts]
    assert sum(part.points for part in parts) == pytest.approx(compared.rate - compared.usual, abs=1e-9)


@pytest.mark.parametrize("cause", ["volume", "phones", "pickup"])
def test_a_cause_planted_in_a_month_is_the_first_of_its_parts(cause: str) -> None:
    before = usual_days(1)
    month = [
        replace(day, name=f"m{n:02}")
        for n, day in enumerate(simulated(PLANTED[cause](replace(SITE, seed=901, days=12))))
    ]
    compared = compare_months([*map(kept, month)], [*map(kept, before)])
    parts = explain_month(compared, [Pair(*days) for days in zip(month[:4], before[:4], strict=True)])
    assert (compared.differs, parts[0].part) == (True, cause)
    assert sum(part.points for part in parts) == pytest.approx(compared.rate - compared.usual, abs=1e-9)


def test_of_forty_quiet_months_few_differ_from_the_month_before() -> None:
    months = [[kept(day) for day in usual_days(seed)] for seed in range(41)]
    differ = [compare_months(month, before).differs for before, month in pairwise(months)]
    assert sum(differ) <= 4


def test_a_month_of_few_days_or_calls_is_not_compared() -> None:
    days = [(40, 60)] * 12
    assert compare_months(days[:9], days).z is None
    assert compare_months(days, [(1, 1)] * 12).z is None
    assert compare_months(days, days).z == 0


def test_days_are_chosen_evenly_over_their_rates() -> None:
    days = {n: (n, 10) for n in range(10)}
    assert spread_days(days, 5) == [1, 3, 5, 7, 9]
    assert spread_days({**days, 99: (0, 0)}, 2) == [2, 7]
    assert spread_days({}, 3) == []


def test_points_are_rounded_so_that_they_add_up() -> None:
    assert rounded_points([-0.0891, -0.0243, -0.0126]) == [-89, -24, -13]
    assert sum(rounded_points([0.00333] * 3)) == 10
