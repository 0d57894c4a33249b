"""Typed AMI events, and the only table of AMI field names. How they are read is in `decoding.py`.

Values only: an absent field is "", a time that was not given is None. No I/O, no clock.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

# The years 1991 to 2199 in epoch seconds: arithmetic with such a time cannot overflow.
EARLIEST, LATEST = 662_688_000, 7_258_118_400
# A time as Asterisk wrote it, "" when it wrote none; or one of our own.
Stamp = str | datetime | None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One AMI event. `at` is its Timestamp (needs `timestampevents=yes`), or None.

    It is read when asked for: most events are understood without it, and it costs as much as all else of them.
    """

    stamp: Stamp

    @property
    def at(self) -> datetime | None:
        return instant(stamp) if isinstance(stamp := self.stamp, str) else stamp


class Newchannel(Event, frozen=True, gc=False):
    channel: str
    state: str
    caller: str
    caller_name: str
    language: str
    exten: str
    uniqueid: str
    linkedid: str


class Newstate(Event, frozen=True, gc=False):
    channel: str
    state: str
    language: str
    context: str
    exten: str
    uniqueid: str


class DialBegin(Event, frozen=True, gc=False):
    """`uniqueid` (the dialling channel) is "" when nobody dials: an Originate, a recall."""

    language: str
    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    dest_linkedid: str
    dial_string: str


class DialState(Event, frozen=True, gc=False):
    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    status: str


class DialEnd(Event, frozen=True, gc=False):
    """`forward` is where the phone itself sent the call on to (SIP 302), or ""."""

    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    status: str
    forward: str = ""


class BridgeEnter(Event, frozen=True, gc=False):
    bridge: str
    uniqueid: str


class BridgeLeave(Event, frozen=True, gc=False):
    bridge: str
    uniqueid: str


class LocalBridge(Event, frozen=True, gc=False):
    """The two halves of a Local channel: ;1 (dialled) and ;2 (runs the dialplan)."""

    one: str
    two: str


class Hangup(Event, frozen=True, gc=False):
    language: str
    context: str
    exten: str
    uniqueid: str
    cause: str


class HangupRequest(Event, frozen=True, gc=False):
    """The side of this channel asked for the end of the call."""

    context: str
    exten: str
    uniqueid: str
    cause: str = ""


class BlindTransfer(Event, frozen=True, gc=False):
    """A person sent `transferee` off to `extension` (REFER, #1, AMI); taken by whom is not said."""

    result: str
    transferer_channel: str
    transferer: str
    transferee: str
    extension: str


class AttendedTransfer(Event, frozen=True, gc=False):
    """A person joined two calls, or hung up on a consultation. `second` is the consulting channel; it is
    `original` again when keys did it. `target` is there in some runs and absent in others: never needed.
    """

    result: str
    original_channel: str
    original: str
    second_exten: str
    second: str
    transferee: str
    target_channel: str
    target: str


class ParkedCall(Event, frozen=True, gc=False):
    parkee: str
    space: str = ""


class UnParkedCall(Event, frozen=True, gc=False):
    parkee: str
    retriever_channel: str
    retriever: str


class ParkedCallTimeOut(Event, frozen=True, gc=False):
    parkee: str


class SoftHangupRequest(Event, frozen=True, gc=False):
    """`cause` holds Asterisk's soft hang-up flags; 4 is "the exchange is shutting down"."""

    uniqueid: str
    cause: str


class Hold(Event, frozen=True, gc=False):
    channel: str
    uniqueid: str


class Unhold(Event, frozen=True, gc=False):
    channel: str
    uniqueid: str


class MusicOnHoldStart(Event, frozen=True, gc=False):
    """This channel hears music from now on: on hold, in a queue, parked; or instead of ringing."""

    uniqueid: str


class Newexten(Event, frozen=True, gc=False):
    """A dialplan step; only `VoiceMail` tells us anything."""

    language: str
    uniqueid: str
    application: str
    data: str


class MessageWaiting(Event, frozen=True, gc=False):
    """Sent when a caller left a message *and* when an agent listens: the Uniqueid tells whose it is."""

    uniqueid: str
    mailbox: str
    new: str


class VoicemailUserDetail(Event, frozen=True, gc=False):
    """The answer to our question for one voicemail box: how many new messages it has, and how many it may have."""

    context: str
    mailbox: str
    most: str
    new: str


class QueueCallerJoin(Event, frozen=True, gc=False):
    language: str
    uniqueid: str
    queue: str


class QueueCallerLeave(Event, frozen=True, gc=False):
    uniqueid: str
    queue: str


class UserEvent(Event, frozen=True, gc=False):
    """A dialplan's own word, `UserEvent(NAME)`; only those that the interface names are read."""

    uniqueid: str
    name: str
    number: str = ""
    language: str = ""  # the dialplan's, which stands behind the channel's own
    caller: str = ""
    status: str = ""
    mailbox: str = ""


class DeviceStateChange(Event, frozen=True, gc=False):
    """A device's state is another now; or, without a time, one line of DeviceStateList."""

    device: str
    state: str


class Registry(Event, frozen=True, gc=False):
    """What became of a registration of the exchange's own with a carrier."""

    technology: str
    username: str
    domain: str
    status: str


class FullyBooted(Event, frozen=True, gc=False):
    """Sent to us at login: `uptime` in seconds tells a restart from a reconnect."""

    uptime: str


class Shutdown(Event, frozen=True, gc=False):
    pass


class CoreShowChannel(Event, frozen=True, gc=False):
    channel: str
    state: str
    caller: str
    caller_name: str
    language: str
    context: str
    exten: str
    uniqueid: str
    linkedid: str
    application: str
    bridge: str


class CoreShowChannelsComplete(Event, frozen=True, gc=False):
    pass


