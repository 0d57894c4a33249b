"""Manual commands on obligations, from the command line or a page: parse, validate, apply. Pure.

`parse_command` builds a command from the person's input. `validate` is called twice. The command line or the page
calls it for an immediate answer; `apply` calls it again, since a call may have come in between. `apply` writes the
command into the ledger as entries, or as a refusal with its reason.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal, get_args

import msgspec

from callmon.config.callbacks import CallbackRules
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.entries import Caution, CloseReason, Hidden, Refusal, Result
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Message, Obligation
from callmon.core.facts import AnyFact

Action = Literal["attempt", "close", "reopen", "complaint", "mark", "erase", "take", "release", "owe", "called"]
NEED_WORDS = frozenset(("otherwise", "listened"))


class Received(msgspec.Struct, frozen=True):
    """The call of a manual command: marked as a complaint, or taken by voicemail according to CEL (`owe`).

    The caller's token is not here: it is made when the command is read back.
    """

    call: str
    at: datetime
    line: str
    language: str
    hidden: Hidden | None = None
    message: bool = False  # a message is known to have been left


class CallbackCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One manual command. `n`: its sequence number; `at`: when it was requested; `when`: when the call was made.

    `token`: of the number that the command refers to (another number to call, a complaint's caller). `facts`: of
    an outbound call that a backfill found in CEL (`called`); the number called is added when they are read back.
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


def is_same(one: CallbackCommand, other: CallbackCommand) -> bool:
    """Whether two requests are the same. Attempts one minute or more apart are different."""
    if one.action == "attempt" and abs((one.when or one.at) - (other.when or other.at)) >= REPEATED_WITHIN:
        return False
    return msgspec.structs.replace(one, n=other.n, at=other.at, when=other.when, token=other.token) == other


def validate(
    one: Obligation | None, hand: CallbackCommand, rules: CallbackRules, day: Callable[[datetime], date]
) -> Refusal | None:
    """The reason to refuse the command; None when it can be applied. `day`: the calendar's local day of a time."""
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


def _in_hand(one: Obligation, hand: CallbackCommand) -> Refusal | None:
    """The agent who took it may take it again. Any agent may release it, as that agent may be away."""
    if not one.is_open:
        return "not_open"
    if hand.action == "release":
        return "not_taken" if one.in_hand is None else None
    return None if one.in_hand in (None, hand.actor) else "taken"


def _attempt(one: Obligation, hand: CallbackCommand) -> Refusal | None:
    is_mark = hand.result == "message_left" and one.state == "paid"
    if not one.is_open and not is_mark:
        return "not_open"
    when = hand.when or hand.at
    if when <= one.since:
        return "not_before_opening"
    return "not_yet" if when > hand.at else None


def _close(
    one: Obligation, hand: CallbackCommand, rules: CallbackRules, day: Callable[[datetime], date]
) -> Refusal | None:
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


# As they are typed on the command line: "message-left" for "message_left".
RESULTS: dict[str, Result] = {name.replace("_", "-"): name for name in get_args(Result)}
REASONS: dict[str, CloseReason] = {name.replace("_", "-"): name for name in get_args(CloseReason)}
LONGEST_TEXT, LONGEST_NAME = 500, 100
FORMS = ("%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
YEARS = range(1990, 2200)  # another year is a typing error, and its time may not exist in UTC
# Control characters except tab and line feed, the Unicode line and paragraph separators, bidirectional controls,
# surrogates.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def parse_command(
    one: Obligation,
    actor: str,
    action: Action,
    now: datetime,
    rules: CallbackRules,
    day: Callable[[datetime], date],
    **more: Any,
) -> CallbackCommand | Refusal:
    """Build and validate a command on this obligation. Returns the command, or the reason to refuse it.

    `day`: the calendar's local day of a time.
    """
    hand = CallbackCommand(at=now, actor=actor, action=action, exchange=one.exchange, obligation=one.id, **more)
    return validate(one, hand, rules, day) or hand


def local_moment(text: str, zone: tzinfo, today: date) -> datetime | None:
    """Parse "10:12" (today) or "2026-11-24 10:12", local time in `zone`, to UTC. None for any other form, or a
    year outside `YEARS`.
    """
    for form in FORMS:
        try:
            read = datetime.strptime(text.strip(), form)  # noqa: DTZ007  the ministry's zone follows
        except ValueError:
            continue
        day = today if form == "%H:%M" else read.date()
        return datetime.combine(day, read.time(), zone).astimezone(UTC) if day.year in YEARS else None
    return None


