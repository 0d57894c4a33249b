"""One backfill, from CEL rows to stored calls. Blocks: beside an event loop, run it in a thread.

    rows ─▶ stretches ─▶ facts of whole calls (`backfill/cel/extract.py`) ─▶ created or completed (`apply.py`)

With time windows, only calls that were up within them are taken. Rows of whole calls are needed, including calls
that begin before a window or end after it. A file is therefore read from half a day before the first window on. A
table is read from the first to the last row of the calls that have a row in a window.

Refuses: to store a call on no public line; to write to a table. It runs only SELECT statements, in read-only
transactions.
"""

import codecs
import gzip
import io
import sys
import zlib
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, DateTime, Engine, MetaData, Table, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.apply import FilledGap, fill, hand_over, is_settled
from callmon.backfill.cel import extract
from callmon.backfill.cel.extract import messages_left, with_doubt, with_message
from callmon.backfill.cel.rows import LONGEST_LINE, CelReader, CelRow, ParseErrors, column_of
from callmon.config.exchange import CelSettings
from callmon.config.settings import Settings
from callmon.core.callbacks.ledger import LAST
from callmon.core.callbacks.triggers import called
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import Call
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import CallbackRequested, Fact
from callmon.core.monitor import Monitor
from callmon.core.statistics.counters import survey_was_heard
from callmon.core.statistics.coverage import merge_spans
from callmon.errors import ConfigError, Sentence, StoreError, system_reason
from callmon.store.database import Database, reason
from callmon.store.queries import calls, obligations

Window = tuple[datetime, datetime]
Windows = Sequence[Window] | None  # None: all rows
LONG_AGO = timedelta(days=60)
# CEL writes a row when its event happens: rows of a call may lie this far outside the time in which it was up.
AROUND = timedelta(minutes=1)


class Backfill:
    """The backfill of one exchange's CEL into the database."""

    def __init__(
        self,
        settings: Settings,
        store: Database,
        exchange: str,
        grown: Mapping[str, Sequence[MailboxGrowth]] | None = None,
        writes: bool = True,
        is_import: bool = False,
    ) -> None:
        """`grown`: by mailbox, its growth during measurement gaps, where messages were counted.

        Without `writes`, the same changes are found and nothing is written. `is_import`: as for `fill`.
        """
        self._grown = grown or {}
        self._writes = writes
        self._is_import = is_import
        self._store, self.exchange = store, exchange
        self.profile = ExchangeProfile(settings, exchange)
        self.monitor = Monitor(settings, exchange, token=obligations.token_function(store))
        self.monitor.survey_heard = survey_was_heard(calls.counters(store))
        own = settings.exchanges[exchange]
        self._keys, self._keeps_numbers = own.language_keys, own.cel.numbers
        self.bad = ParseErrors()
        self.apart: list[Call] = []
        self.called_back = 0  # outbound calls to open obligations, handed over to the ledger
        self.zone = settings.timezone if own.timezone is None else ZoneInfo(own.timezone)
        self.rows = self.calls = 0

    def measurement_gaps(self, now: datetime) -> list[Window] | None:
        """The measurement gaps of the last LONG_AGO, up to `now`; None if no event was ever received."""
        heard = calls.heartbeats(self._store).get(self.exchange)
        if heard is None:
            return None
        gaps = [(gap.start, gap.end) for gap in calls.gaps(self._store, self.exchange)]
        return [gap for gap in [*gaps, (heard, now)] if now - gap[1] < LONG_AGO]

    def reader(self) -> CelReader:
        """A reader for rows with local times in the exchange's time zone."""
        return CelReader(self.zone, self.bad)

    def run(self, rows: Iterable[CelRow], windows: Windows = None) -> Iterator[FilledGap]:
        """Yields the changes of each transaction after its commit. Raises StoreError."""
        messages: dict[str, str] = {}
        grown = {box: [x for x in growths if _is_within(x, windows)] for box, growths in self._grown.items()}
        if any(grown.values()):
            rows = list(rows)
            messages = messages_left(rows, grown)
        for part in extract.stretches(rows):
            self.rows += len(part)
            found = self.calls_of(part)
            for call in messages.keys() & found.keys():
                found[call] = with_message(found[call], messages[call])
            if windows is not None:
                found = {call: facts for call, facts in found.items() if _was_up(facts, windows)}
            found = {call: self.with_kept_numbers(facts) for call, facts in found.items()}
            self.apart += [_account(facts) for facts in found.values() if extract.arrival(facts).line is None]
            now = datetime.now(UTC)
            yield from self.fill(found, now)
            if self._writes:
                self._hand_over(found)  # after the commands that open obligations for their messages

    def fill(self, found: Mapping[str, Sequence[Fact]], now: datetime) -> Iterator[FilledGap]:
        """Writes these calls, and yields the changes of each transaction after its commit. Raises StoreError."""
        self.calls += len(found)
        place = self._store, self.monitor, self.exchange
        yield from fill(*place, found, now, self._writes, self._is_import)

    def with_kept_numbers(self, facts: list[Fact]) -> list[Fact]:
        """The facts with the number that the site keeps of a call that only a record of the exchange has."""
        return facts if self._keeps_numbers else _without_numbers(facts)

    def calls_of(self, part: Sequence[CelRow]) -> extract.ExtractedCalls:
        """The facts of each call that ends in this stretch of rows."""
        found = extract.extract_calls(part, self.profile, self._keys, self._is_import)
        lacks_apps = self.bad.lacks_apps or (self._is_import and not any(row.app for row in part))
        doubted = with_doubt(part, found, lacks_apps)
        self.bad.doubted += len(doubted)
        return found | doubted

    def _hand_over(self, found: extract.ExtractedCalls) -> None:
        """Hands over the outbound calls that are not stored to the ledger: each may be a callback."""
        now, out = datetime.now(UTC), {}
        for call, facts in found.items():
            arrived = extract.arrival(facts)
            number = called(arrived, self.profile)[0] if arrived.direction == "outbound" else None
            if number is not None and is_settled(facts, now):
                out[call] = number, facts
        stored = calls.names_with_facts(self._store, self.exchange, out)
        rest = [to_call for call, to_call in out.items() if call not in stored]
        self.called_back += hand_over(self._store, self.exchange, rest, now)


