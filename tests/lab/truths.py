"""The numbers that the public dials, and truths that many situations share."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.model import Phone, Step

GENERAL, GENERAL_FREE = "4163272422", "18002677329"
TTY, TTY_FREE = "4163250866", "18668532137"
POCI, POCI_FREE = "4163270374", "18662146820"

LEAVES_MESSAGE = (Step(0, "speak", "25"), Step(18, "hang_up"))
LEAVES_IN_GREETING = (Step(5, "hang_up"),)
TALKS = (Step(4, "hang_up"),)
ENDS = (Step(5, "hang_up"),)
BUSY = Phone(rings=None, refuses=486)


def verdicts(third: str, fourth: str, reach: str | None, transfers: str) -> dict[str, str]:
    given = {
        "answer_by_third_ring": third,
        "voicemail_after_fourth_ring": fourth,
        "one_transfer_at_most": transfers,
    }
    return given | ({"reach_a_person": reach} if reach else {})


VERDICTS = {
    "sent_twice": verdicts("met", "exempt", "met", "not_met"),
    "in_time": verdicts("met", "exempt", "met", "met"),
    "too_late": verdicts("not_met", "exempt", "met", "met"),
    "early_leaver": verdicts("exempt", "exempt", "exempt", "exempt"),
    "nobody": verdicts("not_met", "exempt", "not_met", "exempt"),
    "box_on_time": verdicts("not_met", "met", "not_met", "exempt"),
    "box_mistimed": verdicts("not_met", "not_met", "not_met", "exempt"),
    "box_chosen": verdicts("exempt", "exempt", None, "exempt"),
    "unreached": {"answer_by_third_ring": "not_met", "reach_a_person": "not_met"},
    "late": {"answer_by_third_ring": "not_met"},
}
INBOUND: Mapping[str, object] = {"direction": "inbound", "line": "general", "transfers": []}
STAFF: Mapping[str, object] = {"line": None, "transfers": []}
NOT_ANSWERED: Mapping[str, object] = {**INBOUND, "answered_by": None, "heard_ringing": True}
ANSWERED: Mapping[str, object] = {
    **INBOUND,
    "outcome": "answered",
    "verdicts": VERDICTS["in_time"],
    "heard_ringing": True,
    "abandoned_in": None,
    "voicemail": None,
}


def inbound(outcome: str, **more: object) -> dict[str, object]:
    return {**INBOUND, "outcome": outcome, **more}


def staff(direction: str, outcome: str, **more: object) -> dict[str, object]:
    return {**STAFF, "direction": direction, "outcome": outcome, **more}


def answered(by: str, rings: int) -> dict[str, object]:
    return {**ANSWERED, "answered_by": by, "rings": rings}


def box(
    rings: int | None, message: bool, judged: str, line: str = "general", mailbox: str = "500"
) -> dict[str, object]:
    """Voicemail took the call, after so many rings."""
    return {
        **NOT_ANSWERED,
        "line": line,
        "outcome": "voicemail_message" if message else "voicemail_no_message",
        "verdicts": VERDICTS[judged],
        "rings": rings,
        "voicemail": {"mailbox": mailbox, "rings": rings, "message": message},
        "heard_ringing": rings is not None,
    }


DIALLED = {
    "general": GENERAL,
    "general-toll-free": GENERAL_FREE,
    "tty": TTY,
    "tty-toll-free": TTY_FREE,
    "poci": POCI,
    "poci-toll-free": POCI_FREE,
}
