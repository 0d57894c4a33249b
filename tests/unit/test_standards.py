"""The edges of the table in standards.md, and every rule above it, from what the exchange would say.

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
from tests.support.ami_builders import EVENING, GENERAL, Channel, Exchange, judged, settings

A, V, P = "answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person"


def every(call: dict[str, Any]) -> dict[str, tuple[Any, Any, Any]]:
    return {"A": judged(call, A), "V": judged(call, V), "P": judged(call, P)}


PERSON = ("met", "a_person_answered", None)


def ringing(exchange: Exchange, *endpoints: str, number: str = GENERAL) -> tuple[Channel, list[Channel]]:
    """A caller who hears ringing from 0 s on."""
    caller = exchange.at(-0.1).call(number)
    return caller, exchange.at(0).rings(caller, *(endpoints or ("PJSIP/101", "PJSIP/102", "PJSIP/103")))


# The table, at its edges. Ringing that somebody ends: `test_rings`. Rows without an edge are recorded calls.


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
    exchange.at(22).runs(caller, "VoiceMail", "500@default,u", "500", "box")
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert every(call) == {"A": third, "V": fourth, "P": ("not_met", "voicemail", "other")}
    assert call["voicemail"] == {"mailbox": "500", "rings": None, "message": False}


@pytest.mark.parametrize(("exten", "third"), [("2", CHOSEN), ("t", SENT)])
def test_a_key_whose_first_step_is_voicemail_chooses_it(exten: str, third: tuple[str, ...]) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    for application, data in (("BackGround", ""), ("WaitExten", "8")):
        exchange.at(exchange.now + 2).runs(caller, application, data, "s")
    exchange.at(22).runs(caller, "VoiceMail", "500@default,u", exten)
    exchange.at(40).ends(caller)
    assert judged(exchange.one(), A) == third


SOUGHT = ("not_met", "voicemail", "no_phone_reachable")
NONE_RANG = ("not_met", "voicemail_nothing_rang", "no_phone_reachable")
BOX = ("Goto", "box,500,1", "9")


@pytest.mark.parametrize(
    ("steps", "third", "fourth", "language"),
    [
        # "Press 1 for an agent": the queue is empty, or no phone is registered. The box takes the call at once.
        ([("Queue", "agents", "1")], SOUGHT, NONE_RANG, None),
        ([("Goto", "agents,s,1", "1"), ("Dial", "PJSIP/101,24", "s")], SOUGHT, NONE_RANG, None),
        ([("FollowMe", "101", "1")], SOUGHT, NONE_RANG, None),
        # "Press 2 for French", then an absent group.
        ([("Set", "CHANNEL(language)=fr", "2")], SENT, EARLY, "fr"),
        ([("Set", "CHANNEL(language)=en", "1")], SENT, EARLY, "en"),
        (
            [("Goto", "", "2"), ("NoOp", "Changing Channel to language: en ", "2", "app-languages")],
            SENT,
            EARLY,
            "en",
        ),
        ([("Read", "KEY,,1,,1,5", "s"), ("Set", "CHANNEL(language)=en", "1", "languages")], SENT, EARLY, "en"),
        # Silence that leads on to an option: perhaps a menu asked again, without a step.
        ([("Goto", "1,1", "t"), ("Set", "CHANNEL(language)=en", "1")], UNHEARD, UNHEARD, None),
        ([("Goto", "1,1", "t"), ("Goto", "2,1", "1"), ("Goto", "box,500,1", "2")], UNHEARD, UNHEARD, None),
        # The last key counts.
        ([("Set", "CHANNEL(language)=fr", "2"), *MENU, BOX], CHOSEN, CHOSEN, "fr"),
        ([("Queue", "agents", "1"), *MENU, BOX], CHOSEN, CHOSEN, None),
    ],
)
def test_a_key_for_a_person_or_a_language_does_not_choose_voicemail(
    steps: list[tuple[str, ...]], third: tuple[str, ...], fourth: tuple[str, ...], language: str | None
) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    for application, data, exten, *context in (*MENU, *steps):
        exchange.at(exchange.now + 2).runs(caller, application, data, exten or "s", *context)
        caller.language = data.removeprefix("CHANNEL(language)=") if application == "Set" else caller.language
    exchange.at(30).runs(caller, "VoiceMail", "500@default,u", "500", "box")
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert (judged(call, A), judged(call, V), call["language"]) == (third, fourth, language)


WAITED = ("exempt", "chosen_by_key", None)
LATE = ("not_met", "chosen_by_key", "rang_unanswered")


@pytest.mark.parametrize("place", ["queue", "dial"])
@pytest.mark.parametrize(
    ("seconds", "steps", "third", "fourth"),
    [
        (17.9, [], WAITED, WAITED),
        (18.0, [], LATE, WAITED),
        (17.9, [("Goto", "box,500,1", "2")], WAITED, WAITED),
        # The key led to another person, or to another language.
        (8.0, [("Dial", "PJSIP/198,6", "2")], SENT, ("not_met", "voicemail_early", "sent_to_voicemail_early")),
        (
            8.0,
            [("Set", "CHANNEL(language)=fr", "2")],
            SENT,
            ("not_met", "voicemail_early", "sent_to_voicemail_early"),
        ),
    ],
)
def test_a_key_while_waiting_chooses_voicemail_and_counts_from_18_s(
    place: str, seconds: float, steps: list[tuple[str, str, str]], third: tuple[str, ...], fourth: tuple[str, ...]
) -> None:
    exchange = Exchange()
    caller = exchange.at(-1).call()
    exchange.up(caller, "menu")
    exchange.at(0)
    if place == "queue":
        exchange.queue(caller)
    phones = exchange.rings(caller, "PJSIP/101")
    exchange.at(seconds).leaves_by_key(caller, "2", *phones)
    for application, data, exten in steps:
        exchange.runs(caller, application, data, exten)
        caller.language = data.removeprefix("CHANNEL(language)=") if application == "Set" else caller.language
    box = ("500", "box") if ("Goto", "box,500,1", "2") in steps else ("2", "")
    exchange.at(seconds + 5).runs(caller, "VoiceMail", "500@default,u", *box)
    exchange.at(40).ends(caller)
    call = exchange.one()
    assert (judged(call, A), judged(call, V)) == (third, fourth)


def test_agents_who_go_home_at_noon_lower_the_rate() -> None:
    """Four callers press 1 for an agent. Two come after noon: the queue lets nobody in, and the box takes them."""
    verdicts = []
    for is_there in (True, True, False, False):
        exchange = Exchange()
        caller = exchange.at(0).call()
        exchange.at(0.1).menu(caller)
        for application, data, exten in (*MENU, ("Queue", "agents,t", "1")):
            exchange.at(exchange.now + 2).runs(caller, application, data, exten or "s")
        if is_there:
            exchange.queue(caller)
            (phone,) = exchange.rings(caller, "PJSIP/101")
            exchange.at(exchange.now + 5).answer(caller, phone)
        else:
            exchange.voicemail(caller)
        exchange.at(60).ends(caller)
        verdicts.append(judged(exchange.one(), A)[0])
    assert verdicts == ["met", "met", "not_met", "not_met"]


@pytest.mark.parametrize(
    ("target", "third"), [("ext-local,vmu100,1", CHOSEN), ("ext-local,100,1", UNHEARD), ("ivr-2,s,1", UNHEARD)]
)
def test_a_freepbx_key_whose_first_step_names_a_box_chooses_it(target: str, third: tuple[str, ...]) -> None:
    """`ExecIf(…?Background(…))` sends no event of the inner application; `macro-vm` has the box."""
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    exchange.at(4).runs(caller, "Goto", target, "9", "ivr-1")
    exchange.at(22).voicemail(caller, context="macro-vm")
    exchange.at(40).ends(caller)
    assert judged(exchange.one(), A) == third


@pytest.mark.parametrize(
    ("dials", "pause", "end", "rings", "verdicts"),
    [
        # (seconds of each dial, pause after it, voicemail or the caller's end)
        ((20,), 5, "voicemail", 5, (("not_met", "voicemail"), ("met", "voicemail_on_time"))),
        ((5, 5, 5, 5), 1, "voicemail", 4, (("not_met", "voicemail"), ("met", "voicemail_on_time"))),
        ((16,), 3, "caller", 4, (("not_met", "gave_up"), None)),
    ],
)
def test_an_unanswered_line_rings_on_from_the_last_dial_to_the_box(
    dials: tuple[int, ...], pause: float, end: str, rings: int, verdicts: tuple[tuple[str, str] | None, ...]
) -> None:
    """The carrier plays the ringing (SIP 180) until the line is answered."""
    exchange = Exchange()
    caller = exchange.at(0).call()
    for seconds in dials:
        (phone,) = exchange.rings(caller, "PJSIP/101")
        exchange.at(exchange.now + seconds).stop(caller, phone)
        exchange.at(exchange.now + pause)
    if end == "voicemail":
        exchange.voicemail(caller)
        exchange.at(exchange.now + 20).ends(caller)
    else:
        exchange.gives_up(caller)
    call = exchange.one()
    found = tuple(
        judged(call, standard)[:2] if wanted else None for standard, wanted in zip((A, V), verdicts, strict=True)
    )
    assert (call["rings"], found) == (rings, verdicts)


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


@pytest.mark.parametrize(("seconds", "verdict"), [(0.4, "met"), (18, "not_met")])
def test_an_answer_without_ringing_is_met_at_once_not_after_18_s(seconds: float, verdict: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.dial(caller, "PJSIP/101")
    exchange.at(seconds).answer(caller, phone)
    exchange.at(29).ends(caller, phone)
    call = exchange.one()
    assert (call["rings"], judged(call, A)[:2]) == (None, (verdict, "answered_without_ringing"))


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
