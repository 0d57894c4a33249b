"""Manual commands on obligations, from the command line or a page: parse, validate, apply. Pure.

`parse_command` builds a command from the person's input. `validate` is called twice. The command line or the page
calls it for an immediate answer; `apply` calls it again, since a call may have come in between. `apply` writes the
command into the ledger as entries, or as a refusal with its reason.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Literal, get_args

import msgspec

from callmon.config.schema import CallbackRules
from callmon.config.settings import Settings
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.entries import Caution, CloseReason, Hidden, Refusal, Result
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Message, Obligation
from callmon.core.facts import AnyFact

Action = Literal["attempt", "close", "reopen", "complaint", "mark", "erase", "take", "release", "owe", "called"]
NEED_WORDS = frozenset(("otherwise", "listened"))


class Received(msgspec.Struct, frozen=True):
    """The call of a complaint, or of an `owe`. The caller's token is made when the command is read back."""

    call: str
    at: datetime
    line: str
    language: str
    hidden: Hidden | None = None
    message: bool = False  # a message is known to have been left
    request: bool = False  # the caller asked to be called back


class CallbackCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One manual command. `n`: its sequence number; `at`: when it was requested."""

    n: int = 0
    at: datetime
    actor: str
    action: Action
    exchange: str
    obligation: str
    reason: CloseReason | None = None
    text: str = ""
    result: Result | None = None
    when: datetime | None = None  # the call was made
    cautions: tuple[Caution, ...] = ()
    in_charge: str = ""
    other_number: bool = False
    received: Received | None = None
    token: str | None = None  # of another number to call, or of a complaint's caller
    facts: tuple[AnyFact, ...] = ()  # of a call found in CEL (`called`); its number is added when read back


REPEATED_WITHIN = timedelta(minutes=1)


def is_same(command: CallbackCommand, other: CallbackCommand) -> bool:
    """Whether two requests are the same. Attempts one minute or more apart are different."""
    apart = abs((command.when or command.at) - (other.when or other.at))
    if command.action == "attempt" and apart >= REPEATED_WITHIN:
        return False
    return msgspec.structs.replace(command, n=other.n, at=other.at, when=other.when, token=other.token) == other


def validate(
    obligation: Obligation | None, command: CallbackCommand, rules: CallbackRules, day: Callable[[datetime], date]
) -> Refusal | None:
    """The reason to refuse the command; None when it can be applied. `day`: the calendar's local day of a time."""
    if command.action in ("complaint", "owe", "called"):
        return None
    if obligation is None:
        return "not_known"
    if obligation.is_erased and command.action not in ("close", "erase"):
        return "erased"
    match command.action:
        case "attempt":
            return _attempt(obligation, command)
        case "close":
            return _close(obligation, command, rules, day)
        case "reopen":
            if obligation.is_open:
                return "is_open"
            return None if command.text.strip() else "no_reason"
        case "take" | "release":
            return _in_hand(obligation, command)
    return None


def _in_hand(obligation: Obligation, command: CallbackCommand) -> Refusal | None:
    """The agent who took it may take it again. Any agent may release it, as that agent may be away."""
    if not obligation.is_open:
        return "not_open"
    if command.action == "release":
        return "not_taken" if obligation.in_hand is None else None
    return None if obligation.in_hand in (None, command.actor) else "taken"


def _attempt(obligation: Obligation, command: CallbackCommand) -> Refusal | None:
    is_mark = command.result == "message_left" and obligation.state == "paid"
    if not obligation.is_open and not is_mark:
        return "not_open"
    when = command.when or command.at
    if when <= obligation.since:
        return "not_before_opening"
    return "not_yet" if when > command.at else None


def _close(
    obligation: Obligation, command: CallbackCommand, rules: CallbackRules, day: Callable[[datetime], date]
) -> Refusal | None:
    if not obligation.is_open:
        return "not_open"
    if command.reason is None or (command.reason in NEED_WORDS and not command.text.strip()):
        return "no_reason"
    if obligation.kind == "complaint" and command.reason in ("unreachable", "listened"):
        return "not_for_complaints"
    if command.reason == "answered":
        if obligation.kind == "callback":
            return "only_for_complaints"
        return None if command.in_charge.strip() else "nobody_in_charge"
    if command.reason == "listened" and obligation.hidden is None:
        return "is_returnable"
    if command.reason == "unreachable":
        days = len({day(at) for at in obligation.attempts})
        if len(obligation.attempts) < rules.unreachable_attempts or days < rules.unreachable_days:
            return "too_few_attempts"
    return None


