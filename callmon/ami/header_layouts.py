"""The values of one kind of event, out of a message's text, by the order of its headers.

An exchange writes every event of a kind with the same headers in the same order, but for two or three
variants. The first message of each variant is searched field by field, and its layout is learned as one
regular expression, which reads the next ones in a third of the time. What fits no layout is searched: the
values are the same. Pure; nothing here raises on what came over the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from callmon.ami.events import instant

CRLF = "\r\n"
# Three are the most that one kind of event was seen to have; whoever sends us more is read the slow way.
MAX_ATTEMPTS = 12
MAX_HEADERS = 64
# As Asterisk writes it. Another is searched for, and tried: a stamp is a time that can be read, or "".
_TIME = "([0-9]{10}[.][0-9]{6})"
# A value ends at its CR and nowhere else: what was taken is never given back, and need not be remembered (`*+`).
_ANY = "[^\r]*+"
_TEXT = f"({_ANY})"

Values = tuple[str, ...]
Layout = Callable[[str], re.Match[str] | None]


class Layouts:
    """The Timestamp and the fields of one kind of event. `known` are the layouts learned."""

    __slots__ = ("_attempts", "_fields", "_needles", "known")

    def __init__(self, fields: tuple[str, ...]) -> None:
        """`fields` in the order in which an exchange sends them: in any other order nothing is learned."""
        self.known: list[Layout] = []
        # A listing's variables come in any number, and seldom.
        self._attempts = 0 if any(field.startswith("Variable") for field in fields) else MAX_ATTEMPTS
        self._fields = ("Timestamp", *fields)
        self._needles = tuple(map(_needle, self._fields))

    def search(self, text: str, longest: int) -> Values:
        """The values wherever they stand in the message, none longer than `longest`."""
        stamp, *values = (_value(text, needle, longest) for needle in self._needles)
        return (stamp if instant(stamp) is not None else "", *values)

    def learn(self, text: str) -> None:
        """From now on, messages with the headers of this one are read by their layout."""
        if self._attempts == 0:
            return
        self._attempts -= 1
        pattern = self._pattern(text)
        layout = re.compile(pattern).match if pattern is not None else None
        if layout is not None and layout(text) is not None:
            self.known.append(layout)

    def _pattern(self, text: str) -> str | None:
        """One group for each field, in the order of the fields; None where they come in another.

        Where all are there, the headers between them need only be counted, for no header comes twice. Where one
        is missing, its group is empty, every header is read, and nothing may follow.
        """
        first, *headers = text.split(CRLF)
        names = [header.partition(": ")[0] for header in headers]
        places = [names.index(field) for field in self._fields if field in names]
        if len(names) > MAX_HEADERS or places != sorted(places):
            return None
        is_whole = len(places) == len(self._fields)
        lines, waiting = [re.escape(first)], [*self._fields]
        for at, name in enumerate(names[: places[-1] + 1] if is_whole else names):
            if at in places:
                missing = waiting.index(name)
                lines.append("()" * missing + _group(name))
                del waiting[: missing + 1]
            else:
                lines.append(_ANY if is_whole else _skipped(name))
        return CRLF.join(lines) + ("(?=\r\n|\\Z)" if is_whole else "()" * len(waiting) + "\\Z")


def _group(name: str) -> str:
    return f"{re.escape(name)}: {_TIME if name == 'Timestamp' else _TEXT}"


def _skipped(name: str) -> str:
    """`ChanVariable(PJSIP/101-00000001)` bears the name of a channel: only its beginning is the header's."""
    head, bracket, _ = name.partition("(")
    return re.escape(head + (bracket or ": ")) + _ANY


def _needle(field: str) -> str:
    return CRLF + field + ("=" if field.startswith("Variable") else ": ")


def _value(text: str, needle: str, longest: int) -> str:
    start = text.find(needle)
    if start < 0:
        return ""
    start += len(needle)
    end = text.find(CRLF, start)
    return text[start : min(len(text) if end < 0 else end, start + longest)]
