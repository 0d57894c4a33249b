"""Phones whose names are as long as numbers: told by one rule everywhere, and nobody's number with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.triggers import called as whom
from callmon.core.calls.endpoints import Endpoints
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.outcome import Outcome
from callmon.sinks.mqtt import topics
from callmon.text.records import outcome_lines
from callmon.tools.replay import Replay
from tests.support.ami_builders import Channel, Exchange, listener, settings

OURS, OTHER, MOBILE = "6475550101", "6475550102", "4165550199"
PHONES = (f"PJSIP/{OURS}", f"PJSIP/{OTHER}")
CITIZEN = "4165550101"


def configured(*phones: str) -> Settings:
    trunks = 'trunks = ["PJSIP/trunk*"]'
    return settings({trunks: f"{trunks}\nphones = {json.dumps(phones)}"})


def answered(exchange: Exchange) -> tuple[Channel, Channel]:
    caller = exchange.at(-0.1).call(caller=CITIZEN)
    (phone,) = exchange.at(0).rings(caller, f"PJSIP/{OURS}")
    exchange.at(3).answer(caller, phone)
    return caller, phone


def sent_to(to: str, taker: str, string: str) -> Exchange:
    """The first phone sends the caller to this extension, where somebody answers."""
    exchange = Exchange()
    caller, phone = answered(exchange)
    exchange.at(5).event("BlindTransfer", Result="Success", TransfererChannel=phone.name,
                         TransfererUniqueid=phone.uniqueid, TransfereeUniqueid=caller.uniqueid,
                         Extension=to)  # fmt: skip
    exchange.hangup(phone)
    exchange.leave(caller)
    other = exchange.at(5.1).dial(caller, taker, dial_string=string)
    exchange.ring(caller, other)
    exchange.at(8).answer(caller, other)
    exchange.at(20).ends(caller, other)
    return exchange


def reported(exchange: Exchange, given: Settings) -> tuple[dict[str, Any], str]:
    """The only call as JSON, and all facts and outcomes as `replay` prints them."""
    return exchange.one(given), "\n".join(
        line for each in outcomes(exchange, given) for line in outcome_lines(each, None)
    )


def outcomes(exchange: Exchange, given: Settings) -> list[Outcome]:
    replay = Replay(listener(given), "toronto")
    return [outcome for data in exchange.connections for outcome in replay.connection([bytes(data)])]


@pytest.mark.parametrize("phones", [PHONES, ("PJSIP/64755501*",)])
def test_a_ten_digit_phone_keeps_its_name_as_answerer_and_transferrer(phones: tuple[str, ...]) -> None:
    exchange = sent_to(OTHER, f"PJSIP/{OTHER}", OTHER)
    call = exchange.one(configured(*phones))
    (transfer,) = call["transfers"]
    assert call["answered_by"]["extension"] == OURS
    assert call["answered_by"]["channel"].startswith(f"PJSIP/{OURS}-")
    assert (transfer["by"].startswith(f"PJSIP/{OURS}-"), transfer["answered"]) == (True, True)


def test_a_transfer_to_a_configured_phone_of_ten_digits_names_it() -> None:
    call = sent_to(OTHER, f"PJSIP/{OTHER}", OTHER).one(configured(*PHONES))
    assert [transfer["to"] for transfer in call["transfers"]] == [OTHER]


@pytest.mark.parametrize("phones", [PHONES, ("PJSIP/*",), ("*",), ()])
def test_a_transfer_to_a_number_outside_names_it_nowhere(phones: tuple[str, ...]) -> None:
    exchange = sent_to(MOBILE, "PJSIP/trunk", f"{MOBILE}@trunk")
    call, printed = reported(exchange, configured(*phones))
    assert [transfer["to"] for transfer in call["transfers"]] == ["outside"]
    assert MOBILE not in json.dumps(call) + printed


def called(endpoint: str, dialled: str, taker: str, string: str, caller: str = OURS) -> Exchange:
    exchange = Exchange()
    own = exchange.at(-0.1).new(endpoint, 4, dialled, caller=caller, context="internal")
    other = exchange.dial(own, taker, dial_string=string)
    exchange.at(0).ring(own, other)
    exchange.at(3).answer(own, other)
    exchange.at(20).ends(own, other)
    return exchange


def test_a_ten_digit_phone_keeps_its_name_as_inside_and_outward_caller() -> None:
    inside = called(f"PJSIP/{OURS}", OTHER, f"PJSIP/{OTHER}", OTHER).one(configured(*PHONES))
    outward = called(f"PJSIP/{OURS}", MOBILE, "PJSIP/trunk", f"{MOBILE}@trunk").one(configured(*PHONES))
    assert (inside["direction"], outward["direction"]) == ("internal", "outbound")
    assert [call["caller_channel"].rpartition("-")[0] for call in (inside, outward)] == [f"PJSIP/{OURS}"] * 2
    assert inside["answered_by"]["extension"] == OTHER


@pytest.mark.parametrize("phones", [(), ("PJSIP/101",), PHONES])
def test_a_channel_of_the_public_whose_name_is_its_number_is_masked(phones: tuple[str, ...]) -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call(trunk=f"SIP/{MOBILE}", caller=MOBILE)
    (phone,) = exchange.at(0).rings(caller, f"PJSIP/{OURS}")
    exchange.at(3).answer(caller, phone)
    exchange.at(20).ends(caller, phone)
    call, printed = reported(exchange, configured(*phones))
    assert call["caller_channel"] == "SIP/outside-00000000"
    assert MOBILE not in printed


def test_an_unnamed_phone_is_masked_unless_dialled_by_its_name() -> None:
    """Found in a listing, by a channel's name alone: it may be a number that a trunk's channel bears."""
    exchange = Exchange()
    caller = exchange.at(0).call(caller=CITIZEN)
    with exchange.unheard(until=5):
        (phone,) = exchange.at(0).rings(caller, f"DAHDI/i1/{MOBILE}")
        exchange.at(3).answer(caller, phone)
    exchange.at(20).ends(caller, phone)
    call, printed = reported(exchange, settings())
    assert call["answered_by"] == {"extension": "outside", "channel": "DAHDI/i1/outside-00000001"}
    assert MOBILE not in json.dumps(call) + printed


def test_a_phone_that_holds_the_caller_is_reported_by_its_answer_name() -> None:
    exchange = Exchange()
    caller, phone = answered(exchange)
    exchange.at(5).event("Hold", **exchange._of(phone))
    exchange.at(6).event("Unhold", **exchange._of(phone))
    exchange.at(9).ends(caller, phone)
    facts = [fact for outcome in outcomes(exchange, configured(*PHONES)) for fact in outcome.facts]
    reported = [(type(x), x.phone) for x in facts if isinstance(x, f.Held | f.Resumed | f.Answered)]
    assert reported == [(f.Answered, OURS), (f.Held, OURS), (f.Resumed, OURS)]


def test_a_board_gets_no_phone_of_ten_digits_and_no_dialled_number() -> None:
    inward = sent_to(OTHER, f"PJSIP/{OTHER}", OTHER).replayed(configured(*PHONES)).ended[0]
    outward = (
        called(f"PJSIP/{OURS}", MOBILE, "PJSIP/trunk", f"{MOBILE}@trunk").replayed(configured(*PHONES)).ended[0]
    )
    said = json.loads(topics.of_call("toronto", inward, ()))
    assert (said["answered_by"], [x["to"] for x in said["transfers"]]) == ({"extension": None}, [None])
    reported = topics.of_call("toronto", outward, ())
    assert (json.loads(reported)["dialled"], json.loads(reported)["answered_by"]) == (
        None,
        {"extension": "outside"},
    )
    assert MOBILE.encode() not in reported


def test_a_local_channel_is_never_a_phone_whatever_a_pattern_says() -> None:
    ends = Endpoints(phones=("*",))
    assert ends.masked_name(f"Local/9{MOBILE}@internal-00000001;1") == "Local/outside@internal-00000001;1"


def test_a_callback_from_a_phone_of_ten_digits_is_made_by_that_phone() -> None:
    """Which phones pay for which service is told by their extensions."""
    exchange = called(f"PJSIP/{OURS}", MOBILE, "PJSIP/trunk", f"{MOBILE}@trunk")
    facts = [fact for outcome in outcomes(exchange, configured(*PHONES)) for fact in outcome.facts]
    (arrival,) = (fact for fact in facts if isinstance(fact, f.Arrived))
    profile = ExchangeProfile(configured(*PHONES), "toronto")
    assert whom(arrival, profile) == (f"+1{MOBILE}", OURS)


@pytest.mark.parametrize("number", ["416-555-0101", "1-416-555-0101", "(416) 555-0101", "416.555.0101"])
def test_a_number_that_is_written_in_groups_is_outside(number: str) -> None:
    assert Endpoints().party(number) == f.OUTSIDE


@pytest.mark.parametrize("name", ["101", "555-010", "10.0.0.52", "192.168.100.20", "2026-11-20"])
def test_a_name_with_a_few_digits_in_groups_stays(name: str) -> None:
    assert Endpoints().party(name) == name
