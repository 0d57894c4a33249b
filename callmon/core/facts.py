"""What callmon can conclude about calls: past-tense facts, each complete in itself.

A call's facts, told in order, are the whole account of it (`core/calls/account.py`): the database keeps them,
a restart, a rejudgement and a backfill tell them again. Nothing here reads a clock or does I/O.

Times are aware UTC datetimes; `None` means that it was not heard. Where a fact has a `slack`, the true
moment lies between `at` and `at + slack`. `phone` is an extension of the exchange, or `"outside"`:
an outside party's number is never in a fact but in `Arrived.caller`, `Arrived.dialled` (outbound).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec

EXACT = timedelta(0)
OUTSIDE = "outside"

Direction = Literal["inbound", "outbound", "internal"]
Ender = Literal["caller", "exchange", "unknown"]
EndedHow = Literal["hangup", "stopped", "unheard"]
StopReason = Literal["no_answer", "cancelled", "busy", "congested", "unreachable", "gone"]
PhonesBest = Literal["ringing", "free", "in_use", "unreachable"]

TransferKind = Literal["blind", "attended", "blonde", "redirect"]
SurveyOffer = Literal["transfer", "dialplan"]


class Fact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one call. `call` is its caller's Uniqueid."""

    call: str
    at: datetime | None


def tag_of(kind: type[msgspec.Struct]) -> str:
    """The name under which a fact or an entry is stored: its tag, whatever its class is called."""
    return str(kind.__struct_config__.tag)


class Arrived(Fact, frozen=True, gc=False, tag="Arrived"):
    """A call was begun (Newchannel, state Ring, Uniqueid == Linkedid), or found in progress (`found`).

    `line` is the name of the public line that was dialled, `withheld` why the number is not shown:
    "withheld" (presentation restricted) or "unknown" (none was given). `may_hide_answer`: found with the
    line up and nobody on it: somebody may have answered and handed on before we listened. `may_hide_ringing`:
    nothing rings now, but something may have before. `relay`: the number was one of a relay service's operators.
    `test`: it was one of those that only see whether the line works (R-30).
    `beside`: called outside by a person with another caller on hold, perhaps to ask about that one, perhaps not.
    """

    direction: Direction
    line: str | None
    dialled: str
    caller: str | None
    withheld: str | None
    channel: str
    found: bool = False
    may_hide_answer: bool = False
    slack: timedelta = EXACT
    may_hide_ringing: bool = False
    relay: bool = False
    test: bool = False
    beside: bool = False


class NumberWithheld(Fact, frozen=True, gc=False, tag="NumberWithheld"):
    """The number that the trunk delivered is not to be shown: its presentation is restricted (R-51)."""


class LineOpened(Fact, frozen=True, gc=False, tag="LineOpened"):
    """The exchange itself took the call: a menu, a greeting, an announcement (Newstate Up, no phone)."""

    slack: timedelta = EXACT


class LanguageChosen(Fact, frozen=True, gc=False, tag="LanguageChosen"):
    """The caller asked for a language: "fr", "en" or "other" (the channel's after a menu, or the queue's)."""

    language: str


class QueueEntered(Fact, frozen=True, gc=False, tag="QueueEntered"):
    """QueueCallerJoin."""

    queue: str
    slack: timedelta = EXACT


class QueueLeft(Fact, frozen=True, gc=False, tag="QueueLeft"):
    """QueueCallerLeave: answered, sent on by a time-out, or because the caller hung up (`hung_up`)."""

    queue: str
    hung_up: bool = False


class PhoneDialled(Fact, frozen=True, gc=False, tag="PhoneDialled"):
    """DialBegin: the exchange tried a phone for this caller. It need not have rung."""

    phone: str
    channel: str


class PhoneRang(Fact, frozen=True, gc=False, tag="PhoneRang"):
    """The first RINGING or PROGRESS (`early_media`) of one phone: the caller hears ringing from the first."""

    phone: str
    channel: str
    early_media: bool = False
    slack: timedelta = EXACT


