"""The wire's truth of a ring: moments of a caller's SIP side, the tone of an answered line, drawn situations."""

from __future__ import annotations

import math
import re
from itertools import combinations

import pytest

from tests.lab.drawn import APART, drawn
from tests.lab.model import LabCaller, PlayedSituation, Situation
from tests.lab.routes import ROUTES
from tests.lab.routes_ringing import RINGING
from tests.lab.sipp import behaviour
from tests.lab.tones import FRAMES, LINEAR, RATE, SAMPLES, is_ringing
from tests.lab.truths import GENERAL
from tests.lab.wire import LabWire, begins, joined, ring, wire

SEEDS = (1, 2, 3)


def call(**moments: object) -> PlayedSituation:
    played = PlayedSituation(Situation("some", LabCaller(GENERAL)), "4165550100", "4165550100", GENERAL, 100.0)
    for name, moment in moments.items():
        setattr(played, name, moment)
    return played


def coded(sample: float) -> int:
    return min(range(256), key=lambda byte: abs(LINEAR[byte] - sample))


def sound(*hertz: int) -> list[bytes]:
    """100 ms of these tones together, as the exchange codes them."""
    times = (n / RATE for n in range(FRAMES * SAMPLES))
    whole = bytes(coded(sum(4000 * math.sin(2 * math.pi * f * at) for f in hertz)) for at in times)
    return [whole[n : n + SAMPLES] for n in range(0, len(whole), SAMPLES)]


def test_the_wire_has_the_first_180_and_the_first_183() -> None:
    progress = [(100.5, 183), (101.0, 180), (106.0, 180)]
    assert wire(call(progress=progress, answered=110.0)) == LabWire(101.0, 100.5, 110.0, None)


def test_ringing_that_the_exchange_answered_is_not_that_of_the_wait() -> None:
    signalled = {"progress": [(100.0, 180)], "answered": 104.0, "ended": 130.0}
    assert begins(call(**signalled, picked_up=[120.0])) is None
    assert begins(call(**signalled, picked_up=[120.0], tone=107.0)) == 107.0
    assert begins(call(**signalled, picked_up=[104.0])) == 100.0
    assert begins(call(**signalled, boxed=104.0)) == 100.0


def test_a_tone_after_the_person_answered_is_another_wait() -> None:
    assert begins(call(progress=[(100.0, 180)], answered=102.0, picked_up=[102.0], tone=105.0)) == 100.0


def test_who_confirms_is_joined_when_the_caller_s_line_goes_up() -> None:
    assert joined(call(answered=112.0, picked_up=[110.0, 111.0])) == 112.0
    assert joined(call(answered=100.0, picked_up=[110.0])) == 110.0
    assert joined(call(answered=100.0)) is None


@pytest.mark.parametrize(("seconds", "number"), [(0.0, 1), (5.999, 1), (6.0, 2), (17.999, 3), (18.0, 4)])
def test_a_ring_is_six_seconds(seconds: float, number: int) -> None:
    assert ring(100.0, 100.0 + seconds) == number


@pytest.mark.parametrize(
    ("hertz", "rings"),
    [((440, 480), True), ((440,), False), ((350, 440), False), ((480, 620), False), ((), False)],
)
def test_only_the_two_tones_of_ringing_are_a_ringing_tone(hertz: tuple[int, ...], rings: bool) -> None:
    assert is_ringing(sound(*hertz)) is rings


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_draws_the_same_calls_each_time_and_sipp_can_play_them(seed: int) -> None:
    situations = drawn(seed)
    assert situations == drawn(seed)
    assert situations != drawn(seed + 1)
    assert [each.name for each in situations if behaviour(each.caller) is None] == []


@pytest.mark.parametrize("seed", SEEDS)
def test_no_two_phones_of_a_drawn_dial_act_at_the_same_moment(seed: int) -> None:
    dials = [each for each in drawn(seed) if not each.name.startswith("transferred")]
    ends = [[phone.answers or phone.refuses_at for phone in each.phones.values()] for each in dials]
    assert [some for some in ends for a, b in combinations(filter(None, some), 2) if abs(a - b) <= APART] == []


def test_no_extension_of_the_ringing_routes_is_another_s() -> None:
    """Both add to one context: the extension that stands first would hide the other."""
    assert _internal(RINGING) & _internal(ROUTES) == set()


def _internal(routes: str) -> set[str]:
    context = routes.partition("[site-internal](+)")[2].partition("\n[")[0]
    return set(re.findall(r"^exten => (\w+),1,", context, re.MULTILINE))
