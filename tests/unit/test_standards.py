"""Every row of the table in standards.md, and every rule above it, from what the exchange would say.

`A`, `V` and `P` stand for answer_by_third_ring, voicemail_after_fourth_ring and reach_a_person.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from callmon.config.settings import example_text, parse
from callmon.config.standards import ALL_STANDARDS
from callmon.core.standards import load
from callmon.core.standards.judged import judged_standards
from callmon.errors import ConfigError
from tests.support.ami_builders import EVENING, GENERAL, TTY, Channel, Exchange, judged, settings

A, V, P = "answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person"


def every(call: dict[str, Any]) -> dict[str, tuple[Any, Any, Any]]:
    return {"A": judged(call, A), "V": judged(call, V), "P": judged(call, P)}


NO_VOICEMAIL = ("exempt", "no_voicemail", None)
PERSON = ("met", "a_person_answered", None)


def ringing(exchange: Exchange, *endpoints: str, number: str = GENERAL) -> tuple[Channel, list[Channel]]:
    """A caller who hears ringing from 0 s on."""
    caller = exchange.at(-0.1).call(number)
    return caller, exchange.at(0).rings(caller, *(endpoints or ("PJSIP/101", "PJSIP/102", "PJSIP/103")))


# The table, row by row. Ringing that a person, voicemail, the caller or the exchange ends: `test_rings`.


def test_busy_is_not_met_because_nobody_was_free() -> None:
    exchange = Exchange()
    caller = exchange.call()
    phones = [exchange.dial(caller, name) for name in ("PJSIP/101", "PJSIP/102")]
    for phone in phones:
        exchange.at(0.2).stop(caller, phone, "BUSY", 17)
    exchange.busy(caller)
    busy = ("not_met", "busy", "nobody_free")
    assert every(exchange.one()) == {"A": busy, "V": NO_VOICEMAIL, "P": busy}


def test_congestion_is_not_met() -> None:
    exchange = Exchange()
    caller = exchange.call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(0.2).stop(caller, phone, "CONGESTION", 34)
    exchange.busy(caller, 34)
    call = exchange.one()
    assert call["outcome"] == "failed"
    assert (judged(call, A)[0], judged(call, P)[0]) == ("not_met", "not_met")


@pytest.mark.parametrize(
    ("seconds", "verdict", "reason", "cause"),
    [
        (17.9, "exempt", "no_phone_reachable", None),
        (17.999999, "exempt", "no_phone_reachable", None),
        (18.0, "not_met", "no_phone_reachable", "no_phone_reachable"),
        (60.0, "not_met", "no_phone_reachable", "no_phone_reachable"),
    ],
)
def test_silence_counts_from_18_seconds_on(seconds: float, verdict: str, reason: str, cause: str | None) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(seconds).gives_up(caller, caller, phone)
    call = exchange.one()
    assert (call["outcome"], call["abandoned_in"], call["rings"]) == ("abandoned", None, None)
    assert judged(call, A) == (verdict, reason, cause)
    assert judged(call, P)[0] == verdict


def test_silence_that_the_exchange_ends_is_not_met_however_short() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(3).stop(caller, phone, "CHANUNAVAIL", 20)
    exchange.hangup(caller, 20)
    call = exchange.one()
    unreachable = ("not_met", "no_phone_reachable", "no_phone_reachable")
    assert (call["outcome"], every(call)) == ("failed", {"A": unreachable, "V": NO_VOICEMAIL, "P": unreachable})


def test_hanging_up_in_the_menu_is_not_covered() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    exchange.at(50).ends(caller)
    call = exchange.one()
    menu = ("exempt", "in_the_menu", None)
    assert call["abandoned_in"] == "menu"
    assert every(call) == {"A": menu, "V": NO_VOICEMAIL, "P": menu}


@pytest.mark.parametrize(("seconds", "verdict"), [(5.0, "exempt"), (17.9, "exempt"), (18.0, "not_met")])
def test_silence_behind_a_menu_is_silence_and_no_menu(seconds: float, verdict: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    phone = exchange.at(30).dial(caller, "PJSIP/101")
    exchange.at(30 + seconds).gives_up(caller, caller, phone)
    call = exchange.one()
    assert (call["abandoned_in"], judged(call, A)[:2]) == (None, (verdict, "no_phone_reachable"))


@pytest.mark.parametrize(
    ("seconds", "verdict", "cause"), [(17.999, "met", None), (18.0, "not_met", "rang_unanswered")]
)
def test_a_queue_with_music_is_judged_by_seconds(seconds: float, verdict: str, cause: str | None) -> None:
    exchange = Exchange()
    caller = exchange.at(-1).call()
    exchange.up(caller, "queue")
    exchange.at(0).queue(caller)
    phone = exchange.at(0.5).rings(caller, "PJSIP/101")[0]
    exchange.at(seconds).answer(caller, phone)
    exchange.leave_queue(caller)
    exchange.at(60).ends(caller, phone)
    call = exchange.one()
    assert judged(call, A) == (verdict, "answered_after_seconds", cause)
    assert (call["heard_ringing"], call["wait_seconds"]) == (False, seconds)
    assert judged(call, P) == PERSON


@pytest.mark.parametrize(
    ("seconds", "verdict", "reason"), [(17.9, "exempt", "hung_up_early"), (18.1, "not_met", "gave_up")]
)
def test_leaving_a_queue_is_judged_by_seconds(seconds: float, verdict: str, reason: str) -> None:
    exchange = Exchange()
    caller = exchange.at(-1).call()
    exchange.up(caller, "queue")
    exchange.at(0).queue(caller)
    phone = exchange.at(0.5).rings(caller, "PJSIP/101")[0]
    exchange.at(seconds).event("HangupRequest", **exchange._of(caller))
    exchange.stop(caller, phone, "CANCEL")
    exchange.leave_queue(caller)
    exchange.hangup(caller)
    call = exchange.one()
    assert (call["abandoned_in"], call["rings"]) == ("queue", 3 if seconds < 18 else 4)
    assert judged(call, A)[:2] == judged(call, P)[:2] == (verdict, reason)


def test_a_queue_s_time_out_that_ends_the_call_is_not_met() -> None:
    exchange = Exchange()
    caller = exchange.at(-1).call()
    exchange.up(caller, "queue")
    exchange.at(0).queue(caller)
    exchange.at(10).leave_queue(caller)
    exchange.hangup(caller)
    call = exchange.one()
    assert (judged(call, A)[0], judged(call, P)[0]) == ("not_met", "not_met")
    assert call["outcome"] == "no_answer"


def test_early_media_is_judged_and_marked_as_estimated() -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(0).progress(caller, phone)
    exchange.at(18).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = exchange.one()
    assert (call["rings"], call["rings_estimated"]) == (4, True)
    assert judged(call, A) == ("not_met", "answered_on_ring", "rang_unanswered")


@pytest.mark.parametrize("how", ["answered", "voicemail", "abandoned", "announcement", "busy"])
def test_a_call_that_arrives_outside_opening_hours_is_not_covered(how: str) -> None:
    exchange = Exchange(EVENING)
    caller, (one, *others) = ringing(exchange)
    exchange.at(30)
    match how:
        case "answered":
            exchange.answer(caller, one, *others)
            exchange.at(40).ends(caller, one)
        case "voicemail":
            for phone in (one, *others):
                exchange.stop(caller, phone)
            exchange.voicemail(caller)
            exchange.at(60).ends(caller)
        case _:
            exchange.gives_up(caller, caller, one, *others)
    closed = ("exempt", "closed", None)
    call = exchange.one()
    assert (call["in_hours"], every(call)) == (False, {"A": closed, "V": closed, "P": closed})


def test_the_arrival_decides_whether_the_office_was_open() -> None:
    before_closing = datetime(2026, 11, 24, 21, 59, 59, tzinfo=UTC)  # 16:59:59 in Toronto
    before_opening = datetime(2026, 11, 24, 13, 29, 59, tzinfo=UTC)  # 8:29:59
    reported = []
    for start in (before_closing, before_opening):
        exchange = Exchange(start)
        caller = exchange.at(0).call()
        phone = exchange.at(0.5).rings(caller, "PJSIP/101")[0]
        exchange.at(30).answer(caller, phone)
        exchange.at(60).ends(caller, phone)
        reported.append(judged(exchange.one(), A)[:2])
    assert reported == [("not_met", "answered_on_ring"), ("exempt", "closed")]


def test_ringing_without_a_received_end_is_unknown() -> None:
    exchange = Exchange()
    caller, (one, *others) = ringing(exchange)
    exchange.at(5)
    with exchange.unheard(60):
        exchange.at(30).answer(caller, one, *others)
        exchange.at(40).ends(caller, one)
    call = exchange.one()
    gap = ("unknown", "gap", None)
    assert (call["outcome"], every(call)) == ("unknown", {"A": gap, "V": gap, "P": gap})


# Rules for every call standard.


@pytest.mark.parametrize(
    ("seconds", "verdict", "cause"), [(17.9, "exempt", None), (18.0, "not_met", "rang_unanswered")]
)
def test_an_exchange_that_stops_under_a_call(seconds: float, verdict: str, cause: str | None) -> None:
    exchange = Exchange()
    caller, phones = ringing(exchange)
    exchange.at(seconds)
    for channel in (*phones, caller):
        exchange.event("SoftHangupRequest", **exchange._of(channel), Cause=4)
    for phone in phones:
        exchange.hangup(phone, 0)
    exchange.hangup(caller, 0)
    exchange.event("Shutdown", Shutdown="Cleanly", Restart="False")
    call = exchange.one()
    stopped = (verdict, "exchange_stopped", cause)
    assert (call["outcome"], judged(call, A), judged(call, P)) == ("lost", stopped, stopped)


@pytest.mark.parametrize("what", ["closed", "menu"])
def test_an_announcement_that_ends_the_call_in_hours_is_not_met(what: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    if what == "menu":
        exchange.at(0.1).menu(caller)
    else:
        exchange.up(caller, what)
    exchange.at(40).hangup(caller)
    call = exchange.one()
    reported = ("not_met", "announcement", "other")
    assert (call["outcome"], every(call)) == ("announcement", {"A": reported, "V": NO_VOICEMAIL, "P": reported})


CHOSEN, UNHEARD = ("exempt", "chosen_in_menu", None), ("unknown", "choice_not_heard", None)
EARLY = ("not_met", "voicemail_nothing_rang", "sent_to_voicemail_early")
SENT = ("not_met", "voicemail", "sent_to_voicemail_early")
MENU = (("BackGround", "", ""), ("WaitExten", "8", ""))


@pytest.mark.parametrize(
    ("steps", "third", "fourth"),
    [
        ((*MENU, ("Goto", "box,500,1", "3")), CHOSEN, CHOSEN),
        ((MENU[0], ("Goto", "box,500,1", "12")), CHOSEN, CHOSEN),
        ((*MENU, ("Goto", "box,500,1", "t")), SENT, EARLY),  # silence is no choice
        ((*MENU, ("Goto", "menu,s,1", "1"), *MENU, ("Goto", "box,500,1", "t")), SENT, EARLY),
        ((("Answer", "", ""),), SENT, EARLY),  # an announcement: no key was asked for
        # A key to Read has no extension, and a longer number is not received; an old filter passes no step.
        ((("Answer", "", ""), ("Read", "X,beep,1", "")), UNHEARD, UNHEARD),
        ((), UNHEARD, UNHEARD),
    ],
)
def test_only_a_key_in_a_menu_chooses_voicemail(
    steps: tuple[tuple[str, str, str], ...], third: tuple[str, ...], fourth: tuple[str, ...]
) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    for application, data, exten in steps:
        exchange.at(exchange.now + 2).runs(caller, application, data, exten or "s")
    exchange.at(22).voicemail(caller)
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert every(call) == {"A": third, "V": fourth, "P": ("not_met", "voicemail", "other")}
    assert call["voicemail"] == {"mailbox": "500", "rings": None, "message": False}


def test_an_extension_of_one_digit_in_another_context_is_no_key() -> None:
    """`timeconditions,1,1` of FreePBX is reached by a Goto."""
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    exchange.at(1).runs(caller, "BackGround")
    exchange.at(9).runs(caller, "GotoIfTime", "", "1", "timeconditions")
    exchange.at(22).voicemail(caller)
    exchange.at(40).ends(caller)
    assert judged(exchange.one(), A) == UNHEARD


@pytest.mark.parametrize("answered_first", [False, True])
def test_voicemail_to_which_the_exchange_sends_at_once_is_no_choice(answered_first: bool) -> None:
    """A dialplan that answers, waits half a second and starts VoiceMail offers no choice: not a menu."""
    exchange = Exchange()
    caller = exchange.at(0).call()
    if answered_first:
        exchange.up(caller, "day")
    exchange.at(0.5).voicemail(caller)
    exchange.at(30).ends(caller)
    call = exchange.one()
    assert judged(call, A) == ("not_met", "voicemail", "sent_to_voicemail_early")
    assert judged(call, V) == ("not_met", "voicemail_nothing_rang", "sent_to_voicemail_early")


def test_voicemail_after_a_person_is_not_covered() -> None:
    exchange = Exchange()
    caller, (one, *others) = ringing(exchange)
    exchange.at(3).answer(caller, one, *others)
    exchange.at(20).hangup(one)
    exchange.leave(caller)
    other = exchange.at(20.1).rings(caller, "PJSIP/104")[0]
    exchange.at(44).stop(caller, other)
    exchange.voicemail(caller)
    exchange.at(60).message(caller)
    exchange.ends(caller)
    call = exchange.one()
    assert every(call) == {
        "A": ("met", "answered_on_ring", None), "V": ("exempt", "after_a_person", None), "P": PERSON,
    }  # fmt: skip
    assert (call["outcome"], call["voicemail"]) == (
        "answered", {"mailbox": "500", "rings": None, "message": True},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "number", "cause"),
    [("CHANUNAVAIL", 20, "no_phone_reachable"), ("BUSY", 17, "nobody_free")],
)
def test_voicemail_after_a_dial_in_which_nothing_rang_is_early(status: str, number: int, cause: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    for name in ("PJSIP/101", "PJSIP/102"):
        exchange.stop(caller, exchange.dial(caller, name), status, number)
    exchange.at(0.1).voicemail(caller)
    exchange.at(30).ends(caller)
    call = exchange.one()
    assert every(call) == {
        "A": ("not_met", "voicemail", cause),
        "V": ("not_met", "voicemail_nothing_rang", cause),
        "P": ("not_met", "voicemail", cause),
    }
    assert (call["rings"], call["voicemail"]["rings"]) == (None, None)


@pytest.mark.parametrize(
    ("turn", "answer", "ring", "cause"), [(12, 20, 4, "late_hunting"), (6, 30, 6, "rang_unanswered")]
)
def test_late_hunting_reaches_the_phone_too_late_and_is_no_long_ring(
    turn: float, answer: float, ring: int, cause: str
) -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    first = exchange.at(0).rings(caller, "PJSIP/101")[0]
    exchange.at(turn).stop(caller, first)
    second = exchange.at(turn + 0.1).rings(caller, "PJSIP/102")[0]
    exchange.at(answer).answer(caller, second)
    exchange.at(40).ends(caller, second)
    call = exchange.one()
    assert (judged(call, A), call["rings"]) == (("not_met", "answered_on_ring", cause), ring)


def test_hunting_is_one_ringing_for_the_caller() -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    for turn, name in enumerate(("PJSIP/101", "PJSIP/102", "PJSIP/103")):
        phone = exchange.at(turn * 8).rings(caller, name)[0]
        exchange.at(turn * 8 + 8).stop(caller, phone)
    exchange.voicemail(caller)
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert (call["rings"], judged(call, V)) == (4, ("met", "voicemail_on_time", None))


@pytest.mark.parametrize(("seconds", "verdict"), [(0.4, "met"), (18, "not_met")])
def test_an_answer_without_ringing_is_met_at_once_not_after_18_s(seconds: float, verdict: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(seconds).answer(caller, phone)
    exchange.at(29).ends(caller, phone)
    call = exchange.one()
    assert (call["rings"], judged(call, A)[:2]) == (None, (verdict, "answered_without_ringing"))


def test_a_verdict_is_given_once_and_stands() -> None:
    exchange = Exchange()
    caller, (one, *others) = ringing(exchange)
    exchange.at(5).answer(caller, one, *others)
    before = len(exchange.connections[0])
    exchange.at(60).ends(caller, one)
    replay = exchange.replayed()
    (findings,) = replay.findings.values()
    assert [finding.standard for finding in findings] == [A, P, V, "one_transfer_at_most"]
    assert before < len(exchange.connections[0])


def test_the_tty_line_is_judged_like_any_other() -> None:
    exchange = Exchange()
    caller, (phone,) = ringing(exchange, "PJSIP/104", number=TTY)
    exchange.at(19).answer(caller, phone)
    exchange.at(29).ends(caller, phone)
    call = exchange.one()
    assert (call["line"], judged(call, A)[0]) == ("tty", "not_met")


@pytest.mark.parametrize("rings", [1, 2, 3, 4])
def test_the_number_of_rings_is_a_parameter(rings: int) -> None:
    exchange = Exchange()
    caller, (one, *others) = ringing(exchange)
    exchange.at(13).answer(caller, one, *others)
    exchange.at(60).ends(caller, one)
    given = settings(more=f"[standards.answer_by_third_ring]\nrings = {rings}")
    assert judged(exchange.one(given), A)[0] == ("met" if rings >= 3 else "not_met")


def test_a_misspelt_standard_or_parameter_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as raised:
        load({"answer_by_thirdring": {}, "reach_a_person": {"ring": 3}})
    assert raised.value.sentences == (
        'standards.answer_by_thirdring: unknown service standard; did you mean "answer_by_third_ring"?',
        'standards.reach_a_person.ring: unknown setting; did you mean "rings"?',
    )


@pytest.mark.parametrize("how", ["internal", "outbound", "other number"])
def test_calls_on_no_line_have_no_verdicts(how: str) -> None:
    exchange = Exchange()
    if how == "other number":
        caller = exchange.call("4165559999")
        phone = exchange.rings(caller, "PJSIP/101")[0]
    else:
        caller = exchange.call("102" if how == "internal" else "94165550101", "PJSIP/101", caller="101")
        string = {} if how == "internal" else {"dial_string": "4165550101@trunk"}
        phone = exchange.dial(caller, "PJSIP/102" if how == "internal" else "PJSIP/trunk", **string)
        exchange.ring(caller, phone)
    exchange.at(30).answer(caller, phone)
    exchange.at(40).ends(caller, phone)
    call = exchange.one()
    direction = {"other number": "inbound"}.get(how, how)
    assert (call["direction"], call["line"], call["verdicts"]) == (direction, None, {})


@pytest.mark.parametrize(
    ("text", "survey_heard", "without"),
    [
        (example_text(), False, {"bilingual_person", "callback_in_french", "feedback_offered"}),
        (example_text(), True, {"bilingual_person", "callback_in_french"}),
        (example_text() + '[[staff]]\nextension = "101"\nlanguages = ["fr"]', False, {"feedback_offered"}),
        (example_text().partition("[exchanges.toronto]")[0], True, {*ALL_STANDARDS}),
    ],
)
def test_a_standard_is_judged_where_an_exchange_has_what_it_needs(
    text: str, survey_heard: bool, without: set[str]
) -> None:
    found = judged_standards(parse(text), survey_heard)
    assert {name for name, is_judged in found.items() if not is_judged} == without
