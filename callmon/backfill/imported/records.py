"""What the readers of a record share: its sources, its columns, and how a call begins. Pure.

Refuses: to guess a line. A call whose number, queue and context are of no line is counted by its queue or number.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

import msgspec

from callmon.ami.events import born
from callmon.backfill.cel.rows import CelReader, column_of, split_line
from callmon.config.lines import Line, forms
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core import facts as f
from callmon.core.callbacks.ledger import LAST
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact, FilledFrom
from callmon.errors import Sentence

WHOLE = timedelta(microseconds=999_999)  # times are whole seconds: the moment lies before the next one
DEAD = timedelta(hours=12)  # a call without a line for this long is over
LOOKED_AT = 200  # lines that tell whether a file is of the record, and of which zone
LOOKS = 5_000  # lines between two searches for calls that are over


Texts = Iterable[Iterable[str]]  # the lines of each file or table


class Source(NamedTuple):
    """A file or a table that can be read to its end: its number of lines, its first and last time, its lines.

    `is_sorted`: the lines are not in the order of time, and are sorted when they are read. `sample`: the first
    lines alone, of a table: a query can be ended behind its last row only.
    """

    place: str
    size: int
    first: datetime
    last: datetime
    lines: Callable[[], Generator[str]]
    is_sorted: bool = False
    sample: Callable[[], Generator[str]] | None = None


def channel_age(at: datetime, uniqueid: str) -> timedelta | None:
    """From the creation of a channel, which its uniqueid tells, to this time."""
    created = born(uniqueid)
    return None if created is None else at - created


def csv_line(values: Iterable[str]) -> str:
    """A line of CSV: every value is quoted, and none has a line break."""
    texts = (" ".join(value.splitlines()).replace('"', '""') for value in values)
    return ",".join(f'"{text}"' for text in texts)


def file_and_line(sources: Sequence[Source], number: int) -> tuple[Source, int]:
    """The file with this line of all of them, and its number there."""
    before = [0, *accumulate(x.size for x in sources[:-1])]
    found = bisect_left(before, number) - 1
    return sources[found], number - before[found]


class RecordReader(ABC):
    """Reads the lines of one record, oldest first. `now` decides whether a last call may still be in progress."""

    source: FilledFrom
    COLUMNS: Sequence[str]  # that a table or an export must have; a table is read in the order of the first
    ALIASES: Mapping[str, str] = {}  # other names of columns
    LAYOUT: Sequence[str] = ()  # the columns of its lines, where these have no head of their own
    DISORDER = timedelta(minutes=2)  # a line so much older than one before it: the lines are not in order

    def __init__(self, profile: ExchangeProfile, clock: CelReader, now: datetime) -> None:
        self._profile = profile
        self.clock = clock
        self._now = now
        self.lines = self.unfinished = 0
        self.without_line = Counter[str]()
        self.errors = clock.bad

    @classmethod
    def names(cls, fields: Iterable[str]) -> list[str]:
        """callmon's names of these columns, if they are a head: all that the record needs are there. Else none."""
        columns = [column_of(name, cls.ALIASES) for name in fields]
        return columns if {*columns} >= {*cls.COLUMNS} else []

    @abstractmethod
    def time_of(self, text: str) -> datetime | None:
        """The time of a line; None for a head or a broken line."""

    @abstractmethod
    def age_of(self, text: str) -> timedelta | None:
        """From the creation of the channel, which its uniqueid tells, to the time of a line."""

    def id_of(self, text: str) -> int:
        """The number of a row, which orders rows of equal time; 0 where there is none."""
        return 0

    @abstractmethod
    def whole_calls(self, texts: Texts) -> Iterator[list[Fact]]:
        """The facts of each call on a line or to a number outside, when no line about it can follow."""

    def _line(self, *names: str) -> tuple[Line, str] | None:
        """The line of the first of these numbers, queues or contexts that has one, and what it is dialled as."""
        profile = self._profile
        for name in filter(None, names):
            if (line := profile.line(name)) is not None:
                return line, name
            if name in profile.lines:  # a queue that is called like the line
                return profile.lines[name], forms(profile.lines[name], profile.region)[0]
        return None

    def _beginning(
        self, call: str, at: datetime, line: tuple[Line, str], caller: tuple[str, str], channel: str = ""
    ) -> list[Fact]:
        """The arrival of an imported call on a line. `caller`: number and name."""
        profile, withheld = self._profile, is_withheld(*caller)
        number = None if withheld else e164(caller[0], profile.region) or caller[0]
        relay, test = number in profile.relay_numbers, number in profile.test_callers
        own, dialled = line
        name = profile.endpoints.masked_name(channel)
        arrived = f.Arrived(
            call, at, "inbound", own.name, dialled, number, withheld, name, slack=WHOLE, relay=relay, test=test
        )
        return [arrived, f.Filled(call, at, alone=True, source=self.source)]


