"""One import: files of one record of an exchange, to stored calls. It blocks.

    files ─▶ each read once, sorted by time ─▶ facts of whole calls ─▶ created or replaced (`backfill/apply.py`)

A call is a transaction's part with its verdicts and its share of the roll-ups, as a heard one is. An import that
was interrupted is run again: what is stored stays as it is. What is older than the retention is not read.

Refuses: to alert, to open a callback, or to count in an exported counter. These are calls of the past.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine

from callmon.backfill.apply import FilledGap
from callmon.backfill.cel.extract import arrival
from callmon.backfill.cel.rows import EVENTS, CelReader
from callmon.backfill.imported.cdr import CdrReader
from callmon.backfill.imported.files import RecordFile, examined
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.backfill.imported.records import RecordLine, RecordReader
from callmon.backfill.imported.tables import RecordTable
from callmon.backfill.job import Backfill
from callmon.config.settings import Settings
from callmon.core.facts import Fact
from callmon.core.statistics.period import midnight
from callmon.errors import ConfigError
from callmon.store.database import Database

CALLS_AT_ONCE = 200  # of one transaction: a daemon beside waits no longer
LINES_AT_ONCE = 2_000  # between two steps of the progress bar
READERS: Mapping[str, Callable[..., RecordReader]] = {"queue_log": QueueLogReader, "cdr": CdrReader}
Days = tuple[date | None, date | None]  # the first and the last; None: no limit
Source = RecordFile | RecordTable
NAMES = {"queue_log": "queue_log", "cdr": "CDR", "cel": "CEL"}


class Import:
    """The import of one record. `months`: by month, the calls that were created or replaced."""

    def __init__(self, settings: Settings, store: Database, kind: str, exchange: str, writes: bool) -> None:
        self.kind, self.writes, self._settings = kind, writes, settings
        self.work = Backfill(settings, store, exchange, writes=writes, is_import=True)
        self.reader: RecordReader | None = None
        self.months, self.changed, self.older = Counter[str](), Counter[str](), 0

    @property
    def lines_read(self) -> int:
        return self.work.rows if self.reader is None else self.reader.lines

    @property
    def left_out(self) -> dict[str, int]:
        """By the reason, what was not imported."""
        reader = self.reader
        if reader is None:
            return {"older": self.older}
        more = {"without_line": reader.without_line.total(), "in_progress": reader.unfinished}
        return {"older": self.older, "broken_lines": reader.broken.count, **more}

    def examine(self, paths: Iterable[Path], now: datetime) -> list[Source]:
        """The files, oldest first. Raises ConfigError for the first that cannot be read; nothing is written."""
        return [*examined(paths, NAMES[self.kind], self._moment(now), self._refuse_other)]

    def examine_table(self, engine: Engine, name: str, now: datetime) -> list[Source]:
        """The table. Raises ConfigError if it cannot be read, or is no table of the record."""
        return [RecordTable(engine, self.kind, name, self._moment(now))]

    def _moment(self, now: datetime) -> Callable[[RecordLine], datetime | None]:
        if self.kind in READERS:
            self.reader = READERS[self.kind](self.work.profile, CelReader(self.work.zone), now)
        return _moment_of_cel(self.work) if self.reader is None else self.reader.moment

    def _refuse_other(self, lines: list[RecordLine]) -> None:
        """Raises ConfigError if none of these lines is of the record. Of CEL, `_moment_of_cel` has looked."""
        if self.reader is None:
            return
        reader = READERS[self.kind](self.work.profile, CelReader(self.work.zone), datetime.max.replace(tzinfo=UTC))
        deque(reader.whole_calls(lines), maxlen=0)
        if reader.broken.count == len(lines):
            file, line, what = reader.broken.first[0]
            raise ConfigError("{file}, line {line}: {what}.", file=file, line=line, what=what)

    def run(self, files: Sequence[Source], now: datetime, days: Days, advance: Callable[[int], object]) -> None:
        """Writes the calls that arrived on these days. Raises StoreError; what was written until then stays."""
        zone, kept = self._settings.timezone, _kept(self._settings, now)
        since, until = span_of(self._settings, now, days)
        lines = _advancing((line for file in files for line in file.each_line()), advance)
        for filled in self._written(lines, now, (since, until), kept):
            for change in filled.changes:
                self.changed[change.what] += 1
                if change.call.arrived is not None:
                    self.months[f"{change.call.arrived.astimezone(zone):%Y-%m}"] += 1

    def _written(
        self, lines: Iterable[RecordLine], now: datetime, span: tuple[datetime, datetime], kept: datetime
    ) -> Iterator[FilledGap]:
        if self.reader is None:
            rows = self.work.reader().read_lines(line.text for line in lines)
            for filled in self.work.run(rows, [span]):
                self.work.apart.clear()
                yield filled
            return
        calls = self._within(self.reader.whole_calls(lines), span, kept)
        while some := list(islice(calls, CALLS_AT_ONCE)):
            yield from self.work.fill({x[0].call: self.work.with_kept_numbers(x) for x in some}, now)

    def _within(
        self, calls: Iterable[list[Fact]], span: tuple[datetime, datetime], kept: datetime
    ) -> Iterator[list[Fact]]:
        for facts in calls:
            at = arrival(facts).at
            self.older += at is not None and at < kept
            if at is not None and span[0] <= at < span[1]:
                yield facts


def span_of(settings: Settings, now: datetime, days: Days) -> tuple[datetime, datetime]:
    """The calls of these days that the retention does not exclude arrived between these two moments."""
    kept, zone = _kept(settings, now), settings.timezone
    since = kept if days[0] is None else max(kept, midnight(days[0], zone))
    return since, now if days[1] is None else midnight(days[1] + timedelta(days=1), zone)


def _kept(settings: Settings, now: datetime) -> datetime:
    return now - timedelta(days=settings.configuration.retention_days)


def _moment_of_cel(work: Backfill) -> Callable[[RecordLine], datetime | None]:
    def moment(line: RecordLine) -> datetime | None:
        row = next(CelReader(work.zone).read_lines([line.text]), None)
        return row.at if row is not None and row.kind in EVENTS else None

    return moment


def _advancing(lines: Iterable[RecordLine], advance: Callable[[int], object]) -> Iterator[RecordLine]:
    number = 0
    for number, line in enumerate(lines, 1):
        if number % LINES_AT_ONCE == 0:
            advance(LINES_AT_ONCE)
        yield line
    advance(number % LINES_AT_ONCE)
