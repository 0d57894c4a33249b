"""Typed AMI events, and the only table of AMI field names.

Events that nobody uses are skipped before any field is decoded: their class names are not in `READERS`.
Fields are found in the bytes with the CR LF before them, so that `Uniqueid: ` never matches inside
`DestUniqueid: `. An absent field is ""; a time that was not given is None. Odd bytes become U+FFFD.
No I/O, no clock; nothing here raises on what came over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

CRLF = b"\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid; a longer value is not one
# of its own, and is cut so that nobody can fill our memory with a name.
MAX_VALUE = 256
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
    uniqueid: str
    dest_channel: str
    dest_uniqueid: str
    status: str


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


class StatusComplete(Event, frozen=True, gc=False):
    pass


class ConnectionLost(Event, frozen=True, gc=False):
    """Ours, not Asterisk's: from `at` (the last byte heard) on, the exchange is unheard."""


class Reply(msgspec.Struct, frozen=True):
    """The answer to an action: every header, the last of a repeated one."""

    headers: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.headers.get(name, "")


# In each row, the fields in the order in which Asterisk sends them: the search then never goes back.
_FIELDS: dict[type[Event], tuple[str, ...]] = {
    Newchannel: (
        "Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Language", "Exten", "Uniqueid", "Linkedid",
    ),
    Newstate: ("Channel", "ChannelState", "Language", "Context", "Exten", "Uniqueid"),
    DialBegin: ("Language", "Uniqueid", "DestChannel", "DestUniqueid", "DestLinkedid", "DialString"),
    DialState: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus"),
    DialEnd: ("Uniqueid", "DestChannel", "DestUniqueid", "DialStatus"),
    BridgeEnter: ("BridgeUniqueid", "Uniqueid"),
    BridgeLeave: ("BridgeUniqueid", "Uniqueid"),
    BridgeMerge: ("ToBridgeUniqueid", "FromBridgeUniqueid"),
    LocalBridge: ("LocalOneUniqueid", "LocalTwoUniqueid"),
    Hangup: ("Language", "Context", "Exten", "Uniqueid", "Cause"),
    HangupRequest: ("Context", "Exten", "Uniqueid"),
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
    ),
    StatusComplete: (),
}  # fmt: skip

Reader = Callable[[bytes], Event]


def instant(text: bytes) -> datetime | None:
    """`1795527733.217087` (epoch seconds) as a UTC datetime, to the microsecond; None when it is no time."""
    seconds, _, fraction = text.partition(b".")
    try:
        return EPOCH + timedelta(seconds=int(seconds), microseconds=int(fraction[:6].ljust(6, b"0") or 0))
    except (ValueError, OverflowError):
        return None


def timestamp(message: bytes) -> datetime | None:
    """The Timestamp of any event, also one that nobody uses."""
    start = message.find(_TIMESTAMP)
    if start < 0:
        return None
    end = message.find(CRLF, start + _TIMESTAMP_LENGTH)
    return instant(message[start + _TIMESTAMP_LENGTH : end if end >= 0 else None])


def _needle(field: str) -> tuple[bytes, int]:
    needle = CRLF + field.encode() + (b"=" if field.startswith("Variable") else b": ")
    return needle, len(needle)


_TIMESTAMP, _TIMESTAMP_LENGTH = _needle("Timestamp")


def _text(value: bytes) -> str:
    return value[:MAX_VALUE].decode("utf-8", "replace").replace("\0", "\ufffd")


def _reader(kind: type[Event], fields: tuple[str, ...]) -> Reader:
    needles = tuple(_needle(field) for field in fields)
    make: Callable[..., Event] = kind

    def read(message: bytes) -> Event:
        find = message.find
        start = find(_TIMESTAMP)
        values: list[Any] = [None]
        end = 0
        if start >= 0:
            end = find(CRLF, start + _TIMESTAMP_LENGTH)
            values[0] = instant(message[start + _TIMESTAMP_LENGTH : end if end >= 0 else None])
        for needle, length in needles:
            start = find(needle, end)
            if start < 0:  # out of Asterisk's usual order, or not there
                start = find(needle)
                if start < 0:
                    values.append("")
                    continue
            start += length
            end = find(CRLF, start)
            if end < 0:
                end = len(message)
            values.append(_text(message[start:end]))
        return make(*values)

    return read


READERS: dict[bytes, Reader] = {
    kind.__name__.encode(): _reader(kind, fields) for kind, fields in _FIELDS.items()
}
# Of the thousands of dialplan steps that a `read=all` user hears, only this one matters.
_VOICEMAIL_STEP = b"\r\nApplication: VoiceMail\r\n"


def event(message: bytes) -> Event | Reply | None:
    """What a whole message says: an event that somebody uses, a reply, or None (skipped)."""
    if not message.startswith(b"Event: "):
        message = message.lstrip(b"\r\n")
        if not message.startswith(b"Event: "):
            return _reply(message)
    name = message[7 : message.find(CRLF)]
    reader = READERS.get(name)
    if reader is None or (name == b"Newexten" and _VOICEMAIL_STEP not in message):
        return None
    return reader(message)


def _reply(message: bytes) -> Reply | None:
    """Answers to actions are rare: a plain dictionary serves. None when it is no message at all."""
    if not message.startswith(b"Response: "):
        return None
    lines = (line.partition(b": ") for line in message.split(CRLF)[:64])
    return Reply({_text(name): _text(value) for name, colon, value in lines if colon})
