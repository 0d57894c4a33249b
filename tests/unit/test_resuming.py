"""Transfers across a gap and across a restart of callmon itself: counted when something took the caller, once."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from callmon.core.facts import Fact
from callmon.tools.replay import Replay, chunks
from tests.support.ami_builders import Channel, Exchange, judged, left, listener
from tests.unit.test_conventions import says

Way = Callable[[Exchange], dict[str, Any]]


def after_a_gap(exchange: Exchange) -> dict[str, Any]:
    """callmon stayed up, and its connection was cut."""
    (call,) = exchange.calls()
    assert left(exchange.replayed()) == (0, 0, 0, 0)
    return call


def after_a_restart(exchange: Exchange) -> dict[str, Any]:
    """callmon was stopped where its last connection but one ends; the next one knows the stored facts alone."""
    *before, after = map(bytes, exchange.connections)
    first, second = Replay(listener(), "toronto"), Replay(listener(), "toronto")
    reported: dict[str, list[Fact]] = {}
    for outcome in (one for data in before for one in first.connection(chunks(io.BytesIO(data)))):
        for fact in outcome.facts:
            reported.setdefault(fact.call, []).append(fact)
    judged_before = {call: [finding.standard for finding in found] for call, found in first.findings.items()}
    assert first.last is not None
    second.findings = {call: list(found) for call, found in first.findings.items()}
    second.monitor.restore("toronto", first.last, reported, judged_before)
    for _ in second.connection(chunks(io.BytesIO(after))):
        pass
    assert left(second) == (0, 0, 0, 0)
    (call,) = second.calls()
    call["keys"] = {finding.standard: finding.reason_key for finding in second.findings[call["call"]]}
    return call


ways = pytest.mark.parametrize("way", [after_a_gap, after_a_restart])


def talking() -> tuple[Exchange, Channel, Channel]:
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    caller = exchange.at(1).call()
    (phone,) = exchange.rings(caller, "PJSIP/101")
    exchange.at(5).answer(caller, phone)
    return exchange, caller, phone


def sends_off(exchange: Exchange, caller: Channel, phone: Channel, to: str = "102") -> None:
    """A blind transfer: the caller leaves the bridge, the transferer's phone goes."""
    exchange.event(
        "BlindTransfer", Result="Success", TransfererChannel=phone.name, TransfererUniqueid=phone.uniqueid,
        TransfereeChannel=caller.name, TransfereeUniqueid=caller.uniqueid, IsExternal="Yes", Context="internal",
        Extension=to,
    )  # fmt: skip
    for channel in (caller, phone):
        exchange.leave(channel)
    exchange.hangup(phone)


def sent(call: dict[str, Any]) -> list[tuple[str | None, str | None, bool]]:
    return [(each["kind"], each["to"], each["answered"]) for each in call["transfers"]]


@ways
def test_a_transfer_after_it_counts(way: Way) -> None:
    exchange, caller, phone = talking()
    with exchange.at(10).unheard(12.0):
        pass
    sends_off(exchange.at(15), caller, phone)
    (other,) = exchange.rings(caller, "PJSIP/102")
    exchange.at(18).answer(caller, other)
    exchange.at(30).ends(caller, other)
    call = way(exchange)
    assert (call["outcome"], sent(call)) == ("answered", [("blind", "102", True)])


@ways
@pytest.mark.parametrize("answered", ["in it", "after it"])
def test_a_caller_sent_off_before_the_gap_was_transferred_once(way: Way, answered: str) -> None:
    exchange, caller, phone = talking()
    sends_off(exchange.at(10), caller, phone)
    (other,) = exchange.rings(caller, "PJSIP/102")
    with exchange.at(12).unheard(14.0 if answered == "after it" else 20.0):
        if answered == "in it":
            exchange.at(13).answer(caller, other)
    if answered == "after it":
        exchange.at(15).answer(caller, other)
    exchange.at(30).ends(caller, other)
    assert sent(way(exchange)) == [("blind", "102", True)]


@ways
def test_a_handing_on_within_the_gap_is_unreceived_and_the_verdict_unknown(way: Way) -> None:
    exchange, caller, phone = talking()
    with exchange.at(8).unheard(20.0):
        sends_off(exchange.at(10), caller, phone)
        (other,) = exchange.rings(caller, "PJSIP/102")
        exchange.at(15).answer(caller, other)
    exchange.at(30).ends(caller, other)
    call = way(exchange)
    assert (call["outcome"], call["answered_by"]["extension"], sent(call)) == ("answered", "101", [])
    assert judged(call, "one_transfer_at_most")[0] == "unknown"