def _without_numbers(facts: Sequence[Fact]) -> list[Fact]:
    arrived = extract.arrival(facts)
    if arrived.direction != "inbound":
        return [*facts]
    first = msgspec.structs.replace(arrived, caller=None, withheld=arrived.withheld or "unknown")
    replaced = msgspec.structs.replace
    return [first, *(replaced(x, number=None) if isinstance(x, CallbackRequested) else x for x in facts[1:])]


def _was_up(facts: Sequence[Fact], windows: Sequence[Window]) -> bool:
    begin, end = facts[0].at, facts[-1].at
    if begin is None or end is None:
        return False
    return any(since - AROUND <= end and begin <= until + AROUND for since, until in windows)


def _is_within(growth: MailboxGrowth, windows: Windows) -> bool:
    """Whether the windows cover the whole time span of the growth."""
    if windows is None:
        return True
    return any(since - AROUND <= growth.since and growth.until <= until + AROUND for since, until in windows)


def _account(facts: Sequence[Fact]) -> Call:
    """The account of a call on no line, which no standard judges."""
    return CallAccount(extract.arrival(facts)).record_facts(facts).call()


# The source: a file or a table.

DRIVERS = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
READ_ONLY = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
FOLD = timedelta(hours=1)  # the local hour that occurs twice in November
PIECE = 65_536
GZIP = b"\x1f\x8b"  # the first bytes of a compressed file
LATIN_1 = "callmon.latin-1"  # for bytes that are no UTF-8
PEEKED = 64  # bytes that tell how a file is encoded
# The first bytes of what is not read, and the program that made it.
COMPRESSED = {b"\xfd7zXZ": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd"}


def rows(settings: CelSettings, exchange: str, reader: CelReader, windows: Windows) -> Iterator[CelRow]:
    """All rows of the calls that were up in `windows` (None: all rows). Raises ConfigError or StoreError."""
    if settings.file is not None:
        yield from _of_files(settings.file, exchange, reader, windows)
    elif settings.url is not None:
        yield from _of_table(settings, exchange, reader, windows)


# A file.


def _of_files(pattern: str, exchange: str, reader: CelReader, windows: Windows) -> Iterator[CelRow]:
    paths = sorted(map(Path, glob(pattern)), key=lambda path: path.stat().st_mtime)
    if not paths:
        raise ConfigError(
            Sentence(
                "{setting}: no file {pattern} is readable by callmon's user",
                setting=f"exchanges.{exchange}.cel.file",
                pattern=pattern,
            )
        )
    since = None if windows is None else min(begin for begin, _ in windows) - extract.DEAD
    for path in paths:
        if since is None or datetime.fromtimestamp(path.stat().st_mtime, UTC) >= since:
            yield from reader.read_lines(lines_of(path, since, reader.zone))


def lines_of(path: Path, since: datetime | None = None, zone: tzinfo = UTC) -> Generator[str]:
    """The lines of a file, plain or gzip, or of standard input (`-`), cut at LONGEST_LINE + 1 characters.

    UTF-16 is found by its first bytes. Other bytes that are no UTF-8 are Latin-1. `since`: of a plain file, the
    lines from about that time on. Its rows are in the order of their times, up to a few seconds.

    Raises ConfigError if the file cannot be read to its end, or is compressed by another program than gzip.
    """
    try:
        with _opened(path) as file, io.TextIOWrapper(file, _encoding(path, file), LATIN_1, newline="\n") as text:
            if since is not None and not isinstance(text.buffer, gzip.GzipFile):
                _seek(text.buffer, since, zone)
            yield from bounded_lines(text)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ConfigError("{path}: is cut off or damaged; copy it again from the exchange.", path=path) from None
    except OSError as error:
        fields = {"path": path, "why": system_reason(error)}
        raise ConfigError(
            "{path}: cannot be read ({why}); name a file that this user may read.", **fields
        ) from None


def _opened(path: Path) -> Any:
    if str(path) == "-":
        return io.BufferedReader(sys.stdin.buffer)  # which can peek
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP)) == GZIP
    return gzip.open(path) if is_compressed else path.open("rb")


