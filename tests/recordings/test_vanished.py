"""Ghosts: calls and channels that the exchange lists no longer, though nobody heard them go."""

from __future__ import annotations

from typing import Any

import pytest

from callmon.tools.replay import Replay
from tests.support.ami_builders import Channel, Exchange, judged, left

VERDICTS = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person", "one_transfer_at_most")


def heard_from_the_start() -> Exchange:
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    return exchange


def answered(exchange: Exchange) -> tuple[Channel, Channel]:
    caller = exchange.at(1).call()
    (phone,) = exchange.rings(caller, "PJSIP/101")
    exchange.at(8).answer(caller, phone)
    return caller, phone


def ghost(exchange: Exchange, *channels: Channel, lists: int = 2) -> dict[str, Any]:
    """The channels go unsaid, then channels are listed so many times."""
    with exchange.unsaid():
        exchange.at(30).ends(*channels)
    for n in range(lists):
        exchange.at(180 * (n + 1)).list_shortly()
    (call,) = exchange.calls()
    return call


def closed(replay: Replay) -> int:
    return replay.monitor.exchanges["toronto"].tracker.state.ghosts_closed


def test_an_answered_call_missing_in_two_lists_ends_with_no_end() -> None:
    exchange = heard_from_the_start()
    call = ghost(exchange, *answered(exchange))
    assert (call["outcome"], call["ended"], call["rings"], call["heard"]) == ("answered", None, 2, "partly")
    assert [judged(call, standard)[0] for standard in VERDICTS] == ["met", "exempt", "met", "unknown"]
    assert left(exchange.replayed()) == (0, 0, 0, 0)
    assert closed(exchange.replayed()) == 1


def test_a_ringing_call_missing_in_two_lists_is_unknown() -> None:
    exchange = heard_from_the_start()
    caller = exchange.at(1).call()
    call = ghost(exchange, caller, *exchange.rings(caller, "PJSIP/101"))
    assert (call["outcome"], call["ended"]) == ("unknown", None)
    assert [judged(call, standard)[0] for standard in VERDICTS] == ["unknown"] * 4


def test_voicemail_of_a_call_missing_in_two_lists_has_no_message() -> None:
    exchange = heard_from_the_start()
    caller = exchange.at(1).call()
    phones = exchange.rings(caller, "PJSIP/101")
    exchange.at(25.02).stop(caller, phones[0])
    exchange.voicemail(caller)
    call = ghost(exchange, caller)
    assert (call["outcome"], call["voicemail"]["message"]) == ("voicemail", None)


def test_a_call_missing_in_one_list_only_is_still_in_progress() -> None:
    """Its Hangup may be on the way behind the list."""
    exchange = heard_from_the_start()
    call = ghost(exchange, *answered(exchange), lists=1)
    assert (call["outcome"], call["ended"], call["heard"]) == ("answered", None, "full")
    assert closed(exchange.replayed()) == 0


def test_calls_that_are_listed_are_left_alone_by_any_number_of_lists() -> None:
    exchange = heard_from_the_start()
    caller, phone = answered(exchange)
    for minute in range(3, 30, 3):
        exchange.at(60 * minute).list_shortly()
    exchange.at(1900).ends(caller, phone)
    (call,) = exchange.calls()
    assert (call["outcome"], call["heard"], call["ended"] is None) == ("answered", "full", False)
    assert closed(exchange.replayed()) == 0


def test_a_phone_that_vanished_is_tried_no_longer_and_its_call_goes_on() -> None:
    exchange = heard_from_the_start()
    caller = exchange.at(1).call()
    one, two = exchange.rings(caller, "PJSIP/101", "PJSIP/102")
    with exchange.unsaid():
        exchange.hangup(one)
    exchange.at(4).list_shortly()
    exchange.at(5).list_shortly()
    exchange.at(8).answer(caller, two)
    exchange.at(20).ends(caller, two)
    (call,) = exchange.calls()
    assert (call["outcome"], call["answered_by"]["extension"], call["rings"]) == ("answered", "102", 2)
    assert left(exchange.replayed()) == (0, 0, 0, 0)


@pytest.mark.parametrize("gap", [1, 400])
def test_a_list_before_a_gap_counts_no_more_after_it(gap: int) -> None:
    exchange = heard_from_the_start()
    caller, phone = answered(exchange)
    with exchange.unsaid():
        exchange.at(30).ends(caller, phone)
    exchange.at(180).list_shortly()
    with exchange.unheard(180.0 + gap):
        pass
    (call,) = exchange.calls()
    assert (call["outcome"], call["ended"], call["heard"]) == ("answered", None, "partly")
    assert closed(exchange.replayed()) == 0
