"""The outlook from a record of calls: half-hours, weights of the months before, announcements that came true."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from callmon.core.replay.outlook import LEAST_CALLS, breached
from callmon.core.replay.presence import Presence
from callmon.core.replay.record import Rule, SeenCall, SeenDay, Try
from callmon.core.replay.staffing import HALF_HOUR
from callmon.features.questions.outlook import SAID, announced, forecast_row, known_days, open_day
from tests.support.ringing_world import HOUR, RingingSite, simulated

SITE = RingingSite(seed=3, days=1, calls_a_day=480, phones=9, rule=Rule(strategy="ringall", voicemail=24_000))
FIRST, LAST = date(2026, 6, 8), date(2026, 9, 15)
STEPS = 2
MINUTE = 60_000


@pytest.fixture(scope="module")
def days() -> list[SeenDay]:
    """Three months; on each fourth day too few phones are there."""
    found = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        if day.weekday() < 5:
            site = replace(SITE, seed=number, phones=2 if number % 4 == 0 else 9)
            found.append(replace(simulated(site)[0], name=day.isoformat()))
    return found


def test_a_half_hour_has_its_judged_calls_and_the_phones_there(days: list[SeenDay]) -> None:
    of_day, calls = open_day(days[1], 10.0), [call for call in days[1].calls if call.judged]
    assert sum(cell.calls for cell in of_day.slots.values()) == len(calls)
    assert sum(cell.kept for cell in of_day.slots.values()) == sum(call.met for call in calls)
    noon = of_day.slots[24]
    assert noon.phones == sum(
        any(a <= 12 * HOUR and b >= 12.5 * HOUR for a, b in x) for x in days[1].phones.values()
    )


@pytest.mark.parametrize("answers_alone", [False, True])
def test_a_half_hour_is_as_known_at_its_end(days: list[SeenDay], answers_alone: bool) -> None:
    """No later call tells how many phones were there, nor how long a call that goes on will be."""
    seen = days[1]
    if answers_alone:
        seen = replace(seen, calls=tuple(replace(call, tries=answer_of(call)) for call in seen.calls))
    whole = open_day(seen, 10.0).slots
    for slot in whole:
        end = (slot + 1) * HALF_HOUR
        calls = tuple(lengthened(call, end) for call in seen.calls if call.at < end)
        assert open_day(replace(seen, calls=calls), 10.0).slots[slot] == whole[slot]


def answer_of(call: SeenCall) -> tuple[Try, ...]:
    return tuple(replace(tried, start=call.wait, length=0) for tried in call.tries if tried.took)


def lengthened(call: SeenCall, end: int) -> SeenCall:
    """Its talk goes on for another hour where it went on at `end`."""
    return replace(call, talk=call.talk + HOUR) if call.talk and call.at + call.wait + call.talk > end else call


def test_a_phone_that_is_idle_is_there_unless_callers_wait() -> None:
    """At 0:20 nobody has waited; at 0:50 a caller has waited for ten minutes."""
    first = SeenCall(key=1, at=0, outcome="answered", wait=0, talk=MINUTE, tries=(Try(1, 0, 0, True),))
    waits = SeenCall(key=2, at=40 * MINUTE, outcome="abandoned", wait=10 * MINUTE)
    presence = Presence([first, waits])
    assert presence.phones(10 * MINUTE, 20 * MINUTE) == 1.0
    assert presence.phones(40 * MINUTE, 50 * MINUTE) == 0.0
    assert Presence([replace(first, at=HOUR)]).phones(0, 10 * MINUTE) == 0.0


def test_weights_come_from_the_months_before_alone(days: list[SeenDay]) -> None:
    whole = known_days(days, LAST, STEPS)
    assert whole.weights is not None
    before = [day for day in days if day.name < "2026-09-01"]
    assert known_days(before, LAST, STEPS).weights == whole.weights


def test_before_sixty_open_days_there_are_no_weights_and_no_chance(days: list[SeenDay]) -> None:
    known = known_days(days[10:], LAST, STEPS)
    assert known.weights is None
    assert forecast_row(known, LAST, 24, STEPS)["probability"] is None


def test_the_record_counts_what_was_announced_and_what_came_true(days: list[SeenDay]) -> None:
    known = known_days(days, LAST, STEPS)
    breaches = []
    for day, one in known.days.items():
        for slot, cell in one.slots.items():
            if date(2026, 9, 1) <= day < LAST and (breach := breached(cell)) is not None:
                chance = forecast_row(known, day, slot, STEPS)["probability"]
                breaches += [breach] if chance is not None and chance >= SAID else []
    assert announced(known, LAST, STEPS) == {"told": len(breaches), "came_true": sum(breaches)}
    assert sum(breaches) > 0.6 * len(breaches) > 6


def test_in_a_gap_and_of_few_calls_there_is_no_chance(days: list[SeenDay]) -> None:
    known = known_days(days, LAST, STEPS)
    when = date(2026, 9, 14)
    slot = next(n for n in range(24, 34) if forecast_row(known, when, n, STEPS)["probability"] is not None)
    row = forecast_row(known, when, slot, STEPS)
    assert row["volume"] >= LEAST_CALLS
    last_over = ((slot - STEPS) * HALF_HOUR, (slot - STEPS + 1) * HALF_HOUR)
    assert forecast_row(known, when, slot, STEPS, [last_over])["probability"] is None
    few = known._replace(
        days={at: replace(one, slots={}) if at == when else one for at, one in known.days.items()}
    )
    assert forecast_row(few, when, slot, STEPS)["volume"] is None
