"""Cases that one could settle in two ways, as the standards settle them: each at its edge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callmon.backfill.merge import merged
from callmon.core import facts as f
from callmon.core.facts import Fact
from tests.support.ami_builders import GENERAL, MORNING, Channel, Exchange, judged, listener, settings

THIRD, REACH, SURVEY = "answer_by_third_ring", "reach_a_person", "feedback_offered"


# Hung up before the two were joined.


@pytest.mark.parametrize(
    ("at", "verdict"), [(5, ("exempt", "hung_up_early", None)), (20, ("not_met", "gave_up", "rang_unanswered"))]
)
def test_a_caller_who_hung_up_before_the_join_gave_up_in_that_ring(at: float, verdict: Any) -> None:
    exchange = Exchange()
    caller = exchange.call()
    (phone,) = exchange.rings(caller, "PJSIP/101")
    exchange.at(at).event("HangupRequest", **exchange._of(caller))
    exchange.at(at + 0.004).answer(caller, phone)
    for channel in (caller, phone):
        exchange.hangup(channel)
    call = exchange.one()
    assert (call["outcome"], call["answered_by"]) == ("abandoned", None)
    assert judged(call) == verdict


# Asked to be called back.


def asks(waited: float, line: bool = True) -> Exchange:
    """A caller waits in a queue for so long, asks to be called back, and hears that it will be done."""
    exchange = Exchange()
    caller = exchange.call()
    exchange.at(1).menu(caller)
    if line:
        exchange.at(5).queue(caller)
        exchange.at(5 + waited).leave_queue(caller)
    says(exchange.at(5 + waited + 0.001), caller, "CallmonCallbackRequest")
    exchange.at(60).hangup(caller)
    return exchange


def says(exchange: Exchange, channel: Channel, name: str, language: str | None = None) -> None:
    """UserEvent; the dialplan's own header of the language follows the channel's."""
    exchange.event("UserEvent", **exchange._of(channel), UserEvent=name)
    if language is not None:
        exchange.connections[-1][-2:] = f"Language: {language}\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("waited", "verdict"), [(3, "exempt"), (17.998, "exempt"), (18, "not_met"), (40, "not_met")]
)
@pytest.mark.parametrize("standard", [THIRD, REACH])
def test_who_asks_for_a_callback_is_judged_by_the_wait_until_then(
    standard: str, waited: float, verdict: str
) -> None:
    call = asks(waited).one()
    assert judged(call, standard)[:2] == (verdict, "asked_to_be_called_back")


def test_who_asks_in_the_menu_to_be_called_back_has_not_waited() -> None:
    call = asks(40, line=False).one()
    assert [judged(call, standard)[:2] for standard in (THIRD, REACH)] == [
        ("exempt", "asked_to_be_called_back")
    ] * 2


def test_who_asked_to_be_called_back_and_was_answered_was_answered() -> None:
    exchange = Exchange()
    caller = exchange.call()
    exchange.at(1).menu(caller)
    says(exchange.at(9), caller, "CallmonCallbackRequest")
    (phone,) = exchange.at(10).rings(caller, "PJSIP/101")
    exchange.at(13).answer(caller, phone)
    exchange.at(60).ends(caller, phone)
    assert judged(exchange.one())[:2] == ("met", "answered_on_ring")


def test_a_gap_before_the_request_leaves_the_wait_unknown() -> None:
    exchange = Exchange()
    caller = exchange.call()
    exchange.at(1).menu(caller)
    with exchange.at(3).unheard(until=30):
        exchange.at(5).queue(caller)
    exchange.at(31).leave_queue(caller)
    says(exchange, caller, "CallmonCallbackRequest")
    exchange.at(60).hangup(caller)
    assert judged(exchange.one())[:2] == ("unknown", "gap")


# Silence in a menu.


def menu(states: str | None) -> Any:
    """A caller in a menu in English; `states`: what the dialplan says that the caller chose."""
    exchange = Exchange()
    caller = exchange.call(GENERAL, language="en")
    exchange.at(1).menu(caller)
    if states is not None:
        says(exchange.at(4), caller, "CallmonLanguage", states)
    (phone,) = exchange.at(9).rings(caller, "PJSIP/101")
    exchange.at(12).answer(caller, phone)
    exchange.at(60).ends(caller, phone)
    return exchange.one()["language"]


@pytest.mark.parametrize(("states", "language"), [(None, None), ("en", "en"), ("fr_CA", "fr"), ("es", "other")])
def test_who_presses_nothing_chose_no_language(states: str | None, language: str | None) -> None:
    assert menu(states) == language


def test_a_language_stated_in_the_conversation_is_no_choice_of_the_caller() -> None:
    exchange = Exchange()
    caller = exchange.call(language="en")
    (phone,) = exchange.rings(caller, "PJSIP/101")
    exchange.at(3).answer(caller, phone)
    says(exchange.at(9), caller, "CallmonLanguage", "fr")
    exchange.at(60).ends(caller, phone)
    assert exchange.one()["language"] is None


# The survey, in a gap that CEL fills.

CALL = "1795528800.0"


def at(seconds: float) -> Any:
    return MORNING + timedelta(seconds=seconds)


def answered(*more: Fact) -> list[Fact]:
    phone = ("101", "PJSIP/101-00000001")
    return [
        f.Arrived(CALL, at(0), "inbound", "general", GENERAL, None, "unknown", "PJSIP/trunk-00000000"),
        f.PhoneDialled(CALL, at(0), *phone),
        f.PhoneRang(CALL, at(0), *phone),
        f.Answered(CALL, at(3), *phone, at(0)),
        *more,
        f.Ended(CALL, at(60), "caller"),
    ]


@pytest.mark.parametrize(
    ("gap", "by_dialplan", "extension", "verdict"),
    [
        ((20, 50), True, False, ("unknown", "gap")),
        ((20, 50), True, True, ("unknown", "gap")),
        ((20, 50), False, True, ("not_met", "survey_not_offered")),
        ((0.5, 2.5), True, False, ("not_met", "survey_not_offered")),
    ],
)
def test_a_survey_offer_in_a_gap_is_unknown_though_cel_fills_it(
    gap: tuple[float, float], by_dialplan: bool, extension: bool, verdict: tuple[str, str]
) -> None:
    heard = answered()
    heard.insert(4 if gap[0] > 3 else 3, f.Unheard(CALL, at(gap[0]), at(gap[1])))
    logged = answered()
    logged.insert(1, f.Filled(CALL, at(0), alone=True))
    monitor = listener(settings({"# survey_extensions": "survey_extensions"} if extension else {}))
    monitor.survey_heard = by_dialplan
    outcome = monitor.retell("toronto", merged(heard, logged))
    assert outcome is not None
    assert [(x.verdict, x.reason_key) for x in outcome.findings if x.standard == SURVEY] == [verdict]
