"""Situations beyond the plain ringing of a line: queues, Local channels, staff's own calls."""

from __future__ import annotations

from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.truths import (
    BOX_MISTIMED,
    EARLY_LEAVER,
    GENERAL,
    IN_TIME,
    LEAVES_MESSAGE,
    TALKS,
    after,
    answered,
    box,
)


def queue(
    name: str, queue_name: str, steps: tuple[Step, ...], phones: dict[str, Phone], **expect: object
) -> Situation:
    truth = {"heard_ringing": False, "line": "general", "direction": "inbound", "transfers": []} | expect
    return Situation(name, LabCaller(GENERAL, route=queue_name, steps=steps), phones, truth)


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
        "queue_asks_for_callback",
        "lab-queue-asks",
        (Step(8, "press", "2"), Step(40, "hang_up")),
        {},
        outcome="no_answer",
        answered_by=None,
        verdicts={"answer_by_third_ring": "exempt", "reach_a_person": "exempt"},
    ),
    queue(
        "queue_asks_for_callback_late",
        "lab-queue-asks",
        (Step(22, "press", "2"), Step(50, "hang_up")),
        {},
        outcome="no_answer",
        answered_by=None,
        verdicts={"answer_by_third_ring": "not_met", "reach_a_person": "not_met"},
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
    after("queue_with_ringing", 8, 2, "116", route="lab-queue-ringing"),
)

LOCALS = (
    after("local_group", 8, 2, "120", route="lab-local"),
    Situation(
        "local_group_optimised",
        LabCaller(GENERAL, route="lab-local-optimised", steps=(Step(0, "speak", "6"), Step(6, "hang_up"))),
        {"122": Phone(answers=3, steps=(Step(0, "speak", "6"),))},
        answered("122", 1),
    ),
    Situation(
        "confirm_accepted",
        LabCaller(GENERAL, route="lab-confirm", steps=TALKS),
        {"6475550190": Phone(answers=2.5, steps=(Step(1.5, "press", "1"),))},
        answered("outside", 1),
    ),
    Situation(
        "confirm_refused",
        LabCaller(GENERAL, route="lab-confirm", steps=LEAVES_MESSAGE),
        {"6475550190": Phone(answers=3)},
        box(2, True, BOX_MISTIMED),
    ),
)


def staff(direction: str, outcome: str, **more: object) -> dict[str, object]:
    return {"direction": direction, "line": None, "outcome": outcome, "transfers": []} | more


STAFF = (
    Situation(
        "internal_call",
        LabCaller("131", phone="130", steps=TALKS),
        {"131": Phone(answers=4)},
        staff("internal", "answered", answered_by="131", rings=1),
    ),
    Situation(
        "internal_unanswered",
        LabCaller("133", phone="132", gives_up=8),
        {},
        staff("internal", "no_answer", rings=2),
    ),
    Situation(
        "outbound_answered",
        LabCaller("9{outside}", phone="134", steps=TALKS),
        {"outside": Phone(answers=8)},
        staff("outbound", "answered", answered_by="outside", rings=2),
    ),
    Situation(
        "outbound_busy",
        LabCaller("9{outside}", phone="135"),
        {"outside": Phone(rings=None, refuses=486)},
        staff("outbound", "busy", rings=None),
    ),
    Situation(
        "outbound_unanswered",
        LabCaller("9{outside}", phone="136", gives_up=15),
        {"outside": Phone()},
        staff("outbound", "no_answer", rings=3),
    ),
    Situation(
        "outbound_early_media",
        LabCaller("91{outside}", phone="137", steps=TALKS),
        {"outside": Phone(early_media=True, answers=7)},
        staff("outbound", "answered", answered_by="outside", rings=2, rings_estimated=True),
    ),
    # Staff listen to the box and delete its first message: not a message of a caller.
    Situation(
        "vm_checked_by_agent",
        LabCaller("*98", phone="138", steps=(Step(2, "press", "1"), Step(8, "press", "7"), Step(11, "hang_up"))),
        {},
        {"direction": "internal", "line": None},
        begins=52,
    ),
)


BEYOND = (*QUEUES, *LOCALS, *STAFF)
