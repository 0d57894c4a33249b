"""Which key chooses voicemail: a person on "do not disturb" has the same key and the same box as nobody's.

A key chooses it for certain where its own steps lead to the box whatever a phone's state, or the line names it.
"""

from __future__ import annotations

import pytest

from callmon.config.settings import Settings
from tests.support.ami_builders import Channel, Exchange, judged, settings

A, V, P = "answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person"
CHOSEN, UNKNOWN = ("exempt", "chosen_in_menu", None), ("unknown", "choice_not_heard", None)
SENT = ("not_met", "voicemail", "sent_to_voicemail_early")
SOUGHT = ("not_met", "voicemail", "no_phone_reachable")
WAITED = ("exempt", "chosen_by_key", None)
TO_THE_BOX = ("box", "500", 1)
Place = tuple[str, str, int]  # context, exten, priority
Steps = list[tuple[str, str, Place]]


def named(*keys: str) -> Settings:
    """A site whose line names these keys as those for voicemail."""
    keys_named = ", ".join(f'"{key}"' for key in keys)
    return settings({"language_menu = true": f"language_menu = true\nvoicemail_keys = [{keys_named}]"})


def menu() -> tuple[Exchange, Channel]:
    """A caller whom the menu asks for a key, 4 s after the arrival."""
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).menu(caller)
    exchange.at(2).runs(caller, "BackGround", "", "s", "menu")
    exchange.at(4).runs(caller, "WaitExten", "8", "s", "menu")
    return exchange, caller


def third_ring(steps: Steps, box: Place, given: Settings | None) -> tuple[str, str, str | None]:
    exchange, caller = menu()
    for application, data, (context, exten, priority) in steps:
        exchange.at(exchange.now + 1).runs(caller, application, data, exten, context, priority)
    exchange.at(22).runs(caller, "VoiceMail", "500@default,u", box[1], box[0], box[2])
    exchange.at(40).ends(caller)
    call = exchange.one(given)
    third, fourth = judged(call, A), judged(call, V)
    assert (third[0], judged(call, P)[0]) == (fourth[0], "not_met")
    return third


def option(application: str, data: str = "", key: str = "2", priority: int = 1) -> tuple[str, str, Place]:
    return application, data, ("menu", key, priority)


ABSENT: Steps = [option("Dial", "PJSIP/101,24")]  # no phone is registered: the dial makes no channel


@pytest.mark.parametrize(
    ("steps", "box", "alone", "when_named"),
    [
        # The box is the first step, or the key's own steps lead to it.
        ([], ("menu", "2", 1), CHOSEN, CHOSEN),
        ([option("Goto", "box,500,1")], TO_THE_BOX, CHOSEN, CHOSEN),
        ([option("Goto", "500,1")], ("menu", "500", 1), CHOSEN, CHOSEN),
        ([option("Goto", "4")], ("menu", "2", 4), CHOSEN, CHOSEN),
        ([option("NoOp", "voicemail")], ("menu", "2", 2), CHOSEN, CHOSEN),
        ([option("Goto", "box,500,1"), ("Answer", "", TO_THE_BOX)], ("box", "500", 2), CHOSEN, CHOSEN),
        # "Do not disturb" is asked for, or a step that was not received may have asked for it.
        ([option("GotoIf", "1?box,500,1")], TO_THE_BOX, UNKNOWN, CHOSEN),
        ([option("NoOp", "agent")], ("menu", "2", 5), UNKNOWN, CHOSEN),
        ([option("Goto", "agents,s,1")], TO_THE_BOX, UNKNOWN, CHOSEN),
        ([option("Goto", "box,500,start")], ("box", "500", 3), UNKNOWN, CHOSEN),
        ([option("Goto", "box,500,1"), ("Read", "X,beep,1", ("pin", "s", 1))], TO_THE_BOX, UNKNOWN, UNKNOWN),
        ([option("Gosub", "person,s,1(101)")], ("box", "500", 1), UNKNOWN, CHOSEN),
        # A person was sought, or the language was chosen: the name of the key changes nothing.
        (ABSENT, ("menu", "2", 2), SOUGHT, SOUGHT),
        ([option("Goto", "agents,s,1"), ("Queue", "agents,t", ("agents", "s", 1))], TO_THE_BOX, SOUGHT, SOUGHT),
        ([option("FollowMe", "101")], ("menu", "2", 2), SOUGHT, SOUGHT),
        ([option("Set", "CHANNEL(language)=en")], ("menu", "2", 2), SENT, SENT),
        # Silence, and a key of which nothing tells.
        ([option("Goto", "box,500,1", "t")], TO_THE_BOX, SENT, SENT),
        ([("Read", "X,beep,1", ("menu", "s", 3))], TO_THE_BOX, UNKNOWN, UNKNOWN),
    ],
)
def test_a_key_chooses_voicemail_by_its_steps_or_by_its_name(
    steps: Steps, box: Place, alone: tuple[str, ...], when_named: tuple[str, ...]
) -> None:
    assert (third_ring(steps, box, None), third_ring(steps, box, named("2"))) == (alone, when_named)


def test_a_line_that_names_another_key_does_not_name_this_one() -> None:
    assert third_ring([option("GotoIf", "1?box,500,1")], TO_THE_BOX, named("1", "22")) == UNKNOWN


def test_the_last_key_counts_and_not_one_named_before_it() -> None:
    again = [option("Goto", "menu,s,1"), ("WaitExten", "8", ("menu", "s", 3))]
    assert third_ring([*again, option("GotoIf", "1?box,500,1", "1")], TO_THE_BOX, named("2")) == UNKNOWN
    first = [option("Goto", "ivr-2,s,1", "1"), ("GotoIf", "1?box,500,1", ("ivr-2", "2", 1))]  # no menu was heard
    assert third_ring(first, TO_THE_BOX, named("2")) == CHOSEN


@pytest.mark.parametrize("place", ["queue", "dial"])
@pytest.mark.parametrize(
    ("first", "given", "verdict"),
    [
        (("Wait", "2"), None, UNKNOWN),
        (("Wait", "2"), named("1"), WAITED),
        (("Wait", "2"), named("2"), UNKNOWN),
        (("Goto", "box,500,1"), None, WAITED),
    ],
)
def test_a_key_while_waiting_needs_its_steps_or_its_name_too(
    place: str, first: tuple[str, str], given: Settings | None, verdict: tuple[str, ...]
) -> None:
    exchange = Exchange()
    caller = exchange.at(-1).call()
    exchange.up(caller, "menu")
    exchange.at(0)
    if place == "queue":
        exchange.queue(caller)
    phones = exchange.rings(caller, "PJSIP/101")
    exchange.at(5).leaves_by_key(caller, "1", *phones)
    exchange.runs(caller, *first, exten="1")
    exchange.at(7).runs(caller, "VoiceMail", "500@default,u", "500", "box")
    exchange.at(20).ends(caller)
    assert judged(exchange.one(given), A) == verdict