def _encoding(path: Path, file: Any) -> str:
    """The encoding of a file, by its first bytes. Raises ConfigError if it is compressed, but not by gzip."""
    first = file.peek(PEEKED)[:PEEKED]
    for begin, program in COMPRESSED.items():
        if first.startswith(begin):
            fields = {"path": path, "program": program}
            raise ConfigError(
                "{path}: is compressed with {program}; unpack it, or compress it with gzip.", **fields
            )
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = first[::2], first[1::2]
    if odd and not odd.strip(b"\0") and b"\0" not in even:
        return "utf-16-le"
    return "utf-16-be" if even and not even.strip(b"\0") and b"\0" not in odd else "utf-8-sig"


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(LATIN_1, _as_latin_1)


def bounded_lines(file: TextIO) -> Iterator[str]:
    return iter(partial(file.readline, LONGEST_LINE + 1), "")


def _seek(file: Any, since: datetime, zone: tzinfo) -> None:
    """Seeks a line before which all rows are older, by binary search."""
    pieces = range(0, file.seek(0, io.SEEK_END), PIECE)
    found = bisect_left(pieces, since, key=lambda place: _time_after(file, place, zone))
    file.seek(pieces[found - 1] if found > 1 else 0)
    if found > 1:
        file.readline(PIECE)


def _time_after(file: Any, place: int, zone: tzinfo) -> datetime:
    """The time of the first row after `place`, in this piece of the file or the next; LAST without one."""
    file.seek(place)
    file.readline(PIECE)
    while file.tell() < place + 2 * PIECE and (line := file.readline(PIECE)):
        row = next(CelReader(zone).read_lines([line.decode("utf-8", "replace")]), None)
        if row is not None:
            return row.at
    return LAST


# A table.


def _of_table(settings: CelSettings, exchange: str, reader: CelReader, windows: Windows) -> Iterator[CelRow]:
    try:
        with engine_of(settings, exchange).connect() as connection:
            yield from _Table(connection, settings.table, reader).rows(windows)
    except SQLAlchemyError as error:
        raise StoreError(
            Sentence(
                "{table}: the table cannot be read: {why}", table=f"exchanges.{exchange}.cel", why=reason(error)
            )
        ) from None


