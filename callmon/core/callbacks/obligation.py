"""One obligation, derived from its entries. Pure: the same entries always give the same obligation.

                    ┌───────────────────── Reopened ─────────────────────┐
                    ▼                                                    │
    Owed ─────▶  open  ─ CalledBack ──────────────────────────────▶  paid ┤
     (message,      │ ─ ReachedUs ───────────────────────▶  reached_us ───┤
      request, …)   │ ─ ClosedByHand, ComplaintAnswered ─────▶  closed ───┘
                    │
                    ├─ Repeated, Attempted, Unattributed, Acknowledged, Marked, NumberHidden   (stays open)
                    ├─ Taken ─ Released                                (an agent has taken it)
                    └─ DueSoon ─ Overdue, FellDue                                (time passed)

    ConcludedByImport: an import of the past ends it as closed.
    Erased: its numbers are erased; the state stays, and no call can change it any more.

A settlement covers only the messages before its time. For a message at that time or later, the ledger opens a new
obligation.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from callmon.core.callbacks import entries as n
from callmon.core.verdicts import Finding

State = Literal["open", "paid", "reached_us", "closed"]
Key = tuple[str, str]  # exchange, obligation

# Two exchanges that carry one call give its times this close together.
SAME_CALL = timedelta(seconds=2)
# Messages beyond this number are in the ledger and counted, but not considered at settlement.
MESSAGES_KEPT = 20


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, or another reason to call back."""

    exchange: str
    call: str
    at: datetime
    line: str
    language: str
    opening: n.Opening


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """The current state. `token`: of the caller's number; `other`: of another number to call (R-16)."""

    exchange: str
    id: str
    call: str
    kind: n.Kind
    opening: n.Opening
    line: str
    service: str
    language: str
    tty: bool
    opened: datetime
    since: datetime  # a callback must be later than this: the opening, or the reopening
    dues: n.Dues
    token: str | None
    other: str | None = None
    hidden: n.Hidden | None
    shared: bool
    cautions: tuple[n.Caution, ...] = ()
    count: int = 1
    messages: tuple[Message, ...] = ()  # the latest ones after the first
    attempts: tuple[datetime, ...] = ()
    unsure: datetime | None = None  # the first possible callback; or the opening, if by an untrusted clock
    short: datetime | None = None  # the first callback that was answered, and too short
    unattributed: datetime | None = None  # the first call to the number that may have been the callback
    state: State = "open"
    settled: datetime | None = None
    reason: n.CloseReason | None = None
    acknowledged: datetime | None = None
    message_left: bool = False
    phone: str | None = None  # the phone that called back or acknowledged
    by_hand: bool = False
    is_soon: bool = False
    is_overdue: bool = False
    fell_due: int = 0  # how many of its due times have passed
    judged: tuple[str, ...] = ()
    is_erased: bool = False
    in_hand: str | None = None  # the agent who has taken it; `taken`: since when
    taken: datetime | None = None

    @property
    def key(self) -> Key:
        return self.exchange, self.id

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    def was_owed(self, at: datetime) -> bool:
        """Whether a call at that time could still settle it."""
        return self.since < at and (self.is_open or (self.settled is not None and self.settled >= at))

    def has_attempt(self, at: datetime, is_answered: bool) -> bool:
        """Whether this attempt was entered. Of an answered call, the four rings may just have been entered."""
        known = (self.short, self.unsure) if is_answered else self.attempts
        return any(one is not None and abs(at - one) < SAME_CALL for one in known)

    @property
    def due(self) -> n.Due:
        """The next due time. After its acknowledgement, a complaint is due to be answered."""
        if self.acknowledged is not None and self.dues.answer is not None:
            return self.dues.answer
        return self.dues.judging

    @property
    def no_open_hour(self) -> bool:
        return self.due.actionable is None

    @property
    def can_be_called(self) -> bool:
        """Whether there is a number to call: the caller's, or another that was recorded."""
        return not self.is_erased and (self.hidden is None or self.other is not None)

    @property
    def is_live(self) -> bool:
        """Whether time or a person may still change it in a way that a verdict or a board needs."""
        return self.is_open or self.fell_due < len(self.due_times)

    @property
    def due_times(self) -> tuple[datetime, ...]:
        answer = self.dues.answer
        return (self.dues.judging.at,) if answer is None else (self.dues.judging.at, answer.at)


# The fields that an obligation has from the entry that opened it.
_AS_OWED = (
    *("exchange", "call", "kind", "opening", "line", "service", "language", "tty", "dues", "hidden", "shared"),
    "cautions",
)


def opened(entry: n.Owed, token: str | None) -> Obligation:
    same: dict[str, Any] = {name: getattr(entry, name) for name in _AS_OWED}
    name = entry.obligation
    at = entry.at
    unsure = entry.at if entry.unsure else None
    return Obligation(**same, id=name, opened=at, since=at, token=token, unsure=unsure)


