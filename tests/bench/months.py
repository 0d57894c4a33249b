"""``python -m tests.bench.months``: how long a month's report takes, beside a bare SQL count of the same calls."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import and_, func, select

from callmon.assembly import monitor
from callmon.report_reading import gathered
from callmon.reports import month
from callmon.store import reported
from callmon.store.engine import Store, upgrade
from callmon.store.queries import CALL
from callmon.store.rows import Rows
from tests import year, year_rows, year_stories
from tests.bench.databases import postgresql, sqlite
from tests.bench.processes import BenchError

TOLD = 5_000  # stories; the rest are copies of theirs under other names
FIRST = datetime(2024, 3, 1, 5, tzinfo=UTC)
LATER = datetime(2025, 6, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.months", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="in the month (default: 100,000)")
    calls = parser.parse_args().calls
    for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        try:
            with database() as new:
                store = upgrade(new())
                fill(store, calls)
                measure(kind, store, calls)
                store.close()
        except BenchError as why:
            print(f"{kind}: left out, {why}.")  # noqa: T201


def fill(store: Store, calls: int) -> None:
    """So many calls of one month."""
    settings = year.settings()
    judge, rows = monitor(settings, token=str), Rows(1)
    for facts, _ in year_stories.calls(TOLD, at=in_march):
        outcome = judge.retell(year.EXCHANGE, facts)
        assert outcome is not None
        rows._take_outcome(year.EXCHANGE, outcome)
    told, found = rows.call_rows(), rows.finding_rows()
    for copy in range(-(-calls // TOLD)):
        # A call's name stands in its row and in its data.
        named = [(f"{x[0]}.{copy}", *x[1:-1], x[-1].replace(x[0], f"{x[0]}.{copy}", 1)) for x in told]
        year_rows.put_rows(store, "call", list(named))
        year_rows.put_rows(store, "finding", [(f"{x[0]}.{copy}", *x[1:]) for x in found])
    year_rows.roll_up(store, settings)
    year_rows.listened(store, FIRST - timedelta(days=90), LATER)


def in_march(random: Random) -> datetime:
    return FIRST + timedelta(seconds=random.uniform(0, 30 * 86_400))


def measure(kind: str, store: Store, calls: int) -> None:
    march = month.month("2024-03", year.TORONTO)
    begun = time.perf_counter()
    with reported.snapshot(store) as connection:
        when = and_(CALL.c.arrived >= march.begin, CALL.c.arrived < march.end)
        count = connection.execute(select(func.count()).select_from(CALL).where(when)).scalar_one()
    bare = time.perf_counter() - begun
    begun = time.perf_counter()
    report = gathered(store, year.settings(), march, LATER, compare=False)
    taken = time.perf_counter() - begun
    assert report.at("calls_offered").value == count
    told = f"bare count {bare:.2f} s, report {taken:.2f} s ({taken / bare:.0f} times)"
    print(f"{kind}, {count:,} calls: {told}, {taken / calls * 1e6:.0f} µs a call")  # noqa: T201  a benchmark prints


if __name__ == "__main__":
    main()