class Status(Event, frozen=True, gc=False):
    """One channel of the listing. `dialled` is its DNID; the times are of its newest CDR record, or "".

    `begun` is CDR(start,u), `answered` CDR(answer,u), in epoch seconds; `begun_local` is CDR(start), local time.
    """

    channel: str
    state: str
    caller: str
    caller_name: str
    language: str
    context: str
    exten: str
    uniqueid: str
    linkedid: str
    dialled: str
    bridge: str
    application: str
    data: str
    begun: str
    begun_local: str
    answered: str
    presentation: str


class StatusComplete(Event, frozen=True, gc=False):
    pass


class Presentation(Event, frozen=True, gc=False):
    """The answer to our own question whether a caller's number may be shown: CALLERID(num-pres)."""

    uniqueid: str
    value: str


class ListingRefused(Event, frozen=True, gc=False):
    """Ours: the exchange will not list its channels (no `write = reporting`). What a gap hid stays hidden."""


class ConnectionLost(Event, frozen=True, gc=False):
    """Ours, not Asterisk's: from `at` (the last byte heard) on, the exchange is unheard."""


class Reply(msgspec.Struct, frozen=True):
    """The answer to an action: every header, the last of a repeated one."""

    headers: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")


# No event says that a number is withheld when the carrier delivers it all the same: it must be asked for.
PRESENTATION = "CALLERID(num-pres)"
_ASKED_FOR = "callmon-presentation-"


def presentation_question(uniqueid: str, channel: str) -> tuple[tuple[str, str], ...]:
    """The headers of the Getvar that asks for a channel's presentation; its ActionID bears the call."""
    return (("ActionID", _ASKED_FOR + uniqueid), ("Channel", channel), ("Variable", PRESENTATION))


def presentation(reply: Reply, at: datetime | None) -> Presentation | None:
    """The answer to that question; None for every other reply."""
    asked = reply["ActionID"]
    if not asked.startswith(_ASKED_FOR) or reply["Variable"] != PRESENTATION:
        return None
    return Presentation(at, asked[len(_ASKED_FOR) :], reply["Value"])


# In each row, the fields in the order in which Asterisk sends them: the search then never goes back.
FIELDS: dict[type[Event], tuple[str, ...]] = {
    Newchannel: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Exten", "Uniqueid", "Linkedid",
    ),
    Newstate: ("Channel", "ChannelState", "Language", "Context", "Exten", "Uniqueid"),
    DialBegin: ("Language", "Uniqueid", "DestChannel", "DestUniqueid", "DestLinkedid", "DialString"),
    DialState: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus"),
    DialEnd: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus", "Forward"),
    BlindTransfer: ("Result", "TransfererChannel", "TransfererUniqueid", "TransfereeUniqueid", "Extension"),
    AttendedTransfer: (
        "Result", "OrigTransfererChannel", "OrigTransfererUniqueid", "SecondTransfererExten",
        "SecondTransfererUniqueid", "TransfereeUniqueid", "TransferTargetChannel", "TransferTargetUniqueid",
    ),
    ParkedCall: ("ParkeeUniqueid", "ParkingSpace"),
    UnParkedCall: ("ParkeeUniqueid", "RetrieverChannel", "RetrieverUniqueid"),
    ParkedCallTimeOut: ("ParkeeUniqueid",),
    BridgeEnter: ("BridgeUniqueid", "Uniqueid"),
    BridgeLeave: ("BridgeUniqueid", "Uniqueid"),
    LocalBridge: ("LocalOneUniqueid", "LocalTwoUniqueid"),
    Hangup: ("Language", "Context", "Exten", "Uniqueid", "Cause"),
    HangupRequest: ("Context", "Exten", "Uniqueid", "Cause"),
    SoftHangupRequest: ("Uniqueid", "Cause"),
    Hold: ("Channel", "Uniqueid"),
    Unhold: ("Channel", "Uniqueid"),
    MusicOnHoldStart: ("Uniqueid",),
    Newexten: ("Language", "Uniqueid", "Application", "AppData"),
    MessageWaiting: ("Uniqueid", "Mailbox", "New"),
    VoicemailUserDetail: ("VMContext", "VoiceMailbox", "MaxMessageCount", "NewMessageCount"),
    QueueCallerJoin: ("Language", "Uniqueid", "Queue"),
    QueueCallerLeave: ("Uniqueid", "Queue"),
    UserEvent: ("Uniqueid", "UserEvent", "Number", "Language", "CallerIDNum", "Status", "Mailbox"),
    DeviceStateChange: ("Device", "State"),
    Registry: ("ChannelType", "Username", "Domain", "Status"),
    FullyBooted: ("Uptime",), Shutdown: (),
    CoreShowChannel: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Context", "Exten",
        "Uniqueid", "Linkedid", "Application", "BridgeId",
    ),
    CoreShowChannelsComplete: (),
    Status: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Context", "Exten", "Uniqueid",
        "Linkedid", "DNID", "BridgeID", "Application", "Data", "Variable: CDR(start,u)", "Variable: CDR(start)",
        "Variable: CDR(answer,u)", "Variable: CALLERID(num-pres)",
    ),
    StatusComplete: (),
}  # fmt: skip


def moment(stamp: Stamp) -> datetime | None:
    """A stamp as a datetime; None when it is no time."""
    return instant(stamp) if isinstance(stamp, str) else stamp


def instant(text: str | bytes) -> datetime | None:
    """`1795527733.217087` (epoch seconds) as a UTC datetime, exact to the microsecond; None when it is no time."""
    try:
        seconds = float(text or 0)
    except ValueError:
        return None
    return datetime.fromtimestamp(seconds, UTC) if EARLIEST <= seconds < LATEST else None
