"""Parses CEL rows: text of `cel_custom`, or the columns of a table, to typed rows; sorts them. Pure.

Times are epoch seconds or local times of the exchange's zone, with or without fractions. Without fractions, the
true moment lies within the second after (`is_whole`). One hour occurs twice in November. The creation time in the
channel's uniqueid and, where rows are in the order of time, the row before decide between its two moments.

CEL writes rows almost in the order of their times. That order also decides between rows of equal time. Two logging
backends with one file, or a file beside its copy, give each row twice (`in_order`).

Refuses nothing: rows that cannot be parsed are counted by kind, with the place of the first.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import msgspec

from callmon.ami.events import born, instant
from callmon.errors import Sentence


class _Columns(NamedTuple):
    """The values of a row as texts, in the order of `cel_custom`."""

    eventtype: str
    eventtime: str
    cid_name: str
    cid_num: str
    cid_ani: str
    cid_rdnis: str
    cid_dnid: str
    exten: str
    context: str
    channame: str
    appname: str
    appdata: str
    amaflags: str
    accountcode: str
    uniqueid: str
    linkedid: str
    peer: str
    userfield: str
    userdeftype: str
    eventextra: str


COLUMNS = _Columns._fields
# Other names of the columns of a table.
ALIASES = {
    "cidname": "cid_name", "cidnum": "cid_num", "ciddnid": "cid_dnid", "channel": "channame",
    "application": "appname", "userdefined": "userdeftype", "event": "eventtype", "time": "eventtime",
    "extra": "eventextra",
}  # fmt: skip
# In the order of their numbers, from 1 on: cel_odbc and cel_pgsql write these into a numeric column.
EVENTS = (
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT",
    "PARK_START", "PARK_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP",
    "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF",
)  # fmt: skip
OF_NUMBER = {str(number): name for number, name in enumerate(EVENTS, 1)}
LEAST, COUNT = COLUMNS.index("linkedid") + 1, len(COLUMNS)
LONGEST_LINE = 65_536  # characters; Asterisk's rows are much shorter
TOLERANCE = timedelta(minutes=2)  # rows are written by channel, slightly out of order
TWICE = timedelta(hours=1)
SHOWN = 10  # rows that cannot be parsed, with their places


class CelRow(msgspec.Struct, frozen=True, gc=False):
    """One row. `at` is in UTC. `n` is its position among the rows and orders rows of equal time."""

    kind: str
    at: datetime
    is_whole: bool
    n: int
    name: str
    number: str
    dnid: str
    exten: str
    context: str
    channel: str
    app: str
    data: str
    uniqueid: str
    linkedid: str
    said: str  # the name of a USER_DEFINED event or of a stream
    extra: str

    @property
    def more(self) -> dict[str, Any]:
        """The JSON object in `extra`, which only some events have; empty if it is not a JSON object."""
        try:
            found = msgspec.json.decode(self.extra) if self.extra else {}
        except (msgspec.DecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class ParseErrors:
    """Rows that could not be parsed: by kind, their number and the place of the first; the first of all kinds."""

    def __init__(self) -> None:
        self.kinds: dict[Sentence, tuple[int, int]] = {}
        self.first: list[tuple[int, Sentence]] = []
        self.lacks_apps = False  # the column `appname` is missing
        self.doubted = 0  # calls with incomplete rows (`incomplete.py`)

    def count(self, what: Sentence, line: int) -> None:
        count, first = self.kinds.get(what, (0, line))
        self.kinds[what] = count + 1, first
        if len(self.first) < SHOWN:
            self.first.append((line, what))

    def __len__(self) -> int:
        return sum(count for count, _ in self.kinds.values())

    def sentences(self) -> Iterator[Sentence]:
        for what, (count, first) in sorted(self.kinds.items()):
            yield Sentence(
                "CEL: rows left out: {count}, {what} (the first is row {first}).",
                count=count,
                what=what,
                first=first,
            )
        if self.doubted:
            yield Sentence(
                "CEL: calls known in part: {count}. The answering phone, the end and transfers of a call need the "
                "events ANSWER, BRIDGE_ENTER and HANGUP and the columns appname and eventextra (extra).",
                count=self.doubted,
            )


class CelReader:
    """Parses fields to rows, in the given order. One reader per source: it stores the last row's time."""

    def __init__(self, zone: tzinfo, bad: ParseErrors | None = None) -> None:
        self.zone, self.bad = zone, ParseErrors() if bad is None else bad
        self.is_in_order = True  # else the row before says nothing of the time
        self._n = 0
        self._last: datetime | None = None
        self._names: dict[str, str] = {}

    def read_lines(self, text: Iterable[str]) -> Iterator[CelRow]:
        """Rows of a file of `cel_custom`: every value quoted, quotes doubled, commas; no header."""
        for number, fields in self._fields(text):
            if len(fields) < LEAST:
                self.bad.count(Sentence("too few columns"), number)
                continue
            values = _Columns._make([*fields[:COUNT], *[""] * (COUNT - len(fields))])
            if (row := self._row(values, values.eventtime, number)) is not None:
                yield row

    def _fields(self, text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """Splits lines. A line break may be quoted: one more line is tried, then the broken line is skipped."""
        broken, number = "", 0
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            if len(line) > LONGEST_LINE:
                self.bad.count(Sentence("too long"), number)
                broken = ""
                continue
            if broken and not _is_whole(line) and _is_whole(broken + line):
                yield number - 1, split_line(broken + line)
                broken = ""
                continue
            if broken:
                self.bad.count(Sentence("a quotation mark is missing"), number - 1)
            broken = "" if _is_whole(line) else line
            if not broken:
                yield number, split_line(line)
        if broken:
            self.bad.count(Sentence("cut off"), number)

    def row(self, values: Mapping[str, Any], number: int = 0) -> CelRow | None:
        """Parses a row from values by column name. An invalid row is counted; returns None."""
        texts = _Columns._make("" if values.get(name) is None else str(values[name]) for name in COLUMNS)
        row = self._row(texts, values.get("eventtime"), number)
        self.bad.lacks_apps |= row is not None and "appname" not in values
        return row

    def _row(self, values: _Columns, time: object, number: int) -> CelRow | None:
        kind, uniqueid = values.eventtype, values.uniqueid
        if not kind or not uniqueid:
            self.bad.count(Sentence("no event or no uniqueid"), number)
            return None
        at, is_whole = self.time(time, uniqueid)
        if at is None:
            self.bad.count(
                Sentence("its time cannot be parsed, or its layout is not that of the site guide"), number
            )
            return None
        self._n += 1
        if len(self._names) > 100_000:
            self._names.clear()
        once = self._names.setdefault  # equal texts are one object
        linkedid, event = values.linkedid or uniqueid, OF_NUMBER.get(kind) or kind.upper()
        return CelRow(
            kind=once(event, event),
            at=at,
            is_whole=is_whole,
            n=self._n,
            name=values.cid_name,
            number=values.cid_num,
            dnid=values.cid_dnid,
            exten=once(values.exten, values.exten),
            context=once(values.context, values.context),
            channel=once(values.channame, values.channame),
            app=once(values.appname, values.appname),
            data=once(values.appdata, values.appdata),
            uniqueid=once(uniqueid, uniqueid),
            linkedid=once(linkedid, linkedid),
            said=once(values.userdeftype, values.userdeftype),
            extra=values.eventextra,
        )

    def time(self, value: object, uniqueid: str) -> tuple[datetime | None, bool]:
        """The moment of a row of this channel in UTC, and whether it has whole seconds only."""
        if isinstance(value, datetime):
            return self._placed(value, uniqueid), value.microsecond == 0
        text = str(value or "").strip()
        if (at := instant(text)) is not None:
            return at, "." not in text
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            return None, False
        return self._placed(local, uniqueid), "." not in text

    def _placed(self, local: datetime, uniqueid: str) -> datetime | None:
        """Converts a local time to UTC. In one hour of November two results are possible."""
        try:
            if local.tzinfo is not None:
                return _sane(local.astimezone(UTC))
            first = local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
            second = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        except (OverflowError, ValueError):
            return None
        if second > first:
            after = [born(uniqueid), self._last if self.is_in_order else None]
            earliest = max((at for at in after if at is not None and abs(at - first) < 4 * TWICE), default=first)
            first = first if first >= earliest - TOLERANCE else second
        self._last = first
        return _sane(first)


def _sane(at: datetime) -> datetime | None:
    """`at` if its year is plausible (1991 to 2199), else None, so that later arithmetic cannot overflow."""
    return at if 1990 < at.year < 2200 else None


def _is_whole(line: str) -> bool:
    """Whether every quotation mark in the line is closed."""
    return line.count('"') % 2 == 0


def split_line(line: str) -> list[str]:
    """The values of a line of CSV; none of a line that is not CSV."""
    line = line.rstrip("\r\n").replace("\0", "").replace("\r", " ").replace("\n", " ")
    values = line[1:-1].split('","')
    if line.startswith('"') and line.endswith('"') and line.count('"') == 2 * len(values):
        return values  # every value is quoted, and none has a quotation mark
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def column_of(name: str, aliases: Mapping[str, str] = ALIASES) -> str:
    """callmon's name of a column of a table or an export."""
    name = name.strip().lower()
    return aliases.get(name, name)


# Order and duplicates.


def in_order(rows: Sequence[CelRow]) -> list[CelRow]:
    """The rows without duplicates, sorted by time; rows of equal time in the order of writing."""
    begun = Counter(row.uniqueid for row in rows if row.kind == "CHAN_START")
    wanted = _once(rows, begun) if any(count > 1 for count in begun.values()) else rows
    return sorted(wanted, key=lambda row: (row.at, row.n))


def _once(rows: Sequence[CelRow], begun: Mapping[str, int]) -> Iterator[CelRow]:
    """Removes duplicates. A channel has one CHAN_START: k of them mean that each of its rows occurs k times."""
    have, kept = Counter(map(_what, rows)), Counter[object]()
    for row in rows:
        what = _what(row)
        kept[what] += 1
        if kept[what] <= -(-have[what] // begun.get(row.uniqueid, 1)):
            yield row


def _what(row: CelRow) -> object:
    return row.kind, row.at, row.uniqueid, row.channel, row.app, row.data, row.exten, row.said, row.extra
