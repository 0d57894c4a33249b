"""One import: files of one record of an exchange, to stored calls. It blocks.

    files ─▶ each read once, sorted by time ─▶ facts of whole calls ─▶ created or replaced (`backfill/apply.py`)

A call is a transaction's part with its verdicts and its share of the roll-ups, as a heard one is. An import that
was interrupted is run again: what is stored stays as it is. What is older than the retention is not read.

Refuses: to alert, to leave a callback open, or to count in an exported counter. These are calls of the past.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from math import ceil
from pathlib import Path
from zoneinfo import ZoneInfo

from callmon.backfill.apply import FilledGap
from callmon.backfill.cel.extract import arrival
from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.ahead import read_ahead
from callmon.backfill.imported.callbacks import KEPT, PastCallbacks, store_callbacks
from callmon.backfill.imported.cdr import CdrReader
from callmon.backfill.imported.cel import CelRecordReader
from callmon.backfill.imported.examined import examined, require_zone
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.backfill.imported.records import RecordReader, Source
from callmon.backfill.job import Backfill
from callmon.config.settings import Settings
from callmon.core.calls.call import IMPORTED
from callmon.core.facts import Fact
from callmon.core.statistics.period import following, midnight
from callmon.errors import Sentence
from callmon.store.bulk import chunks
from callmon.store.database import Database

CALLS_AT_ONCE = 200  # of one transaction: a daemon beside waits no longer
LONGEST = timedelta(days=60) + KEPT  # of a due time, also of a complaint
LONG = 200_000  # lines: a second process reads them
READERS: Mapping[str, Callable[..., RecordReader]] = {"queue_log": QueueLogReader, "cdr": CdrReader}
HOLDS: Mapping[str, Sentence] = {
    "cel": Sentence("CEL tells nearly all that callmon hears; no messages and no holds."),
    "queue_log": Sentence(
        "queue_log tells the wait, the outcome and transfers; no rings, and nothing before the queue."
    ),
    "cdr": Sentence("CDR tells who was answered, busy or taken by voicemail; no rings, no waits, no transfers."),
}
# Lines that two idle processors read in a second (`bench/past.py`).
SPEED: Mapping[str, int] = {"cel": 60_000, "queue_log": 17_000, "cdr": 6_000}
Days = tuple[date | None, date | None]  # the first and the last; None: no limit


class Import:
    """The import of one record, as of `now`. `months`: by month, the calls that were created or replaced."""

    def __init__(
        self,
        settings: Settings,
        store: Database,
        kind: str,
        exchange: str,
        writes: bool,
        now: datetime,
        zone: tzinfo | None = None,
    ) -> None:
        self.kind = kind
        self.writes = writes
        self._settings = settings
        self._now = now
        self._store = store
        self.work = Backfill(settings, store, exchange, writes=writes, is_import=True)
        self.zone = zone or self.work.zone
        self.reader = self._reader(self.zone)
        self._callbacks = PastCallbacks(self.work.monitor, exchange)
        self.months = Counter[str]()
        self.changed = Counter[str]()
        self._older = 0

    def _reader(self, zone: tzinfo) -> RecordReader:
        if self.kind == "cel":
            return CelRecordReader(self.work, zone, self._now)
        return READERS[self.kind](self.work.profile, CelReader(zone), self._now)

    @property
    def left_out(self) -> dict[str, int]:
        """By the reason, what was not imported."""
        return {
            "older": self._older,
            "broken_lines": len(self.reader.errors),
            "without_line": self.reader.without_line.total(),
            "in_progress": self.reader.unfinished,
        }

    def examine(self, paths: Iterable[Path]) -> list[Source]:
        """The files, oldest first. Raises ConfigError for the first that cannot be read; nothing is written."""
        found = [self.check_zone(examined(path, self._reader(self.zone))) for path in paths]
        return sorted(found, key=lambda file: (file.first, file.last))

    def check_zone(self, source: Source) -> Source:
        """The source. Raises ConfigError where its times are of another zone than the exchange's."""
        others = {str(zone): self._reader(zone) for zone in (ZoneInfo("UTC"), self._settings.timezone)}
        require_zone(source, self._reader(self.zone), others)
        return source

    def run(self, sources: Sequence[Source], days: Days) -> Iterator[None]:
        """Writes the calls that arrived on these days. Yields after each transaction. Raises StoreError."""
        texts = (source.lines() for source in sources)
        self.reader.clock.is_in_order = not any(source.is_sorted for source in sources)
        is_long = sum(x.size for x in sources) >= LONG
        calls = read_ahead(self.reader, texts) if is_long else self.reader.whole_calls(texts)
        span = span_of(self._settings, self._now, days)
        latest = span[0]
        for some in chunks(calls, CALLS_AT_ONCE):
            found = {x[0].call: self.work.with_kept_numbers(x) for x in self._within(some, span)}
            for filled in self.work.fill(found, self._now):
                self._count(filled)
            for facts in found.values():
                self._callbacks.follow(facts)
                latest = max(latest, arrival(facts).at or latest)
            self._store_callbacks(latest)
            yield
        self._store_callbacks(self._now + LONGEST)
        yield

    def _store_callbacks(self, until: datetime) -> None:
        concluded = self._callbacks.concluded(until)
        if self.writes and concluded:
            store_callbacks(self._store, self.work.exchange, concluded)

    def _within(self, calls: Iterable[list[Fact]], span: tuple[datetime, datetime]) -> Iterator[list[Fact]]:
        kept, _ = span_of(self._settings, self._now, (None, None))
        for facts in calls:
            at = arrival(facts).at
            self._older += at is not None and at < kept and arrival(facts).line is not None
            if at is not None and span[0] <= at < span[1]:
                yield facts

    def _count(self, filled: FilledGap) -> None:
        for change in filled.changes:
            self.changed[change.what] += 1
            if change.call.arrived is not None:
                self.months[f"{change.call.arrived.astimezone(self._settings.timezone):%Y-%m}"] += 1


