"""Extracts the values of one kind of event from a message's text, by the order of its headers.

An exchange sends every event of a kind with the same headers in the same order, apart from two or three variants.
The first message of each variant is searched field by field. Its layout is learned as one regular expression,
which reads the next messages in a third of the time. A message that fits no layout is searched, with the same
result. Pure.

Refuses: to raise on any received text.
"""

import re
from collections.abc import Callable

from callmon.ami.events import instant

CRLF = "\r\n"
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


class HeaderLayouts:
    """Reads the Timestamp and the fields of one kind of event. `known` are the learned layouts."""

    __slots__ = ("_attempts", "_fields", "_needles", "known")

    def __init__(self, fields: tuple[str, ...]) -> None:
        """`fields` are in the order in which an exchange sends them: in any other order no layout is learned."""
        self.known: list[Layout] = []
        # A listing's variables vary in number, and are rare.
        self._attempts = 0 if any(field.startswith("Variable") for field in fields) else MAX_ATTEMPTS
        self._fields = ("Timestamp", *fields)
        self._needles = tuple(CRLF + x + ("=" if x.startswith("Variable") else ": ") for x in self._fields)

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
                value = _TIME if name == "Timestamp" else _TEXT
                lines.append(f"{'()' * missing}{re.escape(name)}: {value}")
                del waiting[: missing + 1]
            else:
                lines.append(_ANY if is_whole else _skipped(name))
        return CRLF.join(lines) + ("(?=\r\n|\\Z)" if is_whole else "()" * len(waiting) + "\\Z")


def _skipped(name: str) -> str:
    """Match a skipped header by its name. `ChanVariable(PJSIP/101-00000001)` holds a channel: match up to "("."""
    head, bracket, _ = name.partition("(")
    return re.escape(head + (bracket or ": ")) + _ANY


def _value(text: str, needle: str, longest: int) -> str:
    start = text.find(needle)
    if start < 0:
        return ""
    start += len(needle)
    end = text.find(CRLF, start)
    return text[start : min(len(text) if end < 0 else end, start + longest)]
