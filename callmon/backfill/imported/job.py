"""One import: files of one record of an exchange, to stored calls. It blocks.

    files ─▶ each read once, sorted by time ─▶ facts of whole calls ─▶ created or replaced (`backfill/apply.py`)

A call is a transaction's part with its verdicts and its share of the roll-ups, as a heard one is. An import that
was interrupted is run again: what is stored stays as it is. What is older than the retention is not read.

Refuses: to alert, to open a callback, or to count in an exported counter. These are calls of the past.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

from callmon.backfill.apply import FilledGap
from callmon.backfill.cel.extract import arrival
from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.cdr import CdrReader
from callmon.backfill.imported.files import RecordFile, examined, record_lines
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.backfill.imported.records import RecordLine, RecordReader
from callmon.backfill.job import Backfill
from callmon.config.settings import Settings
from callmon.core.facts import Fact
from callmon.core.statistics.period import midnight
from callmon.store.database import Database

CALLS_AT_ONCE = 200  # of one transaction: a daemon beside waits no longer
LINES_AT_ONCE = 2_000  # between two steps of the progress bar
READERS: Mapping[str, Callable[..., RecordReader]] = {"queue_log": QueueLogReader, "cdr": CdrReader}
Days = tuple[date | None, date | None]  # the first and the last; None: no limit
NAMES = {"queue_log": "queue_log", "cdr": "CDR", "cel": "CEL"}


class Import:
    """The import of one record. `months`: by month, the calls that were created or replaced."""

    def __init__(self, settings: Settings, store: Database, kind: str, exchange: str, writes: bool) -> None:
        self.kind = kind
        self.writes = writes
        self._settings = settings
        self.work = Backfill(settings, store, exchange, writes=writes, is_import=True)
        self.reader: RecordReader | None = None
        self.months = Counter[str]()
        self.changed = Counter[str]()
        self.older = 0

    def examine(self, paths: Iterable[Path], now: datetime) -> list[RecordFile]:
        """The files, oldest first. Raises ConfigError for the first that cannot be read; nothing is written."""
        if self.kind in READERS:
            self.reader = READERS[self.kind](self.work.profile, CelReader(self.work.zone), now)
        moment = _moment_of_cel(self.work) if self.reader is None else self.reader.moment
        return examined(paths, NAMES[self.kind], moment)

    def run(
        self,
        files: Sequence[RecordFile],
        now: datetime,
        days: Days,
        advance: Callable[[int], object],
    ) -> None:
        """Writes the calls that arrived on these days. Raises StoreError; what was written until then stays."""
        zone = self._settings.timezone
        kept = now - timedelta(days=self._settings.configuration.retention_days)
        since = kept if days[0] is None else max(kept, midnight(days[0], zone))
        until = now if days[1] is None else midnight(days[1] + timedelta(days=1), zone)
        lines = _advancing((line for file in files for line in record_lines(file.path)), advance)
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


def _moment_of_cel(work: Backfill) -> Callable[[RecordLine], datetime | None]:
    def moment(line: RecordLine) -> datetime | None:
        row = next(CelReader(work.zone).read_lines([line.text]), None)
        return None if row is None else row.at

    return moment


def _advancing(lines: Iterable[RecordLine], advance: Callable[[int], object]) -> Iterator[RecordLine]:
    size = 0
    for number, line in enumerate(lines, 1):
        size += len(line.text)
        if number % LINES_AT_ONCE == 0:
            advance(size)
            size = 0
        yield line
    advance(size)
