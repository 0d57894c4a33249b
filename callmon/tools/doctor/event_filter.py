"""The event filter: which events callmon needs, whether a filter lets them through, and the filter to use. Pure.

Asterisk's old syntax is an extended regular expression over the whole text of an event; with one that begins
with ! the event is kept back. 22 knows a newer one, exact and cheaper, which 16 ignores silently (measured:
it then sends everything).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# What callmon uses or stores, by the line of the filter that lets it through.
NEEDED: tuple[tuple[str, ...], ...] = (
    (
        *("Newchannel", "Newstate", "Hangup", "HangupRequest", "SoftHangupRequest"),
        *("DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave", "LocalBridge"),
    ),
    (
        *("BlindTransfer", "AttendedTransfer", "Pickup", "ParkedCall", "UnParkedCall"),
        *("ParkedCallGiveUp", "ParkedCallTimeOut", "Hold", "Unhold", "MusicOnHoldStart"),
    ),
    (
        *("QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"),
        *("AgentCalled", "AgentConnect", "AgentRingNoAnswer", "AgentComplete"),
    ),
    (
        *("MessageWaiting", "UserEvent", "ContactStatus", "PeerStatus", "Registry"),
        *("DeviceStateChange", "FullyBooted", "Shutdown"),
    ),
)
VOICEMAIL = "Newexten"
# Without these most is right all the same. (MusicOnHoldStart: for groups that play music instead of ringing.)
DISPENSABLE = frozenset((VOICEMAIL, "MusicOnHoldStart"))
NAMES = tuple(name for names in NEEDED for name in names)
VOICEMAIL_LINE = "eventfilter = ^Event: Newexten[[:space:]].*[[:space:]]Application: VoiceMail[[:space:]]"
NEW_VOICEMAIL_KEY = "eventfilter(action(include),name(Newexten),header(Application),method(exact))"

Filter = re.Pattern[str] | None
_CLASSES = {
    "[:space:]": r"\s",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:alnum:]": "a-zA-Z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:blank:]": r" \t",
}


def old_line(names: Iterable[str]) -> str:
    return f"eventfilter = ^Event: ({'|'.join(names)})[[:space:]]"


def new_key(name: str) -> str:
    """The name of the setting in 22's syntax; its value is empty."""
    return f"eventfilter(action(include),name({name}))"


def lines() -> tuple[str, ...]:
    """The whole white list, in the syntax that 16 and 22 understand."""
    return (*map(old_line, NEEDED), VOICEMAIL_LINE)


def kept_back(filters: Iterable[str]) -> tuple[str, ...]:
    """The events that callmon needs and that these filters (values in the old syntax) do not let through."""
    texts = [text.strip() for text in filters]
    white = [_compiled(text) for text in texts if not text.startswith("!")]
    black = [_compiled(text[1:].strip()) for text in texts if text.startswith("!")]
    return tuple(name for name in (*NAMES, VOICEMAIL) if not _passes(_sample(name), white, black))


def _passes(event: str, white: list[Filter], black: list[Filter]) -> bool:
    """What is not understood is not held against a filter."""
    if any(pattern is not None and pattern.search(event) for pattern in black):
        return False
    return not white or any(pattern is None or pattern.search(event) for pattern in white)


def _sample(name: str) -> str:
    """An event as the filter sees it."""
    rest = "Application: VoiceMail\r\nAppData: 500@default,u\r\n" if name == VOICEMAIL else "ChannelState: 4\r\n"
    head = f"Event: {name}\r\nPrivilege: call,all\r\nTimestamp: 1795527733.217087\r\n"
    return f"{head}Channel: PJSIP/101-00000001\r\n{rest}"


def _compiled(posix: str) -> Filter:
    for name, characters in _CLASSES.items():
        posix = posix.replace(name, characters)
    try:
        return re.compile(posix, re.DOTALL)
    except re.error:
        return None
