"""Ring boundaries, to the microsecond, for each way in which ringing ends.

17.999 s is the third ring, 18.000 s the fourth. The grace (0.5 s) serves what a time-out or voicemail ended and
never a person's answer or a caller who gave up.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.settings import Settings
from callmon.core.calls.rings import begun, begun_by_timeout, rings_between, soon
from tests.support.ami_builders import MORNING, Exchange, judged, settings

WAITS = (0.0, 5.999999, 6.0, 17.999, 17.999999, 18.0, 18.001, 23.49, 23.5, 23.51, 24.02, 29.99, 30.5, 30.51)
RANG = 2.0  # the ringing begins so long after the arrival


def cycle(seconds: int) -> Settings | None:
    """The example's lines with another cadence (the general line is the first)."""
    if seconds == 6:
        return None
    return settings({'# ring_cycle = "6s"': f'ring_cycle = "{seconds}s"\n#'})


def ended(how: str, wait: float, seconds: int = 6) -> dict[str, Any]:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.at(RANG).rings(caller, "PJSIP/101")[0]
    exchange.at(RANG + wait)
    match how:
        case "answered":
            exchange.answer(caller, phone)
            exchange.at(RANG + wait + 5).ends(caller, phone)
        case "voicemail":
            exchange.stop(caller, phone)
            exchange.voicemail(caller)
            exchange.at(RANG + wait + 9).ends(caller)
        case "abandoned":
            exchange.gives_up(caller, caller, phone)
        case _:
            exchange.stop(caller, phone)
            exchange.hangup(caller)
    return exchange.one(cycle(seconds))


answered, voicemail = partial(ended, "answered"), partial(ended, "voicemail")
abandoned, in_vain = partial(ended, "abandoned"), partial(ended, "in vain")
NO_VOICEMAIL = ("exempt", "no_voicemail", None)
V, P = "voicemail_after_fourth_ring", "reach_a_person"


@pytest.mark.parametrize(("wait", "rings"), [*zip(WAITS, (1, 1, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 6), strict=True)])
def test_a_person_s_answer_has_no_grace(wait: float, rings: int) -> None:
    call = answered(wait)
    verdict, cause = ("met", None) if wait < 18 else ("not_met", "rang_unanswered")
    assert (call["rings"], call["wait_seconds"], call["outcome"]) == (rings, wait, "answered")
    assert judged(call) == (verdict, "answered_on_ring", cause)
    assert call["reasons"]["answer_by_third_ring"] == f"answered on ring {rings}"
    assert (judged(call, V), judged(call, P)) == (NO_VOICEMAIL, ("met", "a_person_answered", None))


EARLY, ON_TIME, LATE = "not_met", "met", "not_met"
TOOK = {
    0.0: (1, EARLY), 5.999999: (1, EARLY), 6.0: (1, EARLY), 17.999: (3, EARLY), 17.999999: (3, EARLY),
    18.0: (3, EARLY), 18.001: (3, EARLY), 23.49: (4, EARLY), 23.5: (4, ON_TIME), 23.51: (4, ON_TIME),
    24.02: (4, ON_TIME), 29.99: (5, ON_TIME), 30.5: (5, ON_TIME), 30.51: (6, LATE),
}  # fmt: skip


@pytest.mark.parametrize("wait", WAITS)
def test_voicemail_is_early_on_time_or_late_with_the_grace(wait: float) -> None:
    rings, verdict = TOOK[wait]
    call = voicemail(wait)
    word = ("early" if wait < 24 else "late") if verdict == "not_met" else "on_time"
    cause = {"early": "sent_to_voicemail_early", "late": "other", "on_time": None}[word]
    assert (call["outcome"], call["rings"], call["voicemail"]["rings"]) == ("voicemail_no_message", rings, rings)
    assert judged(call, V) == (verdict, f"voicemail_{word}", cause)
    answer = "sent_to_voicemail_early" if word == "early" else "rang_unanswered"
    assert judged(call) == ("not_met", "voicemail", answer)
    assert judged(call, P) == ("not_met", "voicemail", "rang_unanswered")


