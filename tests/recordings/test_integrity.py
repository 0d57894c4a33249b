"""Integrity figures and relay calls: boundaries, what a gap hides, and what is no sign of anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from callmon.core.calls.call import Call
from callmon.core.facts import Arrived, Fact
from callmon.core.statistics.counters import figures_of, relay_ended_early, signs
from callmon.store.row_mapping import without_numbers
from callmon.tools.replay import Replay
from tests.support.ami_builders import GENERAL, Channel, Exchange, listener, settings

RELAY = "8008550511"


def talking(exchange: Exchange, **more: str) -> tuple[Channel, Channel]:
    """A person has the caller from 0 s on."""
    caller = exchange.at(-5).call(GENERAL, **more)
    (phone,) = exchange.at(-4).rings(caller, "PJSIP/101")
    exchange.at(0).answer(caller, phone)
    return caller, phone


def ended(exchange: Exchange) -> Call:
    (call,) = exchange.replayed().ended
    return call


def hold(exchange: Exchange, phone: Channel, since: float, until: float | None) -> None:
    exchange.at(since).event("Hold", **exchange._of(phone), MusicClass="default")
    if until is not None:
        exchange.at(until).event("Unhold", **exchange._of(phone))


@pytest.mark.parametrize(("seconds", "short"), [(0.5, True), (9.999, True), (10.0, False), (60, False)])
def test_a_conversation_under_ten_seconds_is_short(seconds: float, short: bool) -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(seconds).ends(caller, phone)
    assert ("short_conversation" in signs(ended(exchange))) is short


@pytest.mark.parametrize(("since", "early"), [(0.2, True), (9.999, True), (10.0, False), (30, False)])
def test_a_hold_within_ten_seconds_of_the_answer_is_early(since: float, early: bool) -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    hold(exchange, phone, since, since + 42)
    hold(exchange, phone, since + 60, since + 61)  # the second one is not what counts
    exchange.at(200).ends(caller, phone)
    call = ended(exchange)
    assert signs(call) == (("early_hold",) if early else ())
    assert (call.held_after, call.held_for) == (timedelta(seconds=since), timedelta(seconds=42))


def test_a_hold_that_nobody_ends_lasts_to_the_end_of_the_call() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    hold(exchange, phone, 3, None)
    exchange.at(33).ends(caller, phone)
    assert ended(exchange).held_for == timedelta(seconds=30)


def test_how_long_a_hold_was_is_not_known_when_a_gap_came_after_it_began() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    hold(exchange, phone, 3, None)
    with exchange.at(10).unheard(until=20):
        pass
    exchange.at(33).ends(caller, phone)
    call = ended(exchange)
    assert (signs(call), call.held_for) == (("early_hold",), None)


def test_picked_up_and_parked_is_an_early_hold_too() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(4).event("ParkedCall", **{f"Parkee{k}": v for k, v in exchange._of(caller).items()},
                         ParkingSpace="701")  # fmt: skip
    exchange.at(4.1).leave(caller)
    exchange.hangup(phone)
    exchange.at(60).ends(caller)
    call = ended(exchange)
    assert ("early_hold" in signs(call), call.held_for) == (True, timedelta(seconds=56))


@pytest.mark.parametrize(("first", "ours"), [("phone", True), ("caller", False)])
def test_a_call_of_one_person_that_our_side_ended_first_is_a_sign(first: str, ours: bool) -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(60).ends(*((phone, caller) if first == "phone" else (caller, phone)))
    assert signs(ended(exchange)) == (("ended_by_us",) if ours else ())


def test_a_call_that_was_handed_on_and_then_ended_by_our_side_is_none() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    blind(exchange.at(20), caller, phone, "104")
    (other,) = exchange.at(20.1).rings(caller, "PJSIP/104")
    exchange.at(25).answer(caller, other)
    exchange.at(90).ends(other, caller)
    assert signs(ended(exchange)) == ()


@pytest.mark.parametrize(("seconds", "short"), [(9.999, True), (10.0, False)])
def test_a_conversation_ends_where_the_caller_is_left_to_voicemail(seconds: float, short: bool) -> None:
    """Picked up and sent to voicemail: what the caller says to it is no conversation."""
    exchange = Exchange()
    caller, phone = talking(exchange)
    blind(exchange.at(seconds - 0.001), caller, phone, "500")
    exchange.at(seconds).voicemail(caller)
    exchange.at(90).hangup(caller)
    call = ended(exchange)
    assert (signs(call), call.talked) == (("short_conversation",) if short else (), timedelta(seconds=seconds))
    assert (call.ended_by, call.redirections) == ("exchange", 2)  # our side ended it, but not the person


def test_somebody_who_comes_back_to_the_line_goes_on_with_the_conversation() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(5).event("HangupRequest", **exchange._of(phone))
    exchange.leave(caller)
    exchange.hangup(phone)
    (other,) = exchange.at(6).rings(caller, "PJSIP/102")
    exchange.at(9).answer(caller, other)
    exchange.at(60).ends(caller, other)
    assert (ended(exchange).talked, signs(ended(exchange))) == (timedelta(seconds=60), ())


def test_what_a_gap_may_have_hidden_is_no_sign() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    with exchange.at(20).unheard(until=30):
        pass
    exchange.at(60).ends(phone, caller)
    assert signs(ended(exchange)) == ()


def test_an_exchange_that_stops_under_a_short_conversation_is_no_sign() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(3).event("SoftHangupRequest", **exchange._of(caller), Cause=4)
    exchange.event("Shutdown", Shutdown="Cleanly", Restart="False")
    exchange.hangup(phone)
    exchange.hangup(caller)
    call = ended(exchange)
    assert (call.ended_how, signs(call)) == ("stopped", ())


def blind(exchange: Exchange, caller: Channel, phone: Channel, to: str) -> None:
    """REFER: the phone sends the caller off and goes."""
    exchange.event(
        "BlindTransfer", Result="Success",
        **{f"Transferer{k}": v for k, v in exchange._of(phone).items()},
        **{f"Transferee{k}": v for k, v in exchange._of(caller).items()},
        BridgeUniqueid=caller.bridge, IsExternal="Yes", Context="internal", Extension=to,
    )  # fmt: skip
    exchange.leave(caller)
    exchange.hangup(phone)


def test_signs_are_counted_by_line_and_early_holds_are_summed() -> None:
    calls = []
    for length in (10, 30, 80):
        exchange = Exchange()
        caller, phone = talking(exchange)
        hold(exchange, phone, 2, 2 + length)
        exchange.at(200).ends(phone, caller)
        calls.append(ended(exchange))
    exchange = Exchange()
    caller, phone = talking(exchange)
    exchange.at(9).ends(caller, phone)
    quiet = ended(exchange)
    figures = figures_of((*calls, quiet))
    counted = {key[2]: value for key, value in figures.items() if key[0] == "callmon_integrity_calls_total"}
    assert counted == {"short_conversation": 1, "early_hold": 3, "ended_by_us": 3}
    assert figures["callmon_early_hold_seconds", "general", "sum"] == 120


# Through a relay service.


@pytest.mark.parametrize(
    ("caller", "relay"),
    [("711", True), (RELAY, True), ("1" + RELAY, True), ("+1" + RELAY, True), ("18008551155", True),
     ("4165550101", False), ("", False), ("7110", False)],
)  # fmt: skip
def test_a_call_from_a_number_of_a_relay_service_is_one(caller: str, relay: bool) -> None:
    exchange = Exchange()
    channel, phone = talking(exchange, caller=caller)
    exchange.at(60).ends(channel, phone)
    call = ended(exchange)
    assert (call.line, call.relay) == ("general", relay)


def test_a_short_relay_number_is_no_colleague_if_trunks_are_unknown() -> None:
    exchange = Exchange()
    caller = exchange.at(-5).call(GENERAL, "SIP/voisin", caller="711")
    (phone,) = exchange.at(-4).rings(caller, "PJSIP/101")
    exchange.at(0).answer(caller, phone)
    exchange.at(60).ends(caller, phone)
    call = ended(exchange)
    assert (call.line, call.relay) == ("general", True)


def test_relay_numbers_are_a_setting() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange, caller="4165550123")
    exchange.at(60).ends(caller, phone)
    given = settings({'region = "CA"': 'region = "CA"\nrelay_numbers = ["416 555-0123"]'})
    (call,) = exchange.replayed(given).ended
    assert call.relay is True


@pytest.mark.parametrize(
    ("seconds", "first", "caller", "early"),
    [(19.999, "phone", "711", True), (20.0, "phone", "711", False), (19.999, "caller", "711", False),
     (5, "phone", "4165550101", False)],
)  # fmt: skip
def test_a_relay_call_that_our_side_ends_within_twenty_seconds_is_counted(
    seconds: float, first: str, caller: str, early: bool
) -> None:
    exchange = Exchange()
    channel, phone = talking(exchange, caller=caller)
    exchange.at(seconds).ends(*((phone, channel) if first == "phone" else (channel, phone)))
    call = ended(exchange)
    assert relay_ended_early(call) is early
    figures = figures_of((call,))
    assert figures.get(("callmon_relay_calls_ended_early_total", "general")) == (1 if early else None)
    assert figures.get(("callmon_relay_calls_total", "general", "answered")) == (1 if call.relay else None)


def test_a_relay_call_left_to_voicemail_is_ended_when_it_ends() -> None:
    exchange = Exchange()
    caller, phone = talking(exchange, caller="711")
    blind(exchange.at(5), caller, phone, "500")
    exchange.at(5.1).voicemail(caller)
    exchange.at(60).hangup(caller)
    assert relay_ended_early(ended(exchange)) is False


def test_a_relay_call_is_still_one_when_its_number_is_no_longer_stored() -> None:
    """The mark is in the fact, so that a rejudgement needs no number."""
    exchange = Exchange()
    caller, phone = talking(exchange, caller="711")
    exchange.at(60).ends(caller, phone)
    kept = [without_numbers(fact) if isinstance(fact, Arrived) else fact for fact in facts_of(exchange)]
    outcome = listener().retell("toronto", kept)
    assert outcome is not None
    assert (outcome.calls[0].caller, outcome.calls[0].relay) == (None, True)


def facts_of(exchange: Exchange) -> list[Fact]:
    replay = Replay(listener(), "toronto")
    heard = (outcome for data in exchange.connections for outcome in replay.connection([bytes(data)]))
    return [fact for outcome in heard for fact in outcome.facts]
