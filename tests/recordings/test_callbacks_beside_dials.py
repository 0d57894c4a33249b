"""A callback that is made while another caller is on hold pays like any other: from events to the ledger."""

from __future__ import annotations

import pytest

from callmon.core.callbacks.obligation import Obligation
from tests.support.ami_builders import Channel, Exchange
from tests.unit.test_unusual_calls import ABROAD, consults

DEBTOR = "4165550199"


def owing_with_another_on_hold() -> tuple[Exchange, Channel, Channel]:
    """DEBTOR has left a message; then 101 answers somebody else, and puts that caller on hold."""
    exchange = Exchange()
    debtor = exchange.at(0).call(caller=DEBTOR)
    exchange.at(12).voicemail(debtor)
    exchange.at(40).message(debtor)
    exchange.gives_up(debtor)
    caller = exchange.at(60).call(caller="4165550102")
    (phone,) = exchange.rings(caller, "PJSIP/101")
    exchange.at(63).answer(caller, phone)
    exchange.at(65).event("Hold", **exchange._of(phone))
    return exchange, caller, phone


def calls_out(exchange: Exchange, number: str, answered: bool = True) -> tuple[Channel, Channel]:
    """101 dials on its second line, at 70 s; an answer comes at 75 s."""
    second = exchange.at(70).new("PJSIP/101", 4, f"9{number}", caller="101", context="internal")
    far = exchange.dial(second, "PJSIP/trunk", dial_string=ABROAD)
    exchange.ring(second, far)
    if answered:
        exchange.at(75).answer(second, far)
    return second, far


def goes_on(exchange: Exchange, caller: Channel, phone: Channel) -> None:
    """Back with the caller who was on hold, until the end of that call."""
    exchange.event("Unhold", **exchange._of(phone))
    exchange.at(exchange.now + 20).ends(caller, phone)


def debt(exchange: Exchange) -> Obligation:
    (one,) = exchange.replayed().monitor.ledger.index
    return one


@pytest.mark.parametrize(("talked", "state", "attempts"), [(9.9, "open", 1), (10, "paid", 0), (60, "paid", 0)])
def test_a_callback_beside_a_caller_on_hold_settles_by_its_talk_time(
    talked: float, state: str, attempts: int
) -> None:
    exchange, caller, phone = owing_with_another_on_hold()
    both = calls_out(exchange, DEBTOR)
    exchange.at(75 + talked).ends(*both)
    goes_on(exchange, caller, phone)
    one = debt(exchange)
    assert (one.state, len(one.attempts), one.phone) == (state, attempts, "101" if state == "paid" else None)


def test_it_is_an_attempt_when_unanswered_and_nothing_for_another() -> None:
    for number, attempts in ((DEBTOR, 1), ("4165550103", 0)):
        exchange, caller, phone = owing_with_another_on_hold()
        second, far = calls_out(exchange, number, answered=False)
        exchange.at(95).gives_up(second, second, far)
        goes_on(exchange, caller, phone)
        assert (debt(exchange).state, len(debt(exchange).attempts)) == ("open", attempts)


@pytest.mark.parametrize(("joined_after", "state"), [(5, "open"), (30, "paid")])
def test_the_person_joined_with_the_held_caller_was_called_back(joined_after: float, state: str) -> None:
    exchange, caller, phone = owing_with_another_on_hold()
    second, far = calls_out(exchange, DEBTOR)
    consults(exchange.at(75 + joined_after), caller, phone, second)
    caller.bridge = far.bridge
    exchange.event("BridgeEnter", BridgeUniqueid=far.bridge, BridgeType="basic", **exchange._of(caller))
    exchange.hangup(second)
    exchange.at(exchange.now + 60).ends(far, caller)
    assert debt(exchange).state == state


def test_it_is_no_call_of_its_own_unless_it_was_due() -> None:
    for number, directions in (("4165550103", ["inbound"] * 2), (DEBTOR, ["inbound", "inbound", "outbound"])):
        exchange, caller, phone = owing_with_another_on_hold()
        both = calls_out(exchange, number)
        exchange.at(100).ends(*both)
        goes_on(exchange, caller, phone)
        replay = exchange.replayed()
        assert sorted(call["direction"] for call in replay.calls()) == directions
        assert set(replay.monitor.others.values()) == {0}
