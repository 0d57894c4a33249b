"""Situations beyond the plain ringing of a line: queues, Local channels, staff's own calls, transfers."""

from __future__ import annotations

from tests.lab.model import Caller, Phone, Situation, Step
from tests.lab.truths import (
    BOX_MISTIMED,
    EARLY_LEAVER,
    GENERAL,
    IN_TIME,
    LEAVES_MESSAGE,
    TALKS,
    answered,
    box,
    inbound,
    verdicts,
)

SENT_TWICE = verdicts("met", "exempt", "met", "not_met")


def queue(
    name: str, queue_name: str, steps: tuple[Step, ...], phones: dict[str, Phone], **expect: object
) -> Situation:
    truth = {"heard_ringing": False, "line": "general", "direction": "inbound", "transfers": []} | expect
    return Situation(name, Caller(GENERAL, route=queue_name, steps=steps), phones, truth)


QUEUES = (
    queue(
        "queue_answered",
        "lab-queue-one",
        (Step(8, "hang_up"),),
        {"110": Phone(answers=3)},
        outcome="answered",
        answered_by="110",
        rings=1,
        verdicts=IN_TIME,
    ),
    queue(
        "queue_second_member",
        "lab-queue-two",
        (Step(22, "hang_up"),),
        {"113": Phone(answers=3)},
        outcome="answered",
        answered_by="113",
        rings=3,
        verdicts=IN_TIME,
    ),
    queue(
        "queue_abandon",
        "lab-queue-left",
        (Step(9, "hang_up"),),
        {},
        outcome="abandoned",
        abandoned_in="queue",
        answered_by=None,
        verdicts=EARLY_LEAVER,
    ),
    queue(
        "queue_timeout_voicemail",
        "lab-queue-timeout",
        (Step(0, "speak", "45"), Step(42, "hang_up")),
        {},
        outcome="voicemail_message",
        answered_by=None,
        verdicts={"answer_by_third_ring": "not_met", "reach_a_person": "not_met"},
    ),
    Situation(
        "queue_with_ringing",
        Caller(GENERAL, route="lab-queue-ringing", steps=TALKS),
        {"116": Phone(answers=8)},
        answered("116", 2),
    ),
)

LOCALS = (
    Situation(
        "local_group",
        Caller(GENERAL, route="lab-local", steps=TALKS),
        {"120": Phone(answers=8)},
        answered("120", 2),
    ),
    Situation(
        "local_group_optimised",
        Caller(GENERAL, route="lab-local-optimised", steps=(Step(0, "speak", "6"), Step(6, "hang_up"))),
        {"122": Phone(answers=3, steps=(Step(0, "speak", "6"),))},
        answered("122", 1),
    ),
    Situation(
        "confirm_accepted",
        Caller(GENERAL, route="lab-confirm", steps=TALKS),
        {"6475550190": Phone(answers=2.5, steps=(Step(1.5, "press", "1"),))},
        answered("outside", 1),
    ),
    Situation(
        "confirm_refused",
        Caller(GENERAL, route="lab-confirm", steps=LEAVES_MESSAGE),
        {"6475550190": Phone(answers=3)},
        box(2, True, BOX_MISTIMED),
    ),
)


def staff(direction: str, outcome: str, **more: object) -> dict[str, object]:
    return {"direction": direction, "line": None, "outcome": outcome, "transfers": []} | more


STAFF = (
    Situation(
        "internal_call",
        Caller("131", phone="130", steps=TALKS),
        {"131": Phone(answers=4)},
        staff("internal", "answered", answered_by="131", rings=1),
    ),
    Situation(
        "internal_unanswered",
        Caller("133", phone="132", gives_up=8),
        {},
        staff("internal", "no_answer", rings=2),
    ),
    Situation(
        "outbound_answered",
        Caller("9{outside}", phone="134", steps=TALKS),
        {"outside": Phone(answers=8)},
        staff("outbound", "answered", answered_by="outside", rings=2),
    ),
    Situation(
        "outbound_busy",
        Caller("9{outside}", phone="135"),
        {"outside": Phone(rings=None, refuses=486)},
        staff("outbound", "busy", rings=None),
    ),
    Situation(
        "outbound_unanswered",
        Caller("9{outside}", phone="136", gives_up=15),
        {"outside": Phone()},
        staff("outbound", "no_answer", rings=3),
    ),
    Situation(
        "outbound_early_media",
        Caller("91{outside}", phone="137", steps=TALKS),
        {"outside": Phone(early_media=True, answers=7)},
        staff("outbound", "answered", answered_by="outside", rings=2, rings_estimated=True),
    ),
    # Staff listen to the box and delete its first message: no message of any caller.
    Situation(
        "vm_checked_by_agent",
        Caller("*98", phone="138", steps=(Step(2, "press", "1"), Step(8, "press", "7"), Step(11, "hang_up"))),
        {},
        {"direction": "internal", "line": None},
        begins=52,
    ),
)


def only(
    name: str,
    phone: str,
    phones: dict[str, Phone],
    expect: dict[str, object],
    *others: tuple[float, Caller],
    steps: tuple[Step, ...] = (),
) -> Situation:
    """The call rings at one phone, which no other situation uses."""
    caller = Caller(GENERAL, route=f"lab-only,{phone},1", steps=steps)
    return Situation(name, caller, phones, expect, others)