Record = tuple[Import, list[Source]]


def span_of(settings: Settings, now: datetime, days: Days) -> tuple[datetime, datetime]:
    """The calls of these days that the retention does not exclude arrived between these two moments."""
    kept, zone = now - timedelta(days=settings.configuration.retention_days), settings.timezone
    since = kept if days[0] is None else max(kept, midnight(days[0], zone))
    return since, now if days[1] is None else midnight(days[1] + timedelta(days=1), zone)


# What it says first.


def plan(found: Sequence[Record], settings: Settings, now: datetime, days: Days) -> Iterator[list[Sentence]]:
    """Lines of sentences: each record with its days; the time that the import takes; each month, oldest first."""
    zone = settings.timezone
    reaches = []
    for job, sources in found:
        ends = min(x.first for x in sources), max(x.last for x in sources)
        first, last = (at.astimezone(zone).date() for at in ends)
        reaches.append((job.kind, first, last))
        yield [Sentence("{record} from {first} to {last}.", record=IMPORTED[job.kind], first=first, last=last)]
        for source in sources:
            if source.is_sorted:
                yield [
                    Sentence("{file}: is not in the order of time; callmon sorts its lines.", file=source.place)
                ]
    seconds = sum(x.size / SPEED[job.kind] for job, sources in found for x in sources)
    yield [Sentence("The import takes about {count} min.", count=ceil(seconds / 60))]
    begin, end = span_of(settings, now, days)
    since, until = begin.astimezone(zone).date(), (end - timedelta(microseconds=1)).astimezone(zone).date()
    month = max(since, min(first for _, first, _ in reaches)).replace(day=1)
    while month <= until:
        held = {kind for kind, first, last in reaches if first < following(month) and last >= month}
        if held:
            yield [Sentence("{month}:", month=f"{month:%Y-%m}"), *(HOLDS[x] for x in HOLDS if x in held)]
        month = following(month)
