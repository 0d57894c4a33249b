"""``python -m tests.bench.pages``: how long the daemon takes for each page with few calls and with many, and how
late its loop is with nobody looking and with hundreds of live clients.

A month of calls in SQLite: a sample that callmon judged, and copies of its rows under other names. Their accounts
stand once, so that ten million fit on a disk: the pages measured read rows. Server time is that of the application
itself, asked without a socket. Ratios of one run hold; milliseconds are of one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import httpx
from sqlalchemy import Connection, text

from callmon import facts as f
from callmon.daemon import Daemon
from callmon.demo import demo_settings
from callmon.demo.exchange import Exchange
from callmon.settings import Settings
from callmon.store import keyed
from callmon.store.engine import upgrade
from callmon.web.app import app
from tests import year, year_rows, year_stories
from tests.bench.databases import ON_DISK
from tests.bench.table import head, row, say

SAMPLE = 5_000
FIRST = datetime(2024, 3, 1, 5, tzinfo=UTC)
DAYS = 31
HERE = ("127.0.0.1", 40000)
Times = tuple[float, float]  # seconds by the clock, and of the processor


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--calls", type=int, nargs=2, default=[10_000, 200_000], help="few, and many")
    parser.add_argument("--requests", type=int, default=200, help="of each page (200)")
    parser.add_argument("--clients", type=int, default=300, help="that look on live (300)")
    parser.add_argument("--seconds", type=float, default=30.0, help="that the loop is watched (30)")
    given = parser.parse_args()
    if given.calls[1]:
        compare(given.calls, given.requests)
    if given.clients:
        asyncio.run(lags(given.clients, given.seconds))


# Pages, with few calls and with many.


def compare(sizes: list[int], requests: int) -> None:
    with tempfile.TemporaryDirectory(prefix="callmon-pages-", dir=ON_DISK) as folder:
        known = []
        for calls in sizes:
            settings, begun = year.settings(url=f"sqlite:///{folder}/{calls}.db"), time.perf_counter()
            fill(settings, calls)
            known.append(settings)
            say(f"{calls:,} calls made in {time.perf_counter() - begun:.0f} s")
        taken = asyncio.run(pages(known, requests))
    for what, place in (("server time", 0), ("processor time", 1)):
        head(f"{what}, p95 in ms", (*(f"{calls:,}" for calls in sizes), "ratio"))
        for name, (few, many) in taken.items():
            pair = [1000 * sorted(x[place] for x in times)[int(0.95 * len(times))] for times in (few, many)]
            row(name, (f"{pair[0]:.1f}", f"{pair[1]:.1f}", f"{pair[1] / pair[0]:.2f}"))


def fill(settings: Settings, calls: int) -> None:
    """A month of so many calls."""
    store = upgrade(settings.store.url)
    year_rows.stored(store, settings, sample())
    copies = calls // SAMPLE - 1
    with store.writing() as connection:
        _copy(connection, copies)
    store.close()


def sample() -> Iterator[tuple[list[f.Fact], year.Truth]]:
    """The calls that callmon judges: the same, however many copies there are."""
    return year_stories.calls(SAMPLE, seed=3, at=_in_march)


def _in_march(random: Random) -> datetime:
    return FIRST + timedelta(seconds=random.uniform(0, DAYS * 86_400 - 7200))


def _copy(connection: Connection, copies: int) -> None:
    """Each call of the sample so often again, a little later each time."""
    connection.execute(text("CREATE TEMP TABLE n (n INTEGER PRIMARY KEY)"))
    connection.execute(
        text(
            "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < :most) "
            "INSERT INTO n SELECT n FROM x"
        ),
        {"most": copies},
    )
    for table, time_of, kept in (("call", "arrived", "data"), ("finding", "at", None)):
        columns = [name for _, name, *_ in connection.execute(text(f'PRAGMA table_info("{table}")'))]
        new = {"call": "s.call || '-' || n.n", time_of: f"s.{time_of} + n.n * 1000003"}
        if kept is not None:
            new[kept] = "''"
        chosen = ", ".join(new.get(name, f's."{name}"') for name in columns)
        only = "WHERE s.standard IN ('answer_by_third_ring')" if table == "finding" else ""
        names = ", ".join(f'"{name}"' for name in columns)
        connection.execute(
            text(
                f'INSERT INTO "{table}" ({names}) SELECT {chosen} FROM "{table}" s CROSS JOIN n {only} '
                "ORDER BY s.call"
            )
        )


async def pages(both: list[Settings], requests: int) -> dict[str, list[list[Times]]]:
    """Page → the times with few and with many calls: asked in turns, so that a busy machine is busy for both."""
    async with AsyncExitStack() as open_ones:
        browsers = [await open_ones.enter_async_context(_browser(settings)) for settings in both]
        found: dict[str, list[list[Times]]] = {}
        for name, path in _paths().items():
            found[name], random = [[], []], Random(5)
            for number in range(requests + 10):
                asked = path(random)
                for browser, times in zip(browsers, found[name], strict=True):
                    begun, worked = time.perf_counter(), time.process_time()
                    answer = await browser.get(asked)
                    assert answer.status_code == 200, (asked, answer.status_code)
                    if number >= 10:  # the first warm up
                        times.append((time.perf_counter() - begun, time.process_time() - worked))
        return found


@asynccontextmanager
async def _browser(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The application of a daemon that does not run, asked without a socket."""
    store = keyed.ready(settings)
    daemon = Daemon(settings, store)
    daemon.site.look(datetime.now(UTC))
    application = app(daemon.metrics, daemon.troubles, daemon.remarks, daemon.standby.role, daemon.site)
    transport = httpx.ASGITransport(application, client=HERE)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        yield browser
    daemon.site.close()
    daemon.database.close()
    store.close()


