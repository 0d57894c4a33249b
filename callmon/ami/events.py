"""Typed AMI events, and the only table of AMI field names. An absent field is "", an absent time is None. Pure."""

import re
from datetime import UTC, datetime
from typing import Annotated

from msgspec import DecodeError, Meta, Struct, field
from msgspec.json import Decoder
from msgspec.structs import force_setattr

# The years 1991 to 2199: arithmetic with such a time cannot overflow.
EARLIEST, LATEST = datetime(1991, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_UPTIME = 1_500_000_000  # seconds, some 47 years: before any of these times there is one
# A Timestamp as Asterisk wrote it, "" for none; or a time that callmon assigned.
Stamp = str | datetime | None
# The applications whose dialplan steps are read: voicemail, its opening by staff, and what asks for a key.
STEPS = ("VoiceMail", "VoiceMailMain", "Answer", "BackGround", "WaitExten", "Read")
# Those that tell the caller "ringing".
RINGBACK = ("Dial", "Queue", "Ringing", "Progress", "PlayTones", "StopPlayTones")
APPLICATIONS = (*STEPS, *RINGBACK)
TIMED_OUT = "t"  # the extension of a menu in which no key was pressed
# The priority of a caller whom a key leads out of a Queue or a Dial: the exchange has set the place alone.
LED_OUT = "0"
# The values of ChannelState that callmon tests.
RING = "4"
RINGING = "5"
UP = "6"
BUSY = "7"


class Event(Struct, frozen=True, gc=False, rename="pascal"):
    """One AMI event. `at` is its Timestamp in UTC (needs `timestampevents=yes`), or None.

    A field's name in PascalCase is its AMI header, unless `name` says another.
    `at` parses on access: most events need no time, and parsing it costs as much as reading all other fields.
    """

    stamp: Stamp

    @property
    def at(self) -> datetime | None:
        return instant(stamp) if isinstance(stamp := self.stamp, str) else stamp


class Newchannel(Event, frozen=True, gc=False):
    channel: str
    state: str = field(name="ChannelState")
    caller: str = field(name="CallerIDNum")
    caller_name: str = field(name="CallerIDName")
    language: str
    context: str
    exten: str
    uniqueid: str
    linkedid: str


class Newstate(Event, frozen=True, gc=False):
    state: str = field(name="ChannelState")
    language: str
    context: str
    exten: str
    uniqueid: str


class DialBegin(Event, frozen=True, gc=False):
    """`uniqueid` (the dialling channel) is "" when no channel dials: an Originate, a recall."""

    language: str
    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    dial_string: str


class DialState(Event, frozen=True, gc=False):
    uniqueid: str
    dest_uniqueid: str
    status: str = field(name="DialStatus")


class DialEnd(Event, frozen=True, gc=False):
    """`forward` is the target to which the phone itself forwarded the call (SIP 302), or ""."""

    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    status: str = field(name="DialStatus")
    forward: str = ""
    exten: str = ""  # of the channel that dials
    priority: str = ""
    context: str = ""


class BridgeEnter(Event, frozen=True, gc=False):
    bridge: str = field(name="BridgeUniqueid")
    uniqueid: str


class BridgeLeave(Event, frozen=True, gc=False):
    bridge: str = field(name="BridgeUniqueid")
    uniqueid: str


class LocalBridge(Event, frozen=True, gc=False):
    """The two halves of a Local channel: ;1 (dialled) and ;2 (runs the dialplan)."""

    one: str = field(name="LocalOneUniqueid")
    two: str = field(name="LocalTwoUniqueid")


class Hangup(Event, frozen=True, gc=False):
    language: str
    context: str
    exten: str
    uniqueid: str
    cause: str


class HangupRequest(Event, frozen=True, gc=False):
    """The party on this channel requested the end of the call."""

    context: str
    exten: str
    uniqueid: str
    cause: str = ""


class BlindTransfer(Event, frozen=True, gc=False):
    """A person transferred `transferee` to `extension` (REFER, #1, AMI). The answering phone is not named."""

    result: str
    transferer_channel: str
    transferee: str = field(name="TransfereeUniqueid")
    extension: str


class AttendedTransfer(Event, frozen=True, gc=False):
    """A person joined two calls, or hung up on a consultation.

    `second` is the consulting channel, or `original` again when the transfer was made by keys. The target's
    Uniqueid is present in some runs and absent in others: it is not read.
    """

    result: str
    original_channel: str = field(name="OrigTransfererChannel")
    original: str = field(name="OrigTransfererUniqueid")
    second_exten: str = field(name="SecondTransfererExten")
    second: str = field(name="SecondTransfererUniqueid")
    transferee: str = field(name="TransfereeUniqueid")
    target_channel: str = field(name="TransferTargetChannel")


class ParkedCall(Event, frozen=True, gc=False):
    parkee: str = field(name="ParkeeUniqueid")
    space: str = field(default="", name="ParkingSpace")


class UnParkedCall(Event, frozen=True, gc=False):
    parkee: str = field(name="ParkeeUniqueid")
    retriever_channel: str
    retriever: str = field(name="RetrieverUniqueid")


class ParkedCallTimeOut(Event, frozen=True, gc=False):
    parkee: str = field(name="ParkeeUniqueid")


class SoftHangupRequest(Event, frozen=True, gc=False):
    """`cause` holds Asterisk's soft hang-up flags; 4 means that the exchange is shutting down."""

    uniqueid: str
    cause: str


class Hold(Event, frozen=True, gc=False):
    uniqueid: str


class Unhold(Event, frozen=True, gc=False):
    uniqueid: str


class MusicOnHoldStart(Event, frozen=True, gc=False):
    """Music starts on this channel: on hold, in a queue, parked; or instead of ringing."""

    uniqueid: str


def is_key(exten: str) -> bool:
    """Whether an extension is one or two keys."""
    return exten.strip("0123456789*#") == "" and len(exten) in (1, 2)


class Newexten(Event, frozen=True, gc=False):
    """A dialplan step of one of `APPLICATIONS`, or the first step of a menu's option (`is_option`)."""

    language: str
    context: str
    exten: str
    priority: str
    uniqueid: str
    application: str
    data: str = field(name="AppData")

    @property
    def is_option(self) -> bool:
        """Whether the step is the first of an extension such as a menu has: one or two keys, or its time-out."""
        return self.priority == "1" and (is_key(self.exten) or self.exten == TIMED_OUT)


class MessageWaiting(Event, frozen=True, gc=False):
    """Sent when a caller left a message *and* when an agent listens: the Uniqueid names the channel."""

    uniqueid: str
    mailbox: str
    new: str
    old: str = ""


class VoicemailUserDetail(Event, frozen=True, gc=False):
    """The reply to VoicemailUserStatus for one box: `new` is its number of new messages, `most` their limit."""

    context: str = field(name="VMContext")
    mailbox: str = field(name="VoiceMailbox")
    most: str = field(name="MaxMessageCount")
    new: str = field(name="NewMessageCount")


class QueueCallerJoin(Event, frozen=True, gc=False):
    language: str
    context: str
    exten: str
    uniqueid: str
    queue: str


class QueueCallerLeave(Event, frozen=True, gc=False):
    uniqueid: str
    queue: str
    exten: str = ""
    priority: str = ""
    context: str = ""


class QueueCallerAbandon(Event, frozen=True, gc=False):
    """The caller hung up in the queue, or its time was over, or an async goto sent the caller elsewhere."""

    context: str
    exten: str
    uniqueid: str


class UserEvent(Event, frozen=True, gc=False):
    """A dialplan's `UserEvent(NAME)`; only the names of callmon's interface are read."""

    uniqueid: str
    name: str = field(name="UserEvent")
    number: str = ""
    language: str = ""  # the dialplan's header, which follows the channel's own
    caller: str = field(default="", name="CallerIDNum")
    status: str = ""
    mailbox: str = ""
    sip_call_id: str = field(default="", name="SipCallId")


class DeviceStateChange(Event, frozen=True, gc=False):
    """A device's state has changed; or, without a time, one entry of DeviceStateList."""

    device: str
    state: str


class Registry(Event, frozen=True, gc=False):
    """The status of a registration of the exchange at a carrier."""

    technology: str = field(name="ChannelType")
    username: str
    domain: str
    status: str


class FullyBooted(Event, frozen=True, gc=False):
    """Sent at login: `uptime` in seconds distinguishes a restart from a reconnect; "" when it is none."""

    uptime: str

    def __post_init__(self) -> None:
        if not (re.fullmatch("[0-9]{1,10}", self.uptime) and int(self.uptime) <= LONGEST_UPTIME):
            force_setattr(self, "uptime", "")


class Shutdown(Event, frozen=True, gc=False):
    pass


class CoreShowChannel(Event, frozen=True, gc=False):
    uniqueid: str
    application: str


class CoreShowChannelsComplete(Event, frozen=True, gc=False):
    pass


class Status(Event, frozen=True, gc=False):
    """One channel of the listing. `dialled` is its DNID. The times are from its newest CDR record, or "".

    `begun` is CDR(start,u), `answered` CDR(answer,u), in epoch seconds; `begun_local` is CDR(start), local time.
    """

    channel: str
    state: str = field(name="ChannelState")
    caller: str = field(name="CallerIDNum")
    caller_name: str = field(name="CallerIDName")
    language: str
    context: str
    exten: str
    uniqueid: str
    linkedid: str
    dialled: str = field(name="DNID")
    bridge: str = field(name="BridgeID")
    application: str
    data: str
    begun: str = field(name="Variable: CDR(start,u)")
    begun_local: str = field(name="Variable: CDR(start)")
    answered: str = field(name="Variable: CDR(answer,u)")
    presentation: str = field(name="Variable: CALLERID(num-pres)")


class StatusComplete(Event, frozen=True, gc=False):
    pass


# The headers of each kind, in the order in which Asterisk sends them, so that a layout can be learned.
FIELDS: dict[type[Event], tuple[str, ...]] = {
    kind: kind.__struct_encode_fields__[1:] for kind in Event.__subclasses__()
}


class Presentation(Event, frozen=True, gc=False):
    """The reply to callmon's Getvar of CALLERID(num-pres): whether a caller's number may be shown."""

    uniqueid: str
    value: str


class LanguageKey(Event, frozen=True, gc=False):
    """callmon's own event, from CEL: the caller pressed a key of the menu of languages (`language_keys`)."""

    uniqueid: str
    language: str


class ListingRefused(Event, frozen=True, gc=False):
    """callmon's own event: the exchange lists no channels (no `write = reporting`). The gap stays unknown."""


class ConnectionLost(Event, frozen=True, gc=False):
    """callmon's own event: the exchange is unheard from `at` on, the time of the last timestamp received."""


class Reply(Struct, frozen=True):
    """The reply to an action: all headers; of a repeated header, the last."""

    headers: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")


# No event says that a number is withheld when the carrier delivers it all the same: a Getvar must ask for it.
PRESENTATION = "CALLERID(num-pres)"
_ASKED_FOR = "callmon-presentation-"


def presentation_question(uniqueid: str, channel: str) -> tuple[tuple[str, str], ...]:
    """The headers of the Getvar for a channel's presentation; its ActionID holds the channel's Uniqueid."""
    return (("ActionID", _ASKED_FOR + uniqueid), ("Channel", channel), ("Variable", PRESENTATION))


def presentation(reply: Reply, at: datetime | None) -> Presentation | None:
    """The event from the reply to that Getvar; None for every other reply."""
    action = reply["ActionID"]
    if not action.startswith(_ASKED_FOR) or reply["Variable"] != PRESENTATION:
        return None
    return Presentation(at, action[len(_ASKED_FOR) :], reply["Value"])


def stamp_time(stamp: Stamp) -> datetime | None:
    """A stamp as a UTC datetime; None when it is no time."""
    return instant(stamp) if isinstance(stamp, str) else stamp


# msgspec takes a quarter of the time of `float` and `datetime.fromtimestamp`.
_time_of = Decoder(Annotated[datetime, Meta(tz=True)], strict=False).decode


def instant(text: str | bytes) -> datetime | None:
    """`1795527733.217087` (epoch seconds) as a UTC datetime, exact to the microsecond; None when it is no time."""
    try:
        at = _time_of(text)
    except (DecodeError, ValueError):
        return None
    return at if EARLIEST <= at < LATEST else None


def born(uniqueid: str) -> datetime | None:
    """The second in which a channel was created: `lab-1795529611.4` → 1795529611."""
    return instant(uniqueid.rpartition("-")[2].partition(".")[0])
