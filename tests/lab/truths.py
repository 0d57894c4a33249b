"""The numbers that the public dials, and truths that many situations share."""

from __future__ import annotations

from typing import Any

from tests.lab.model import LabCaller, Phone, Situation, Step

GENERAL, GENERAL_FREE = "4163272422", "18002677329"
TTY, TTY_FREE = "4163250866", "18668532137"
POCI, POCI_FREE = "4163270374", "18662146820"

LEAVES_MESSAGE = (Step(0, "speak", "25"), Step(18, "hang_up"))
LEAVES_IN_GREETING = (Step(5, "hang_up"),)
LEAVES_TOO_SOON = (Step(0, "speak", "25"), Step(13.2, "hang_up"))
TALKS = (Step(4, "hang_up"),)
BUSY = Phone(rings=None, refuses=486)


ENDS = (Step(5, "hang_up"),)
HOLDS = (Step(2, "hold"), Step(4, "unhold"), Step(6, "hang_up"))
TAKES = Phone(answers=3, steps=ENDS)


def verdicts(third: str, fourth: str, reach: str | None, transfers: str) -> dict[str, str]:
    given = {
        "answer_by_third_ring": third,
        "voicemail_after_fourth_ring": fourth,
        "one_transfer_at_most": transfers,
    }
    return given | ({"reach_a_person": reach} if reach else {})


SENT_TWICE = verdicts("met", "exempt", "met", "not_met")
IN_TIME = verdicts("met", "exempt", "met", "met")
TOO_LATE = verdicts("not_met", "exempt", "met", "met")
EARLY_LEAVER = verdicts("exempt", "exempt", "exempt", "exempt")
LATE_LEAVER = verdicts("not_met", "exempt", "not_met", "exempt")
NOBODY = verdicts("not_met", "exempt", "not_met", "exempt")
BOX_ON_TIME = verdicts("not_met", "met", "not_met", "exempt")
BOX_MISTIMED = verdicts("not_met", "not_met", "not_met", "exempt")
BOX_CHOSEN = verdicts("exempt", "exempt", None, "exempt")
RUNG_OUT: dict[str, object] = {"rings": 4, "heard_ringing": True}


def inbound(line: str, outcome: str, judged: dict[str, str] | None, **more: object) -> dict[str, object]:
    base: dict[str, object] = {"direction": "inbound", "line": line, "outcome": outcome, "transfers": []}
    return base | ({"verdicts": judged} if judged else {}) | more


def answered(by: str, rings: int, line: str = "general", late: bool = False, **more: object) -> dict[str, object]:
    judged = TOO_LATE if late else IN_TIME
    known = {
        "answered_by": by,
        "rings": rings,
        "heard_ringing": True,
        "abandoned_in": None,
        "voicemail": None,
    }
    return inbound(line, "answered", judged, **(known | more))


def box(rings: int | None, message: bool, judged: dict[str, str], line: str = "general") -> dict[str, object]:
    taken = {"mailbox": "504" if line.startswith("tty") else "500", "rings": rings, "message": message}
    outcome = "voicemail_message" if message else "voicemail_no_message"
    return inbound(
        line, outcome, judged, answered_by=None, rings=rings, voicemail=taken, heard_ringing=rings is not None
    )


DIALLED = {
    "general": GENERAL,
    "general-toll-free": GENERAL_FREE,
    "tty": TTY,
    "tty-toll-free": TTY_FREE,
    "poci": POCI,
    "poci-toll-free": POCI_FREE,
}


def after(
    name: str, /, seconds: float, rings: int, phone: str = "101", line: str = "general", copies: int = 1,
    expect: dict[str, object] | None = None, **caller: Any,
) -> Situation:  # fmt: skip
    """A person of the line answers so many seconds after the call arrived, and both talk."""
    who = LabCaller(**{"dials": DIALLED[line], "steps": TALKS} | caller)
    truth = answered(phone, rings, line, late=rings > 3, **(expect or {}))
    return Situation(name, who, {phone: Phone(answers=seconds)}, truth, copies=copies)


def routed(
    name: str, route: str | None, steps: tuple[Step, ...], expect: dict[str, Any],
    phones: dict[str, Phone] | None = None, **more: Any,
) -> Situation:  # fmt: skip
    """The caller of the general line goes this way."""
    return Situation(name, LabCaller(GENERAL, route=route, steps=steps), phones or {}, expect, **more)


def only(
    name: str,
    phone: str,
    phones: dict[str, Phone],
    expect: dict[str, object],
    *others: tuple[float, LabCaller],
    steps: tuple[Step, ...] = (),
    **more: Any,
) -> Situation:
    """The call rings at one phone, which no other situation uses."""
    route = more.pop("route", f"lab-only,{phone},1")
    caller = LabCaller(GENERAL, route=route, steps=steps, withheld=more.pop("withheld", False))
    return Situation(name, caller, phones, expect, others, **more)
