"""The event filter: the events callmon needs, whether a filter passes them, and the filter to use. Pure.

In Asterisk's old syntax, a filter is an extended regular expression over the whole text of an event. One that
begins with ! blocks the event. A newer syntax is exact and cheaper. A release that does not know it (`versions`)
ignores it silently (measured: it then sends everything).
"""

import re
from collections.abc import Iterable

from callmon.ami.events import APPLICATIONS, RINGBACK, STEPS, TIMED_OUT

# Events that callmon reads, grouped by the filter line that passes them.
NEEDED: tuple[tuple[str, ...], ...] = (
    (
        *("Newchannel", "Newstate", "Hangup", "HangupRequest", "SoftHangupRequest"),
        *("DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave", "LocalBridge"),
    ),
    (
        *("BlindTransfer", "AttendedTransfer", "ParkedCall", "UnParkedCall"),
        *("ParkedCallTimeOut", "Hold", "Unhold", "MusicOnHoldStart"),
    ),
    ("QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"),
    ("MessageWaiting", "UserEvent", "Registry", "DeviceStateChange", "FullyBooted", "Shutdown"),
)
VOICEMAIL = "Newexten"
# Without these, most results stay correct. (MusicOnHoldStart: for groups that play music instead of ringing.)
DISPENSABLE = frozenset((VOICEMAIL, "MusicOnHoldStart"))
NAMES = tuple(name for names in NEEDED for name in names)
_STEP = "eventfilter = ^Event: Newexten[[:space:]].*[[:space:]]"
STEP_LINES = (
    f"{_STEP}Application: ({'|'.join(STEPS)})[[:space:]]",
    f"{_STEP}Application: ({'|'.join(RINGBACK)})[[:space:]]",
    f"{_STEP}Exten: ([0-9*#]{{1,2}}|{TIMED_OUT})[[:space:]]+Priority: 1[[:space:]]",
)
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


def lines() -> tuple[str, ...]:
    """The whole white list, in the syntax that every version understands."""
    return (*map(old_line, NEEDED), *STEP_LINES)


def kept_back(filters: Iterable[str]) -> tuple[str, ...]:
    """The events that callmon needs and that these filters (values in the old syntax) block."""
    white, black = _sorted(filters)
    names = (name for name in NAMES if not _passes(_sample(name), white, black))
    return (*names, *(() if all(_passes(step, white, black) for step in _STEPS) else (VOICEMAIL,)))


def hears_voicemail(filters: Iterable[str]) -> bool:
    """Whether these filters pass the step VoiceMail, as older white lists do, which pass no other step."""
    white, black = _sorted(filters)
    return _passes(_STEPS[0], white, black)


def _sorted(filters: Iterable[str]) -> tuple[list[Filter], list[Filter]]:
    """White and black patterns."""
    texts = [text.strip() for text in filters]
    white = [_compiled(text) for text in texts if not text.startswith("!")]
    return white, [_compiled(text[1:].strip()) for text in texts if text.startswith("!")]


def _passes(event: str, white: list[Filter], black: list[Filter]) -> bool:
    """A pattern that cannot be compiled does not count as blocking."""
    if any(pattern is not None and pattern.search(event) for pattern in black):
        return False
    return not white or any(pattern is None or pattern.search(event) for pattern in white)


def _sample(name: str, rest: str = "ChannelState: 4\r\n") -> str:
    """An event in the text form that the filter matches."""
    head = f"Event: {name}\r\nPrivilege: call,all\r\nTimestamp: 1795527733.217087\r\n"
    return f"{head}Channel: PJSIP/101-00000001\r\n{rest}"


def _compiled(posix: str) -> Filter:
    for name, characters in _CLASSES.items():
        posix = posix.replace(name, characters)
    try:
        return re.compile(posix, re.DOTALL)
    except re.error:
        return None


# The steps that callmon needs, the first of them since its first release.
_STEPS = tuple(
    _sample(VOICEMAIL, f"Context: box\r\nExten: {exten}\r\nPriority: 1\r\nApplication: {step}\r\nAppData: 500\r\n")
    for step, exten in (*((step, "500") for step in APPLICATIONS), ("Goto", "3"), ("Goto", TIMED_OUT))
)