class MusicPlayed(Fact, frozen=True, gc=False, tag="MusicPlayed"):
    """The exchange plays music to the caller while it tries phones (MusicOnHoldStart): no ringing is heard."""


class PhoneStopped(Fact, frozen=True, gc=False, tag="PhoneStopped"):
    """A phone that was tried is tried no longer, and did not take the call (DialEnd, Hangup)."""

    phone: str
    channel: str
    why: StopReason
    rang: bool = False


class PhonesSeen(Fact, frozen=True, gc=False, tag="PhonesSeen"):
    """The best that the line's phones together offered the waiting caller from `at` on (DeviceStateChange).

    "ringing": one with nobody on it rings for the caller; "free": one is free and does not ring; "in_use": none
    is free; "unreachable": none can be reached. Told where the dial alone would mislead, and each better one
    once: without any, a phone that rang was free.
    """

    best: PhonesBest


class Answered(Fact, frozen=True, gc=False, tag="Answered"):
    """A person and the caller were joined. That phone itself began to ring at `rang`, or up to `rang_slack` later.

    `found`: not heard, but seen in a listing: who was on the line before is not known.
    """

    phone: str
    channel: str
    rang: datetime | None = None
    slack: timedelta = EXACT
    found: bool = False
    rang_slack: timedelta = EXACT


class Held(Fact, frozen=True, gc=False, tag="Held"):
    """A person put the caller on hold (Hold)."""

    phone: str


class Resumed(Fact, frozen=True, gc=False, tag="Resumed"):
    """A person took the caller back from hold (Unhold after Hold)."""

    phone: str


class SentOff(Fact, frozen=True, gc=False, tag="SentOff"):
    """A person sent the caller off (BlindTransfer, AttendedTransfer, or a Redirect, which has no event).

    Not yet a transfer: the caller may come back, or reach nothing. `kind` is Asterisk's word, `by` the
    transferer's channel, `to` an extension or `outside`. `unheard`: what kind it is may have been said in a gap.
    """

    kind: TransferKind
    by: str
    to: str
    unheard: bool = False


class Transferred(Fact, frozen=True, gc=False, tag="Transferred"):
    """A transfer that counts: something took or refused the caller. `answered`: a person took the call.

    `unheard`: what kind it is may have been said in a gap; `kind` is what it looked like after that.
    """

    kind: TransferKind
    by: str
    to: str
    answered: bool
    unheard: bool = False


class CameBack(Fact, frozen=True, gc=False, tag="CameBack"):
    """The caller who was sent off came back to the transferer, or reached nothing: no transfer."""

    to: str


class PersonJoined(Fact, frozen=True, gc=False, tag="PersonJoined"):
    """Another person is on the line with the caller: after a transfer, or a retrieval from the parking lot."""

    phone: str
    channel: str


class ThirdJoined(Fact, frozen=True, gc=False, tag="ThirdJoined"):
    """A third is on the line beside the caller and the person (a three-way call); the person stays."""

    phone: str
    channel: str


class Parked(Fact, frozen=True, gc=False, tag="Parked"):
    """The caller was parked (ParkedCall)."""


class Retrieved(Fact, frozen=True, gc=False, tag="Retrieved"):
    """Somebody took the caller out of the parking lot (UnParkedCall)."""

    phone: str


class ParkingEnded(Fact, frozen=True, gc=False, tag="ParkingEnded"):
    """The parking time was over: the exchange rings whoever parked the caller (ParkedCallTimeOut)."""


class Forwarded(Fact, frozen=True, gc=False, tag="Forwarded"):
    """A phone sent the call on by itself (DialEnd with Forward, a SIP 302): no transfer."""

    phone: str
    to: str


class Overflowed(Fact, frozen=True, gc=False, tag="Overflowed"):
    """The person left first and the dialplan went on with the caller: no transfer, but for the strict reading."""


class SurveyOffered(Fact, frozen=True, gc=False, tag="SurveyOffered"):
    """The caller was offered the survey: sent to its extension, or the dialplan says so (a UserEvent)."""

    by: SurveyOffer


