"""The account of one call as a frozen value, and the closed sets that it draws on. Pure.

`account.py` makes it from facts; standards, sinks, reports and pages take it as it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from callmon.core.facts import Direction, EndedHow, Ender, PhonesBest, SurveyOffer, TransferKind

Abandoned = Literal["ringing", "menu", "queue"]
State = Literal["arriving", "ringing", "menu", "queue", "talking", "held", "parked", "voicemail"]
Heard = Literal["full", "filled", "partly"]
HEARD: tuple[Heard, ...] = ("full", "filled", "partly")
STATES: tuple[str, ...] = get_args(State)
OutcomeName = Literal[
    "answered", "voicemail_message", "voicemail_no_message", "voicemail", "lost", "unknown", "busy",
    "abandoned", "announcement", "no_answer", "failed",
]  # fmt: skip
OUTCOMES: tuple[OutcomeName, ...] = (
    "answered", "voicemail_message", "voicemail_no_message", "voicemail", "lost", "unknown", "busy",
    "abandoned", "announcement", "no_answer", "failed",
)  # fmt: skip


class Span(msgspec.Struct, frozen=True, gc=False):
    """A length of time known to lie between two."""

    shortest: timedelta
    longest: timedelta


class Wait(msgspec.Struct, frozen=True, gc=False):
    """How long the caller who has waited longest does so; both None where the beginning was not heard exactly."""

    since: datetime | None
    waited: timedelta | None
    cycle: timedelta


class Voicemail(msgspec.Struct, frozen=True, gc=False):
    """Voicemail took the call. `message` is None when it was not heard whether one was left.

    `chosen`: the caller went there from a menu, no phone was tried. `after_person`: a person had answered.
    """

    mailbox: str | None
    rings: int | None
    message: bool | None
    chosen: bool
    after_person: bool


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """One transfer that counts. `by` is the transferer's channel, `to` an extension or "outside".

    `kind` is None where it may have been said in a gap, `to` where the caller may have been sent on from there.
    """

    kind: TransferKind | None
    by: str
    to: str | None
    answered: bool


class Person(msgspec.Struct, frozen=True, gc=False):
    """Somebody who was on the line with the caller: the phone, and from when on."""

    phone: str
    at: datetime | None


class Offered(msgspec.Struct, frozen=True, gc=False):
    """The best that the line's phones together offered the caller, from so long after the clock's start on."""

    best: PhonesBest
    since: timedelta | None


class Phones(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How many phones were tried for the caller before the answer, and how it went.

    `offered`: what else their states told (PhonesSeen), as it got better; empty when they told nothing more.
    """

    tried: int
    rang: int
    busy: int
    offered: tuple[Offered, ...] = ()


class Call(msgspec.Struct, frozen=True, gc=False):
    """The account of one call so far. Times are aware UTC; None is "not known" or "does not apply"."""

    call: str
    direction: Direction
    line: str | None
    dialled: str
    caller: str | None
    withheld: str | None
    channel: str
    language: str | None
    arrived: datetime | None
    ringing: datetime | None
    answered: datetime | None
    ended: datetime | None
    is_ended: bool
    ended_by: Ender | None
    rings: int | None
    rings_estimated: bool
    heard_ringing: bool
    waited: Span | None
    outcome: OutcomeName
    state: State
    abandoned_in: Abandoned | None
    answered_by: str | None
    answered_channel: str | None
    answering_phone_rang: datetime | None
    answer_heard: bool
    by_queue: bool
    phones: Phones
    voicemail: Voicemail | None
    holds: int | None  # None: filled from CEL, which does not tell
    transfers: tuple[Transfer, ...]
    forwards: int
    parked: int
    # Redirections by the strict reading: transfers, those that ended in voicemail and overflows once more.
    redirections: int
    gaps: tuple[tuple[datetime | None, datetime | None], ...]
    heard: Heard
    doubtful: bool
    cycle: timedelta
    grace: timedelta
    in_hours: bool | None
    silence: timedelta | None  # from the first dial (or the arrival) to the answer or the end
    # What an older callmon did not keep has a default.
    people: tuple[Person, ...] = ()  # in the order in which they came to the line
    survey: SurveyOffer | None = None  # how the caller was offered it
    relay: bool = False  # by an operator of a relay service
    ended_how: EndedHow | None = None
    talked: timedelta | None = None  # from the answer until the last person was gone
    held_after: timedelta | None = None  # from the answer to the first time on hold or parked,
    held_for: timedelta | None = None  # and how long that was
    by_music: bool = False  # the caller heard music instead of ringing: the wait counts in seconds
    test: bool = False  # whether the line works: no member of the public called, and no figure counts it