def _paths() -> dict[str, Callable[[Random], str]]:
    def day(random: Random) -> str:
        return f"2024-03-{random.randint(2, 29):02}"

    def fixed(path: str) -> Callable[[Random], str]:
        return lambda _: path

    names = [facts[0].call for facts, _ in sample()]
    rare = "norme=answer_by_third_ring&verdict"
    return {
        "Now": fixed("/fr/"),
        "wall": fixed("/en/wall"),
        "Callbacks": fixed("/fr/rappels"),
        "Calls of a day": lambda r: f"/fr/appels?jour={day(r)}",
        "Calls of a line": lambda r: f"/fr/appels?jour={day(r)}&ligne=tty",
        "Calls by outcome": lambda r: f"/fr/appels?jour={day(r)}&issue=busy",
        "Calls not met": lambda r: f"/fr/appels?jour={day(r)}&{rare}=not_met",
        "Calls not known": lambda r: f"/fr/appels?jour={day(r)}&{rare}=unknown",
        "One call": lambda r: f"/fr/appels/{year.EXCHANGE}/{r.choice(names)}",
        "Promises": fixed("/fr/normes"),
        "Disruptions": fixed("/fr/perturbations"),
    }


# The loop, with nobody looking and with many.


async def lags(clients: int, seconds: float) -> None:
    """The daemon of the demonstration, in this process; those who look are another."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], 8192), limit[1]))
    head(f"the loop's lag over {seconds:.0f} s, ms", ("p50", "p99", "most"))
    with tempfile.TemporaryDirectory(prefix="callmon-pages-") as name:
        async with Exchange() as exchange:
            settings = demo_settings("127.0.0.1:0", exchange.port, exchange.secret, Path(name))
            store = keyed.ready(settings)
            daemon = Daemon(settings, store)
            running = asyncio.create_task(daemon.run())
            while not daemon.address:  # noqa: ASYNC110 - a daemon says it to nobody
                await asyncio.sleep(0.05)
            await asyncio.sleep(5)
            _tell("nobody looks", await _lag(seconds))
            port = daemon.address.rpartition(":")[2]
            many = await asyncio.create_subprocess_exec(
                sys.executable, "-c", LOOKING, port, str(clients), stdout=asyncio.subprocess.PIPE
            )
            assert many.stdout is not None
            await many.stdout.readline()
            await asyncio.sleep(2)
            _tell(f"{len(daemon.site.live)} look on live", await _lag(seconds))
            begun = time.perf_counter()
            daemon.stop()
            await running
            row("stopped with all of them, s", (f"{time.perf_counter() - begun:.2f}",))
            many.kill()
            await many.wait()
            store.close()


def _tell(name: str, lags: list[float]) -> None:
    found = sorted(1000 * lag for lag in lags)
    row(name, tuple(f"{found[min(len(found) - 1, int(part * len(found)))]:.1f}" for part in (0.5, 0.99, 1.0)))


async def _lag(seconds: float) -> list[float]:
    """How late a sleep of 10 ms ends, again and again."""
    loop, found = asyncio.get_running_loop(), []
    end = loop.time() + seconds
    while loop.time() < end:
        due = loop.time() + 0.01
        await asyncio.sleep(0.01)
        found.append(loop.time() - due)
    return found


LOOKING = """
import selectors, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
known = selectors.DefaultSelector()
for number in range(count):
    wire = socket.create_connection(("127.0.0.1", port))
    view = ("/fr/direct?view=now", "/en/live?view=now", "/fr/direct?view=wall")[number % 3]
    wire.sendall(f"GET {view} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    known.register(wire, selectors.EVENT_READ)
print("all", flush=True)
while True:
    for key, _ in known.select():
        if not key.fileobj.recv(65536):
            known.unregister(key.fileobj)
"""


if __name__ == "__main__":
    main()
