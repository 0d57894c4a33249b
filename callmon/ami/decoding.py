"""Whole messages to typed events. Events that nobody uses are skipped before any field is decoded.

What a message is its first bytes tell: they are looked up in one table, which learns how the exchange begins
its messages. Odd bytes become U+FFFD. No I/O, no clock; nothing here raises on what came over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from callmon.ami.events import FIELDS, Event, Reply, instant
from callmon.ami.header_layouts import Layouts

CRLF = b"\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid; a longer value is not one
# of its own, and is cut so that nobody can fill our memory with a name.
MAX_VALUE = 256
# The longest event that callmon reads has 2.5 KiB (an AttendedTransfer); in this many no value is a burden.
USUAL_MESSAGE = 4096

Reader = Callable[[bytes], Event]
Heard = Callable[[bytes], Event | Reply | None]


def timestamp(message: bytes) -> datetime | None:
    """The Timestamp of any event, also one that nobody uses."""
    start = message.find(b"\r\nTimestamp: ")
    if start < 0:
        return None
    end = message.find(CRLF, start + 13)
    return instant(message[start + 13 : end if end >= 0 else None])


def _reader(kind: type[Event], fields: tuple[str, ...]) -> Reader:
    """How to read one kind of event: by a layout that is known, else field by field."""
    layouts = Layouts(fields)
    known = layouts.known
    make: Callable[..., Event] = kind

    def read(message: bytes) -> Event:
        text = message.decode("utf-8", "replace")
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
        if len(text) > USUAL_MESSAGE:
            return make(*layouts.search(text, MAX_VALUE))
        for layout in known:
            found = layout(text)
            if found is not None:
                return make(*found.groups())
        layouts.learn(text)
        return make(*layouts.search(text, USUAL_MESSAGE))

    return read


READERS: dict[bytes, Reader] = {kind.__name__.encode(): _reader(kind, fields) for kind, fields in FIELDS.items()}
# Of the thousands of dialplan steps that a `read=all` user hears, only this one matters.
_VOICEMAIL_STEP = b"\r\nApplication: VoiceMail\r\n"
# Every call ends with soft hang-up requests; only the one that says "shutting down" matters.
_SHUTTING_DOWN = b"\r\nCause: 4"
# A site's dialplan may say what it likes; this is for us.
_OURS = b"\r\nUserEvent: Callmon"


_DEVICE = b"\r\nDevice: "


def _phone_state(message: bytes) -> Event | None:
    """A third of the device states are of queues, mailboxes, parking places and Local channels: no phones."""
    start = message.find(_DEVICE) + len(_DEVICE)
    slash = message.find(b"/", start)
    if slash < 0 or message.startswith(b"Local/", start) or message.find(b":", start, slash) >= 0:
        return None
    return READERS[b"DeviceStateChange"](message)


def _dialplans_word(message: bytes) -> Event | None:
    """Its own headers stand behind its name; a Language before that is the channel's, and says nothing."""
    at = message.find(_OURS)
    if at < 0:
        return None
    line, _, channel = message[:at].partition(CRLF)
    return READERS[b"UserEvent"](line + message[at:] + CRLF + channel.replace(b"\r\nLanguage: ", b"\r\nIts: "))


def _only_with(mark: bytes, read: Reader) -> Heard:
    return lambda message: read(message) if mark in message else None


_BY_LINE: dict[bytes, Heard] = {
    **{b"Event: " + name: reader for name, reader in READERS.items()},
    b"Event: Newexten": _only_with(_VOICEMAIL_STEP, READERS[b"Newexten"]),
    b"Event: DeviceStateChange": _phone_state,
    b"Event: UserEvent": _dialplans_word,
    b"Event: SoftHangupRequest": _only_with(_SHUTTING_DOWN, READERS[b"SoftHangupRequest"]),
}
# So many bytes hold the first line of all but a few seldom events, and something of the next line, which is
# the same in all events of a kind. None: nobody uses it. The exchange has some two hundred.
_BEGINNING = slice(26)
MAX_BEGINNINGS = 1_000
_beginnings: dict[bytes, Heard | None] = {}


def decode(messages: list[bytes], unusable: Callable[[bytes], None] | None = None) -> list[Event | Reply]:
    """What whole messages say: the events that somebody uses, and replies; all else is skipped undecoded.

    `unusable` is told of what is neither an event nor a reply.
    """
    said: list[Event | Reply] = []
    known, beginning = _beginnings, _BEGINNING
    for message in messages:
        try:
            reader = known[message[beginning]]
        except KeyError:
            reader = _by_its_line
        if reader is None:
            continue
        heard = reader(message)
        if heard is not None:
            said.append(heard)
        elif (
            reader is _by_its_line and unusable is not None and not message.lstrip(b"\r\n").startswith(b"Event: ")
        ):
            unusable(message)
    return said


def event(message: bytes) -> Event | Reply | None:
    """What one whole message says, or None when nobody uses it."""
    said = decode([message])
    return said[0] if said else None


def _by_its_line(message: bytes) -> Event | Reply | None:
    """Its beginning is not known: a stray CR LF before it, a reply, an event met for the first time, or none."""
    message = message.lstrip(b"\r\n")
    line, _, _ = message.partition(CRLF)
    if not line.startswith(b"Event: "):
        return _reply(message)
    reader = _BY_LINE.get(line)
    if CRLF in message[_BEGINNING] and len(_beginnings) < MAX_BEGINNINGS:
        _beginnings[message[_BEGINNING]] = reader
    return reader(message) if reader is not None else None


def _reply(message: bytes) -> Reply | None:
    """Answers to actions are rare: a plain dictionary serves. None when it is no message at all."""
    if not message.startswith(b"Response: "):
        return None
    lines = (line.partition(": ") for line in message.decode("utf-8", "replace").split("\r\n")[:64])
    return Reply({name[:MAX_VALUE]: value[:MAX_VALUE] for name, colon, value in lines if colon})
