"""Entries of the ledger: past tense, append-only, never changed. Pure values.

The state of an obligation is derived from its entries (`obligation.py`). No entry contains a number or its token:
numbers and tokens can be erased, entries cannot. `obligation` is the Uniqueid of the call that opened it; for a
complaint, "-complaint" is appended. `at` is when it happened, which may be before the entry was written.
"""

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

Kind = Literal["callback", "complaint"]
# What opened it. "unheard": voicemail took the call, and it is not known whether a message was left.
Opening = Literal["message", "request", "abandoned", "unheard", "agent", "command"]
# Why the caller cannot be called back.
Hidden = Literal["withheld", "unknown", "unparsable", "relay", "internal"]
Caution = Literal["no_message", "not_safe"]
CAUTIONS: tuple[Caution, ...] = get_args(Caution)
Result = Literal["spoke", "message_left", "no_answer"]
CloseReason = Literal["no_request", "unreachable", "listened", "answered", "otherwise"]
Refusal = Literal[
    "not_known", "not_open", "is_open", "another_open", "too_few_attempts", "is_returnable", "no_reason",
    "not_for_complaints", "only_for_complaints", "nobody_in_charge", "not_before_opening", "not_yet",
    "already_complaint", "no_line", "erased", "taken", "not_taken",
]  # fmt: skip


class Due(msgspec.Struct, frozen=True, gc=False):
    """A due time. `actionable`: the last moment in opening hours. `soon`: when it counts as due soon."""

    at: datetime
    actionable: datetime | None
    soon: datetime | None


class Dues(msgspec.Struct, frozen=True, gc=False):
    """All due times. `judging`: the verdict's; a complaint's second is `answer`. The others: a callback's two."""

    judging: Due
    clock: datetime | None = None
    business: datetime | None = None
    answer: Due | None = None


class LedgerEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one obligation."""

    exchange: str
    obligation: str
    at: datetime


class Owed(LedgerEntry, frozen=True, gc=False, tag="Owed"):
    """A call opened an obligation (by its message, its request, …). `hidden`: why the caller cannot be called."""

    call: str
    kind: Kind
    opening: Opening
    line: str
    service: str
    language: str
    dues: Dues
    tty: bool = False
    hidden: Hidden | None = None
    shared: bool = False
    cautions: tuple[Caution, ...] = ()
    unsure: bool = False  # `at` is by a clock that was not trusted


class Repeated(LedgerEntry, frozen=True, gc=False, tag="Repeated"):
    """Another message of the same caller to the same service. `dues`: only when it is older than the first."""

    call: str
    line: str
    language: str
    opening: Opening
    at_exchange: str
    dues: Dues | None = None


class Attempted(LedgerEntry, frozen=True, gc=False, tag="Attempted"):
    """An attempt to call back. `at`: the end of the fourth ring, or the answer of a call that was too short."""

    by: str | None = None  # the call
    phone: str | None = None
    actor: str | None = None
    satisfies: bool = False  # in time, where the site lets an attempt satisfy the standard
    unsure: bool = False  # answered; a part was not received, so the talk may have been long enough
    short: bool = False  # answered, and the talk was too short


class Unattributed(LedgerEntry, frozen=True, gc=False, tag="Unattributed"):
    """The exchange called the number, and callmon does not know for whom. `at`: the answer, or the fourth ring."""

    by: str


class CalledBack(LedgerEntry, frozen=True, gc=False, tag="CalledBack"):
    """The caller was called back; `at`: the answer. `line`, `language` and `waited` are for the statistics.

    `again`: a later callback had paid already; it stays the one that is counted.
    """

    line: str
    language: str
    waited: timedelta
    by: str | None = None
    phone: str | None = None
    actor: str | None = None
    result: Result | None = None
    again: bool = False


class ReachedUs(LedgerEntry, frozen=True, gc=False, tag="ReachedUs"):
    """The caller called the same service again and spoke to a person."""

    by: str


class Acknowledged(LedgerEntry, frozen=True, gc=False, tag="Acknowledged"):
    """A complaint's first response."""

    by: str | None = None
    phone: str | None = None
    actor: str | None = None


class ComplaintAnswered(LedgerEntry, frozen=True, gc=False, tag="ComplaintAnswered"):
    """A complaint was answered, in the name of the person in charge."""

    actor: str
    in_charge: str


class ClosedByHand(LedgerEntry, frozen=True, gc=False, tag="ClosedByHand"):
    """A person closed the obligation, with a reason."""

    actor: str
    reason: CloseReason
    text: str = ""


class Reopened(LedgerEntry, frozen=True, gc=False, tag="Reopened"):
    """A person reopened the obligation, with a reason. Only a later callback counts."""

    actor: str
    text: str


class Marked(LedgerEntry, frozen=True, gc=False, tag="Marked"):
    """A note for the agent who calls: cautions, a message that was left, or another number to call."""

    actor: str
    cautions: tuple[Caution, ...] = ()
    message_left: bool = False
    other_number: bool = False
    text: str = ""


class Taken(LedgerEntry, frozen=True, gc=False, tag="Taken"):
    """An agent has taken the obligation; no other agent need act (R-47). It stays due."""

    actor: str


class Released(LedgerEntry, frozen=True, gc=False, tag="Released"):
    """The obligation is no longer taken: the agent released it, or a colleague did."""

    actor: str


class NumberHidden(LedgerEntry, frozen=True, gc=False, tag="NumberHidden"):
    """The exchange reported only later that the number must not be shown."""


class DueSoon(LedgerEntry, frozen=True, gc=False, tag="DueSoon"):
    """Little opening time is left."""


class Overdue(LedgerEntry, frozen=True, gc=False, tag="Overdue"):
    """The last moment to act on it has passed."""


class FellDue(LedgerEntry, frozen=True, gc=False, tag="FellDue"):
    """The due time that the verdict uses has passed."""


class Refused(LedgerEntry, frozen=True, gc=False, tag="Refused"):
    """A manual command was refused when it was applied: the obligation had changed since the request."""

    actor: str
    action: str
    why: Refusal


class ConcludedByImport(LedgerEntry, frozen=True, gc=False, tag="ConcludedByImport"):
    """An import judged an obligation of the past, which no call of the record settled: nobody follows it."""


class Erased(LedgerEntry, frozen=True, gc=False, tag="Erased"):
    """The numbers of the obligation were erased: nothing can be matched with it."""


AnyEntry = (
    Owed | Repeated | Attempted | Unattributed | CalledBack | ReachedUs | Acknowledged | ComplaintAnswered
    | ClosedByHand | Reopened | Marked | Taken | Released | NumberHidden | DueSoon | Overdue | FellDue | Refused
    | ConcludedByImport | Erased
)  # fmt: skip