@pytest.mark.parametrize(("wait", "rings"), [*zip(WAITS, (1, 1, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 6), strict=True)])
def test_a_caller_who_gives_up_has_no_grace(wait: float, rings: int) -> None:
    call = abandoned(wait)
    reported = ("exempt", "hung_up_early", None) if wait < 18 else ("not_met", "gave_up", "rang_unanswered")
    assert (call["rings"], call["outcome"], call["abandoned_in"]) == (rings, "abandoned", "ringing")
    assert (judged(call), judged(call, V), judged(call, P)) == (reported, NO_VOICEMAIL, reported)


@pytest.mark.parametrize(("wait", "rings"), [*zip(WAITS, (1, 1, 1, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 6), strict=True)])
def test_what_a_time_out_ended_has_the_grace(wait: float, rings: int) -> None:
    call = in_vain(wait)
    vain = ("not_met", "rang_in_vain", "rang_unanswered")
    assert (call["rings"], call["outcome"]) == (rings, "no_answer")
    assert (judged(call), judged(call, V), judged(call, P)) == (vain, NO_VOICEMAIL, vain)


@pytest.mark.parametrize(
    ("how", "seconds", "wait", "rings", "verdict"),
    [
        ("answered", 3, 2.999, 1, "met"), ("answered", 3, 8.999, 3, "met"), ("answered", 3, 9.0, 4, "not_met"),
        ("answered", 3, 11.6, 4, "not_met"), ("answered", 5, 4.999, 1, "met"), ("answered", 5, 14.999, 3, "met"),
        ("answered", 5, 15.0, 4, "not_met"), ("answered", 5, 20.0, 5, "not_met"),
        ("voicemail", 3, 11.49, 4, "not_met"), ("voicemail", 3, 11.5, 4, "met"), ("voicemail", 3, 12.02, 4, "met"),
        ("voicemail", 3, 15.5, 5, "met"), ("voicemail", 3, 15.51, 6, "not_met"),
        ("voicemail", 5, 19.49, 4, "not_met"), ("voicemail", 5, 19.5, 4, "met"), ("voicemail", 5, 20.02, 4, "met"),
        ("voicemail", 5, 25.5, 5, "met"), ("voicemail", 5, 25.51, 6, "not_met"),
    ],
)  # fmt: skip
def test_the_cycle_is_the_line_s_own(how: str, seconds: int, wait: float, rings: int, verdict: str) -> None:
    call = ended(how, wait, seconds)
    standard = "answer_by_third_ring" if how == "answered" else V
    assert (call["rings"], judged(call, standard)[0]) == (rings, verdict)


@given(wait=st.integers(0, 10**8), cycle=st.sampled_from([3, 5, 6]))
def test_the_n_th_ring_runs_from_n_minus_1_to_n_cycles(wait: int, cycle: int) -> None:
    waited, ring = timedelta(microseconds=wait), timedelta(seconds=cycle)
    count = begun(waited, ring)
    assert (count - 1) * ring <= waited < count * ring


@given(wait=st.integers(0, 10**8), cycle=st.sampled_from([3, 5, 6]))
def test_the_grace_takes_away_one_ring_at_most(wait: int, cycle: int) -> None:
    waited, ring = timedelta(microseconds=wait), timedelta(seconds=cycle)
    assert begun(waited, ring) - begun_by_timeout(waited, ring) in (0, 1)


@given(one=st.integers(0, 10**8), two=st.integers(0, 10**8))
def test_a_ring_between_two_times_is_reported_only_when_both_give_the_same(one: int, two: int) -> None:
    shortest, longest = timedelta(microseconds=min(one, two)), timedelta(microseconds=max(one, two))
    reported = rings_between(shortest, longest)
    assert reported == (begun(shortest) if begun(shortest) == begun(longest) else None)


@pytest.mark.parametrize(("after", "is_first"), [(0.0, True), (1.0, True), (1.001, False)])
def test_a_phone_that_rings_within_a_second_of_the_arrival_is_the_first(after: float, is_first: bool) -> None:
    assert soon(MORNING, MORNING + timedelta(seconds=after)) is is_first
