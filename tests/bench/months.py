"""``python -m tests.bench.months --calls 1000000 10000000``: a month of so many calls, on SQLite and PostgreSQL.

Of each database, beside a bare SQL floor in the same run: how fast calls are written (facts, account, verdicts,
figures and roll-ups, as the process that writes does it; the floor writes the same rows with the driver alone),
how many bytes a call takes, how long a month's statistics take (the floor counts the month's calls by an index).

The month is made by the database itself, of stories of `tests/year` under new names: an account and six verdicts a
call, no facts, so that ten million fit on a disk; their cells are those of the stories, as often. A day of them is
compared with its roll-ups. 20,000 calls more are then written in full.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, select, text

from callmon.assembly import monitor
from callmon.findings import Outcome
from callmon.report_reading import gathered
from callmon.reports import month
from callmon.store import reported, rolled, rollups, search, tables
from callmon.store.engine import Store, upgrade
from callmon.store.group import Stamp, Writing, write
from callmon.store.queries import CALL
from callmon.store.rollups import Key, Rollup
from callmon.store.rows import Rows
from tests import year, year_rows, year_stories
from tests.bench.databases import postgresql, sqlite
from tests.bench.processes import BenchError
from tests.bench.table import head, row, say

FIRST = datetime(2024, 3, 1, 5, tzinfo=UTC)
LATER = datetime(2025, 6, 1, tzinfo=UTC)
SAMPLE, TOGETHER = 20_000, 500  # calls written in full, and how many of them in a transaction
A_BATCH = 100_000  # calls
SERVERS = 4  # of PostgreSQL's processes, that fill it
COMPARED = date(2024, 3, 15)
STORIES = 50_000


Spent = tuple[float, float]  # seconds by the clock, and of this process's CPU


class Story(NamedTuple):
    """A call as it is told, its rows, and what it adds to which cell."""

    outcome: Outcome
    call: tuple[Any, ...]
    findings: list[tuple[Any, ...]]
    key: Key
    rollup: Rollup


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.months", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[100_000], help="in the month (100,000)")
    parser.add_argument(
        "--stories", type=int, default=STORIES, help=f"different ones, the rest copies ({STORIES:,})"
    )
    parser.add_argument("--databases", nargs="+", default=["SQLite", "PostgreSQL"], help="one of them (both)")
    given = parser.parse_args()
    stories = told(min(given.stories, *given.calls))
    say(f"{len(stories):,} different calls; PostgreSQL's fsync is off; {os.cpu_count()} processors.")
    for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        if kind not in given.databases:
            continue
        for calls in given.calls:
            try:
                with database() as new:
                    Bench(kind, upgrade(new()), stories, calls).run()
            except BenchError as why:
                say(f"{kind}: left out, {why}.")


def told(count: int) -> list[Story]:
    """So many calls of March, by their names."""
    settings = year.settings()
    judge, stories = monitor(settings, token=str), []
    for facts, _ in year_stories.calls(count, at=in_march):
        outcome = judge.retell(year.EXCHANGE, facts)
        assert outcome is not None
        rows, cells = Rows(1), dict[Key, Rollup]()
        rows._take_outcome(year.EXCHANGE, outcome)
        one = rollups.told(outcome.calls[0], outcome.findings)
        rollups.counted(cells, year.EXCHANGE, one, year.TORONTO)
        ((key, rollup),) = cells.items()
        stories.append(Story(outcome, rows.call_rows()[0], rows.finding_rows(), key, rollup))
    gc.freeze()
    return sorted(stories, key=lambda story: str(story.call[0]))


def in_march(random: Random) -> datetime:
    return FIRST + timedelta(seconds=random.uniform(0, 31 * 86_400 - 7200))


class Bench:
    """One database with one month."""

    def __init__(self, kind: str, store: Store, stories: list[Story], calls: int) -> None:
        self.kind, self.store, self.stories = kind, store, stories
        self.copies = calls // len(stories)
        self.calls = self.copies * len(stories)
        self.march = month.month("2024-03", year.TORONTO)

    def run(self) -> None:
        head(f"{self.kind}: a month of {self.calls:,} calls", ("callmon", "bare SQL", "ratio"))
        self.fill()
        self.size()
        self.statistics()
        self.pages()
        self.writing()
        self.compared()
        self.store.close()

    # The month.

    def fill(self) -> None:
        begun = time.perf_counter()
        rolled.settle(self.store, year.TORONTO)
        year_rows.listened(self.store, FIRST - timedelta(days=90), LATER)
        empty = self.bytes()
        with self.store.writing() as connection:
            self._tell(connection)
        a_batch = max(1, A_BATCH // self.copies)
        with ThreadPoolExecutor(1 if self.store.path else SERVERS) as servers:
            list(
                servers.map(lambda begin: self._copy(begin, begin + a_batch), range(0, len(self.stories), a_batch))
            )
        with self.store.writing() as connection:
            for table in ("told_call", "told_finding", "numbered"):
                connection.execute(text(f"DROP TABLE {table}"))
            rollups.put(Writing(connection), self._cells())
        self._settle_down(tidy=True)
        self.filled = self.bytes() - empty
        row("made by the database itself", (f"{self.calls / (time.perf_counter() - begun):,.0f}/s", "", ""))

    def _tell(self, connection: Connection) -> None:
        """The stories and the numbers of their copies, as tables to be multiplied."""
        writing = Writing(connection)
        for name in ("call", "finding"):
            columns = ", ".join(f'"{x.name}"' for x in tables.METADATA.tables[name].columns)
            writing.ask(f'CREATE TABLE told_{name} AS SELECT 0 AS place, {columns} FROM "{name}" WHERE 1 = 0')
        writing.ask("CREATE TABLE numbered (n INTEGER)")
        sign = writing._sign
        places = [(place, *story.call) for place, story in enumerate(self.stories)]
        found = [(place, *x) for place, story in enumerate(self.stories) for x in story.findings]
        for name, rows in (("call", places), ("finding", found)):
            signs = ", ".join(sign for _ in rows[0])
            for some in parted(rows, 10_000):
                connection.exec_driver_sql(f"INSERT INTO told_{name} VALUES ({signs})", some)
            writing.ask(f"CREATE INDEX ix_told_{name} ON told_{name} (place)")
        connection.exec_driver_sql(f"INSERT INTO numbered VALUES ({sign})", [(n,) for n in range(self.copies)])

    def _copy(self, begin: int, end: int) -> None:
        with self.store.writing() as connection:
            self._multiply(connection, begin, end)

    def _multiply(self, connection: Connection, begin: int, end: int) -> None:
        name = (
            f"t.\"call\" || '.' || {'substr(10000 + n, 2)' if self.store.path else 'substr((10000 + n)::text, 2)'}"
        )
        for table in ("call", "finding"):
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
                cell.seal = (cell.seal + sum(self._seals(story))) % rollups.MODULUS
        return cells

    def _seals(self, story: Story) -> Iterator[int]:
        name, data, findings = story.call[0], story.call[-2], story.outcome.findings
        for n in range(self.copies):
            copy = f"{name}.{n:04}"
            yield rollups._sealed(copy, year.EXCHANGE, data.replace(name, copy), findings)

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

    # What is measured.

    def size(self) -> None:
        with self.store.reading() as connection:
            cells, kept = connection.execute(
                text("SELECT count(*), sum(length(cell) + length(seal)) FROM rollup")
            ).one()
        row("bytes a call, without its facts", (f"{self.filled / self.calls:,.0f}", "", ""))
        row("roll-ups: rows, bytes", (f"{cells:,}", f"{kept:,}", ""))

    def statistics(self) -> None:
        """The whole month; and the report of a month is right to the last call."""
        when = and_(CALL.c.arrived >= self.march.begin, CALL.c.arrived < self.march.end)

        def bare() -> int:
            with self.store.reading() as connection:
                return int(connection.execute(select(func.count()).select_from(CALL).where(when)).scalar_one())

        def report() -> int:
            made = gathered(self.store, year.settings(), self.march, LATER, compare=False)
            return int(made.at("calls_offered").value or 0)

        def read() -> int:
            with reported.snapshot(self.store) as connection:
                counted = reported.calls(connection, year.TORONTO, self.march, reported.Seal())
            return sum(counted.calls.values())

        (floor, count), (taken, offered), (reading, _) = best(bare), best(report), best(read)
        if not count == offered == self.calls:
            raise BenchError(f"{count:,} calls are counted, {offered:,} reported, {self.calls:,} made")
        row("a month's statistics, s", (f"{taken:.3f}", f"{floor:.3f}", f"{taken / floor:.2f}"))
        row("  CPU of this process, ms", (f"{spent(report) * 1000:.0f}", "", ""))
        row("  of which reading its roll-ups, s", (f"{reading:.3f}", "", f"{reading / floor:.2f}"))

    def pages(self) -> None:
        """What a page asks: a day's figures, the newest calls of some verdicts, of a line, of a rare outcome."""
        first, after = self.march.first, self.march.after
        asked = {
            "every call": search.Asked(first, after),
            "a line": search.Asked(first, after, ("tty",)),
            "a verdict": search.Asked(first, after, standard="reach_a_person", verdict="not_met"),
            "a rare verdict of a line": search.Asked(
                first, after, ("tty",), standard="answer_by_third_ring", verdict="unknown"
            ),
            "a rare outcome": search.Asked(first, after, outcome="lost"),
        }
        tomorrow = COMPARED + timedelta(1)
        taken, _ = best(lambda: search.figures(self.store, year.TORONTO, COMPARED, tomorrow))
        row("a day's figures, ms", (f"{taken * 1000:.1f}", "", ""))
        for name, one in asked.items():
            taken, page = best(lambda x=one: search.found(self.store, year.TORONTO, x))
            row(f"50 of {name}, ms", (f"{taken * 1000:.1f}", f"{len(page.calls)} found", ""))

    def compared(self) -> None:
        """A day's roll-ups, with what its rows add up to."""
        begun = time.perf_counter()
        (told_of,) = rolled.differences(self.store, year.TORONTO, COMPARED, COMPARED)
        if told_of:
            raise BenchError(told_of[0])
        row("one day compared with its calls, s", (f"{time.perf_counter() - begun:.3f}", "", ""))

    def writing(self) -> None:
        """The same calls twice, under two names: by callmon, and their rows with the driver alone."""
        ours = self._written(".c", self._by_callmon)
        floor = self._written(".b", self._bare)
        for name, form, place in (
            ("calls written a second", "{:,.0f}", 0),
            ("bytes a call, in full", "{:,.0f}", 1),
        ):
            one, other = ours[place], floor[place]
            row(name, (form.format(one), form.format(other), f"{one / other:.2f}"))
        row("CPU of this process, us a call", (f"{ours[2]:.0f}", f"{floor[2]:.0f}", f"{ours[2] / floor[2]:.2f}"))
        row("  of which roll-ups", (f"{self._alone():.0f}", "", ""))

    def _written(self, suffix: str, by: Callable[[list[list[Outcome]]], Spent]) -> tuple[float, float, float]:
        """Calls a second, bytes a call, and microseconds of this process's CPU a call."""
        count = min(SAMPLE, len(self.stories) // 3)
        picked = self.stories[-count:]  # those of the last days, in the order in which they came
        outcomes = [renamed(story.outcome, suffix) for story in picked]
        self._settle_down()
        before = self.bytes()
        seconds, cpu = by(list(parted(outcomes, TOGETHER)))
        self._settle_down()
        return count / seconds, (self.bytes() - before) / count, cpu / count * 1e6

    def _by_callmon(self, groups: list[list[Outcome]]) -> Spent:
        with self.store.reading() as connection:
            number = int(connection.execute(text("SELECT batch FROM writer")).scalar_one())
        begun = now()
        for n, group in enumerate(groups, number + 1):
            with self.store.writing() as connection:
                write(connection, Stamp(n, "bench"), group, self.store.ring)
        return since(begun)

    def _bare(self, groups: list[list[Outcome]]) -> Spent:
        rows = []
        for n, group in enumerate(groups, 1_000_000):
            made = Rows(n)
            made.take(group)
            accounts = (tables.CallRow, made.call_rows())
            rows.append(((tables.FactRow, made.facts), accounts, (tables.FindingRow, made.finding_rows())))
        begun = now()
        for some in rows:
            with self.store.writing() as connection:
                for table, values in some:
                    Writing(connection).insert(table, values)
        return since(begun)

    def _alone(self) -> float:
        """What the roll-ups cost of that, in microseconds of CPU a call, in groups of `TOGETHER`."""
        picked = self.stories[-min(SAMPLE, len(self.stories) // 3) :]
        begun = now()
        for some in parted(picked, TOGETHER):
            with self.store.writing() as connection:
                rolling = rollups.Rolling(Writing(connection))
                for one in some:
                    after = rollups.told(one.outcome.calls[0], one.outcome.findings)
                    rolling.change(year.EXCHANGE, None, after)
                rolling.write()
        return since(begun)[1] / len(picked) * 1e6


def now() -> Spent:
    return time.perf_counter(), time.process_time()


def since(begun: Spent) -> Spent:
    return time.perf_counter() - begun[0], time.process_time() - begun[1]


def renamed(outcome: Outcome, suffix: str) -> Outcome:
    """The same call under another name."""
    name = outcome.calls[0].call + suffix
    change = msgspec.structs.replace
    return change(
        outcome,
        facts=tuple(change(x, call=name) for x in outcome.facts),
        findings=tuple(change(x, call=name) for x in outcome.findings),
        calls=(change(outcome.calls[0], call=name),),
    )


def spent(work: Callable[[], Any], times: int = 5) -> float:
    """The least CPU of some runs, in seconds: on a busy machine it tells more than the clock."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return min(taken)


def parted(some: Sequence[Any], size: int) -> Iterator[list[Any]]:
    return (list(some[begin : begin + size]) for begin in range(0, len(some), size))


def best(work: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """The shortest of some runs, in seconds, and what came of the last."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        made = work()
        taken.append(time.perf_counter() - begun)
    return min(taken), made


if __name__ == "__main__":
    main()