def sent(kind: str, to: str, was_answered: bool = True) -> dict[str, object]:
    return {"kind": kind, "to": to, "answered": was_answered}


ENDS = (Step(5, "hang_up"),)


def hands_over_while_ringing(to: str) -> tuple[Step, ...]:
    return (Step(2, "press", "*2"), Step(4.5, "press", to), Step(9, "hang_up"))


TRANSFERS = (
    only(
        "blind_transfer",
        "140",
        {"140": Phone(answers=2, steps=(Step(3, "refer", "141"),)), "141": Phone(answers=4, steps=ENDS)},
        answered("140", 1, transfers=[sent("blind", "141")]),
    ),
    only(
        "blind_transfer_by_keys",
        "142",
        {
            "142": Phone(answers=2, steps=(Step(2, "press", "#1"), Step(4.5, "press", "143"))),
            "143": Phone(answers=4, steps=ENDS),
        },
        answered("142", 1, transfers=[sent("blind", "143")]),
    ),
    only(
        "transfer_to_voicemail",
        "144",
        {"144": Phone(answers=2, steps=(Step(2, "refer", "500"),))},
        inbound(
            "general",
            "answered",
            {"one_transfer_at_most": "met", "answer_by_third_ring": "met", "reach_a_person": "met"},
            answered_by="144",
            rings=1,
            transfers=[{"kind": "blind", "to": "500"}],
        ),
        steps=(Step(0, "speak", "30"), Step(23, "hang_up")),
    ),
    only(
        "two_transfers",
        "145",
        {
            "145": Phone(answers=2, steps=(Step(2, "refer", "146"),)),
            "146": Phone(answers=2, steps=(Step(2, "refer", "147"),)),
            "147": Phone(answers=2, steps=ENDS),
        },
        inbound(
            "general",
            "answered",
            SENT_TWICE,
            answered_by="145",
            rings=1,
            transfers=[sent("blind", "146"), sent("blind", "147")],
        ),
    ),
    only(
        "attended_transfer",
        "148",
        {
            "148": Phone(answers=2, steps=(Step(2, "hold"), Step(3, "consult", "149"), Step(8, "join"))),
            "149 from 148": Phone(answers=2, steps=(Step(9, "hang_up"),)),
        },
        answered("148", 1, transfers=[sent("attended", "149")]),
    ),
    only(
        "attended_transfer_by_keys",
        "117",
        {
            "117": Phone(
                answers=2, steps=(Step(2, "press", "*2"), Step(4.5, "press", "118"), Step(14, "hang_up"))
            ),
            "118": Phone(answers=3, steps=(Step(14, "hang_up"),)),
            "118 from 117": Phone(answers=3, steps=(Step(14, "hang_up"),)),
        },
        answered("117", 1, transfers=[sent("attended", "118")]),
    ),
    only(
        "attended_returned",
        "150",
        {
            "150": Phone(
                answers=2,
                steps=(
                    Step(2, "press", "*2"),
                    Step(4.5, "press", "151"),
                    Step(12, "press", "*1"),
                    Step(16, "hang_up"),
                ),
            ),
            "151 from 150": Phone(answers=3),
            "151": Phone(answers=3),
        },
        answered("150", 1),
    ),
    only(
        "blonde_completed",
        "152",
        {
            "152": Phone(answers=2, steps=hands_over_while_ringing("153")),
            "153 from 152": Phone(answers=6, steps=(Step(9, "hang_up"),)),
            "153": Phone(answers=6, steps=(Step(9, "hang_up"),)),
        },
        answered("152", 1, transfers=[sent("blonde", "153")]),
    ),
    # Nobody takes it; the exchange calls the first phone back.
    only(
        "blonde_returned",
        "154",
        {"154": Phone(answers=2, steps=hands_over_while_ringing("155"), again=Phone(answers=2, steps=ENDS))},
        answered("154", 1),
    ),
    only(
        "transfer_refused",
        "156",
        {"156": Phone(answers=2, steps=(Step(2, "refer", "157"),)), "157": Phone(rings=None, refuses=486)},
        answered("156", 1, transfers=[sent("blind", "157", was_answered=False)]),
    ),
    only(
        "forward_302",
        "119",
        {"119": Phone(forwards_to="124", refuses_at=1), "124": Phone(answers=3)},
        answered("124", 1, forwards=1),
        steps=TALKS,
    ),
    only(
        "pickup",
        "125",
        {},
        answered("126", 2),
        (8.0, Caller("**125", phone="126", steps=(Step(5, "hang_up"),))),
    ),
    only(
        "park_retrieve",
        "127",
        {"127": Phone(answers=2, steps=(Step(2, "press", "#72"),))},
        answered("127", 1, parked=1),
        (12.0, Caller("701", phone="128", steps=(Step(5, "hang_up"),))),
    ),
)

PARKED_AND_FORGOTTEN = Situation(
    "park_timeout",
    Caller(GENERAL, route="lab-only,158,1"),
    {"158": Phone(answers=2, steps=(Step(2, "press", "#72"),), again=Phone(answers=3, steps=ENDS))},
    answered("158", 1, parked=1),
    begins=2,  # after park_retrieve, which counts on the first place
)

BEYOND = (*QUEUES, *LOCALS, *STAFF, *TRANSFERS, PARKED_AND_FORGOTTEN)
