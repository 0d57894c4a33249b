"""A month of any number of calls, made by the database itself of stories of `tests/support/year` under new names.

Every copy has an account and six verdicts, no facts, so that ten million fit on a disk; the roll-ups are those of
the stories, as often. `compared` has the product count a day again. `quickly` is enough for the month's
statistics: verdicts are those of the day that is compared, nothing is logged, indexes are made at the end.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, event, func, select, text

from bench.processes import BenchError
from bench.table import row
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics import period
from callmon.features.months.request import gathered
from callmon.store import tables
from callmon.store.bulk import BulkWriter
from callmon.store.database import Database
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import Key, Rollup
from callmon.store.row_mapping import Rows
from callmon.store.tables import CALL
from tests.support import year
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

FIRST = datetime(2024, 3, 1, 5, tzinfo=UTC)
LATER = datetime(2025, 6, 1, tzinfo=UTC)
A_BATCH = 100_000  # calls
SERVERS = 4  # of PostgreSQL's processes, that fill it
COMPARED = date(2024, 3, 15)
MULTIPLIED = ("call", "finding")
INDEXES = [x for name in MULTIPLIED for x in tables.METADATA.tables[name].indexes]


class Story(NamedTuple):
    """A call as it is told, its rows, and what it adds to which cell."""

    outcome: Outcome
    call: tuple[Any, ...]
    findings: list[tuple[Any, ...]]
    key: Key
    rollup: Rollup


def reported(count: int) -> list[Story]:
    """So many calls of March, by their names."""
    settings = year.settings()
    judge, stories = Monitor(settings, token=str), []
    for facts, _ in year_stories.calls(count, at=in_march):
        outcome = judge.retell(year.EXCHANGE, facts)
        assert outcome is not None
        rows, cells = Rows(1), dict[Key, Rollup]()
        rows.add_outcome(year.EXCHANGE, outcome)
        one = update.call_record(outcome.calls[0], outcome.findings)
        update.count_call(cells, year.EXCHANGE, one, year.TORONTO)
        ((key, rollup),) = cells.items()
        stories.append(Story(outcome, rows.call_rows()[0], rows.finding_rows(), key, rollup))
    gc.freeze()
    return sorted(stories, key=lambda story: str(story.call[0]))


def in_march(random: Random) -> datetime:
    return FIRST + timedelta(seconds=random.uniform(0, 31 * 86_400 - 7200))


class Filled:
    """One database with one month."""

    def __init__(
        self, kind: str, store: Database, stories: list[Story], calls: int, quickly: bool = False
    ) -> None:
        self.kind, self.store, self.stories, self.quickly = kind, store, stories, quickly
        self.copies = calls // len(stories)
        self.calls = self.copies * len(stories)
        self.march = period.month("2024-03", year.TORONTO)

    def fill(self) -> None:
        begun = time.perf_counter()
        rebuild.ensure_rollups(self.store, year.TORONTO)
        year_rows.listened(self.store, FIRST - timedelta(days=90), LATER)
        empty = self.bytes()
        with self.store.writing() as connection:
            self._tell(connection)
        with self._hastened():
            self._copy_all()
        with self.store.writing() as connection:
            for table in ("told_call", "told_finding", "numbered"):
                connection.execute(text(f"DROP TABLE {table}"))
            update.add_to_cells(BulkWriter(connection), self._cells())
        self._settle_down(tidy=True)
        self.filled = self.bytes() - empty
        row("made by the database itself", (f"{self.calls / (time.perf_counter() - begun):,.0f}/s", "", ""))

    def _tell(self, connection: Connection) -> None:
        """The stories and the numbers of their copies, as tables to be multiplied."""
        writing = BulkWriter(connection)
        for name in MULTIPLIED:
            columns = ", ".join(f'"{x.name}"' for x in tables.METADATA.tables[name].columns)
            writing.execute(f'CREATE TABLE told_{name} AS SELECT 0 AS place, {columns} FROM "{name}" WHERE 1 = 0')
        writing.execute("CREATE TABLE numbered (n INTEGER)")
        sign = writing._sign
        places = [(place, *story.call) for place, story in enumerate(self.stories)]
        found = [(place, *x) for place, story in enumerate(self.stories) for x in self._kept(story)]
        for name, rows in (("call", places), ("finding", found)):
            signs = ", ".join(sign for _ in rows[0])
            for some in parted(rows, 10_000):
                connection.exec_driver_sql(f"INSERT INTO told_{name} VALUES ({signs})", some)
            writing.execute(f"CREATE INDEX ix_told_{name} ON told_{name} (place)")
        connection.exec_driver_sql(f"INSERT INTO numbered VALUES ({sign})", [(n,) for n in range(self.copies)])

    def _kept(self, story: Story) -> list[tuple[Any, ...]]:
        is_kept = not self.quickly or story.key[0] == COMPARED.isoformat()
        return story.findings if is_kept else []

    def _copy_all(self) -> None:
        a_batch = max(1, A_BATCH // self.copies)
        begins = range(0, len(self.stories), a_batch)
        with ThreadPoolExecutor(1 if self.store.path else SERVERS) as servers:
            list(servers.map(lambda begin: self._copy(begin, begin + a_batch), begins))

    @contextmanager
    def _hastened(self) -> Iterator[None]:
        """`quickly`: no log of what is written, no index but the key's until all is there."""
        if not self.quickly:
            yield
            return
        engine, is_file = self.store.engine, self.store.path is not None
        with self.store.writing() as connection:
            for index in INDEXES:
                index.drop(connection)
            if not is_file:
                for name in MULTIPLIED:
                    connection.execute(text(f'ALTER TABLE "{name}" SET UNLOGGED'))
        if is_file:
            engine.dispose()
            event.listen(engine, "connect", _without_log)
        yield
        with self.store.writing() as connection:
            for index in INDEXES:
                index.create(connection)
        if is_file:
            event.remove(engine, "connect", _without_log)
            engine.dispose()

    def _copy(self, begin: int, end: int) -> None:
        with self.store.writing() as connection:
            self._multiply(connection, begin, end)

    def _multiply(self, connection: Connection, begin: int, end: int) -> None:
        name = (
            f"t.\"call\" || '.' || {'substr(10000 + n, 2)' if self.store.path else 'substr((10000 + n)::text, 2)'}"
        )
        for table in MULTIPLIED:
            given = {"call": name, "data": f'replace(t.data, t."call", {name})'}
            columns = [x.name for x in tables.METADATA.tables[table].columns]
            values = ", ".join(given.get(x, f't."{x}"') for x in columns)
            names = ", ".join(f'"{x}"' for x in columns)
            # In the order of names, as calls come: SQLite's loops give it by themselves.
            order = "" if self.store.path else "ORDER BY place, n"
            connection.execute(
                text(
                    f'INSERT INTO "{table}" ({names}) SELECT {values} FROM told_{table} AS t CROSS JOIN numbered '
                    f"WHERE place >= :begin AND place < :end {order}"
                ),
                {"begin": begin, "end": end},
            )

    def _cells(self) -> dict[Key, Rollup]:
        """Every copy adds what its story adds, with a fingerprint of its own."""
        cells: dict[Key, Rollup] = {}
        for story in self.stories:
            cell = cells.setdefault(story.key, Rollup())
            one, n = story.rollup, self.copies
            cell.stored, cell.calls = cell.stored + n * one.stored, cell.calls + n * one.calls
            cell.cell.counts.update({x: n * count for x, count in one.cell.counts.items()})
            for name, total in one.cell.lengths.items():
                cell.cell.lengths[name] = cell.cell.lengths.get(name, 0) + n * total
            if story.key[0] == COMPARED.isoformat():  # nobody looks at the others' fingerprints
                cell.fingerprint = (cell.fingerprint + sum(self._fingerprints(story))) % update.MODULUS
        return cells

    def _fingerprints(self, story: Story) -> Iterator[int]:
        name, data, findings = story.call[0], story.call[-2], story.outcome.findings
        for n in range(self.copies):
            copy = f"{name}.{n:04}"
            yield update._fingerprint_of(copy, year.EXCHANGE, data.replace(name, copy), findings)

    def _settle_down(self, tidy: bool = False) -> None:
        """The log is written out; `tidy`: what PostgreSQL does by itself after a while is done."""
        with self.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self.store.path:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                if tidy:
                    connection.exec_driver_sql('VACUUM (ANALYZE) "call", finding, rollup')
                connection.exec_driver_sql("CHECKPOINT")

    def bytes(self) -> int:
        question = (
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), pragma_freelist_count(), "
            "pragma_page_size()"
            if self.store.path
            else "SELECT pg_database_size(current_database())"
        )
        with self.store.reading() as connection:
            return int(connection.execute(text(question)).scalar_one())

    def compared(self) -> None:
        """A day's roll-ups, with what its rows add up to."""
        begun = time.perf_counter()
        (told_of,) = rebuild.rollup_differences(self.store, year.TORONTO, COMPARED, COMPARED)
        if told_of:
            raise BenchError(told_of[0])
        row("one day compared with its calls, s", (f"{time.perf_counter() - begun:.3f}", "", ""))

    # What is asked of it.

    def bare(self) -> int:
        """The month's calls, counted by an index."""
        when = and_(CALL.c.arrived >= self.march.begin, CALL.c.arrived < self.march.end)
        with self.store.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(CALL).where(when)).scalar_one())

    def reported(self) -> int:
        """All of the month's statistics."""
        made = gathered(self.store, year.settings(), self.march, LATER, compare=False)
        return int(made.figure("calls_offered").value or 0)

    def checked(self, count: int, offered: int) -> None:
        """The report of a month is right to the last call. Raises BenchError."""
        if not count == offered == self.calls:
            raise BenchError(f"{count:,} calls are counted, {offered:,} reported, {self.calls:,} made")


def _without_log(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")


def parted(some: Sequence[Any], size: int) -> Iterator[list[Any]]:
    return (list(some[begin : begin + size]) for begin in range(0, len(some), size))
