"""What the readers of queue_log and CDR share: lines with their place, broken lines, a call's beginning. Pure.

Refuses: to guess a line. A call whose number, queue and context are of no line is counted by its queue or number.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from callmon.config.lines import Line, forms
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core import facts as f
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact, FilledFrom
from callmon.errors import Sentence

WHOLE = timedelta(microseconds=999_999)  # times are whole seconds: the moment lies before the next one
DEAD = timedelta(hours=12)  # a call without a line for this long is over
SHOWN = 10
LOOKS = 5_000  # lines between two searches for calls that are over


class RecordLine(NamedTuple):
    """A line of a file, with its place."""

    file: str
    number: int
    text: str


class BrokenLines:
    """Lines that could not be read: their number, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[str, int, Sentence]] = []

    def add(self, line: RecordLine, what: Sentence) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append((line.file, line.number, what))


class RecordReader(Protocol):
    """Reads the lines of one kind of record, oldest first, to the facts of one call after the other."""

    source: FilledFrom
    lines: int
    broken: BrokenLines
    without_line: Counter[str]
    unfinished: int

    def moment(self, line: RecordLine) -> datetime | None: ...

    def whole_calls(self, lines: Iterable[RecordLine]) -> Iterator[list[Fact]]: ...


def line_of(profile: ExchangeProfile, *names: str) -> tuple[Line, str] | None:
    """The line of the first of these numbers, queues or contexts that has one, and what it is dialled as."""
    for name in filter(None, names):
        if (line := profile.line(name)) is not None:
            return line, name
        if name in profile.lines:  # a queue that is called like the line
            return profile.lines[name], forms(profile.lines[name], profile.region)[0]
    return None


def beginning(
    profile: ExchangeProfile,
    call: str,
    at: datetime,
    line: tuple[Line, str],
    caller: tuple[str, str],
    channel: str,
    source: FilledFrom,
) -> list[Fact]:
    """The arrival of an imported call on a line. `caller`: number and name."""
    withheld = is_withheld(*caller)
    number = None if withheld else e164(caller[0], profile.region) or caller[0]
    arrived = f.Arrived(
        call,
        at,
        "inbound",
        line[0].name,
        line[1],
        number,
        withheld,
        profile.endpoints.masked_name(channel),
        slack=WHOLE,
        relay=number in profile.relay_numbers,
        test=number in profile.test_callers,
    )
    return [arrived, f.Filled(call, at, alone=True, source=source)]
