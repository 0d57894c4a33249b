"""How a caller is transferred: by the phone (REFER), by its keys, by the desk (AMI).

Keys are pressed only once the exchange receives them (`NAME holds`). A phone transfers only once the other phone
rings or answers. Nothing here depends on timing.
"""

from __future__ import annotations

from typing import Any

from tests.lab.model import Phone, Situation, Step
from tests.lab.truths import SENT_TWICE, TAKES, answered, only


def sent(kind: str, to: str, was_answered: bool = True) -> dict[str, object]:
    return {"kind": kind, "to": to, "answered": was_answered}


def handed(
    name: str,
    first: str,
    steps: tuple[Step, ...],
    targets: dict[str, Phone],
    *made: dict[str, object],
    **more: Any,
) -> Situation:
    """The first phone answers after 2 s and performs these steps; ``made`` are the transfers that count."""
    own = {
        key: more.pop(key) for key in ("other_transfers", "withheld", "begins", "others", "route") if key in more
    }
    says, others = more.pop("says", ()), own.pop("others", ())
    judged = {"verdicts": SENT_TWICE} if len(made) > 1 else {}
    again = more.pop("again", None)
    phones = {first: Phone(answers=2, steps=steps, again=again), **targets}
    expect = answered(first, 1, transfers=list(made), **(judged | more))
    if own.get("withheld"):
        expect["caller"] = None
    return only(name, first, phones, expect, *others, steps=says, **own)


def sent_on(
    name: str, first: str, to: str, steps: tuple[Step, ...], kind: str = "blind", **more: Any
) -> Situation:
    """The first phone sends the caller to another, where a person answers."""
    return handed(name, first, steps, {to: TAKES}, sent(kind, to), **more)


def by_phone(to: str) -> tuple[Step, ...]:
    return (Step(2, "refer", to),)


def by_keys(own: str, to: str) -> tuple[Step, ...]:
    return (Step(2, "press", "#1"), Step(1, "press", to, when=f"{own} holds"))


def by_desk(to: str, action: str = "BlindTransfer") -> tuple[Step, ...]:
    return (Step(2, "desk", f"{action} {to}"),)


def asks(own: str, other: str, *then: Step) -> tuple[Step, ...]:
    """A consultation by keys."""
    return (Step(2, "press", "*2"), Step(1, "press", other, when=f"{own} holds"), *then)


def asks_by_phone(other: str, *then: Step) -> tuple[Step, ...]:
    """A consultation on the phone's second line."""
    return (Step(2, "hold"), Step(3, "consult", other), *then)


def asked(own: str, by: str, phone: Phone) -> dict[str, Phone]:
    """A colleague's phone, which may see either the transferer's number or the caller's."""
    return {own: phone, f"{own} from {by}": phone}


def stays(after: str) -> tuple[Step, ...]:
    return (Step(5, "hang_up", when=f"{after} leaves"),)
