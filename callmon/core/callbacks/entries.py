"""What is written in the ledger: past-tense entries, one after the other, never changed. Pure values.

What stands of an obligation is derived from its entries (`obligation.py`). No entry holds a number, nor the token
that stands for one: these can be erased, an entry cannot. `obligation` is the Uniqueid of the call that opened it,
with "-complaint" behind it when it is one; `at` is when it happened, which may be before it was written.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

Kind = Literal["callback", "complaint"]
# What opened it. "unheard": voicemail took the call, and whether a message was left was not heard.
Opening = Literal["message", "request", "abandoned", "unheard", "agent", "command"]
# Why nobody can call back.
Hidden = Literal["withheld", "unknown", "unparsable", "relay", "internal"]
Caution = Literal["no_message", "not_safe"]
CAUTIONS: tuple[Caution, ...] = ("no_message", "not_safe")
Result = Literal["spoke", "message_left", "no_answer"]
CloseReason = Literal["no_request", "unreachable", "listened", "answered", "otherwise"]
Refusal = Literal[
    "not_known", "not_open", "is_open", "another_open", "too_few_attempts", "is_returnable", "no_reason",
    "not_for_complaints", "only_for_complaints", "nobody_in_charge", "not_before_opening", "not_yet",
    "already_complaint", "no_line", "erased", "taken", "not_taken",
]  # fmt: skip


class Due(msgspec.Struct, frozen=True, gc=False):
    """When something is due, until when a person can act on it (None: no opening minute), and when to say so."""

    at: datetime
    actionable: datetime | None
    soon: datetime | None


class Dues(msgspec.Struct, frozen=True, gc=False):
    """All due times of an obligation. `judging` is what its verdict goes by; for a complaint the first response's.

    `clock` and `business` are a callback's two; `answer` is a complaint's second.
    """

    judging: Due
    clock: datetime | None = None
    business: datetime | None = None
    answer: Due | None = None


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one obligation."""

    exchange: str
    obligation: str
    at: datetime


class Owed(Entry, frozen=True, gc=False, tag="Owed"):
    """An obligation was opened by a call (its message, its request, …). `hidden`: nobody can call back."""

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
    unsure: bool = False  # `at` is by a clock that was not believed


class Repeated(Entry, frozen=True, gc=False, tag="Repeated"):
    """Another message of the same caller to the same service, perhaps heard `at_exchange`, not at the first's.

    `dues`: only when it is older than the first.
    """

    call: str
    line: str
    language: str
    opening: Opening
    at_exchange: str
    dues: Dues | None = None


class Attempted(Entry, frozen=True, gc=False, tag="Attempted"):
    """Somebody called, and nobody spoke. `at`: the fourth ring was over; or a person answered too shortly."""

    by: str | None = None  # the call
    phone: str | None = None
    actor: str | None = None
    satisfies: bool = False  # in time, where the site lets an attempt satisfy the standard
    unsure: bool = False  # somebody answered, and may have talked for long enough: the end was not heard


class CalledBack(Entry, frozen=True, gc=False, tag="CalledBack"):
    """Called back: `at` is the answer of the outside party. `line`, `language`, `waited`: for figures."""

    line: str
    language: str
    waited: timedelta
    by: str | None = None
    phone: str | None = None
    actor: str | None = None
    result: Result | None = None


class ReachedUs(Entry, frozen=True, gc=False, tag="ReachedUs"):
    """The caller called the same service again and spoke to a person."""

    by: str


class Acknowledged(Entry, frozen=True, gc=False, tag="Acknowledged"):
    """A complaint's first response."""

    by: str | None = None
    phone: str | None = None
    actor: str | None = None


class ComplaintAnswered(Entry, frozen=True, gc=False, tag="ComplaintAnswered"):
    """A complaint was answered, in the name of the person in charge."""

    actor: str
    in_charge: str


class ClosedByHand(Entry, frozen=True, gc=False, tag="ClosedByHand"):
    """Somebody closed it, with a reason."""

    actor: str
    reason: CloseReason
    text: str = ""


class Reopened(Entry, frozen=True, gc=False, tag="Reopened"):
    """Somebody opened it again, with a reason. A callback must come after this."""

    actor: str
    text: str


class Marked(Entry, frozen=True, gc=False, tag="Marked"):
    """Something that whoever calls must know; that a message was left; that another number is to be called."""

    actor: str
    cautions: tuple[Caution, ...] = ()
    message_left: bool = False
    other_number: bool = False
    text: str = ""


class Taken(Entry, frozen=True, gc=False, tag="Taken"):
    """Somebody has it in hand: nobody else need see to it (R-47). It stays due."""

    actor: str


class Released(Entry, frozen=True, gc=False, tag="Released"):
    """Nobody has it in hand any more: whoever had it gave it back, or a colleague took it from them."""

    actor: str


class NumberHidden(Entry, frozen=True, gc=False, tag="NumberHidden"):
    """The exchange said only later that the number must not be shown."""


class DueSoon(Entry, frozen=True, gc=False, tag="DueSoon"):
    """Little opening time is left."""


class Overdue(Entry, frozen=True, gc=False, tag="Overdue"):
    """The last moment to act on it has passed."""


class FellDue(Entry, frozen=True, gc=False, tag="FellDue"):
    """The due time that a verdict goes by has passed."""


class Refused(Entry, frozen=True, gc=False, tag="Refused"):
    """What somebody asked for was not done: another thing had happened meanwhile."""

    actor: str
    action: str
    why: Refusal


class Erased(Entry, frozen=True, gc=False, tag="Erased"):
    """Its numbers are no longer kept: nothing can be matched with it."""


AnyEntry = (
    Owed | Repeated | Attempted | CalledBack | ReachedUs | Acknowledged | ComplaintAnswered | ClosedByHand
    | Reopened | Marked | Taken | Released | NumberHidden | DueSoon | Overdue | FellDue | Refused | Erased
)  # fmt: skip
