"""Whole messages to typed events. Unused events are skipped before any field is decoded.

The first bytes of a message identify its kind: one table maps them to a reader, and learns how the exchange begins
its messages. Invalid UTF-8 becomes U+FFFD. No I/O, no clock. Refuses: to raise on any received bytes.
"""

import re
from collections.abc import Callable
from datetime import datetime

from callmon.ami.events import APPLICATIONS, FIELDS, TIMED_OUT, Event, Reply, instant

CRLF, EOL = b"\r\n", "\r\n"
# Asterisk's own limits are 80 for channel and extension and 150 for a Uniqueid. A longer value is not Asterisk's
# own, and is cut so that a remote party cannot fill the memory with a name.
MAX_VALUE = 256
# The longest event that callmon reads has 2.5 KiB (an AttendedTransfer); below this length no value needs to be
# cut.
USUAL_MESSAGE = 4096
# At most three variants of one kind of event were observed; after this many attempts the search is used.
MAX_ATTEMPTS = 12
MAX_HEADERS = 64
# A Timestamp as Asterisk writes it. Any other form is searched and parsed: a stamp is a valid time, or "".
_TIME = "([0-9]{10}[.][0-9]{6})"
# A value ends at its CR and nowhere else, so no backtracking is needed (`*+`).
_ANY = "[^\r]*+"
_TEXT = f"({_ANY})"

Values = tuple[str, ...]
Layout = Callable[[str], re.Match[str] | None]
Reader = Callable[[bytes], Event]
Heard = Callable[[bytes], Event | Reply | None]


class HeaderLayouts:
    """Reads the Timestamp and the fields of one kind of event. `known` are the learned layouts.

    An exchange sends every event of a kind with the same headers in the same order, apart from two or three
    variants. The first message of each variant is searched field by field. Its layout is learned as one regular
    expression, which reads the next messages in a third of the time, with the same result.
    """

    __slots__ = ("_attempts", "_fields", "_needles", "known")

    def __init__(self, fields: tuple[str, ...]) -> None:
        """`fields` are in the order in which an exchange sends them: in any other order no layout is learned."""
        self.known: list[Layout] = []
        # A listing's variables vary in number, and are rare.
        self._attempts = 0 if any(field.startswith("Variable") for field in fields) else MAX_ATTEMPTS
        self._fields = ("Timestamp", *fields)
        self._needles = tuple(EOL + x + ("=" if x.startswith("Variable") else ": ") for x in self._fields)

    def search(self, text: str, longest: int) -> Values:
        """The values at any place in the message, each cut to `longest` characters."""
        stamp, *values = (_value(text, needle, longest) for needle in self._needles)
        return (stamp if instant(stamp) is not None else "", *values)

    def learn(self, text: str) -> None:
        """Learn the layout of this message, which later messages with the same headers use."""
        if self._attempts == 0:
            return
        self._attempts -= 1
        pattern = self._pattern(text)
        layout = re.compile(pattern).match if pattern is not None else None
        if layout is not None and layout(text) is not None:
            self.known.append(layout)

    def _pattern(self, text: str) -> str | None:
        """A regular expression with one group for each field, in their order; None when the order differs.

        When no field is missing, the headers between them are only counted, because no header occurs twice. A
        missing field has an empty group. Then every header is matched, and nothing may follow.
        """
        first, *headers = text.split(EOL)
        names = [header.partition(": ")[0] for header in headers]
        places = [names.index(field) for field in self._fields if field in names]
        if len(names) > MAX_HEADERS or places != sorted(places):
            return None
        is_whole = len(places) == len(self._fields)
        lines, waiting = [re.escape(first)], [*self._fields]
        for at, name in enumerate(names[: places[-1] + 1] if is_whole else names):
            if at in places:
                missing = waiting.index(name)
                value = _TIME if name == "Timestamp" else _TEXT
                lines.append(f"{'()' * missing}{re.escape(name)}: {value}")
                del waiting[: missing + 1]
            else:
                lines.append(_ANY if is_whole else _skipped(name))
        return EOL.join(lines) + ("(?=\r\n|\\Z)" if is_whole else "()" * len(waiting) + "\\Z")


def _skipped(name: str) -> str:
    """Match a skipped header by its name. `ChanVariable(PJSIP/101-00000001)` holds a channel: match up to "("."""
    head, bracket, _ = name.partition("(")
    return re.escape(head + (bracket or ": ")) + _ANY


def _value(text: str, needle: str, longest: int) -> str:
    start = text.find(needle)
    if start < 0:
        return ""
    start += len(needle)
    end = text.find(EOL, start)
    return text[start : min(len(text) if end < 0 else end, start + longest)]


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
        try:
            text = message.decode()
        except UnicodeDecodeError:
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
# A `read=all` user receives thousands of dialplan steps; only these are used.
_APPLICATION = b"\r\nApplication: "
_STEPS = frozenset(name.encode() for name in APPLICATIONS)
# The first step of an extension that a caller's key, or a menu's time-out, leads to.
_FIRST = b"\r\nPriority: 1\r\n"
_OPTION = re.compile(rb"\r\nExten: (?:[0-9*#]{1,2}|%s)\Z" % TIMED_OUT.encode())
_LONGEST_OPTION = len(b"\r\nExten: 12")
# The "applications" of a channel that Dial or Queue created, a third of all steps: it runs no dialplan.
_OUTGOING = frozenset((b"AppDial", b"AppQueue"))
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


def _dialplan_step(message: bytes) -> Event | None:
    end = message.rfind(_APPLICATION)  # backwards: only AppData follows
    start = end + len(_APPLICATION)
    application = message[start : message.find(b"\r", start)]
    if application not in _STEPS:
        if application in _OUTGOING:
            return None
        first = message.rfind(_FIRST, 0, end)  # backwards: Extension and two ids lie between
        if first < 0 or not _OPTION.search(message, first - _LONGEST_OPTION, first):
            return None
    return READERS[b"Newexten"](message)


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
    b"Event: Newexten": _dialplan_step,
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
