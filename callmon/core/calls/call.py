"""The account of one call as a frozen value, and its closed sets of values. Pure.

`account.py` builds it from facts. Standards, sinks, reports and pages only read it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from callmon.core.facts import Direction, EndedHow, Ender, PhonesBest, SurveyOffer, TransferKind

CallKey = tuple[str, str]  # exchange, call
Abandoned = Literal["ringing", "menu", "queue"]
State = Literal["arriving", "ringing", "menu", "queue", "talking", "held", "parked", "voicemail"]
Heard = Literal["full", "filled", "partly", "queue_log", "cdr", "cel"]
# What the start of the wait is known from: the exchange told the caller "ringing"; only a phone's ringing (its
# Dial's options were not reported); early media, whose sound is not known; the entry into a queue.
WaitStart = Literal["told", "phone", "early_media", "queue"]
# The record that an import took the call from, with its name for people.
IMPORTED: Mapping[str, str] = {"queue_log": "queue_log", "cdr": "CDR", "cel": "CEL"}
HEARD: tuple[Heard, ...] = tuple(x for x in get_args(Heard) if x not in IMPORTED)
STATES: tuple[str, ...] = get_args(State)
OutcomeName = Literal[
    "answered", "voicemail_message", "voicemail_no_message", "voicemail", "lost", "unknown", "busy",
    "abandoned", "announcement", "no_answer", "failed",
]  # fmt: skip
OUTCOMES: tuple[OutcomeName, ...] = get_args(OutcomeName)
LANGUAGES = ("fr", "en", "other", "unknown")


def language_label(language: str | None) -> str:
    """The language as a label of the closed set `LANGUAGES`."""
    if language is None:
        return "unknown"
    return language if language in LANGUAGES else "other"


class DurationRange(msgspec.Struct, frozen=True, gc=False):
    """A length of time, known to lie between two bounds."""

    shortest: timedelta
    longest: timedelta


class Wait(msgspec.Struct, frozen=True, gc=False):
    """How long a caller has waited so far; both None where the beginning was not received exactly."""

    since: datetime | None
    waited: timedelta | None
    cycle: timedelta


class Voicemail(msgspec.Struct, frozen=True, gc=False):
    """Voicemail took the call."""

    mailbox: str | None
    rings: int | None
    message: bool | None  # whether one was left; None when the event was not received
    chosen: bool | None  # the caller pressed a key for it; None: not known
    after_person: bool  # a person had answered before
    doubtful: bool = False  # a gap may hide what preceded it
    ended_at_once: bool = False  # the exchange hung up before a greeting can be over
    chosen_after: DurationRange | None = None  # the wait until that key; None: no queue and no dial before it


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """One transfer that counts. `by` is the transferer's channel, `to` an extension or "outside".

    `kind` is None where a gap may hide its event. `to` is None where the caller may have been sent on from there.
    """

    kind: TransferKind | None
    by: str
    to: str | None
    answered: bool


class PersonOnCall(msgspec.Struct, frozen=True, gc=False):
    """A person who was on the line with the caller: the phone, and the time of the join."""

    phone: str
    at: datetime | None


class Offered(msgspec.Struct, frozen=True, gc=False):
    """The best that the line's phones together offered the caller, from `since` after the clock's start on."""

    best: PhonesBest
    since: timedelta | None


class PhoneCounts(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Phones tried before the answer. `offered`: what else their states showed (PhonesSeen), worst first."""

    tried: int
    rang: int
    busy: int
    offered: tuple[Offered, ...] = ()


class Call(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The account of one call so far. Times are aware UTC; None is "not known" or "does not apply".

    A field with its default is not stored, nor is one that an older callmon did not know.
    """

    call: str
    direction: Direction
    line: str | None = None
    dialled: str
    caller: str | None = None
    withheld: str | None = None
    channel: str
    language: str | None = None
    arrived: datetime | None = None
    ringing: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    is_ended: bool
    ended_by: Ender | None = None
    rings: int | None = None
    rings_estimated: bool = False
    wait_start: WaitStart | None = None
    ringing_at_most: timedelta | None = None  # no phone rang; the caller may have heard ringing for so long
    heard_ringing: bool = False
    waited: DurationRange | None = None
    outcome: OutcomeName
    state: State
    abandoned_in: Abandoned | None = None
    answered_by: str | None = None
    answered_channel: str | None = None
    answering_phone_rang: datetime | None = None
    answer_heard: bool = False
    by_queue: bool = False
    phones: PhoneCounts
    voicemail: Voicemail | None = None
    holds: int | None = 0  # None: filled from CEL, which has no holds
    transfers: tuple[Transfer, ...] = ()
    forwards: int = 0
    parked: int = 0
    # Redirections by the strict reading: transfers; those that ended in voicemail, and overflows, count once more.
    redirections: int = 0
    gaps: tuple[tuple[datetime | None, datetime | None], ...] = ()
    heard: Heard
    doubtful: bool = False
    cycle: timedelta
    grace: timedelta
    in_hours: bool | None = None
    silence: timedelta | None = None  # from the first dial (or the arrival) to the answer or the end
    people: tuple[PersonOnCall, ...] = ()  # in the order in which they joined
    survey: SurveyOffer | None = None  # how the caller was offered it
    survey_unheard: bool = False  # filled from CEL, which has no UserEvent that offers it
    asked_back: DurationRange | None = None  # asked to be called back before any answer, after this wait
    relay: bool = False  # by an operator of a relay service
    ended_how: EndedHow | None = None
    talked: timedelta | None = None  # from the answer until the last person left
    held_after: timedelta | None = None  # from the answer to the first hold or parking
    held_for: timedelta | None = None  # length of that first hold or parking
    by_music: bool = False  # the caller heard music instead of ringing: the wait counts in seconds
    test: bool = False  # a test of the line: not by a member of the public, and in no figure

    @property
    def talk_length(self) -> timedelta:
        """As `talked`, and to a second where the record tells whole seconds; zero where it is not known."""
        if self.talked is not None:
            return self.talked
        if self.answered is None or self.ended is None or self.heard == "partly":
            return timedelta(0)
        return max(timedelta(0), self.ended - self.answered)

    @property
    def is_imported(self) -> bool:
        """Whether an import took the call from a record of the exchange; callmon did not hear it."""
        return self.heard in IMPORTED

    @property
    def is_from_lesser_record(self) -> bool:
        """Whether an import took the call from a record that holds less than CEL."""
        return self.heard in ("queue_log", "cdr")

    @property
    def is_unheard(self) -> bool:
        """Whether it was not heard how the call ended. Of a box that may not exist the end was heard."""
        ended_at_once = self.voicemail is not None and self.voicemail.ended_at_once
        return self.outcome == "unknown" and (self.doubtful or not ended_at_once)

    @property
    def is_known_in_part(self) -> bool:
        """Whether a gap, or what the imported record does not hold, may hide something."""
        return self.heard == "partly" or self.is_from_lesser_record