def plain(text: str) -> str:
    """The typed text without control characters, so that no page, log, view or database must handle them."""
    return CONTROL.sub("", text)


def apply(ledger: Ledger, hand: CallbackCommand, stored: Obligation | None = None) -> None:
    """Apply the command. `stored`: the stored obligation, for one that the ledger has dropped since."""
    key = hand.exchange, hand.obligation
    if stored is not None and ledger.shelf.get(key) is None:
        ledger.restore([stored])
    one = ledger.shelf.get(key)
    if hand.action in ("complaint", "owe"):
        _do_owe(ledger, hand)
        return
    if one is None:
        return
    why = validate(one, hand, ledger.rules, ledger.terms.local_day) or _another_is_open(ledger, one, hand)
    if why is not None:
        ledger.append_entry(n.Refused(one.exchange, one.id, hand.at, hand.actor, hand.action, why))
    else:
        _do_one(ledger, one, hand)


def _another_is_open(ledger: Ledger, one: Obligation, hand: CallbackCommand) -> n.Refusal | None:
    if hand.action != "reopen" or one.shared:
        return None
    same = (x for x in ledger.shelf.of_token(one.token) if x.is_open and x.key != one.key)
    like = any(x.service == one.service and x.kind == one.kind for x in same)
    return "another_open" if like else None


def _do_one(ledger: Ledger, one: Obligation, hand: CallbackCommand) -> None:
    match hand.action:
        case "attempt":
            _do_attempt(ledger, one, hand)
        case "close":
            _do_close(ledger, one, hand)
        case "reopen":
            ledger.append_entry(n.Reopened(one.exchange, one.id, hand.at, hand.actor, hand.text))
        case "mark":
            _do_mark(ledger, one, hand)
        case "take":
            ledger.append_entry(n.Taken(one.exchange, one.id, hand.at, hand.actor))
        case "release":
            ledger.append_entry(n.Released(one.exchange, one.id, hand.at, hand.actor))
        case "erase":
            for token in filter(None, (one.token, one.other)):
                ledger.forget_number(token)
            ledger.append_entry(n.Erased(one.exchange, one.id, hand.at))


def _do_attempt(ledger: Ledger, one: Obligation, hand: CallbackCommand) -> None:
    """A call that its maker recorded manually: from elsewhere, or through the relay service (R-17, R-19)."""
    at = hand.when or hand.at
    if one.state == "paid":
        ledger.append_entry(n.Marked(one.exchange, one.id, hand.at, hand.actor, message_left=True))
    elif hand.result == "no_answer":
        told = n.Attempted(one.exchange, one.id, at, actor=hand.actor, satisfies=ledger.satisfies(one, at))
        ledger.append_entry(told)
    elif one.kind == "complaint":
        ledger.append_entry(n.Acknowledged(one.exchange, one.id, at, actor=hand.actor))
    else:
        about = one.exchange, one.id, at, one.line, one.language, at - one.opened
        ledger.settle(one, n.CalledBack(*about, actor=hand.actor, result=hand.result))


def _do_close(ledger: Ledger, one: Obligation, hand: CallbackCommand) -> None:
    assert hand.reason is not None
    if hand.reason == "answered":
        ledger.settle(one, n.ComplaintAnswered(one.exchange, one.id, hand.at, hand.actor, hand.in_charge))
    else:
        ledger.settle(one, n.ClosedByHand(one.exchange, one.id, hand.at, hand.actor, hand.reason, hand.text))


def _do_mark(ledger: Ledger, one: Obligation, hand: CallbackCommand) -> None:
    """Record what the agent who calls must know (R-21), or the number to call instead (R-16)."""
    token = hand.token if hand.other_number else None
    for known in filter(None, (one.token, token)):
        ledger.know(known, hand.cautions)
    entry = n.Marked(one.exchange, one.id, hand.at, hand.actor, hand.cautions, False, token is not None, hand.text)
    ledger.append_entry(entry, other=token)


def _do_owe(ledger: Ledger, hand: CallbackCommand) -> None:
    """A complaint; or a backfill found that voicemail took a call: a person must check if a message was left."""
    received = hand.received
    if received is None:
        return
    kind: n.Kind = "complaint" if hand.action == "complaint" else "callback"
    opening: n.Opening = "command" if kind == "complaint" else "message" if received.message else "unheard"
    about = hand.exchange, received.call, received.at, received.line, received.language
    ledger.owe(Message(*about, opening), kind, hand.token, received.hidden)
