"""``python -m bench.months --calls 1000000 10000000``: a month of so many calls, on SQLite and PostgreSQL.

Of each database, beside a bare SQL floor in the same run: how fast calls are written (facts, account, verdicts,
figures and roll-ups, as the daemon does it; the floor writes the same rows with the driver alone),
how many bytes a call takes, how long a month's statistics take (the floor counts the month's calls by an index).

The database itself makes the month, of stories of `tests/support/year` under new names: an account and six
verdicts a call, no facts, so that ten million fit on a disk; their cells are those of the stories, as often. A day
of them is compared with its roll-ups. 20,000 calls more are then written in full.

``--report`` measures the month's statistics alone, in minutes: `filled` makes the months quickly, `reporting` asks
all of them in turns.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import text

from bench import reporting
from bench.databases import postgresql, sqlite
from bench.filled import Filled, parted, reported
from bench.processes import BenchError
from bench.table import head, row, say
from callmon.core.outcome import Outcome
from callmon.features.months import queries as reports
from callmon.store import tables
from callmon.store.bulk import BulkWriter
from callmon.store.database import upgrade
from callmon.store.queries.coverage import Fingerprint
from callmon.store.rollups import update
from callmon.store.row_mapping import Rows
from callmon.store.writer.transaction import BatchId, write_batch
from tests.support import year

SAMPLE, TOGETHER = 20_000, 500  # calls written in full, and how many of them in a transaction
STORIES, ROUNDS = 50_000, 15

Spent = tuple[float, float]  # seconds by the clock, and of this process's CPU


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.months", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[100_000], help="in the month (100,000)")
    parser.add_argument(
        "--stories", type=int, default=STORIES, help=f"different ones, the rest copies ({STORIES:,})"
    )
    parser.add_argument("--databases", nargs="+", default=["SQLite", "PostgreSQL"], help="one of them (both)")
    parser.add_argument("--report", action="store_true", help="only the month's statistics, all months in turns")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of --report ({ROUNDS})")
    given = parser.parse_args()
    stories = reported(min(given.stories, *given.calls))
    say(f"{len(stories):,} different calls; PostgreSQL's fsync is off; {os.cpu_count()} processors.")
    for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        if kind not in given.databases:
            continue
        if given.report:
            with told_of(kind), database() as new:
                reporting.measure(kind, new, stories, given.calls, given.rounds)
            continue
        for calls in given.calls:
            with told_of(kind), database() as new:
                Bench(kind, upgrade(new()), stories, calls).run()


@contextmanager
def told_of(kind: str) -> Iterator[None]:
    """Why a database is left out."""
    try:
        yield
    except BenchError as why:
        say(f"{kind}: left out, {why}.")


class Bench(Filled):
    """One database with one month, and all that is measured of it."""

    def run(self) -> None:
        head(f"{self.kind}: a month of {self.calls:,} calls", ("callmon", "bare SQL", "ratio"))
        self.fill()
        self.size()
        self.statistics()
        self.writing()
        self.compared()
        self.store.close()

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

        def read() -> int:
            with self.store.snapshot() as connection:
                counted = reports.aggregate_calls(connection, year.TORONTO, self.march, Fingerprint())
            return sum(counted.calls.values())

        (floor, count), (taken, offered), (reading, _) = best(self.bare), best(self.reported), best(read)
        self.checked(count, offered)
        row("a month's statistics, s", (f"{taken:.3f}", f"{floor:.3f}", f"{taken / floor:.2f}"))
        row("  CPU of this process, ms", (f"{spent(self.reported) * 1000:.0f}", "", ""))
        row("  of which reading its roll-ups, s", (f"{reading:.3f}", "", f"{reading / floor:.2f}"))

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
                write_batch(connection, BatchId(n, "bench"), group, self.store.ring)
        return since(begun)

    def _bare(self, groups: list[list[Outcome]]) -> Spent:
        rows = []
        for n, group in enumerate(groups, 1_000_000):
            made = Rows(n)
            made.add_items(group)
            accounts = (tables.CALL, made.call_rows())
            rows.append(((tables.FACT, made.fact_rows()[0]), accounts, (tables.FINDING, made.finding_rows())))
        begun = now()
        for some in rows:
            with self.store.writing() as connection:
                for table, values in some:
                    BulkWriter(connection).insert(table, values)
        return since(begun)

    def _alone(self) -> float:
        """What the roll-ups cost of that, in microseconds of CPU a call, in groups of `TOGETHER`."""
        picked = self.stories[-min(SAMPLE, len(self.stories) // 3) :]
        begun = now()
        for some in parted(picked, TOGETHER):
            with self.store.writing() as connection:
                rolling = update.RollupUpdate(BulkWriter(connection))
                for one in some:
                    after = update.call_record(one.outcome.calls[0], one.outcome.findings)
                    rolling.change(year.EXCHANGE, None, after)
                rolling.write_cells()
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