class RecordRow(msgspec.Struct, frozen=True):
    """What a line tells: when it was written, and the call that it is about ("": none)."""

    at: datetime
    call: str

    @property
    def channel_id(self) -> str:
        """The uniqueid of the channel; "" where the line is about none."""
        return self.call

    @property
    def begun(self) -> datetime:
        """The first time of the line."""
        return self.at


Row = TypeVar("Row", bound=RecordRow)


class LineReader(RecordReader, Generic[Row]):
    """Reads a record in which each line tells something of one call."""

    _columns: Sequence[str] = ()  # those of the last head of the file

    def time_of(self, text: str) -> datetime | None:
        row = self._parsed(text)
        return None if row is None else row.at

    def age_of(self, text: str) -> timedelta | None:
        row = self._parsed(text)
        return None if row is None else channel_age(row.begun, row.channel_id)

    def id_of(self, text: str) -> int:
        if "id" not in self._columns:
            return 0
        found = dict(zip(self._columns, split_line(text), strict=False)).get("id", "")
        return int(found) if found.isdecimal() and len(found) < 18 else 0

    def whole_calls(self, texts: Texts) -> Iterator[list[Fact]]:
        in_progress: dict[str, list[Row]] = {}
        latest = datetime.fromtimestamp(0, UTC)
        for lines in texts:
            self._columns = ()
            for line in lines:
                row = self._parsed(line)
                if row is not None:
                    latest = max(latest, row.at)
                    if row.call:
                        in_progress.setdefault(row.call, []).append(row)
                if self.lines % LOOKS == 0:
                    yield from self._over(in_progress, latest - DEAD)
        yield from self._over(in_progress, LAST)

    def _over(self, in_progress: dict[str, list[Row]], before: datetime) -> Iterator[list[Fact]]:
        """Removes the calls without a line since `before`, and yields those on a line."""
        for name in [name for name, rows in in_progress.items() if rows[-1].at < before]:
            rows = dict.fromkeys(in_progress.pop(name))  # once, where a file lies beside its copy
            if facts := self._facts([*rows]):
                yield facts

    def _parsed(self, text: str) -> Row | None:
        """What a line tells. Counts it, and a broken one."""
        self.lines += 1
        row = self._read(text.strip("\0 \t\r\n"))
        if isinstance(row, Sentence):
            self.errors.count(row, self.lines)
            return None
        return row

    def _is_head(self, fields: Iterable[str]) -> bool:
        """Whether these are the names of columns. The lines below then have their values."""
        columns = self.names(fields)
        self._columns = columns or self._columns
        return bool(columns)

    @abstractmethod
    def _read(self, text: str) -> Row | Sentence | None:
        """What a line tells, or why it cannot be read; None of an empty line and of a head."""

    @abstractmethod
    def _facts(self, rows: Sequence[Row]) -> list[Fact]:
        """The facts of a call with these rows, in the order of writing; none if it is on no line."""
