"""What a site costs that shares a PostgreSQL with others: `python -m bench.sites --sites 1 10 100`.

A site has one line, a database of its own and a daemon's write path. Outcomes are played, not events.

    at a pace   each site has a call every ten seconds, and a heartbeat each second: CPU, network
    flooded     so many calls a site as fast as they are committed: calls a second, CPU, rows and bytes a call

PostgreSQL is the lab's, with fsync off. The network is what passes loopback meanwhile: run nothing beside it.
"""

from __future__ import annotations

import argparse
import heapq
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from bench.processes import Child
from bench.table import head, row, say
from callmon.core.outcome import Heartbeat, Outcome
from callmon.store.database import open_store, upgrade
from callmon.store.writer.writer import Writer
from tests.lab.postgres import Postgres
from tests.support.store_fixtures import EXCHANGE, RING, answered_call, outcomes

CALL_EVERY, A_PROCESS = 10.0, 10  # seconds; sites
CONNECTIONS = 400
PATIENCE = 300.0
BATCH = timedelta(milliseconds=100)


class Use(NamedTuple):
    """CPU of the writing processes and of PostgreSQL in seconds, bytes over loopback, seconds by the clock."""

    writers: float
    server: float
    network: int
    clock: float


def carry(pipe: Connection, urls: list[str]) -> None:
    """Carries some sites: a write path each. Plays what the pipe asks for, and says when it is committed."""
    sinks = [Writer(open_store(url, RING), BATCH, is_shared=True) for url in urls]
    pipe.send("ready")
    while (asked := pipe.recv()) is not None:
        kind, first, amount = asked
        _pace(sinks, first, amount) if kind == "pace" else _flood(sinks, first, amount)
        for sink in sinks:
            if not sink.flush(PATIENCE):
                raise AssertionError(f"not committed: {sink.trouble()}")
        pipe.send("committed")
    for sink in sinks:
        sink.close(PATIENCE)


def _flood(sinks: list[Writer], first: int, calls: int) -> None:
    for number in range(first, first + calls):
        for sink in sinks:
            for outcome in outcomes(answered_call(number)):
                sink.offer(outcome)
            while not sink.has_room():
                time.sleep(0.01)


