"""What a person did by hand, and whether it can be: a command, or a button of a page. Pure.

`refusal` is asked twice: by the command, so that the person hears at once; and by the ledger when it is done,
since a call may have come between.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from callmon.core.callbacks.due_dates import Rules
from callmon.core.callbacks.entries import Caution, CloseReason, Hidden, Refusal, Result
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import AnyFact

Action = Literal["attempt", "close", "reopen", "complaint", "mark", "erase", "take", "release", "owe", "called"]
NEED_WORDS = frozenset(("otherwise", "listened"))


class Received(msgspec.Struct, frozen=True):
    """A call that is marked as a complaint, or of which CEL told that voicemail took it (`owe`): what must be
    known of it. `token` is made when it is read back.
    """

    call: str
    at: datetime
    line: str
    language: str
    hidden: Hidden | None = None
    message: bool = False  # it was heard that one was left


class Hand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One action. `n` is its place among all; `at` when it was asked for, `when` when the call was made.

    `token`: of the number that it speaks of (another one to call, a complaint's caller). `facts`: of a call out
    that a backfill found in CEL (`called`), with the number called when they are read back.
    """

    n: int = 0
    at: datetime
    actor: str
    action: Action
    exchange: str
    obligation: str
    reason: CloseReason | None = None
    text: str = ""
    result: Result | None = None
    when: datetime | None = None
    cautions: tuple[Caution, ...] = ()
    in_charge: str = ""
    other_number: bool = False
    received: Received | None = None
    token: str | None = None
    facts: tuple[AnyFact, ...] = ()


REPEATED_WITHIN = timedelta(minutes=1)


def is_same(one: Hand, other: Hand) -> bool:
    """Whether two requests are the same. Attempts are two when a minute lies between them."""
    if one.action == "attempt" and abs((one.when or one.at) - (other.when or other.at)) >= REPEATED_WITHIN:
        return False
    return msgspec.structs.replace(one, n=other.n, at=other.at, when=other.when, token=other.token) == other


def refusal(one: Obligation | None, hand: Hand, rules: Rules, day: Callable[[datetime], date]) -> Refusal | None:
    """Why it cannot be done; None when it can. `day` is the calendar's."""
    if hand.action in ("complaint", "owe", "called"):
        return None
    if one is None:
        return "not_known"
    if one.is_erased and hand.action not in ("close", "erase"):
        return "erased"
    match hand.action:
        case "attempt":
            return _attempt(one, hand)
        case "close":
            return _close(one, hand, rules, day)
        case "reopen":
            if one.is_open:
                return "is_open"
            return None if hand.text.strip() else "no_reason"
        case "take" | "release":
            return _in_hand(one, hand)
    return None


def _in_hand(one: Obligation, hand: Hand) -> Refusal | None:
    """Whoever has it may take it again; anybody may release it, so that it is not held by one who is away."""
    if not one.is_open:
        return "not_open"
    if hand.action == "release":
        return "not_taken" if one.in_hand is None else None
    return None if one.in_hand in (None, hand.actor) else "taken"


def _attempt(one: Obligation, hand: Hand) -> Refusal | None:
    is_mark = hand.result == "message_left" and one.state == "paid"
    if not one.is_open and not is_mark:
        return "not_open"
    when = hand.when or hand.at
    if when <= one.since:
        return "not_before_opening"
    return "not_yet" if when > hand.at else None


def _close(one: Obligation, hand: Hand, rules: Rules, day: Callable[[datetime], date]) -> Refusal | None:
    if not one.is_open:
        return "not_open"
    if hand.reason is None or (hand.reason in NEED_WORDS and not hand.text.strip()):
        return "no_reason"
    if one.kind == "complaint" and hand.reason in ("unreachable", "listened"):
        return "not_for_complaints"
    if hand.reason == "answered":
        if one.kind == "callback":
            return "only_for_complaints"
        return None if hand.in_charge.strip() else "nobody_in_charge"
    if hand.reason == "listened" and one.hidden is None:
        return "is_returnable"
    if hand.reason == "unreachable":
        days = len({day(at) for at in one.attempts})
        if len(one.attempts) < rules.unreachable_attempts or days < rules.unreachable_days:
            return "too_few_attempts"
    return None
