"""The ring that the caller heard: what the exchange tells the caller, not what a phone does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callmon.core.calls.call import Wait
from callmon.core.calls.ringback import dial_indication, queue_indication
from callmon.core.snapshot import ExchangeStatus
from callmon.web.health import remarks
from tests.support.ami_builders import Channel, Exchange

THIRD, FOURTH = "answer_by_third_ring", "voicemail_after_fourth_ring"


def heard(call: dict[str, Any]) -> tuple[Any, ...]:
    """Rings, seconds of the wait, what its start is known from, the verdict on the answer by the third ring."""
    return call["rings"], call["wait_seconds"], call["wait_start"], call["verdicts"][THIRD]


def woken(options: str, seconds: float = 6, answers: float = 19, tells: bool = True) -> dict[str, Any]:
    """A phone that is woken first: it rings `seconds` after it was dialled, and answers later."""
    exchange = Exchange()
    exchange.tells_dials = tells
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, options=options)
    exchange.at(seconds).ring(caller, phone)
    exchange.at(answers).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    return exchange.one()


@pytest.mark.parametrize("before", ["Answer", "Progress"])
@pytest.mark.parametrize(("options", "rings"), [("r", 4), ("R", 3), ("", 3)])
def test_where_the_exchange_makes_the_tone_only_option_r_rings_at_once(
    before: str, options: str, rings: int
) -> None:
    exchange, caller = paused((0, before, ""), answered=before == "Answer")
    call = answers(exchange, caller, dials=0, options=options, rings=6)
    assert (call["rings"], call["wait_start"]) == (rings, "told")


def test_music_begins_the_wait_even_while_no_phone_rings() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, options="m")
    exchange.event("MusicOnHoldStart", **exchange._of(caller), Class="default")
    exchange.at(5).stop(caller, phone)
    later = exchange.dial(caller, "PJSIP/102")
    exchange.at(7).ring(caller, later)
    exchange.at(19).answer(caller, later)
    exchange.at(30).ends(caller, later)
    call = exchange.one()
    assert (call["heard_ringing"], call["wait_seconds"], call["verdicts"][THIRD]) == (False, 19.0, "not_met")


def test_a_locals_ringing_is_a_span_where_the_options_were_not_reported() -> None:
    exchange = Exchange()
    exchange.tells_dials = False
    caller = exchange.at(0).call()
    half = exchange.at(4.5).new("Local/101@member-00000001;1", 0, "s", caller.linkedid)
    exchange._dial("DialBegin", caller, half, DialString="101@member")
    exchange._dial("DialState", caller, half, DialStatus="RINGING")
    exchange.at(19).gives_up(caller)
    call = exchange.one()
    assert (call["wait_start"], call["verdicts"][THIRD], call["ringing"]) == ("phone", "unknown", None)


def test_another_tone_is_no_ring_and_the_wait_is_reported_in_seconds() -> None:
    call = woken("tr(uk-ring)")
    assert (call["heard_ringing"], call["reasons"][THIRD]) == (False, "answered after 19 s of music")


@pytest.mark.parametrize(
    ("answers", "verdict"), [(17.9, "met"), (18.1, "unknown"), (23.9, "unknown"), (24.1, "not_met")]
)
def test_where_options_are_unknown_a_verdict_by_them_is_unknown(answers: float, verdict: str) -> None:
    call = woken("r", answers=answers, tells=False)
    assert (call["wait_start"], call["verdicts"][THIRD], call["rings_estimated"]) == ("phone", verdict, True)
    assert (call["reasons"][THIRD] == "start of the ringing not known") == (verdict == "unknown")


def test_where_options_are_unknown_even_a_ring_at_once_is_estimated() -> None:
    call = woken("", seconds=0.03, answers=7, tells=False)
    assert heard(call) == (2, 6.97, "phone", "met")
    assert call["rings_estimated"] is True


def test_with_option_r_and_no_phone_registered_no_ring_is_played() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.step(caller, "Dial", "PJSIP/198&PJSIP/199,24,r")
    exchange.at(0.1).voicemail(caller)
    exchange.at(9).ends(caller)
    call = exchange.one()
    assert (call["heard_ringing"], call["rings"], call["verdicts"][FOURTH]) == (False, None, "not_met")


@pytest.mark.parametrize(("options", "verdict"), [("r", "met"), ("", "not_met")])
def test_unreachable_phones_give_the_caller_four_rings_with_option_r_alone(options: str, verdict: str) -> None:
    call = silent_phone(options)
    assert (call["verdicts"][FOURTH], call["rings"]) == (verdict, 4 if options else None)


def silent_phone(options: str, tells: bool = True) -> dict[str, Any]:
    exchange = Exchange()
    exchange.tells_dials = tells
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, options=options)
    exchange.at(24.02).stop(caller, phone)
    exchange.voicemail(caller)
    exchange.at(40).ends(caller)
    return exchange.one()


def test_for_unreachable_phones_voicemail_may_be_too_early() -> None:
    call = silent_phone("r", tells=False)
    assert (call["verdicts"][FOURTH], call["verdicts"][THIRD]) == ("unknown", "not_met")
    assert call["reasons"][FOURTH] == "start of the ringing not known"


def paused(*steps: tuple[float, str, str], answered: bool = False) -> tuple[Exchange, Channel]:
    exchange = Exchange()
    caller = exchange.at(0).call()
    if answered:
        exchange.menu(caller)
    for at, application, data in steps:
        exchange.at(at).step(caller, application, data)
    return exchange, caller


def answers(
    exchange: Exchange, caller: Channel, dials: float = 5, at: float = 19, options: str = "", rings: float = 0
) -> dict[str, Any]:
    phone = exchange.at(dials).dial(caller, options=options)
    exchange.at(dials + rings).ring(caller, phone)
    exchange.at(at).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    return exchange.one()


@pytest.mark.parametrize(("options", "rings", "waited"), [("", 2, 11.5), ("r", 3, 14.0)])
def test_after_progress_the_exchanges_own_tone_is_exact(options: str, rings: int, waited: float) -> None:
    call = answers(*paused((0, "Progress", "")), options=options, rings=2.5)
    assert heard(call) == (rings, waited, "told", "met")
    assert call["rings_estimated"] is False


def test_after_progress_the_sound_of_a_carrier_is_estimated() -> None:
    exchange, caller = paused((0, "Progress", ""))
    phone = exchange.at(5).dial(caller)
    exchange.at(7).progress(caller, phone)
    exchange.at(19).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = exchange.one()
    assert (call["wait_start"], call["rings_estimated"]) == ("early_media", True)


@pytest.mark.parametrize(("before", "verdict", "rings"), [("Progress", "not_met", 4), ("NoOp", "met", 5)])
def test_the_exchanges_own_tone_ends_with_the_dial(before: str, verdict: str, rings: int) -> None:
    exchange, caller = paused((0, before, ""))
    phone = exchange.at(0).dial(caller)
    exchange.ring(caller, phone)
    exchange.at(20).stop(caller, phone)
    exchange.at(25).voicemail(caller)
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert (call["verdicts"][FOURTH], call["rings"]) == (verdict, rings)


@pytest.mark.parametrize(("tone", "rings"), [("ring", 4), ("busy", 3), ("congestion", 3)])
def test_the_tone_of_ringing_alone_is_a_ring(tone: str, rings: int) -> None:
    assert answers(*paused((0.2, "PlayTones", tone), answered=True))["rings"] == rings


def test_a_tone_that_was_stopped_before_anything_was_dialled_is_over() -> None:
    steps = ((0.2, "PlayTones", "ring"), (4, "StopPlayTones", ""))
    assert heard(answers(*paused(*steps, answered=True))) == (3, 14.0, "told", "met")


def test_ringing_that_a_menu_ended_is_over_and_leaving_the_menu_is_exempt() -> None:
    exchange, caller = paused((0, "Ringing", ""))
    exchange.at(4).menu(caller)
    exchange.at(30).gives_up(caller)
    call = exchange.one()
    assert (call["heard_ringing"], call["reasons"][THIRD]) == (False, "the caller hung up in the menu")


def test_after_ringing_that_a_menu_ended_option_r_rings_again_at_once() -> None:
    exchange, caller = paused((0, "Ringing", ""))
    exchange.at(4).menu(caller)
    phone = exchange.at(10).dial(caller, options="r")
    exchange.at(16).ring(caller, phone)
    exchange.at(29).answer(caller, phone)
    exchange.at(40).ends(caller, phone)
    assert heard(exchange.one()) == (4, 19.0, "told", "not_met")


def rung_again_unheard(application: str, data: str = "") -> dict[str, Any]:
    """Ringing(); the line goes up in a gap, in which an application follows; a phone rings after it."""
    exchange, caller = paused((0, "Ringing", ""))
    with exchange.at(2).unheard(until=8):
        exchange.at(3).up(caller)
        exchange.step(caller, application, data)
        caller.application = application
    return answers(exchange, caller, dials=12, at=25)


def test_a_line_that_goes_up_in_a_gap_does_not_end_the_ringing_before_it() -> None:
    call = rung_again_unheard("PlayTones", "ring")
    assert heard(call) == (None, None, "phone", "unknown")


def test_a_menu_that_a_listing_shows_ends_the_ringing_before_it() -> None:
    assert heard(rung_again_unheard("Read")) == (None, None, "told", "met")


@pytest.mark.parametrize(
    ("options", "rings", "start", "reason"),
    [
        ("t", 4, "queue", "answered after 19 s in the queue"),
        ("tr", 4, "told", "answered on ring 4"),
        ("tR", 3, "told", "answered on ring 3"),
    ],
)
def test_a_queue_is_judged_by_rings_if_it_rings_from_the_entry_on(
    options: str, rings: int, start: str, reason: str
) -> None:
    exchange, caller = paused()
    exchange.queue(caller, options=options)
    phone = exchange.at(6).dial(caller)
    exchange.ring(caller, phone)
    exchange.at(19).answer(caller, phone)
    exchange.leave_queue(caller)
    exchange.at(30).ends(caller, phone)
    call = exchange.one()
    assert (call["rings"], call["wait_start"], call["reasons"][THIRD]) == (rings, start, reason)
    assert call["heard_ringing"] == ("r" in options.lower())


def test_between_two_dials_in_a_row_the_caller_goes_on_hearing_it() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    first = exchange.dial(caller, "PJSIP/107", options="r")
    exchange.at(7).stop(caller, first)
    call = answers(exchange, caller, dials=9, at=17.9)
    assert heard(call) == (3, 17.9, "told", "met")


def test_the_dial_after_an_async_goto_is_not_the_one_that_was_reported() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.step(caller, "Dial", "PJSIP/842,30,tkr")
    caller.tries = 1  # the Dial that runs is not reported
    phone = exchange.dial(caller, "PJSIP/859")
    exchange.at(6).ring(caller, phone)
    exchange.at(19).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = exchange.one()
    assert (call["wait_start"], call["verdicts"][THIRD], call["rings"]) == ("phone", "unknown", None)


@pytest.mark.parametrize(("rang", "waited"), [(0.03, 8.97), (0.2, None)])
def test_a_ringing_caller_has_a_known_ring_if_the_start_is_exact(rang: float, waited: float | None) -> None:
    exchange = Exchange()
    exchange.tells_dials = False
    caller = exchange.at(0).call()
    phone = exchange.dial(caller)
    exchange.at(rang).ring(caller, phone)
    start, cycle = exchange.start, timedelta(seconds=6)
    known = Wait(None, None, cycle)
    if waited is not None:
        known = Wait(start + timedelta(seconds=rang), timedelta(seconds=waited), cycle)
    waits = exchange.replayed().monitor.waits({"toronto": start + timedelta(seconds=9)})
    assert waits == {("general", "ringing"): known}


@pytest.mark.parametrize(("tells", "is_missed"), [(True, False), (False, True)])
def test_an_exchange_that_reports_no_dial_is_known_as_such(tells: bool, is_missed: bool) -> None:
    exchange = Exchange()
    exchange.tells_dials = tells
    exchange.rings(exchange.at(0).call())
    state = exchange.replayed().monitor.exchanges["toronto"].tracker.state
    assert (state.ringback_missed, state.ringback_heard) == (is_missed, tells)


def test_health_remarks_on_an_exchange_that_hides_when_ringing_began() -> None:
    states = [
        ExchangeStatus(name, True, 0, None, keeps_ringback_back=name == "ottawa") for name in ("toronto", "ottawa")
    ]
    (remark,) = remarks(states, [])
    assert remark.startswith("The exchange ottawa does not report since when callers hear ringing")


@pytest.mark.parametrize(
    ("data", "indicates"),
    [
        ("PJSIP/101,24,r", "ringing"),
        ("PJSIP/101,24", "phones"),
        ("PJSIP/101", "phones"),
        ("", "phones"),
        ("PJSIP/101,,R", "ringing_unless_up"),
        ("PJSIP/101,24,r()", "ringing"),
        ("PJSIP/101,24,tkr(ring)", "tone"),
        ("PJSIP/101,24,tkm", "music"),
        ("PJSIP/101,24,m(class)r", "music"),
        ("PJSIP/101,24,A(r)tk", "phones"),
        ("PJSIP/101,24,b(x^s^1,(r,(m)))tk", "phones"),
        ("PJSIP/101,24,r((", "ringing"),
    ],
)
def test_the_options_of_dial_are_read_without_their_arguments(data: str, indicates: str) -> None:
    assert dial_indication(data) == indicates


@pytest.mark.parametrize(
    ("data", "plays"),
    [("q", "music"), ("q,t", "music"), ("q,tr,,,30", "ringing"), ("q,tR", "phones"), ("", "music")],
)
def test_the_options_of_queue_say_what_it_plays(data: str, plays: str) -> None:
    assert queue_indication(data) == plays