def _pace(sinks: list[Writer], first: int, seconds: int) -> None:
    """Each outcome is offered at its time within its call, which is drawn together to the ten seconds."""
    began, place = time.monotonic(), 0
    due: list[tuple[float, int, int, Outcome | None]] = []
    for n in range(len(sinks)):
        phase = CALL_EVERY * n / len(sinks)
        for call in range(int(seconds // CALL_EVERY)):
            reported = outcomes(answered_call(first + call, datetime.now(UTC)))
            for step, outcome in enumerate(reported):
                place += 1
                due.append((phase + CALL_EVERY * (call + step / len(reported)), place, n, outcome))
        for second in range(seconds):
            place += 1
            due.append((second + phase / CALL_EVERY, place, n, None))
    heapq.heapify(due)
    while due:
        at, _, n, told_now = heapq.heappop(due)
        time.sleep(max(0.0, began + at - time.monotonic()))
        if told_now is None:
            sinks[n].offer(Heartbeat(EXCHANGE, datetime.now(UTC)))
        else:
            sinks[n].offer(told_now)


@contextmanager
def many_connections() -> Iterator[tuple[str, int]]:
    """A PostgreSQL that accepts two connections of each site: its URL and the number of its first process."""
    with Postgres() as server:
        with psycopg.connect(_plain(server.url), autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        server.halt()
        server.start()
        assert server._process is not None
        yield server.url, server._process.pid


def _plain(url: str, database: str | None = None) -> str:
    address = make_url(url).set(drivername="postgresql")
    return address.set(database=database or address.database).render_as_string(hide_password=False)


class Server:
    """The databases of all sites, copied from one that is migrated, and what the server has used."""

    def __init__(self, url: str, postmaster: int) -> None:
        self.url, self.postmaster, self._made = url, postmaster, 0
        with psycopg.connect(_plain(url), autocommit=True) as connection:
            connection.execute("CREATE DATABASE site")
        upgrade(self._of("site"), RING).close()

    def _of(self, database: str) -> str:
        return make_url(self.url).set(database=database).render_as_string(hide_password=False)

    def new(self, count: int) -> list[str]:
        names = [f"site_{n}" for n in range(self._made, self._made + count)]
        self._made += count
        with psycopg.connect(_plain(self.url), autocommit=True) as connection:
            for name in names:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE site")  # type: ignore[arg-type]
        return [self._of(name) for name in names]

    def sizes(self, urls: list[str]) -> tuple[int, int]:
        """Bytes and rows of these sites' databases."""
        size = rows = 0
        for url in urls:
            with psycopg.connect(_plain(url)) as connection:
                size += connection.execute("SELECT pg_database_size(current_database())").fetchone()[0]  # type: ignore[index]
                for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                    rows += connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # type: ignore[index,arg-type]
        return size, rows


def server_cpu(postmaster: int) -> float:
    """Seconds of CPU of this PostgreSQL's processes, those that have ended included."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
        except OSError:
            continue
        if stat.parent.name == str(postmaster):
            total += sum(map(int, fields[11:15]))  # utime, stime, and those of ended children
        elif fields[1] == str(postmaster):
            total += sum(map(int, fields[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def loopback() -> int:
    line = next(
        x for x in Path("/proc/net/dev").read_text(encoding="ascii").splitlines() if x.strip().startswith("lo:")
    )
    return int(line.split()[1])


def played(postmaster: int, children: list[Child], kind: str, first: int, amount: int) -> Use:
    began, server, network = time.monotonic(), server_cpu(postmaster), loopback()
    cpu = sum(child.cpu() for child in children)
    for child in children:
        child.tell((kind, first, amount))
    for child in children:
        child.reported(PATIENCE)
    spent = sum(child.cpu() for child in children) - cpu
    return Use(spent, server_cpu(postmaster) - server, loopback() - network, time.monotonic() - began)


def measure(server: Server, sites: int, seconds: int, calls: int) -> None:
    urls = server.new(sites)
    parts = [urls[n : n + A_PROCESS] for n in range(0, sites, A_PROCESS)]
    with ExitStack() as stack:
        children = [stack.enter_context(Child(carry, part)) for part in parts]
        for child in children:
            child.reported(PATIENCE)
        pace = played(server.postmaster, children, "pace", 0, seconds)
        before = server.sizes(urls)
        flood = played(server.postmaster, children, "flood", 1000, calls)
        size, rows = (after - was for after, was in zip(server.sizes(urls), before, strict=True))
        for child in children:
            child.tell(None)
    total = sites * calls
    per = sites * pace.clock
    row(f"{sites} sites", [
        f"{pace.writers / per * 1000:.2f}", f"{pace.server / per * 1000:.2f}", f"{pace.network / per / 1000:.2f}",
        f"{total / flood.clock:,.0f}", f"{flood.writers / total * 1e6:.0f}", f"{flood.server / total * 1e6:.0f}",
        f"{rows / total:.2f}", f"{size / total:,.0f}", f"{flood.network / total / 1000:.1f}",
    ])  # fmt: skip


COLUMNS = (
    "writer ms/s",
    "server ms/s",
    "net kB/s",
    "calls/s",
    "writer µs",
    "server µs",
    "rows",
    "bytes",
    "net kB",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--calls", type=int, default=20_000, help="flooded, divided by the sites")
    chosen = parser.parse_args()
    say("at a pace, a site: ms of CPU a second, kB over the network a second; flooded, a call: the rest")
    head("", COLUMNS)
    with many_connections() as found:
        server = Server(*found)
        for sites in chosen.sites:
            measure(server, sites, chosen.seconds, max(1, chosen.calls // sites))


if __name__ == "__main__":
    main()
