"""The replay of seen days under their own rule and under others, against simulated months."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from bench.questions_what_if import CHANGES, SITES, table
from callmon.core.replay.presence import there
from callmon.core.replay.record import Rule, SeenCall, SeenDay, Try, seen_rule, with_ring, with_strategy
from callmon.core.replay.run import Replayed, prepared, replayed
from callmon.core.replay.what_if import (
    Estimate,
    differing_calls,
    recorded_ends,
    seen_until,
    what_if,
    why_silent,
)
from callmon.core.replay.world import drawn_world, fitted, samples_of
from tests.support.ringing_world import RingingSite, counts, simulated

RINGALL = Rule(strategy="ringall", voicemail=24_000)


def under_own_rule(days: list[SeenDay], rule: Rule | None = None) -> list[list[Replayed]]:
    own = seen_rule(days)
    world = drawn_world([samples_of(day) for day in days], 1, 0)
    return [replayed(prepared(day), own, rule or own, world) for day in days]


@pytest.mark.parametrize("seed", range(20))
def test_a_month_under_its_own_rule_is_the_month_call_by_call(seed: int) -> None:
    rule = RINGALL if seed % 3 == 0 else Rule(ring=15_000, voicemail=24_000)
    site = RingingSite(seed=seed, calls_a_day=15 + 5 * (seed % 4), absent=0.05 * (seed % 2), rule=rule, again=0.1)
    days = simulated(site)
    assert under_own_rule(days) == [recorded_ends(day) for day in days]


def test_the_rule_is_that_of_the_record() -> None:
    hunt = RingingSite(seed=1, calls_a_day=65)
    assert seen_rule(simulated(hunt)) == hunt.rule
    paused = replace(hunt, rule=replace(hunt.rule, gap=5000))
    assert seen_rule(simulated(paused)) == paused.rule
    assert seen_rule(simulated(replace(hunt, rule=RINGALL))) == RINGALL


def test_a_change_of_one_call_in_the_record_changes_that_call_only() -> None:
    days = simulated(RingingSite(seed=3, days=5, calls_a_day=30))
    gone = next(place for place, call in enumerate(days[2].calls) if call.outcome == "abandoned")
    calls = list(days[2].calls)
    calls[gone] = replace(calls[gone], wait=calls[gone].wait + 1)
    edited = [*days[:2], replace(days[2], calls=tuple(calls)), *days[3:]]
    changed = [
        (day, place)
        for day, (was, now) in enumerate(zip(under_own_rule(days), under_own_rule(edited), strict=True))
        for place, (one, other) in enumerate(zip(was, now, strict=True))
        if one != other
    ]
    assert changed == [(2, gone)]


def test_calls_that_overlap_on_one_phone_are_replayed_as_seen() -> None:
    calls = tuple(
        SeenCall(key=n, at=n * 1000, outcome="answered", wait=4000, talk=60_000, tries=(Try(1, 0, 4000, True),))
        for n in range(3)
    )
    day = SeenDay("", calls, {1: ((0, 100_000),)})
    assert under_own_rule([day]) == [recorded_ends(day)]


def test_a_record_without_ringing_is_replayed_as_seen() -> None:
    calls = tuple(
        SeenCall(key=n, at=at, outcome="answered", wait=wait, tries=(Try(phone, wait, 0, True),), talk=60_000)
        for n, (at, wait, phone) in enumerate(((0, 0, 0), (90_000, 4000, 0), (200_000, 9000, 1)))
    )
    day = SeenDay("", calls, dict.fromkeys(range(2), ((0, 600_000),)))
    assert under_own_rule([day]) == [recorded_ends(day)]


def test_a_phone_takes_the_next_call_after_its_wrap_up() -> None:
    calls = tuple(
        SeenCall(key=n, at=at, outcome="answered", wait=0, tries=(Try(0, 0, 0, True),), talk=60_000)
        for n, at in enumerate((0, 10_000))
    )
    day = SeenDay("", calls, {0: ((0, 600_000),)})
    rule, world = Rule(fresh=True, wrap_up=8000), fitted([samples_of(day)], 1)
    assert [now.wait for now in replayed(prepared(day), rule, rule, world)] == [0, 58_000]


def test_after_all_phones_the_one_that_rang_longest_ago_rings_again() -> None:
    tries = (*(Try(n, n * 15_100, 15_000) for n in range(3)), Try(0, 46_000, 5000, True))
    call = SeenCall(key=0, at=0, outcome="answered", wait=51_000, talk=60_000, tries=tries)
    day = SeenDay("", (call,), dict.fromkeys(range(3), ((0, 600_000),)))
    rule, world = Rule(fresh=True, ring=15_000, gap=100, rotates=True), fitted([samples_of(day)], 1)
    assert replayed(prepared(day), rule, rule, world) == [Replayed("answered", 50_300, 0)]


def test_without_a_pause_the_next_phone_rings_and_not_the_same_again() -> None:
    tries = (Try(0, 0, 15_000), Try(1, 15_000, 5000, True))
    call = SeenCall(key=0, at=0, outcome="answered", wait=20_000, talk=60_000, tries=tries)
    day = SeenDay("", (call,), dict.fromkeys(range(2), ((0, 600_000),)))
    rule, world = Rule(fresh=True, ring=15_000, gap=0), fitted([samples_of(day)], 1)
    assert replayed(prepared(day), rule, rule, world) == [Replayed("answered", 20_000, 1)]


def test_a_hunt_of_which_no_pause_was_seen_pauses_as_a_queue_does() -> None:
    once = simulated(RingingSite(seed=1, phones=1, rule=Rule(voicemail=24_000)))
    assert seen_rule(once) == Rule(voicemail=24_000, gap=5000)
    assert with_ring(seen_rule(once), 12_000) == Rule(ring=12_000, voicemail=24_000, gap=5000)
    assert with_ring(Rule(ring=15_000, gap=100), 12_000) == Rule(ring=12_000, gap=100)
    assert with_strategy(RINGALL, "hunt") == Rule(ring=15_000, voicemail=24_000, gap=5000)
    assert with_strategy(Rule(ring=15_000, gap=100), "hunt") == Rule(ring=15_000, gap=100)


def test_of_the_phones_each_one_goes_in_some_worlds() -> None:
    calls = tuple(
        SeenCall(key=n, at=n * 100_000, outcome="answered", wait=9, talk=9000, tries=(Try(n // 2, 0, 9, True),))
        for n in range(3)
    )
    day = SeenDay("", calls, dict.fromkeys(range(2), ((0, 600_000),)))
    own = seen_rule([day])
    fewer = replace(own, added=(-1, (0, 600_000)))
    worlds = [drawn_world([samples_of(day)], 1, number) for number in range(20)]
    took = [{now.phone for now in replayed(prepared(day), own, fewer, world)} for world in worlds]
    assert {frozenset(some) for some in took} == {frozenset({0}), frozenset({1})}


def day_of(*calls: tuple[int, int | None, int, str]) -> SeenDay:
    """Calls as (minute, phone, talk in minutes, line); the phone takes it in four seconds. None: nobody rang."""
    minute = 60_000
    found = tuple(
        SeenCall(key=n, at=at * minute, outcome="abandoned", wait=10_000, line=line)
        if phone is None
        else SeenCall(
            key=n,
            at=at * minute,
            outcome="answered",
            wait=4000,
            line=line,
            talk=talk * minute,
            tries=(Try(phone, 0, 4000, True),),
        )
        for n, (at, phone, talk, line) in enumerate(calls)
    )
    return SeenDay("", found, there(found))


FIRST_RINGS = [
    (n, 0, 1, "a") for n in range(0, 60, 4)
]  # the first phone is free every four minutes, the second always


@pytest.mark.parametrize(
    ("between", "is_away"),
    [
        ([(75, 1, 1, "a"), (85, 1, 1, "a")], True),  # free, passed over by calls that ring the second one, silent
        ([(75, 1, 1, "b"), (85, 1, 1, "b")], False),  # of a line for which it does not ring
        ([(75, None, 0, "a")], True),  # passed over by a call that rings nobody
        ([(62, 0, 1, "b"), (70, None, 0, "b"), (84, None, 0, "b")], True),
        # while it rang for others: line b is out of order, the phone is there
        ([(62, 0, 1, "b"), (70, None, 0, "b"), (72, 0, 1, "a"), (84, None, 0, "b")], False),
        ([], False),  # silent, and nobody called
    ],
)
def test_a_phone_is_away_where_it_was_free_passed_over_and_silent(
    between: list[tuple[int, int | None, int, str]], is_away: bool
) -> None:
    day = day_of((0, 1, 1, "a"), *FIRST_RINGS[1:], *between, (95, 0, 1, "a"), (96, 1, 1, "a"))
    assert any(begin <= 80 * 60_000 < end for begin, end in day.phones[0]) is not is_away


def test_the_later_phone_is_there_while_the_first_one_takes_all_calls() -> None:
    day = day_of((0, 1, 1, "a"), *FIRST_RINGS[1:], (95, 0, 1, "a"), (96, 1, 1, "a"))
    assert day.phones[1] == ((-15 * 60_000, 112 * 60_000 + 4000),)


def by_language(french: list[SeenDay], english: list[SeenDay], speaking: set[int]) -> list[SeenDay]:
    """The days of two queues, each with phones of its own; those of the French one have even numbers."""
    days = []
    for one, other in zip(french, english, strict=True):
        calls = [
            renumbered(call, language) for language, day in (("fr", one), ("en", other)) for call in day.calls
        ]
        phones = {2 * phone: spans for phone, spans in one.phones.items()}
        phones |= {2 * phone + 1: spans for phone, spans in other.phones.items()}
        ordered = tuple(sorted(calls, key=lambda call: call.at))
        days.append(SeenDay(one.name, ordered, phones, frozenset(speaking)))
    return days


def renumbered(call: SeenCall, language: str) -> SeenCall:
    step = int(language == "en")
    tries = tuple(replace(tried, phone=2 * tried.phone + step) for tried in call.tries)
    return replace(call, key=2 * call.key + step, tries=tries, language=language)


FRENCH = RingingSite(seed=11, calls_a_day=12, phones=1)
ENGLISH = RingingSite(seed=12, calls_a_day=30, phones=3)
EACH_DAY = (0, 24 * 3_600_000)


def in_language(days: list[SeenDay], found: list[list[Replayed]], language: str) -> list[Replayed]:
    return [
        now
        for day, became in zip(days, found, strict=True)
        for call, now in zip(day.calls, became, strict=True)
        if call.language == language
    ]


def test_without_the_french_phone_french_calls_change_and_no_others() -> None:
    days = by_language(simulated(FRENCH), simulated(ENGLISH), {0})
    own = seen_rule(days)
    assert own.apart == {("fr", False), ("en", True)}
    gone = under_own_rule(days, replace(own, added=(-1, EACH_DAY), speaking=True))
    seen_days = list(map(recorded_ends, days))
    assert in_language(days, gone, "en") == in_language(days, seen_days, "en")
    french = [now.outcome for now in in_language(days, gone, "fr")]
    assert set(french) == {"abandoned", "voicemail"}
    assert french.count("abandoned") + french.count("voicemail") == len(in_language(days, seen_days, "fr"))


def test_a_phone_more_on_mondays_is_one_on_mondays_alone() -> None:
    first = date(2026, 3, 3)  # a Tuesday
    days = [replace(day, name=str(first + timedelta(n))) for n, day in enumerate(simulated(ENGLISH))]
    more = replace(seen_rule(days), added=(1, EACH_DAY))
    as_it_was, always = list(map(recorded_ends, days)), under_own_rule(days, more)
    expected = [always[n] if n % 7 == 6 else as_it_was[n] for n in range(len(days))]
    assert under_own_rule(days, replace(more, weekday=0)) == expected
    assert expected != as_it_was


def test_a_french_phone_more_serves_the_callers_of_the_french_queue() -> None:
    days = by_language(simulated(FRENCH), simulated(ENGLISH), {0})
    truth = counts(simulated(replace(FRENCH, added=1)))["answered"] + counts(simulated(ENGLISH))["answered"]
    found = what_if(days, lambda own: replace(own, added=(1, EACH_DAY), speaking=True), worlds=10)
    changed = found.changed["answered"]
    assert found.own.answered < changed.low <= truth <= changed.high


def test_where_all_phones_ring_for_all_a_french_phone_more_is_a_phone_more() -> None:
    days = [replace(day, speaking=frozenset({0})) for day in simulated(ENGLISH)]
    own = seen_rule(days)
    more = replace(own, added=(1, EACH_DAY))
    assert own.apart == frozenset()
    assert under_own_rule(days, replace(more, speaking=True)) == under_own_rule(days, more)


def test_of_a_few_tries_it_is_not_concluded_whom_a_phone_serves() -> None:
    few = replace(FRENCH, days=1, calls_a_day=5)
    assert seen_rule(by_language(simulated(few), simulated(replace(ENGLISH, days=1)), {0})).apart == frozenset()


def test_where_nothing_changes_nothing_differs() -> None:
    days = simulated(RingingSite(seed=4, absent=0.1))
    was = counts(days)
    answer = what_if(days, lambda rule: rule)
    assert answer.changed == {
        name: Estimate(was[name], was[name], was[name])
        for name in ("third_ring", "answered", "abandoned", "voicemail")
    }
    assert (answer.own.calls, answer.own.third_ring) == (was["calls"], was["third_ring"])


def test_each_call_has_one_end_under_each_change() -> None:
    days = simulated(RingingSite(seed=5, absent=0.1, calls_a_day=40))
    own = seen_rule(days)
    for change, _ in CHANGES.values():
        found = under_own_rule(days, change(own))
        assert {one.outcome for day in found for one in day} <= {"answered", "abandoned", "voicemail"}
        assert [len(day) for day in found] == [len(day.calls) for day in days]


def test_no_phone_has_two_calls_under_a_changed_rule() -> None:
    days = simulated(RingingSite(seed=6, calls_a_day=80))
    own = seen_rule(days)
    world = drawn_world([samples_of(day) for day in days], 1, 0)
    for day in days:
        busy: dict[int | None, int] = {}
        found = replayed(prepared(day), own, replace(own, strategy="ringall", ring=None), world)
        ends = [
            (call.at + now.wait, now.phone, call)
            for call, now in zip(day.calls, found, strict=True)
            if now.phone is not None
        ]
        for at, phone, call in sorted(ends, key=lambda end: end[0]):
            assert at >= busy.get(phone, 0)
            busy[phone] = at + world.talk_of(call)


def test_calls_outside_the_question_keep_their_record() -> None:
    days = simulated(RingingSite(seed=7, calls_a_day=40))
    days = [
        replace(day, calls=tuple(replace(call, counted=call.key % 2 == 0) for call in day.calls)) for day in days
    ]
    own = seen_rule(days)
    found = under_own_rule(days, replace(own, voicemail=12_000))
    for day, was, became in zip(days, map(recorded_ends, days), found, strict=True):
        mailboxes = [
            (one, other)
            for call, one, other in zip(day.calls, was, became, strict=True)
            if not call.counted and one.outcome != "voicemail"
        ]
        assert all(other.outcome != "voicemail" for _, other in mailboxes)


def test_the_spans_of_four_changes_hold_the_truth_of_most_months() -> None:
    names = ("voicemail a ring later", "a phone more", "a phone less", "ring-all")
    rows = table(SITES["300 calls"], 10, names)
    assert {key: row.held >= 7 for key, row in rows.items()} == dict.fromkeys(rows, True)
    assert all(row.error <= max(row.unchanged / 2, 4) for row in rows.values())


def test_the_answer_depends_on_the_seed_alone() -> None:
    days = simulated(RingingSite(seed=8, absent=0.05))
    change = CHANGES["ring-all"][0]
    assert what_if(days, change, worlds=3) == what_if(days, change, worlds=3)
    assert what_if(days, change, worlds=3) != what_if(days, change, worlds=3, seed=2)


def test_a_line_that_closes_earlier_answers_only_who_came_before() -> None:
    days, closes = simulated(RingingSite(seed=8)), 15 * 3_600_000
    became = under_own_rule(days, replace(seen_rule(days), hours=(0, closes)))
    for day, found in zip(days, became, strict=True):
        for call, was, now in zip(day.calls, recorded_ends(day), found, strict=True):
            if call.at >= closes or call.at + call.wait < closes:
                assert now == (was if call.at < closes else Replayed("unknown", 0, None))


def test_it_is_silent_where_too_little_was_seen() -> None:
    month, few = simulated(RingingSite(seed=9)), simulated(RingingSite(seed=9, days=3))
    own = seen_rule(month)
    later, far = replace(own, voicemail=30_000), replace(own, voicemail=60_000)
    assert why_silent(month, own, later) is None
    assert why_silent(few, own, later) == "few_calls"
    assert why_silent(month, own, far) == "never_tried"
    assert why_silent(month, own, replace(own, pickup=3)) == "never_tried"
    assert why_silent(month, own, replace(own, added=(9, (0, 1)))) == "never_tried"
    speaking = [replace(day, speaking=frozenset({0})) for day in month]
    two = replace(own, added=(2, (0, 1)))
    assert why_silent(speaking, own, two) is None
    assert why_silent(speaking, own, replace(two, speaking=True)) == "never_tried"
    assert why_silent(_edited(month, outcome="abandoned"), own, later) == "few_answered"
    assert why_silent(_edited(month, tries=()), own, later) == "no_tries"
    for given, silence in (
        ({"outcome": "unknown"}, "unknown_calls"),
        ({"lacks": "wait"}, "unknown_waits"),
        ({"lacks": "verdict"}, "unknown_verdicts"),
    ):
        assert why_silent(_edited(month[:3], **given) + month[3:], own, later) == silence
    assert why_silent(_edited(month[:1], tries=()) + month[1:], own, later) == "own_rule"


def test_one_call_in_a_hundred_may_differ_and_the_period_stays_as_recorded() -> None:
    month = simulated(RingingSite(seed=9))
    first = next(place for place, call in enumerate(month[0].calls) if call.outcome == "answered")
    outside = [replace(call, tries=()) if n == first else call for n, call in enumerate(month[0].calls)]
    days = [replace(month[0], calls=tuple(outside)), *month[1:]]
    own = seen_rule(days)
    assert (differing_calls(month, own), differing_calls(days, own)) == (0, 1)
    assert why_silent(days, own, replace(own, pickup=0.9)) is None
    was = counts(days)
    assert {name: getattr(what_if(days, lambda rule: rule).own, name) for name in was} == was


def _edited(days: list[SeenDay], **values: object) -> list[SeenDay]:
    return [replace(day, calls=tuple(replace(call, **values) for call in day.calls)) for day in days]


def test_what_was_seen_ends_at_voicemail_and_at_the_longest_ring() -> None:
    found = seen_until(simulated(RingingSite(seed=2, calls_a_day=60)))
    assert found == {"patience": 24.0, "pickup": 15.0}


@pytest.mark.long
@pytest.mark.parametrize("site", ["300 calls", "300 calls, 5 % absences"])
def test_the_spans_of_twenty_months_hold_and_the_middles_are_near(site: str) -> None:
    rows = table(SITES[site], 20)
    assert [key for key, row in rows.items() if row.held < 0.8 * row.months] == []
    assert sum(row.held for row in rows.values()) >= 0.88 * sum(row.months for row in rows.values())
    assert [key for key, row in rows.items() if row.error > max(row.unchanged / 2, 0.5 * row.months)] == []
