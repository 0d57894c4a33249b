"""Facts that the tracker derives about calls: past tense, each complete in itself.

A call's facts in order are its whole account (`core/calls/account.py`). The database stores them; a restart, a
rejudgement and a backfill replay them. Nothing here reads a clock or does I/O.

Times are aware UTC datetimes; `None` means that the time was not received. Where a fact has a `slack`, the true
moment lies between `at` and `at + slack`. `phone` is an extension of the exchange, or `"outside"`. The number of
an outside party is in no fact except `Arrived.caller` and `Arrived.dialled` (outbound).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
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
RingbackBy = Literal["dial", "application", "local"]
QueueSound = Literal["ringing", "phones", "music"]
FilledFrom = Literal["cel", "queue_log", "cdr"]


class Fact(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one call. `call` is the Uniqueid of the caller's channel."""

    call: str
    at: datetime | None


@cache
def tag_of(kind: type[msgspec.Struct]) -> str:
    """The name under which a fact or an entry is stored: its tag, which does not depend on the class name."""
    return str(kind.__struct_config__.tag)


class PhoneFact(Fact, frozen=True, gc=False):
    """A fact of one phone and its channel."""

    phone: str
    channel: str


class Arrived(Fact, frozen=True, gc=False, tag="Arrived"):
    """A call began (Newchannel, state Ring, Uniqueid == Linkedid), or was found in progress (`found`).

    `line` is the name of the public line that was dialled. `withheld` says why the number is not shown:
    "withheld" (presentation restricted) or "unknown" (none was given). `may_hide_answer`: the call was found with
    the line up and no person on it; a person may have answered and transferred it before callmon connected.
    `may_hide_ringing`: nothing rings now, but a phone may have rung before. `relay`: the number is a relay
    service's operator. `test`: the number is a test caller, which only checks that the line works (R-30).
    `beside`: an agent called outside while another caller was on hold, perhaps to consult about that caller.
    `person_first`: the exchange called a person outside, and no phone had begun the call (virtual hold, a dialler,
    a conference). `channel` is that person's. No event says which party calls.
    `stranger`: the call came by no trunk, from a peer that the exchange does not know. It is on no line.
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
    person_first: bool = False
    stranger: bool = False

    @property
    def is_apart(self) -> bool:
        """Whether it is no call of its own, unless a callback is owed to that number."""
        return self.beside or self.person_first


class NumberWithheld(Fact, frozen=True, gc=False, tag="NumberWithheld"):
    """The number that the trunk delivered must not be shown: its presentation is restricted (R-51)."""


class LineOpened(Fact, frozen=True, gc=False, tag="LineOpened"):
    """The exchange itself took the call: a menu, a greeting, an announcement (Newstate Up, no phone)."""

    slack: timedelta = EXACT


class LanguageChosen(Fact, frozen=True, gc=False, tag="LanguageChosen"):
    """The caller chose a language: "fr", "en" or "other" (the channel's after a menu, or the queue's).

    `stated`: the dialplan told it by UserEvent(CallmonLanguage); the channel's own language may be another.
    """

    language: str
    stated: bool = False


class MenuAnswered(Fact, frozen=True, gc=False, tag="MenuAnswered"):
    """The caller pressed a key in a menu, in a queue or while Dial rang (`key`), or none until a menu's time-out.

    None: after that, another menu asked for a key, and it is not known whether one was pressed.
    `waits`: the key led out of a queue or a Dial (the place of QueueCallerLeave, DialEnd), not out of a menu.
    `pressed`: which key (Exten); empty: not told. `is_of_box`: the line names it as a key for voicemail.
    """

    key: bool | None
    waits: bool = False
    pressed: str = ""
    is_of_box: bool = False


class PersonSought(Fact, frozen=True, gc=False, tag="PersonSought"):
    """After a key, the dialplan sought a person for the caller (Newexten of a seeking step, DialBegin)."""


class QueueEntered(Fact, frozen=True, gc=False, tag="QueueEntered"):
    """The caller entered a queue (QueueCallerJoin).

    `plays`: ringing at once (option `r`), ringing while a phone rings (`R`), or music; None: not reported.
    """

    queue: str
    slack: timedelta = EXACT
    plays: QueueSound | None = None


class QueueLeft(Fact, frozen=True, gc=False, tag="QueueLeft"):
    """The caller left the queue (QueueCallerLeave): answered, timed out, or hung up (`hung_up`).

    `sent_away`: by an async goto of the exchange, whose first application is not reported.
    """

    queue: str
    hung_up: bool = False
    slack: timedelta = EXACT
    sent_away: bool = False


class PhoneDialled(PhoneFact, frozen=True, gc=False, tag="PhoneDialled"):
    """The exchange tried a phone for this caller (DialBegin). The phone need not have rung."""


class PhoneRang(PhoneFact, frozen=True, gc=False, tag="PhoneRang"):
    """The first RINGING of one phone, or PROGRESS (`early_media`: the sound is that of its carrier).

    The first phone starts the caller's ringing, where no `RingbackBegan` did before. `in_band`: as there.
    """

    early_media: bool = False
    slack: timedelta = EXACT
    in_band: bool = False


class RingbackBegan(Fact, frozen=True, gc=False, tag="RingbackBegan"):
    """The exchange tells the caller "ringing" before a phone rings (SIP 180, or the tone on an answered line).

    `by`: Dial with option `r` or `R`, an application (Ringing, PlayTones), or a Local channel's RINGING.
    `in_band`: after Progress or PlayTones the caller hears the exchange's own tone, no longer that of the carrier.
    """

    by: RingbackBy
    in_band: bool = False


class RingbackEnded(Fact, frozen=True, gc=False, tag="RingbackEnded"):
    """A ringing tone that an application had begun is over, and nothing was dialled (StopPlayTones)."""


class RingbackUnknown(Fact, frozen=True, gc=False, tag="RingbackUnknown"):
    """A dial began whose options were not reported: the caller may hear ringing before a phone rings.

    `from_arrival`: the exchange reports no step that makes a caller hear ringing, so one may have come before.
    """

    from_arrival: bool = False


class MusicPlayed(Fact, frozen=True, gc=False, tag="MusicPlayed"):
    """The caller hears music or another tone while phones are tried, no ringing (MusicOnHoldStart, Dial)."""


class PhoneStopped(PhoneFact, frozen=True, gc=False, tag="PhoneStopped"):
    """The exchange stopped trying a phone, which did not take the call (DialEnd, Hangup)."""

    why: StopReason
    rang: bool = False


class PhonesSeen(Fact, frozen=True, gc=False, tag="PhonesSeen"):
    """The best state that the line's phones offered the waiting caller from `at` on (DeviceStateChange).

    "ringing": an idle phone rings for the caller; "free": a phone is free and does not ring. Emitted only where
    the dial events alone would mislead, and once for each better state. Without it, a phone that rang was free.
    """

    best: PhonesBest


class Answered(PhoneFact, frozen=True, gc=False, tag="Answered"):
    """A person and the caller were joined. That phone began to ring between `rang` and `rang + rang_slack`.

    `found`: no answer was received, but a listing shows the two joined. The earlier parties are not known.
    `at_once`: the phone's channel was created in the second of the call's arrival, so by the first dial.
    """

    rang: datetime | None = None
    slack: timedelta = EXACT
    found: bool = False
    rang_slack: timedelta = EXACT
    at_once: bool = False


class Held(Fact, frozen=True, gc=False, tag="Held"):
    """A person put the caller on hold (Hold)."""

    phone: str


class Resumed(Fact, frozen=True, gc=False, tag="Resumed"):
    """A person took the caller back from hold (Unhold after Hold)."""

    phone: str


class SentOff(Fact, frozen=True, gc=False, tag="SentOff"):
    """A person started a transfer (BlindTransfer, AttendedTransfer, or a Redirect, which has no event).

    Not yet a transfer: the caller may come back, or reach nothing.
    """

    kind: TransferKind  # Asterisk's word
    by: str  # the transferer's channel
    to: str  # an extension, or `outside`
    unheard: bool = False  # the event that states the kind may lie in a gap


class Transferred(Fact, frozen=True, gc=False, tag="Transferred"):
    """A transfer that counts: the target took or refused the call. `unheard`: a gap may hide the true `kind`."""

    kind: TransferKind
    by: str
    to: str
    answered: bool
    unheard: bool = False


class CameBack(Fact, frozen=True, gc=False, tag="CameBack"):
    """The transferred caller came back to the transferer, or reached nothing: no transfer."""

    to: str


class PersonJoined(PhoneFact, frozen=True, gc=False, tag="PersonJoined"):
    """Another person is on the line with the caller, after a transfer or a retrieval from the parking lot."""


class ThirdJoined(PhoneFact, frozen=True, gc=False, tag="ThirdJoined"):
    """A third party joined the caller and the person (a three-way call). The person stays on the line."""


class Parted(Fact, frozen=True, gc=False, tag="Parted"):
    """No phone is with the person outside any more, whom the exchange called. That person stays on the line."""


class Parked(Fact, frozen=True, gc=False, tag="Parked"):
    """The caller was parked (ParkedCall)."""


class Retrieved(Fact, frozen=True, gc=False, tag="Retrieved"):
    """A phone retrieved the caller from the parking lot (UnParkedCall)."""

    phone: str


class ParkingEnded(Fact, frozen=True, gc=False, tag="ParkingEnded"):
    """The parking time was over: the exchange rings the phone that parked the caller (ParkedCallTimeOut)."""


class Forwarded(Fact, frozen=True, gc=False, tag="Forwarded"):
    """A phone forwarded the call automatically (DialEnd with Forward, a SIP 302): no transfer."""

    phone: str
    to: str


class Overflowed(Fact, frozen=True, gc=False, tag="Overflowed"):
    """The person left first and the dialplan continued with the caller. A transfer in the strict reading only."""


class SurveyOffered(Fact, frozen=True, gc=False, tag="SurveyOffered"):
    """The caller was offered the survey: transferred to its extension, or reported by the dialplan (UserEvent)."""

    by: SurveyOffer


class VoicemailTook(Fact, frozen=True, gc=False, tag="VoicemailTook"):
    """Voicemail took the call (VoiceMail started, or the line went up into a known mailbox).

    `chosen`: whether the caller pressed a key for it before; None where the steps that tell are not received.
    """

    mailbox: str | None
    slack: timedelta = EXACT
    chosen: bool | None = None


class MessageLeft(Fact, frozen=True, gc=False, tag="MessageLeft"):
    """The caller left a message (MessageWaiting with the caller's Uniqueid)."""

    mailbox: str | None


class MessageUnclear(Fact, frozen=True, gc=False, tag="MessageUnclear"):
    """A mailbox changed on the caller's channel. The caller left a message, or is a colleague who listened."""


class CallbackRequested(Fact, frozen=True, gc=False, tag="CallbackRequested"):
    """The caller requested a callback (UserEvent CallmonCallbackRequest), perhaps at another `number`.

    The number is stored apart from the fact, as every caller's number is. `language`: as the dialplan reports it.
    """

    number: str | None = None
    language: str | None = None


class ComplaintMade(Fact, frozen=True, gc=False, tag="ComplaintMade"):
    """A person marked the call as a complaint (UserEvent CallmonComplaint, by a feature code)."""


class SipCallIdGiven(Fact, frozen=True, gc=False, tag="SipCallIdGiven"):
    """The dialplan gives the Call-ID of the caller's SIP call (UserEvent CallmonSipCall): it holds no number."""

    sip_call_id: str


class DialFailed(Fact, frozen=True, gc=False, tag="DialFailed"):
    """A dial created no channel at all: no phone is registered (Hangup cause 3, 20, …)."""


class CallerBusy(Fact, frozen=True, gc=False, tag="CallerBusy"):
    """The caller was given the busy signal (Newstate Busy, Hangup cause 17 with every phone busy)."""


class Unheard(Fact, frozen=True, gc=False, tag="Unheard"):
    """callmon received nothing from the exchange from `at` to `until` while this call was up.

    `may_hide_answer`: no person had answered before the gap, and the line was up after it, so a person may have
    answered within it. A channel that is still in state Ring was never answered. `may_hide_ringing`: nothing
    rings after the gap, but a phone may have begun to ring and stopped within it.
    `unreported`: events were received, but Asterisk has none for what had the caller then.
    """

    until: datetime | None
    may_hide_answer: bool = False
    may_hide_ringing: bool = False
    unreported: bool = False


class ClockSet(Fact, frozen=True, gc=False, tag="ClockSet"):
    """The exchange's clock jumped by `by` while this call was up. Later times are by the clock after the jump."""

    by: timedelta


class Filled(Fact, frozen=True, gc=False, tag="Filled"):
    """A backfill from CEL supplied the part of this call that callmon did not receive.

    It follows the `Arrived` that begins a new account. Earlier facts stay stored and no longer count. CEL itself
    states neither messages nor holds: the time in voicemail was received, or the dialplan reported none. Nor does
    it have the dialplan's UserEvent of a survey. `source`: an import of older records, which hold less than CEL.
    `imported`: an import of the past took the call from CEL, and no gap was filled.
    """

    alone: bool = False  # the event stream carried nothing of the call
    message: bool = False  # it is known whether a message was left
    holds: bool = False  # it is known whether the caller was put on hold
    talk: bool = False  # the call was received from the answer to the end
    source: FilledFrom = "cel"
    imported: bool = False


class HangupRequested(Fact, frozen=True, gc=False, tag="HangupRequested"):
    """The caller requested the hang-up (HangupRequest), and the dialplan still runs for the channel.

    Emitted before a heartbeat, so that an instance that takes over knows of the request. `Ended` states it again.
    """


class Ended(Fact, frozen=True, gc=False, tag="Ended"):
    """The call ended (Hangup), in a gap if `at` is None. `how` "stopped": the exchange itself stopped."""

    by: Ender
    how: EndedHow = "hangup"


AnyFact = (
    Arrived | NumberWithheld | LineOpened | LanguageChosen | QueueEntered | QueueLeft | PhoneDialled | PhoneRang
    | RingbackBegan | RingbackEnded | RingbackUnknown | MusicPlayed | PhoneStopped | PhonesSeen | Answered
    | Held | Resumed | SentOff | Transferred | CameBack
    | PersonJoined | ThirdJoined | Parted | Parked | Retrieved | ParkingEnded | Forwarded | Overflowed
    | SurveyOffered | VoicemailTook | MessageLeft | CallbackRequested | ComplaintMade | DialFailed | CallerBusy
    | Unheard | MenuAnswered | PersonSought | MessageUnclear | ClockSet | Filled | HangupRequested | SipCallIdGiven
    | Ended
)  # fmt: skip


def partly_heard(facts: Iterable[Fact]) -> bool:
    """Whether a gap hides a part of the call, or a listing showed the call first."""
    return any(isinstance(fact, Unheard) or (isinstance(fact, Arrived) and fact.found) for fact in facts)


def as_it_stands(facts: Iterable[Fact]) -> list[Fact]:
    """The facts of one call that count, of all that were emitted: a backfill from CEL begins a new account."""
    emitted = list(facts)
    begun = [n for n, fact in enumerate(emitted) if isinstance(fact, Filled)]
    return emitted[begun[-1] - 1 :] if begun and begun[-1] > 0 else emitted
