"""Whole messages to typed events. Events that nobody uses are skipped before any field is decoded.

Fields are found with the CR LF before them, so that `Uniqueid: ` never matches inside `DestUniqueid: `. An
absent field is ""; a time that was not given is None. Odd bytes become U+FFFD. No I/O, no clock; nothing here
raises on what came over the wire.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from callmon.ami.events import FIELDS, Event, Reply, instant

CRLF = b"\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid; a longer value is not one
# of its own, and is cut so that nobody can fill our memory with a name.
MAX_VALUE = 256
# The longest event that callmon reads has 1.8 KiB (an AttendedTransfer); in this many no value is a burden.
USUAL_MESSAGE = 4096

Reader = Callable[[bytes], Event]


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


READERS: dict[bytes, Reader] = {kind.__name__.encode(): _reader(kind, fields) for kind, fields in FIELDS.items()}
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
# A site's dialplan may say what it likes; this is for us.
_SURVEY = b"\r\nUserEvent: CallmonSurveyOffered"


def _user_event(message: bytes) -> Event | None:
    return READERS[b"UserEvent"](message) if _SURVEY in message else None


_FIRST_LINES[b"Event: UserEvent"] = _user_event
_DEVICE = b"\r\nDevice: "


def _phone_state(message: bytes) -> Event | None:
    """A third of the device states are of queues, mailboxes, parking places and Local channels: no phones."""
    start = message.find(_DEVICE) + len(_DEVICE)
    slash = message.find(b"/", start)
    if slash < 0 or message.startswith(b"Local/", start) or message.find(b":", start, slash) >= 0:
        return None
    return READERS[b"DeviceStateChange"](message)


_FIRST_LINES[b"Event: DeviceStateChange"] = _phone_state
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