class VoicemailTook(Fact, frozen=True, gc=False, tag="VoicemailTook"):
    """Voicemail took the call (VoiceMail started, or the line went up into a known mailbox)."""

    mailbox: str | None
    slack: timedelta = EXACT


class MessageLeft(Fact, frozen=True, gc=False, tag="MessageLeft"):
    """The caller left a message (MessageWaiting with the caller's Uniqueid)."""

    mailbox: str | None


class CallbackRequested(Fact, frozen=True, gc=False, tag="CallbackRequested"):
    """The caller asked to be called back (UserEvent CallmonCallbackRequest), perhaps at another `number`.

    The number is stored as every other person's is, apart from the fact. `language`: what the dialplan says.
    """

    number: str | None = None
    language: str | None = None


class ComplaintMade(Fact, frozen=True, gc=False, tag="ComplaintMade"):
    """A person marked the call as a complaint (UserEvent CallmonComplaint, by a feature code)."""


class DialFailed(Fact, frozen=True, gc=False, tag="DialFailed"):
    """A dial was tried and not one channel could be made: nobody is registered (Hangup cause 3, 20, …)."""


class CallerBusy(Fact, frozen=True, gc=False, tag="CallerBusy"):
    """The caller was given the busy signal (Newstate Busy, Hangup cause 17 with every phone busy)."""


class Unheard(Fact, frozen=True, gc=False, tag="Unheard"):
    """callmon could not hear the exchange from `at` to `until` while this call was up.

    `may_hide_answer`: nobody had answered before, and the line was up after it, so that somebody may have
    (a caller whose channel is still Ring was never answered). `may_hide_ringing`: nothing rings after it, but
    something may have begun to ring in it, and stopped.
    """

    until: datetime | None
    may_hide_answer: bool = False
    may_hide_ringing: bool = False


class ClockSet(Fact, frozen=True, gc=False, tag="ClockSet"):
    """The exchange's clock was set while this call was up: from here on times are by the clock as it now is, which
    jumped by `by`.
    """

    by: timedelta


class Filled(Fact, frozen=True, gc=False, tag="Filled"):
    """The exchange's own diary (CEL) told what of this call was unheard. It follows the Arrived that begins the
    account anew: what was told before is kept, and counts no longer.

    `alone`: nothing else was heard of the call. `message`: the time in voicemail was heard, so that a message, or
    none, is known (or the dialplan said that there is none); `holds`: whether the caller was put on hold is known,
    too. CEL itself tells neither.
    """

    alone: bool = False
    message: bool = False
    holds: bool = False


class Ended(Fact, frozen=True, gc=False, tag="Ended"):
    """The call was over (the caller's Hangup). `at` is None when it ended while nobody listened.

    `how` is "stopped" when the exchange itself went down under the call.
    """

    by: Ender
    how: EndedHow = "hangup"


AnyFact = (
    Arrived
    | NumberWithheld
    | LineOpened
    | LanguageChosen
    | QueueEntered
    | QueueLeft
    | PhoneDialled
    | PhoneRang
    | MusicPlayed
    | PhoneStopped
    | PhonesSeen
    | Answered
    | Held
    | Resumed
    | SentOff
    | Transferred
    | CameBack
    | PersonJoined
    | ThirdJoined
    | Parked
    | Retrieved
    | ParkingEnded
    | Forwarded
    | Overflowed
    | SurveyOffered
    | VoicemailTook
    | MessageLeft
    | CallbackRequested
    | ComplaintMade
    | DialFailed
    | CallerBusy
    | Unheard
    | ClockSet
    | Filled
    | Ended
)


def as_it_stands(facts: Iterable[Fact]) -> list[Fact]:
    """Of all that was ever told of one call, what counts: a fill from CEL begins the account anew."""
    told = list(facts)
    begun = [n for n, fact in enumerate(told) if isinstance(fact, Filled)]
    return told[begun[-1] - 1 :] if begun and begun[-1] > 0 else told
