"""Typed AMI events, and the only table of AMI field names.

Events that nobody uses are skipped before any field is decoded: their class names are not in `READERS`.
Fields are found in the bytes with the CR LF before them, so that `Uniqueid: ` never matches inside
`DestUniqueid: `. An absent field is ""; a time that was not given is None. Odd bytes become U+FFFD.
No I/O, no clock; nothing here raises on what came over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

CRLF = b"\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid; a longer value is not one
# of its own, and is cut so that nobody can fill our memory with a name.
MAX_VALUE = 256
# The longest event that callmon reads has 1.8 KiB (an AttendedTransfer); in this many no value is a burden.
USUAL_MESSAGE = 4096
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Event(msgspec.Struct, frozen=True, gc=False):
    """One AMI event. `at` is its Timestamp (needs `timestampevents=yes`), or None."""

    at: datetime | None


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


class BridgeMerge(Event, frozen=True, gc=False):
    to_bridge: str
    from_bridge: str


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
    second: str
    transferee: str
    target_channel: str
    target: str


class ParkedCall(Event, frozen=True, gc=False):
    parkee: str


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


class QueueCallerJoin(Event, frozen=True, gc=False):
    language: str
    uniqueid: str
    queue: str


class QueueCallerLeave(Event, frozen=True, gc=False):
    uniqueid: str
    queue: str


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
    """One channel of the listing. `dialled` is its DNID, `answered` is CDR(answer,u): epoch seconds, or ""."""

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
_FIELDS: dict[type[Event], tuple[str, ...]] = {
    Newchannel: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Exten", "Uniqueid", "Linkedid",
    ),
    Newstate: ("Channel", "ChannelState", "Language", "Context", "Exten", "Uniqueid"),
    DialBegin: ("Language", "Uniqueid", "DestChannel", "DestUniqueid", "DestLinkedid", "DialString"),
    DialState: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus"),
    DialEnd: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus", "Forward"),
    BlindTransfer: (
        "Result", "TransfererChannel", "TransfererUniqueid", "TransfereeUniqueid", "Extension",
    ),
    AttendedTransfer: (
        "Result", "OrigTransfererChannel", "OrigTransfererUniqueid", "SecondTransfererUniqueid",
        "TransfereeUniqueid", "TransferTargetChannel", "TransferTargetUniqueid",
    ),
    ParkedCall: ("ParkeeUniqueid",),
    UnParkedCall: ("ParkeeUniqueid", "RetrieverChannel", "RetrieverUniqueid"),
    ParkedCallTimeOut: ("ParkeeUniqueid",),
    BridgeEnter: ("BridgeUniqueid", "Uniqueid"),
    BridgeLeave: ("BridgeUniqueid", "Uniqueid"),
    BridgeMerge: ("ToBridgeUniqueid", "FromBridgeUniqueid"),
    LocalBridge: ("LocalOneUniqueid", "LocalTwoUniqueid"),
    Hangup: ("Language", "Context", "Exten", "Uniqueid", "Cause"),
    HangupRequest: ("Context", "Exten", "Uniqueid", "Cause"),
    SoftHangupRequest: ("Uniqueid", "Cause"),
    Hold: ("Channel", "Uniqueid"),
    Unhold: ("Channel", "Uniqueid"),
    Newexten: ("Language", "Uniqueid", "Application", "AppData"),
    MessageWaiting: ("Uniqueid", "Mailbox", "New"),
    QueueCallerJoin: ("Language", "Uniqueid", "Queue"),
    QueueCallerLeave: ("Uniqueid", "Queue"),
    FullyBooted: ("Uptime",),
    Shutdown: (),
    CoreShowChannel: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Context", "Exten",
        "Uniqueid", "Linkedid", "Application", "BridgeId",
    ),
    CoreShowChannelsComplete: (),
    Status: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Context", "Exten",
        "Uniqueid", "Linkedid", "DNID", "BridgeID", "Application", "Variable: CDR(answer,u)",
        "Variable: CALLERID(num-pres)",
    ),
    StatusComplete: (),
}  # fmt: skip

Reader = Callable[[bytes], Event]


def instant(text: str | bytes) -> datetime | None:
    """`1795527733.217087` (epoch seconds) as a UTC datetime, to the microsecond; None when it is no time.

    A float holds today's epoch seconds to a quarter of a microsecond, and rounds to the right one.
    """
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def timestamp(message: bytes) -> datetime | None:
    """The Timestamp of any event, also one that nobody uses."""
    start = message.find(b"\r\nTimestamp: ")
    if start < 0:
        return None
    end = message.find(CRLF, start + 13)
    return instant(message[start + 13 : end if end >= 0 else None])


def _needle(field: str) -> tuple[str, int]:
    needle = "\r\n" + field + ("=" if field.startswith("Variable") else ": ")
    return needle, len(needle)


def _text(message: bytes) -> str:
    text = message.decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _reader(kind: type[Event], fields: tuple[str, ...]) -> Reader:
    """How to read one kind of event: one decoding, then a search for each field in Asterisk's own order.

    The fast way is written out line by line and compiled, as `dataclasses` does it: of a daemon's time at
    full speed, half is spent here. A message longer than any that Asterisk sends goes the careful way.
    """
    needles = tuple(_needle(field) for field in ("Timestamp", *fields))
    make: Callable[..., Event] = kind

    def carefully(message: bytes) -> Event:
        at, *values = (_value(message, needle) for needle in needles)
        return make(instant(at) if at else None, *values)

    names = {"make": make, "instant": instant, "decode": _text, "carefully": carefully}
    exec(_fast_reader(needles), names)
    read: Reader = names["read"]  # type: ignore[assignment]
    return read


def _fast_reader(needles: tuple[tuple[str, int], ...]) -> str:
    lines = [
        "def read(message):",
        f"    if len(message) > {USUAL_MESSAGE}:",
        "        return carefully(message)",
        "    text = decode(message)",
        "    find = text.find",
        "    end = 0",
    ]
    for place, (needle, length) in enumerate(needles):
        lines += [
            f"    start = find({needle!r}, end)",
            "    if start < 0:",
            f"        start = find({needle!r})",
            "    if start < 0:",
            f"        v{place} = ''",
            "    else:",
            f"        start += {length}",
            f"        end = find({CRLF.decode()!r}, start)",
            "        if end < 0:",
            "            end = len(text)",
            f"        v{place} = text[start:end]",
        ]
    rest = ", ".join(f"v{place}" for place in range(1, len(needles)))
    return "\n".join([*lines, f"    return make(instant(v0) if v0 else None, {rest})"])


def _value(message: bytes, needle: tuple[str, int]) -> str:
    """One field of an unusual message, no longer than any value may be."""
    start = message.find(needle[0].encode())
    if start < 0:
        return ""
    start += needle[1]
    end = message.find(CRLF, start)
    return _text(message[start : min(len(message) if end < 0 else end, start + MAX_VALUE)])


READERS: dict[bytes, Reader] = {kind.__name__.encode(): _reader(kind, fields) for kind, fields in _FIELDS.items()}
# Of the thousands of dialplan steps that a `read=all` user hears, only this one matters.
_VOICEMAIL_STEP = b"\r\nApplication: VoiceMail\r\n"
# First lines of messages, and how to read what follows: None for events that nobody uses. Names that nobody
# uses are learned as they come (the exchange has some two hundred), so that they cost one look-up.
_FIRST_LINES: dict[bytes, Callable[[bytes], Event | Reply | None] | None] = {
    b"Event: " + name: reader for name, reader in READERS.items()
}
MAX_FIRST_LINES = 1_000


def decode(messages: list[bytes], unusable: Callable[[bytes], None] | None = None) -> list[Event | Reply]:
    """What whole messages say: the events that somebody uses, and replies; all else is skipped undecoded.

    `unusable` is told of what is neither an event nor a reply.
    """
    said: list[Event | Reply] = []
    known = _FIRST_LINES
    for message in messages:
        line = message[: message.find(CRLF)]
        reader = known.get(line, _unknown)
        if reader is None:
            continue
        heard = reader(message)
        if heard is not None:
            said.append(heard)
        elif unusable is not None and not message.lstrip(b"\r\n").startswith(b"Event: "):
            unusable(message)
    return said


def event(message: bytes) -> Event | Reply | None:
    """What one whole message says, or None when nobody uses it."""
    said = decode([message])
    return said[0] if said else None


def _unknown(message: bytes) -> Event | Reply | None:
    """A first line that is not known: a stray CR LF before it, a reply, a new event's name, or no message."""
    stripped = message.lstrip(b"\r\n")
    line, _, _ = stripped.partition(CRLF)
    if line.startswith(b"Event: "):
        reader = _FIRST_LINES.get(line)
        if reader is not None:
            return reader(stripped)
        if line not in _FIRST_LINES and len(_FIRST_LINES) < MAX_FIRST_LINES and len(line) < 80:
            _FIRST_LINES[line] = None
        return None
    return _reply(stripped)


def _voicemail_step(message: bytes) -> Event | None:
    return READERS[b"Newexten"](message) if _VOICEMAIL_STEP in message else None


_FIRST_LINES[b"Event: Newexten"] = _voicemail_step
# Every call ends with soft hang-up requests; only the one that says "shutting down" matters.
_SHUTTING_DOWN = b"\r\nCause: 4"


def _shutdown_request(message: bytes) -> Event | None:
    return READERS[b"SoftHangupRequest"](message) if _SHUTTING_DOWN in message else None


_FIRST_LINES[b"Event: SoftHangupRequest"] = _shutdown_request


def _reply(message: bytes) -> Reply | None:
    """Answers to actions are rare: a plain dictionary serves. None when it is no message at all."""
    if not message.startswith(b"Response: "):
        return None
    lines = (line.partition(": ") for line in _text(message).split("\r\n")[:64])
    return Reply({name[:MAX_VALUE]: value[:MAX_VALUE] for name, colon, value in lines if colon})
