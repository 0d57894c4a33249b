"""The dialplan's own word that a message was left: `UserEvent(CallmonVoicemail,Status: …,Mailbox: …)` in `h`."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from callmon.core import facts as f
from callmon.tools.replay import Replay, chunks
from tests.store.test_phones import GENERAL_LINE, facts_of
from tests.support.ami_builders import BANNER, Channel, Exchange, listener
from tests.unit.test_tracker import ringing


def says(exchange: Exchange, channel: Channel, status: str, mailbox: str = "500@default") -> None:
    """Asterisk puts the dialplan's headers last."""
    reported = {"UserEvent": "CallmonVoicemail", "Status": status, "Mailbox": mailbox}
    exchange.event("UserEvent", **exchange._of(channel), **reported)


def in_vain(exchange: Exchange, reported: bool = True) -> Channel:
    """Four rings, and voicemail takes the caller; `told`: its step of the dialplan is heard."""
    caller, phones = ringing(exchange)
    for phone in phones:
        exchange.at(24).stop(caller, phone)
    exchange.voicemail(caller, reported=reported)
    return caller


def heard(exchange: Exchange) -> tuple[str, dict[str, Any] | None, int]:
    """Outcome, voicemail, and how many messages were told."""
    call = exchange.one()
    messages = [fact for fact in facts_of(exchange, GENERAL_LINE) if isinstance(fact, f.MessageLeft)]
    return call["outcome"], call["voicemail"], len(messages)


@pytest.mark.parametrize(
    ("step", "message", "status", "left"),
    [
        (True, False, "SUCCESS", 1),
        (True, True, "SUCCESS", 1),  # the exchange has reported it already: it is counted once
        (False, False, "SUCCESS", 1),
        # Every call that ends runs `h`: most have no status, and FAILED may mean that there is no such box.
        *((True, False, status, 0) for status in ("FAILED", "USEREXIT", "", "success")),
    ],
)
def test_success_alone_gives_a_message_once_and_its_mailbox(
    step: bool, message: bool, status: str, left: int
) -> None:
    exchange = Exchange()
    caller = in_vain(exchange, reported=step)
    if message:
        exchange.at(39).message(caller)
    box = "500" if step else "700"
    says(exchange.at(40), caller, status, "500@default" if step else "700@public")
    exchange.ends(caller)
    outcome = "voicemail_message" if left else "voicemail_no_message"
    assert heard(exchange) == (outcome, {"mailbox": box, "rings": 4, "message": left == 1}, left)


def found_in_voicemail() -> tuple[Exchange, Channel]:
    """A new connection has just logged in; the caller was put through to voicemail before it."""
    exchange = Exchange()
    exchange.connections.clear()
    with exchange.unsaid():
        caller = in_vain(exchange)
    exchange.connections.append(bytearray(BANNER))
    exchange.at(39).log_in()
    return exchange, caller


@pytest.mark.parametrize("reported", [Exchange.message, lambda *call: says(*call, "SUCCESS")])
def test_a_message_before_the_listing_is_of_the_call_that_it_finds(
    reported: Callable[[Exchange, Channel], None],
) -> None:
    exchange, caller = found_in_voicemail()
    reported(exchange.at(39.5), caller)
    exchange.at(40).list_channels()
    exchange.at(41).ends(caller)
    _, voicemail, messages = heard(exchange)  # a person may have answered before the connection
    assert (voicemail and voicemail["message"], messages) == (True, 1)


def test_a_request_before_the_listing_is_of_the_call_that_it_finds() -> None:
    exchange, caller = found_in_voicemail()
    reported = {"UserEvent": "CallmonCallbackRequest", "Number": "4165550199"}
    exchange.at(39.5).event("UserEvent", **exchange._of(caller), **reported)
    exchange.at(40).list_channels()
    exchange.at(41).ends(caller)
    wanted = [fact.number for fact in facts_of(exchange, GENERAL_LINE) if isinstance(fact, f.CallbackRequested)]
    assert wanted == ["+14165550199"]


