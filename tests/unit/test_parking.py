"""A parked caller and the person who retrieves the caller: in any order of events, and around a gap."""

from __future__ import annotations

import pytest

from tests.support.ami_builders import Channel, Exchange
from tests.unit.test_resuming import sends_off, sent, talking
from tests.unit.test_unusual_calls import dials_in, meets


def parks(exchange: Exchange, caller: Channel, phone: Channel) -> None:
    exchange.event("ParkedCall", ParkeeUniqueid=caller.uniqueid, ParkingSpace="701")
    exchange.leave(caller)
    exchange.hangup(phone)
    meets(exchange, caller, bridge="lot")


def takes(exchange: Exchange, caller: Channel, retriever: Channel, first: str = "report") -> None:
    """The retriever and the caller meet; UnParkedCall comes before the bridge or after."""
    report = {
        "ParkeeUniqueid": caller.uniqueid,
        "RetrieverUniqueid": retriever.uniqueid,
        "RetrieverChannel": retriever.name,
    }
    if first == "report":
        exchange.event("UnParkedCall", **report)
    exchange.leave(caller)
    meets(exchange, caller, retriever, bridge="new")
    if first == "bridge":
        exchange.event("UnParkedCall", **report)


def people(exchange: Exchange) -> list[str]:
    (call,) = [call for call in exchange.replayed().ended if call.direction == "inbound"]
    return [person.phone for person in call.people]


@pytest.mark.parametrize("first", ["report", "bridge"])
def test_who_retrieves_a_caller_has_the_caller_whichever_event_comes_first(first: str) -> None:
    exchange, caller, phone = talking()
    parks(exchange.at(10), caller, phone)
    retriever = dials_in(exchange.at(20), "PJSIP/102", "701", "102")
    takes(exchange, caller, retriever, first)
    exchange.at(30).ends(retriever, caller)
    assert people(exchange) == ["101", "102"]


def test_the_phone_that_parked_an_unreceived_caller_has_them_again() -> None:
    exchange, caller, phone = talking()
    with exchange.at(10).unheard(until=15):
        parks(exchange, caller, phone)
    retriever = dials_in(exchange.at(20), "PJSIP/101", "701", "101")
    takes(exchange, caller, retriever)
    exchange.at(30).ends(retriever, caller)
    assert people(exchange) == ["101", "101"]


def test_a_transfer_by_who_retrieves_the_caller_at_a_gap_is_counted() -> None:
    """The listing shows the retriever as a call of its own, before the two meet."""
    exchange, caller, phone = talking()
    parks(exchange.at(10), caller, phone)
    with exchange.at(20).unheard(until=21):
        retriever = dials_in(exchange, "PJSIP/102", "701", "102")
        exchange.event("UnParkedCall", ParkeeUniqueid=caller.uniqueid, RetrieverUniqueid=retriever.uniqueid)
    exchange.leave(caller)
    meets(exchange, caller, retriever, bridge="new")
    sends_off(exchange.at(30), caller, retriever, "103")
    (other,) = exchange.rings(caller, "PJSIP/103")
    exchange.at(35).answer(caller, other)
    exchange.at(40).ends(other, caller)
    (call,) = [call for call in exchange.calls() if call["direction"] == "inbound"]
    assert sent(call) == [("blind", "103", True)]
    assert people(exchange) == ["101", "102", "103"]


def test_a_hold_by_a_person_whose_own_call_a_listing_showed_is_counted() -> None:
    """A pick-up: the taker's channel has a call of its own until the two meet."""
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    caller = exchange.at(1).call()
    (phone,) = exchange.rings(caller, "PJSIP/101")
    with exchange.at(4).unheard(until=5):
        taker = dials_in(exchange, "PJSIP/102", "*8101", "102")
        exchange.hangup(phone)
        meets(exchange, taker, bridge="new")
    meets(exchange, caller, bridge="new")
    exchange.at(10).event("Hold", **exchange._of(taker))
    exchange.at(12).event("Unhold", **exchange._of(taker))
    exchange.at(20).ends(taker, caller)
    (call,) = [call for call in exchange.calls() if call["direction"] == "inbound"]
    assert call["holds"] == 1
