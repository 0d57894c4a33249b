"""What a call costs on the write path: `python -m bench.writing --calls 20000`.

    CPU     of the event loop's side (offer), of the thread that appends, of the thread that commits
    bytes   of the pages of each table and index

A call has twelve outcomes, an account and three verdicts. The CPU is the least of the rounds. PostgreSQL's own
CPU is in `bench.sites`.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bench.databases import ON_DISK, postgresql, sqlite
from bench.processes import BenchError
from bench.table import head, row, say
from callmon.store.database import Database, upgrade
from callmon.store.rollups import rebuild
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.writer import Writer
from tests.support.store_fixtures import RING, answered_call, outcomes

ROUNDS, WARM = 3, 500
PATIENCE = 300.0
SIDES = {"MainThread": "offered", "callmon-outbox": "appended", "callmon-store": "committed"}
SQLITE = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name"
POSTGRESQL = (
    "SELECT relname, pg_relation_size(pg_class.oid) FROM pg_class"
    " JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relkind IN ('r', 'i') AND nspname = 'public'"
)


def used() -> dict[str, float]:
    """Seconds of CPU of each thread of the write path: the clock that clock_getcpuclockid(3) makes of a thread."""
    return {
        thread.name: time.clock_gettime((~(thread.native_id or 0) << 3) | 6)
        for thread in threading.enumerate()
        if thread.name in SIDES
    }


def flooded(sink: Writer, first: int, calls: int) -> dict[str, float]:
    """Microseconds of CPU a call, by thread. The outcomes are made before."""
    made = [one for n in range(first, first + calls) for one in outcomes(answered_call(n))]
    before = used()
    for one in made:
        sink.offer(one)
    if not sink.flush(PATIENCE):
        raise BenchError(f"not committed: {sink.trouble()}")
    return {name: (spent - before[name]) / calls * 1e6 for name, spent in used().items()}


def sizes(store: Database) -> dict[str, int]:
    """Bytes by table and index."""
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if store.path:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return {name: int(size) for name, size in connection.execute(text(SQLITE if store.path else POSTGRESQL))}


class Cost(NamedTuple):
    """What a call costs: microseconds of CPU by thread, bytes by table and index."""

    cpu: dict[str, float]
    bytes: dict[str, float]


def measure(url: str, calls: int) -> Cost:
    """The least CPU of some rounds of so many calls, in a database that is made for it."""
    with tempfile.TemporaryDirectory(dir=ON_DISK) as folder:
        store = upgrade(url, RING)
        rebuild.ensure_rollups(store, ZoneInfo("America/Toronto"))
        outbox = Outbox(Path(folder) / "waiting", RING, 256 << 20)
        sink = Writer(store, timedelta(milliseconds=100), outbox=outbox)
        flooded(sink, 0, WARM)
        before = sizes(store)
        rounds = [flooded(sink, WARM + n * calls, calls) for n in range(ROUNDS)]
        grown = {name: (size - before.get(name, 0)) / calls / ROUNDS for name, size in sizes(store).items()}
        sink.close(PATIENCE)
        store.close()
    return Cost(min(rounds, key=lambda spent: sum(spent.values())), grown)


def show(kind: str, cost: Cost, whole: bool) -> None:
    head(f"{kind}: a call", ("us of CPU", "bytes"))
    for name, side in SIDES.items():
        row(side, (f"{cost.cpu[name]:.1f}", ""))
    for name, size in sorted(cost.bytes.items(), key=lambda one: -one[1]):
        if whole and size >= 1:
            row(name, ("", f"{size:,.0f}"))
    row("together", (f"{sum(cost.cpu.values()):.1f}", f"{sum(cost.bytes.values()):,.0f}"))


def compare(calls: int, whole: bool) -> None:
    """Both databases; `whole` also shows each table and index."""
    for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        try:
            with database() as new:
                show(kind, measure(new(), calls), whole)
        except BenchError as why:
            say(f"{kind}: left out, {why}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="a round")
    compare(parser.parse_args().calls, whole=True)


if __name__ == "__main__":
    main()