def test_reports_before_a_listing_that_never_comes_are_dropped() -> None:
    exchange, caller = found_in_voicemail()
    exchange.at(39.5).message(caller)
    with exchange.at(45).unheard(50):
        pass
    exchange.at(60).ends(caller)
    assert heard(exchange)[2] == 0


def test_a_message_between_colleagues_is_no_message_of_the_public() -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).new("PJSIP/101", 4, "104")
    (phone,) = exchange.at(0).rings(caller, "PJSIP/104")
    exchange.at(24).stop(caller, phone)
    exchange.voicemail(caller, "104")
    says(exchange.at(40), caller, "SUCCESS", "104@default")
    exchange.ends(caller)
    assert [fact for fact in facts_of(exchange, GENERAL_LINE) if isinstance(fact, f.MessageLeft)] == []


def test_the_word_after_a_restart_of_callmon_tells_no_message_anew() -> None:
    exchange = Exchange()
    exchange.log_in()
    caller = in_vain(exchange)
    exchange.at(39).message(caller)
    with exchange.unheard(45):
        pass
    says(exchange.at(50), caller, "SUCCESS")
    exchange.ends(caller)
    before, after = map(bytes, exchange.connections)
    first, second = Replay(listener(), "toronto"), Replay(listener(), "toronto")
    reported = [fact for outcome in first.connection(chunks(io.BytesIO(before))) for fact in outcome.facts]
    assert first.last is not None
    second.monitor.restore("toronto", first.last, {caller.uniqueid: reported}, {})
    again = [fact for outcome in second.connection(chunks(io.BytesIO(after))) for fact in outcome.facts]
    assert [sum(isinstance(fact, f.MessageLeft) for fact in facts) for facts in (reported, again)] == [1, 0]


def test_what_a_dialplan_says_of_a_call_that_no_line_received_is_nobodys() -> None:
    exchange = Exchange()
    agent = exchange.new("PJSIP/101", 4, "*98")
    says(exchange, agent, "SUCCESS")
    exchange.hangup(agent)
    assert [fact for fact in facts_of(exchange, GENERAL_LINE) if isinstance(fact, f.MessageLeft)] == []


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        *((own, None) for own in ("4165550101", "14165550101", "+14165550101", "416 555-0101")),
        ("4165550199", "+14165550199"),
    ],
)
def test_the_callers_own_number_adds_nothing_to_a_request(number: str, wanted: str | None) -> None:
    exchange = Exchange()
    caller = exchange.call()
    reported = {"UserEvent": "CallmonCallbackRequest", "Number": number}
    exchange.at(5).event("UserEvent", **exchange._of(caller), **reported)
    exchange.at(6).ends(caller)
    asked = [fact.number for fact in facts_of(exchange, GENERAL_LINE) if isinstance(fact, f.CallbackRequested)]
    assert asked == [wanted]


@pytest.mark.parametrize(("stays", "outcome"), [(0.999, "abandoned"), (1.0, "voicemail_no_message")])
def test_who_stays_a_second_where_only_voicemail_is_was_taken_by_it(stays: float, outcome: str) -> None:
    """The example names the context: voicemail_contexts = ["box"]."""
    exchange = Exchange()
    caller = exchange.call()
    (phone,) = exchange.at(0).rings(caller, "PJSIP/101")
    exchange.at(24).stop(caller, phone)
    caller.context = "box"
    exchange.at(24 + stays).gives_up(caller)
    assert exchange.one()["outcome"] == outcome


@pytest.mark.parametrize(("after", "outcome"), [(0.999, "no_answer"), (1.0, "unknown")])
def test_where_a_caller_taken_out_of_a_queue_was_is_unknown(after: float, outcome: str) -> None:
    """Voicemail may have had the caller: after an async goto its step is not reported."""
    exchange = Exchange()
    caller = exchange.call()
    exchange.at(1).queue(caller)
    caller.context = "elsewhere"
    exchange.at(20).event("QueueCallerAbandon", **exchange._of(caller), Queue="genline")
    exchange.leave_queue(caller)
    exchange.at(20 + after).hangup(caller)
    assert exchange.one()["outcome"] == outcome