def engine_of(settings: CelSettings, exchange: str) -> Engine:
    return read_only_engine(settings.url or "", settings.password(), f"exchanges.{exchange}.cel.url")


def read_only_engine(address: str, password: str | None, setting: str) -> Engine:
    """The engine of an administrator's database. `setting`: what named it, for an error message.

    It keeps no connection: a process that forks shares none. It sends no file that the server asks for.
    """
    url = make_url(address)
    url = url.set(drivername=DRIVERS.get(url.get_backend_name(), url.drivername))
    if password is not None:
        url = url.set(password=password)
    refused = {"local_infile": False} if url.drivername == DRIVERS["mysql"] else {}
    try:
        engine = create_engine(url, hide_parameters=True, poolclass=NullPool, connect_args=refused)
    except ModuleNotFoundError:
        raise ConfigError(
            Sentence(
                '{setting}: the MariaDB driver is missing; see "Extras" in docs/en/how-to/install.md',
                setting=setting,
            )
        ) from None
    event.listen(engine, "connect", _make_read_only(READ_ONLY.get(engine.dialect.name)))
    return engine


def _make_read_only(statement: str | None) -> Callable[[Any, Any], None]:
    """The listener that makes all transactions of a new connection read-only, so that a view cannot write."""

    def run(connection: Any, _record: Any) -> None:
        if statement is not None:
            with closing(connection.cursor()) as cursor:
                cursor.execute(statement)
            connection.commit()

    return run


class _Table:
    """An administrator's table with the columns of CEL."""

    def __init__(self, connection: Connection, name: str, reader: CelReader) -> None:
        self._connection, self._reader = connection, reader
        self._table = Table(name, MetaData(), autoload_with=connection)
        columns = {column_of(column.name): column for column in self._table.columns}
        missing = [name for name in ("eventtype", "eventtime", "uniqueid", "linkedid") if name not in columns]
        if missing:
            raise StoreError(
                Sentence("the table {name} is not CEL: it has no column {column}", name=name, column=missing[0])
            )
        self._columns = columns
        self._at = columns["eventtime"]
        self._call = columns["linkedid"]

    def rows(self, windows: Windows) -> Iterator[CelRow]:
        order = self._columns.get("id", self._at)
        if windows is None:
            yield from self._read(select(self._table).order_by(order))
            return
        for begin, end in merge_spans(map(self._bounds, windows)):
            question = select(self._table).where(self._at >= begin, self._at <= end)
            yield from self._read(question.order_by(order))

    def _read(self, question: Any) -> Iterator[CelRow]:
        found = self._connection.execution_options(stream_results=True).execute(question).mappings()
        for number, values in enumerate(found, 1):
            row = self._reader.row({column_of(name): value for name, value in values.items()}, number)
            if row is not None:
                yield row

    def _bounds(self, window: Window) -> tuple[Any, Any]:
        """The times of the first and last row of the calls that have a row in this window."""
        begin, end = (self._as_kept(at) for at in (window[0] - AROUND - FOLD, window[1] + AROUND + FOLD))
        of_calls = self._call.in_(select(self._call).where(self._at >= begin, self._at <= end))
        ends = select(func.min(self._at), func.max(self._at)).where(of_calls)
        first, last = self._connection.execute(ends).one()
        return (begin, end) if first is None else (min(begin, first), max(end, last))

    def _as_kept(self, at: datetime) -> Any:
        """`at` in the format of this table's column: local or with a zone, epoch seconds, or text of either."""
        local = at.astimezone(self._reader.zone).replace(tzinfo=None)
        if isinstance(self._at.type, DateTime):
            return at if self._at.type.timezone else local
        stored = self._connection.scalars(select(self._at).where(self._at.is_not(None)).limit(1)).first()
        if isinstance(stored, datetime):
            return local
        if stored is not None and not isinstance(stored, str):
            return at.timestamp()
        is_epoch = str(stored or "").replace(".", "").isdigit()
        return f"{at.timestamp():.6f}" if is_epoch else local.strftime("%Y-%m-%d %H:%M:%S")
