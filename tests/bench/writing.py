"""What a call costs on the write path: `python -m tests.bench.writing --calls 20000`.

    CPU     of the event loop's side (offer), of the thread that appends, of the thread that commits
    bytes   of the pages of each table and index

A call has twelve outcomes, an account and three verdicts. The CPU is the least of the rounds. PostgreSQL's own
CPU is in `tests.bench.sites`.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import text

from callmon.store.database import Database, upgrade
from callmon.store.rollups import rebuild
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.writer import Writer
from tests.bench.databases import postgresql, sqlite
from tests.bench.processes import BenchError
from tests.bench.table import head, row, say
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


def measure(kind: str, url: str, folder: Path, calls: int) -> None:
    store = upgrade(url, RING)
    rebuild.ensure_rollups(store, ZoneInfo("America/Toronto"))
    sink = Writer(store, timedelta(milliseconds=100), journal=Outbox(folder / kind, RING, 256 << 20))
    flooded(sink, 0, WARM)
    before = sizes(store)
    rounds = [flooded(sink, WARM + n * calls, calls) for n in range(ROUNDS)]
    least = min(rounds, key=lambda spent: sum(spent.values()))
    grown = {name: (size - before.get(name, 0)) / calls / ROUNDS for name, size in sizes(store).items()}
    sink.close(PATIENCE)
    store.close()
    head(f"{kind}: a call", ("µs of CPU", "bytes"))
    for name, side in SIDES.items():
        row(side, (f"{least[name]:.1f}", ""))
    for name, size in sorted(grown.items(), key=lambda one: -one[1]):
        if size >= 1:
            row(name, ("", f"{size:,.0f}"))
    row("together", (f"{sum(least.values()):.1f}", f"{sum(grown.values()):,.0f}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="a round")
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for kind, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
            try:
                with database() as new:
                    measure(kind, new(), Path(folder), calls)
            except BenchError as why:
                say(f"{kind}: left out, {why}.")


if __name__ == "__main__":
    main()