# As they are typed on the command line: "message-left" for "message_left".
RESULTS: dict[str, Result] = {name.replace("_", "-"): name for name in get_args(Result)}
REASONS: dict[str, CloseReason] = {name.replace("_", "-"): name for name in get_args(CloseReason)}
LONGEST_NAME = 100
LONGEST = {"text": 500, "in_charge": LONGEST_NAME}
FORMS = ("%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
YEARS = range(1990, 2200)  # another year is a typing error, and its time may not exist in UTC


def parse_command(
    settings: Settings, obligation: Obligation, actor: str, action: Action, now: datetime, **more: Any
) -> CallbackCommand | Refusal:
    """The valid command on this obligation, or the reason to refuse it. Its texts are cut to `LONGEST`."""
    exchange, name = obligation.key
    texts = {field: more[field][:longest] for field, longest in LONGEST.items() if field in more}
    given = more | texts
    command = CallbackCommand(at=now, actor=actor, action=action, exchange=exchange, obligation=name, **given)
    return validate(obligation, command, settings.rules, settings.calendar().local_day) or command


def local_moment(text: str, zone: tzinfo, now: datetime) -> datetime | None:
    """Parse "10:12" (on the day of `now`) or "2026-11-24 10:12", local time in `zone`, to UTC; else None."""
    for form in FORMS:
        try:
            read = datetime.strptime(text.strip(), form)  # noqa: DTZ007  the ministry's zone follows
        except ValueError:
            continue
        day = now.astimezone(zone).date() if form == "%H:%M" else read.date()
        return datetime.combine(day, read.time(), zone).astimezone(UTC) if day.year in YEARS else None
    return None


def apply(ledger: Ledger, command: CallbackCommand, stored: Obligation | None = None) -> None:
    """Apply the command. `stored`: the stored obligation, for one that the ledger has dropped since."""
    key = command.exchange, command.obligation
    if stored is not None and ledger.index.get(key) is None:
        ledger.restore([stored])
    obligation = ledger.index.get(key)
    if command.action in ("complaint", "owe"):
        _do_owe(ledger, command)
        return
    if obligation is None:
        return
    why = validate(obligation, command, ledger.rules, ledger.terms.local_day)
    why = why or _another_is_open(ledger, obligation, command)
    if why is not None:
        ledger.append_entry(n.Refused(*obligation.key, command.at, command.actor, command.action, why))
    else:
        _do(ledger, obligation, command)


def _another_is_open(ledger: Ledger, obligation: Obligation, command: CallbackCommand) -> n.Refusal | None:
    if command.action != "reopen" or obligation.shared:
        return None
    same = (x for x in ledger.index.of_token(obligation.token) if x.is_open and x.key != obligation.key)
    like = any(x.service == obligation.service and x.kind == obligation.kind for x in same)
    return "another_open" if like else None


def _do(ledger: Ledger, obligation: Obligation, command: CallbackCommand) -> None:
    about = *obligation.key, command.at, command.actor
    match command.action:
        case "attempt":
            _do_attempt(ledger, obligation, command)
        case "close":
            _do_close(ledger, obligation, command)
        case "reopen":
            ledger.append_entry(n.Reopened(*about, command.text))
        case "mark":
            _do_mark(ledger, obligation, command)
        case "take":
            ledger.append_entry(n.Taken(*about))
        case "release":
            ledger.append_entry(n.Released(*about))
        case "erase":
            for token in filter(None, (obligation.token, obligation.other)):
                ledger.forget_number(token)
            ledger.append_entry(n.Erased(*obligation.key, command.at))


def _do_attempt(ledger: Ledger, obligation: Obligation, command: CallbackCommand) -> None:
    """A call that its maker recorded manually: from elsewhere, or through the relay service (R-17, R-19)."""
    at = command.when or command.at
    if obligation.state == "paid":
        ledger.append_entry(n.Marked(*obligation.key, command.at, command.actor, message_left=True))
    elif command.result == "no_answer":
        is_enough = ledger.satisfies(obligation, at)
        ledger.append_entry(n.Attempted(*obligation.key, at, actor=command.actor, satisfies=is_enough))
    elif obligation.kind == "complaint":
        ledger.append_entry(n.Acknowledged(*obligation.key, at, actor=command.actor))
    else:
        about = *obligation.key, at, obligation.line, obligation.language, at - obligation.opened
        ledger.settle(obligation, n.CalledBack(*about, actor=command.actor, result=command.result))


def _do_close(ledger: Ledger, obligation: Obligation, command: CallbackCommand) -> None:
    assert command.reason is not None
    about = *obligation.key, command.at, command.actor
    if command.reason == "answered":
        ledger.settle(obligation, n.ComplaintAnswered(*about, command.in_charge))
    else:
        ledger.settle(obligation, n.ClosedByHand(*about, command.reason, command.text))


def _do_mark(ledger: Ledger, obligation: Obligation, command: CallbackCommand) -> None:
    """Record what the agent who calls must know (R-21), or the number to call instead (R-16)."""
    token = command.token if command.other_number else None
    for known in filter(None, (obligation.token, token)):
        ledger.know(known, command.cautions)
    about = *obligation.key, command.at, command.actor, command.cautions
    ledger.append_entry(n.Marked(*about, False, token is not None, command.text), other=token)


def _do_owe(ledger: Ledger, command: CallbackCommand) -> None:
    """A complaint; or a backfill found a call for the ledger.

    The caller asked to be called back, or voicemail took the call: a person must check if a message was left.
    """
    received = command.received
    if received is None:
        return
    kind: n.Kind = "complaint" if command.action == "complaint" else "callback"
    opening: n.Opening = "request" if received.request else "message" if received.message else "unheard"
    opening = "command" if kind == "complaint" else opening
    about = command.exchange, received.call, received.at, received.line, received.language
    ledger.owe(Message(*about, opening), kind, command.token, received.hidden)
