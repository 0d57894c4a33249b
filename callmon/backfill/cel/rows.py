"""Parses CEL rows: text of `cel_custom`, or the columns of a table, to typed rows; sorts them. Pure.

Times are epoch seconds or local times of the exchange's zone, with or without fractions. Without fractions, the
true moment lies within the second after (`is_whole`). One hour occurs twice in November. The creation time in the
channel's uniqueid and the order of the rows decide between its two moments.

CEL writes rows almost in the order of their times. That order also decides between rows of equal time. Two logging
backends with one file, or a file beside its copy, give each row twice (`in_order`).

Refuses nothing: rows that cannot be parsed are counted by kind, with the place of the first.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from callmon.ami.events import instant
from callmon.errors import Sentence

COLUMNS = (
    *("eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield"),
    *("userdeftype", "eventextra"),
)
# In the order of their numbers, from 1 on: cel_odbc and cel_pgsql write these into a numeric column.
EVENTS = (
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT",
    "PARK_START", "PARK_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP",
    "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF",
)  # fmt: skip
OF_NUMBER = {str(number): name for number, name in enumerate(EVENTS, 1)}
LEAST = COLUMNS.index("linkedid") + 1
LONGEST_LINE = 65_536  # characters; Asterisk's rows are much shorter
TOLERANCE = timedelta(minutes=2)  # rows are written by channel, slightly out of order
TWICE = timedelta(hours=1)


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
    """Rows that could not be parsed: by kind, their number and the place of the first."""

    def __init__(self) -> None:
        self.kinds: dict[Sentence, tuple[int, int]] = {}
        self.lacks_apps = False  # the column `appname` is missing
        self.doubted = 0  # calls with incomplete rows (`incomplete.py`)

    def count(self, what: Sentence, line: int) -> None:
        count, first = self.kinds.get(what, (0, line))
        self.kinds[what] = count + 1, first

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
        self._n = 0
        self._last: datetime | None = None
        self._names: dict[str, str] = {}

    def read_lines(self, text: Iterable[str]) -> Iterator[CelRow]:
        """Rows of a file of `cel_custom`: every value quoted, quotes doubled, commas; no header."""
        for number, fields in self._fields(text):
            if len(fields) < LEAST:
                self.bad.count(Sentence("too few columns"), number)
            elif (row := self.row(dict(zip(COLUMNS, fields, strict=False)), number)) is not None:
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
                yield number - 1, _split(broken + line)
                broken = ""
                continue
            if broken:
                self.bad.count(Sentence("a quotation mark is missing"), number - 1)
            broken = "" if _is_whole(line) else line
            if not broken:
                yield number, _split(line)
        if broken:
            self.bad.count(Sentence("cut off"), number)

    def row(self, values: Mapping[str, Any], number: int = 0) -> CelRow | None:
        """Parses a row from values by column name. An invalid row is counted; returns None."""
        kind, uniqueid = _text(values, "eventtype"), _text(values, "uniqueid")
        if not kind or not uniqueid:
            self.bad.count(Sentence("no event or no uniqueid"), number)
            return None
        at, is_whole = self.time(values.get("eventtime"), uniqueid)
        if at is None:
            self.bad.count(
                Sentence("its time cannot be parsed, or its layout is not that of the site guide"), number
            )
            return None
        self._n += 1
        self.bad.lacks_apps |= "appname" not in values
        return CelRow(
            kind=self._once(OF_NUMBER.get(kind, kind.upper())),
            at=at,
            is_whole=is_whole,
            n=self._n,
            name=_text(values, "cid_name"),
            number=_text(values, "cid_num"),
            dnid=_text(values, "cid_dnid"),
            exten=self._once(_text(values, "exten")),
            context=self._once(_text(values, "context")),
            channel=self._once(_text(values, "channame")),
            app=self._once(_text(values, "appname")),
            data=self._once(_text(values, "appdata")),
            uniqueid=self._once(uniqueid),
            linkedid=self._once(_text(values, "linkedid") or uniqueid),
            said=self._once(_text(values, "userdeftype")),
            extra=_text(values, "eventextra"),
        )

    def _once(self, text: str) -> str:
        if len(self._names) > 100_000:
            self._names.clear()
        return self._names.setdefault(text, text)

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
            after = [instant(uniqueid.rpartition("-")[2].partition(".")[0]), self._last]
            earliest = max((at for at in after if at is not None and abs(at - first) < 4 * TWICE), default=first)
            first = first if first >= earliest - TOLERANCE else second
        self._last = first
        return _sane(first)


def _sane(at: datetime) -> datetime | None:
    """`at` if its year is plausible (1991 to 2199), else None, so that later arithmetic cannot overflow."""
    return at if 1990 < at.year < 2200 else None


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value)


def _is_whole(line: str) -> bool:
    """Whether every quotation mark in the line is closed."""
    return line.count('"') % 2 == 0


def _split(line: str) -> list[str]:
    line = line.rstrip("\r\n").replace("\0", "").replace("\r", " ").replace("\n", " ")
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


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