def after(obligation: Obligation, entry: n.LedgerEntry) -> Obligation:
    change = msgspec.structs.replace
    match entry:
        case n.Repeated():
            return _repeated(obligation, entry)
        case n.Attempted():
            unsure = obligation.unsure or (entry.at if entry.unsure else None)
            attempts = (*obligation.attempts, entry.at)[-MESSAGES_KEPT:]
            short = obligation.short or (entry.at if entry.short else None)
            attempted = change(obligation, attempts=attempts, unsure=unsure, short=short)
            return change(attempted, is_soon=False, is_overdue=False) if entry.satisfies else attempted
        case n.Unattributed():
            return change(obligation, unattributed=min(obligation.unattributed or entry.at, entry.at))
        case n.CalledBack():
            result = obligation.message_left or entry.result == "message_left"
            paid = _settled(obligation, "paid", entry.at)
            return change(paid, phone=entry.phone, by_hand=entry.actor is not None, message_left=result)
        case n.ReachedUs():
            return _settled(obligation, "reached_us", entry.at)
        case n.ClosedByHand():
            return change(_settled(obligation, "closed", entry.at), reason=entry.reason, by_hand=True)
        case n.ComplaintAnswered():
            return change(_settled(obligation, "closed", entry.at), reason="answered", by_hand=True)
        case n.ConcludedByImport():
            return _settled(obligation, "closed", entry.at)
        case n.Acknowledged():
            answer = {"acknowledged": entry.at, "phone": entry.phone, "by_hand": entry.actor is not None}
            return change(obligation, is_soon=False, is_overdue=False, **answer)
        case _:
            return _noted(obligation, entry)


def _noted(obligation: Obligation, entry: n.LedgerEntry) -> Obligation:
    change = msgspec.structs.replace
    match entry:
        case n.Reopened():
            again = change(obligation, state="open", since=entry.at, settled=None)
            return change(again, reason=None, by_hand=False, phone=None)
        case n.Marked():
            known = tuple(sorted({*obligation.cautions, *entry.cautions}))
            return change(obligation, cautions=known, message_left=obligation.message_left or entry.message_left)
        case n.Taken():
            return change(obligation, in_hand=entry.actor, taken=entry.at)
        case n.Released():
            return change(obligation, in_hand=None, taken=None)
        case n.NumberHidden():
            return change(obligation, hidden="withheld", token=None)
        case n.DueSoon():
            return change(obligation, is_soon=True)
        case n.Overdue():
            return change(obligation, is_soon=True, is_overdue=True)
        case n.FellDue():
            return change(obligation, fell_due=obligation.fell_due + 1)
        case n.Erased():
            return change(obligation, token=None, other=None, is_erased=True)
        case _:
            return obligation


def _repeated(obligation: Obligation, entry: n.Repeated) -> Obligation:
    change = msgspec.structs.replace
    message = Message(entry.at_exchange, entry.call, entry.at, entry.line, entry.language, entry.opening)
    count, kept = obligation.count + 1, (*obligation.messages, message)[-MESSAGES_KEPT:]
    if entry.dues is None:
        return change(obligation, count=count, messages=kept)
    return change(obligation, count=count, messages=kept, opened=entry.at, since=entry.at, dues=entry.dues)


def _settled(obligation: Obligation, state: State, at: datetime) -> Obligation:
    before = tuple(message for message in obligation.messages if message.at < at)
    count = obligation.count - (len(obligation.messages) - len(before))
    return msgspec.structs.replace(
        obligation,
        state=state,
        settled=at,
        count=count,
        messages=before,
        is_soon=False,
        is_overdue=False,
        in_hand=None,
        taken=None,
    )


def left_over(obligation: Obligation, at: datetime) -> list[Message]:
    """The messages that a settlement at `at` does not cover, oldest first."""
    return sorted((m for m in obligation.messages if m.at >= at), key=lambda message: (message.at, message.call))


class LedgerUpdate(msgspec.Struct, frozen=True):
    """One entry, the obligation after it, its verdicts, and verdicts that replace earlier ones."""

    entry: n.AnyEntry
    obligation: Obligation
    findings: tuple[Finding, ...] = ()
    corrections: tuple[Finding, ...] = ()


Judge = Callable[[Obligation, str, bool], tuple[Finding, ...]]  # obligation, exchange of the phone, in doubt
CALLS = (n.CalledBack, n.Attempted, n.Acknowledged, n.Unattributed)


def corrections(judge: Judge, entry: n.AnyEntry, obligation: Obligation, exchange: str) -> tuple[Finding, ...]:
    """The verdicts that replace those given at the due time. `obligation` is the obligation after `entry`.

    A call made in time became known only after the due time: a clock was wrong when the verdict was given, or CEL
    reports a call that was not received. A manual entry after the due time corrects nothing. A call in time that
    callmon cannot attribute leaves no *not met*.
    """
    due = obligation.dues.judging.at
    if not obligation.fell_due or not isinstance(entry, CALLS) or entry.by is None or entry.at > due:
        return ()
    verdict = "unknown" if isinstance(entry, n.Unattributed) else "met"
    judged_again = judge(msgspec.structs.replace(obligation, judged=()), exchange, False)
    return tuple(x for x in judged_again if x.standard in obligation.judged and x.verdict == verdict)


def obligation_id(call: str, kind: n.Kind) -> str:
    """The id, for people and commands, of the obligation of this kind that the call opened."""
    return f"{call}-complaint" if kind == "complaint" else call