@ways
def test_two_transfers_received_on_both_sides_of_it_are_one_too_many(way: Way) -> None:
    exchange, caller, phone = talking()
    sends_off(exchange.at(7), caller, phone)
    (other,) = exchange.rings(caller, "PJSIP/102")
    exchange.at(9).answer(caller, other)
    with exchange.at(12).unheard(14.0):
        pass
    sends_off(exchange.at(15), caller, other, "103")
    (third,) = exchange.rings(caller, "PJSIP/103")
    exchange.at(18).answer(caller, third)
    exchange.at(30).ends(caller, third)
    call = way(exchange)
    assert sent(call) == [("blind", "102", True), ("blind", "103", True)]
    assert judged(call, "one_transfer_at_most")[0] == "not_met"


@ways
@pytest.mark.parametrize(
    ("redirected", "another", "transfer"),
    [
        (15, False, ("redirect", "102", True)),
        (12.5, True, (None, None, True)),  # so soon after the gap a transfer may have been named in it
    ],
)
def test_a_redirect_after_it_is_known_by_its_dial_unless_two_gaps_hide(
    way: Way, redirected: float, another: bool, transfer: tuple[str | None, str | None, bool]
) -> None:
    """Nothing names a Redirect: the caller is dialled for although the person did not hang up."""
    exchange, caller, phone = talking()
    with exchange.at(10).unheard(12.0):
        pass
    exchange.at(redirected).leave(caller)
    (other,) = exchange.rings(caller, "PJSIP/102")
    exchange.leave(phone)
    exchange.hangup(phone)
    if another:
        with exchange.at(14).unheard(16.0):
            pass
    exchange.at(18).answer(caller, other)
    exchange.at(30).ends(caller, other)
    assert sent(way(exchange)) == [transfer]


# Ringing was heard, and a gap hid who answered first: the person on the line afterwards need not be that one.


def ringing() -> tuple[Exchange, Channel, Channel]:
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    caller = exchange.at(1).call()
    (phone,) = exchange.rings(caller, "PJSIP/101")
    return exchange, caller, phone


@ways
@pytest.mark.parametrize("taken", ["in the gap", "after the gap"])
@pytest.mark.parametrize("second", [6.0, 9.0])
def test_rings_are_not_counted_up_to_who_took_a_transfer(way: Way, taken: str, second: float) -> None:
    exchange, caller, phone = ringing()
    with exchange.at(2).unheard(12.0 if taken == "in the gap" else 4.9):
        exchange.at(3).answer(caller, phone)
        sends_off(exchange.at(4), caller, phone)
        (other,) = exchange.at(4.5).rings(caller, "PJSIP/102")
        if taken == "in the gap":
            exchange.at(second).answer(caller, other)
    if taken == "after the gap":
        exchange.at(second).answer(caller, other)
    exchange.at(30).ends(caller, other)
    call = way(exchange)
    # The first answer came in the first ring, as any must have if the transfer's did.
    assert (call["outcome"], call["rings"]) == ("answered", 1 if second < 7 else None)


@ways
def test_a_phone_dialled_in_the_second_after_need_not_ring_first(way: Way) -> None:
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    caller = exchange.at(1.05).call()
    with exchange.at(1.1).unheard(12.0):
        (phone,) = exchange.at(1.2).rings(caller, "PJSIP/101")
        exchange.at(1.5).answer(caller, phone)
        sends_off(exchange.at(2.6), caller, phone)
        (other,) = exchange.at(2.95).rings(caller, "PJSIP/102")
        exchange.at(11).answer(caller, other)
    exchange.at(30).ends(caller, other)
    call = way(exchange)
    assert (call["outcome"], call["rings"], call["wait_seconds"]) == ("answered", None, None)


@ways
@pytest.mark.parametrize("answered", [5.0, 9.0])
def test_a_phone_that_rang_before_and_has_the_caller_after_was_first(way: Way, answered: float) -> None:
    exchange, caller, phone = ringing()
    with exchange.at(4).unheard(12.0):
        exchange.at(answered).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = way(exchange)
    assert (call["outcome"], call["rings"]) == ("answered", 1 if answered == 5.0 else 2)


@ways
def test_an_answer_after_a_gap_in_the_menu_has_unknown_rings(way: Way) -> None:
    exchange = Exchange()
    exchange.log_in()
    exchange.list_channels()
    caller = exchange.at(1).call()
    exchange.menu(caller)
    exchange.at(9.5).event("PeerStatus", Peer="PJSIP/101")
    with exchange.unheard(9.8):
        pass
    (phone,) = exchange.at(10).rings(caller, "PJSIP/101")
    exchange.at(18).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = way(exchange)
    assert (call["rings"], call["wait_seconds"], judged(call)[0]) == (None, None, "met")


@ways
def test_a_language_that_the_dialplan_stated_stays_the_callers(way: Way) -> None:
    """The channel's own language is another, before the gap and after it."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call(language="en")
    exchange.menu(caller)
    says(exchange.at(4), caller, "CallmonLanguage", "fr")
    with exchange.at(5).unheard(6.0):
        pass
    (phone,) = exchange.at(9).rings(caller, "PJSIP/101")
    exchange.at(12).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    assert way(exchange)["language"] == "fr"
