"""Whole messages to typed events. Unused events are skipped before any field is decoded.

The first bytes of a message identify its kind: one table maps them to a reader, and learns how the exchange begins
its messages. Invalid UTF-8 and NUL become U+FFFD. No I/O, no clock. Refuses: to raise on any received bytes.
"""

from collections.abc import Callable
from datetime import datetime

from callmon.ami.events import FIELDS, Event, Reply, instant
from callmon.ami.header_layouts import HeaderLayouts

CRLF = b"\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid. A longer value is not Asterisk's
# own, and is cut so that a remote party cannot fill the memory with a name.
MAX_VALUE = 256
# The longest event that callmon reads has 2.5 KiB (an AttendedTransfer); below this length no value needs to be
# cut.
USUAL_MESSAGE = 4096

Reader = Callable[[bytes], Event]
Heard = Callable[[bytes], Event | Reply | None]


def timestamp(message: bytes) -> datetime | None:
    """The Timestamp of any event, also of an unused one."""
    start = message.find(b"\r\nTimestamp: ")
    if start < 0:
        return None
    end = message.find(CRLF, start + 13)
    return instant(message[start + 13 : end if end >= 0 else None])


def _reader(kind: type[Event], fields: tuple[str, ...]) -> Reader:
    """The reader of one kind of event: by a learned layout, else field by field."""
    layouts = HeaderLayouts(fields)
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
# A `read=all` user receives thousands of dialplan steps; only this one is used.
_VOICEMAIL_STEP = b"\r\nApplication: VoiceMail\r\n"
# Every call ends with soft hang-up requests; only the one with the flag "shutting down" is used.
_SHUTTING_DOWN = b"\r\nCause: 4"
# A site's dialplan may send any UserEvent; only these are for callmon.
_OURS = b"\r\nUserEvent: Callmon"


_DEVICE = b"\r\nDevice: "


def _phone_state(message: bytes) -> Event | None:
    """Skip device states of queues, mailboxes, parking places and Local channels, a third of all: no phones."""
    start = message.find(_DEVICE) + len(_DEVICE)
    slash = message.find(b"/", start)
    if slash < 0 or message.startswith(b"Local/", start) or message.find(b":", start, slash) >= 0:
        return None
    return READERS[b"DeviceStateChange"](message)


def _dialplans_word(message: bytes) -> Event | None:
    """Put the event's own headers, which follow its name, first. Hide the channel's Language, which precedes."""
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
# This prefix holds the first line of all but a few rare events, and part of the next line, which is the same in
# all events of a kind. None: an unused kind. An exchange sends about two hundred kinds.
_BEGINNING = slice(26)
MAX_BEGINNINGS = 1_000
_beginnings: dict[bytes, Heard | None] = {}


def decode(messages: list[bytes], unusable: Callable[[bytes], None] | None = None) -> list[Event | Reply]:
    """The used events and the replies; others are skipped. `unusable` receives what is neither event nor reply."""
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
    """Decode one whole message; None when it is not used."""
    said = decode([message])
    return said[0] if said else None


def _by_its_line(message: bytes) -> Event | Reply | None:
    """Decode a message with an unknown prefix: after a stray CR LF, a reply, a new kind of event, or neither."""
    message = message.lstrip(b"\r\n")
    line, _, _ = message.partition(CRLF)
    if not line.startswith(b"Event: "):
        return _reply(message)
    reader = _BY_LINE.get(line)
    if CRLF in message[_BEGINNING] and len(_beginnings) < MAX_BEGINNINGS:
        _beginnings[message[_BEGINNING]] = reader
    return reader(message) if reader is not None else None


def _reply(message: bytes) -> Reply | None:
    """A reply as a dictionary, which is fast enough for rare replies. None when the message is no reply."""
    if not message.startswith(b"Response: "):
        return None
    lines = (line.partition(": ") for line in message.decode("utf-8", "replace").split("\r\n")[:64])
    return Reply({name[:MAX_VALUE]: value[:MAX_VALUE] for name, colon, value in lines if colon})
