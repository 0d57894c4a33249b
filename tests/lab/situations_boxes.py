"""Voicemail, and what resembles it: a box that deletes, a colleague who listens, a box that nobody chose."""

from __future__ import annotations

from typing import Any

from tests.lab.handing import handed, sent
from tests.lab.model import Phone, Step
from tests.lab.situations_transfers import SPEAKS_INTO_BOX
from tests.lab.truths import (
    BOX_CHOSEN,
    BOX_MISTIMED,
    EARLY_LEAVER,
    LEAVES_IN_GREETING,
    LEAVES_MESSAGE,
    box,
    inbound,
    routed,
)

LISTENS = (Step(2, "press", "1"), Step(8, "press", "7"), Step(11, "hang_up"))
SPEAKS_LATER = (Step(0, "speak", "60"), Step(28, "hang_up"))

# No event tells that voicemail took the line, and no message was left. CEL does.
UNTOLD: dict[str, Any] = {"direction": "inbound", "line": "general", "transfers": [], "answered_by": None}
# Of UNTOLD those in which a box had the caller: callmon reports them as partly heard, however well it listens.
LEFT_UNTOLD = ("waiting_caller_sent_to_a_box_leaves", "box_within_execif_left")


def into(mailbox: str, rings: int | None, message: bool, judged: dict[str, str], **more: Any) -> dict[str, Any]:
    expect = box(rings, message, judged)
    taken = {"mailbox": mailbox, "rings": rings, "message": message}
    return {**expect, "voicemail": taken, **more}


MESSAGES = (
    routed("message_mailed_and_deleted", "lab-mailed", LEAVES_MESSAGE, into("506", 2, True, BOX_MISTIMED)),
    routed("message_to_two_boxes", "lab-two-boxes", LEAVES_MESSAGE, into("500", 2, True, BOX_MISTIMED)),
    # A colleague listens to the box from outside and deletes its first message: not a message of a caller.
    routed(
        "box_checked_from_outside",
        "lab-listens",
        LISTENS,
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="menu", rings=None, voicemail=None),
        begins=52,
    ),
    routed(
        "box_opened_in_the_greeting",
        "lab-star",
        (Step(3, "press", "*"), Step(6, "press", "1"), Step(12, "press", "7"), Step(15, "hang_up")),
        into("500", 2, False, BOX_MISTIMED),
        begins=54,
    ),
)

CHOSEN_OR_NOT = (
    routed("announcement_then_the_box", "lab-announced-box", SPEAKS_LATER, into("500", None, True, BOX_MISTIMED)),
    routed("box_without_a_sound", "lab-silent-box", LEAVES_IN_GREETING, into("500", None, False, BOX_MISTIMED)),
    routed(
        "menu_silent_then_the_box", "lab-menu-box", (Step(12, "hang_up"),), into("500", None, False, BOX_MISTIMED)
    ),
    routed(
        "menu_two_digits_to_the_box",
        "lab-menu-box",
        (Step(2, "press", "12"), Step(12, "hang_up")),
        into("500", None, False, BOX_CHOSEN),
    ),
)

OTHER_WAYS = (
    routed(
        "waiting_caller_sent_to_a_box",
        "lab-queue-console",
        (Step(0, "speak", "40"), Step(4, "desk", "Redirect *281 161"), Step(24, "hang_up")),
        inbound("general", "voicemail_message", None, answered_by=None)
        | {"verdicts": {"answer_by_third_ring": "not_met", "reach_a_person": "not_met"}},
    ),
    routed(
        "waiting_caller_sent_to_a_box_leaves",
        "lab-queue-console-too",
        (Step(4, "desk", "Redirect *280 139"), Step(12, "hang_up")),
        UNTOLD,
    ),
    routed(
        "box_then_0_for_the_operator",
        "lab-operator",
        (Step(4, "press", "0"), Step(16, "hang_up")),
        inbound("general", "answered", None, answered_by="163")
        | {
            "verdicts": {
                "answer_by_third_ring": "not_met",
                "voicemail_after_fourth_ring": "not_met",
                "reach_a_person": "met",
            }
        },
        {"163": Phone(answers=3)},
    ),
    routed(
        "phone_sends_the_caller_to_its_box",
        "lab-only,164,1",
        (Step(0, "speak", "30"), Step(18, "hang_up")),
        into("281", 1, True, BOX_MISTIMED, forwards=1),
        {"164": Phone(forwards_to="*281", refuses_at=3)},
    ),
    routed(
        "queue_member_box_takes_the_call",
        "lab-queue-boxed",
        (Step(0, "speak", "40"), Step(26, "hang_up")),
        inbound("general", "voicemail_message", None, answered_by=None)
        | {"verdicts": {"answer_by_third_ring": "not_met", "reach_a_person": "not_met"}},
    ),
    handed(
        "sent_straight_to_a_box",
        "166",
        (Step(5, "refer", "*281"),),
        {},
        sent("blind", "*281", False),
        says=SPEAKS_INTO_BOX,
        voicemail={"mailbox": "281"},
    ),
    routed("box_within_execif", "lab-execif", LEAVES_MESSAGE, into("500", 2, True, BOX_MISTIMED)),
    routed(
        "box_within_execif_left",
        "lab-execif",
        LEAVES_IN_GREETING,
        UNTOLD,
    ),
    routed(
        "box_that_does_not_exist",
        "lab-no-such-box",
        (Step(30, "hang_up"),),
        UNTOLD,
    ),
)

BOXES = (*MESSAGES, *CHOSEN_OR_NOT, *OTHER_WAYS)
