"""``python -m bench.pages``: how long the daemon takes for each page with few calls and with many, and how
late its loop is with nobody looking and with hundreds of live clients.

Server time is that of the application itself, asked without a socket by somebody who may see everything. Ratios of
one run hold; milliseconds are of one machine. `pages_rows` says what is in the databases.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import httpx

from bench import pages_rows
from bench.databases import ON_DISK, postgresql, sqlite
from bench.processes import BenchError
from bench.table import head, row, say
from callmon.config.settings import Settings
from callmon.daemon.daemon import Daemon
from callmon.features.now import half_hours as today
from callmon.site import FEATURES
from callmon.store import opening
from callmon.store.database import Database
from callmon.store.queries import half_hours
from callmon.tools.demo import demo_settings
from callmon.tools.demo.exchange import DemoExchange
from callmon.web.app import WebApplication
from callmon.web.auth.service import AccessService
from tests.support import year
from tests.support.pages_daemon import EVERYTHING, ROLES

HERE = ("127.0.0.1", 40000)
DATABASES = {"SQLite": sqlite, "PostgreSQL": postgresql}
Times = tuple[float, float]  # seconds by the clock, and of the processor


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--calls", type=int, nargs=2, default=[10_000, 200_000], help="few, and many; 0: no pages")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES), help="(both)")
    parser.add_argument("--requests", type=int, default=200, help="of each page (200)")
    parser.add_argument("--clients", type=int, default=300, help="that look on live (300); 0: no lag")
    parser.add_argument("--seconds", type=float, default=30.0, help="that the loop is watched (30)")
    given = parser.parse_args()
    for name in given.databases if given.calls[1] else ():
        compare(name, given.calls, given.requests)
    if given.clients:
        asyncio.run(lags(given.clients, given.seconds))


# Pages, with few calls and with many.


def compare(name: str, sizes: list[int], requests: int) -> None:
    """Both databases are there together, and each page is asked of one and the other in turns."""
    try:
        with DATABASES[name]() as new, tempfile.TemporaryDirectory(prefix="callmon-pages-", dir=ON_DISK) as folder:
            os.environ["STATE_DIRECTORY"] = folder
            known = [_filled(new(), calls) for calls in sizes]
            taken = asyncio.run(pages(known, requests))
    except BenchError as why:
        say(f"{name}: not measured, {why}")
        return
    for what, place in (("server time", 0), ("processor time", 1)):
        head(f"{name}: {what}, p95 in ms", (*(f"{calls:,}" for calls in sizes), "ratio"))
        for page, (few, many) in taken.items():
            pair = [1000 * sorted(x[place] for x in times)[int(0.95 * len(times))] for times in (few, many)]
            row(page, (f"{pair[0]:.1f}", f"{pair[1]:.1f}", f"{pair[1] / pair[0]:.2f}"))


def _filled(url: str, calls: int) -> Settings:
    settings, begun = year.settings(url=url, more=ROLES), time.perf_counter()
    pages_rows.fill(settings, calls)
    say(f"{calls:,} calls made in {time.perf_counter() - begun:.0f} s")
    return settings


async def pages(both: list[Settings], requests: int) -> dict[str, list[list[Times]]]:
    """Page → the times with few and with many calls: asked in turns, so that a busy machine is busy for both."""
    async with AsyncExitStack() as open_ones:
        asked = [await open_ones.enter_async_context(_asked(settings)) for settings in both]
        found: dict[str, list[list[Times]]] = {}
        for name in (*PATHS, *QUESTIONS):
            found[name], random = [[], []], Random(5)
            for number in range(requests + 10):
                what = PATHS[name](random) if name in PATHS else name
                for ask, times in zip(asked, found[name], strict=True):
                    begun, worked = time.perf_counter(), time.process_time()
                    await ask(what)
                    if number >= 10:  # the first warm up
                        times.append((time.perf_counter() - begun, time.process_time() - worked))
        return found


@asynccontextmanager
async def _asked(settings: Settings) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """The application of a daemon that does not run, asked for a page without a socket; or one of QUESTIONS."""
    os.environ["STATE_DIRECTORY"] = tempfile.mkdtemp(
        dir=os.environ["STATE_DIRECTORY"]
    )  # with PostgreSQL the key's
    store = opening.open_for_writing(settings)
    daemon = Daemon(settings, store, FEATURES)
    daemon.publish_status()
    access = AccessService(settings.web.access, store)
    application = WebApplication(
        daemon.metrics, daemon.troubles, daemon.remarks, daemon.standby.role, daemon.page_context, access
    ).asgi()
    transport = httpx.ASGITransport(application, client=HERE)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=EVERYTHING) as browser:

        async def ask(what: str) -> None:
            if what in QUESTIONS:
                await daemon.page_context.ask(QUESTIONS[what], daemon.page_context.reader, settings)
                return
            answer = await browser.get(what)
            assert answer.status_code == 200, (what, answer.status_code)

        yield ask
    daemon.page_context.close()
    daemon.runtime.writer.close()
    store.close()


def _day(random: Random) -> str:
    return f"2024-03-{random.randint(2, 29):02}"


def _fixed(path: str) -> Callable[[Random], str]:
    return lambda _: path


RARE = "norme=answer_by_third_ring&verdict"
PATHS: dict[str, Callable[[Random], str]] = {
    "Now": _fixed("/fr/"),
    "wall": _fixed("/en/wall"),
    "Callbacks": _fixed("/fr/rappels"),
    "One callback": lambda r: f"/fr/rappels/{r.choice(pages_rows.owed_names())}",
    "Calls of a day": lambda r: f"/fr/appels?jour={_day(r)}",
    "Calls of a line": lambda r: f"/fr/appels?jour={_day(r)}&ligne=tty",
    "Calls by outcome": lambda r: f"/fr/appels?jour={_day(r)}&issue=busy",
    "Calls not met": lambda r: f"/fr/appels?jour={_day(r)}&{RARE}=not_met",
    "Calls not known": lambda r: f"/fr/appels?jour={_day(r)}&{RARE}=unknown",
    "One call": lambda r: f"/fr/appels/{year.EXCHANGE}/{r.choice(pages_rows.call_names())}",
    "Months": _fixed("/fr/mois"),
    "One month": _fixed("/fr/mois/2024-03"),
    "Promises": _fixed("/fr/normes"),
    "Disruptions": _fixed("/fr/perturbations"),
    "One disruption": lambda r: f"/fr/perturbations/{r.choice(pages_rows.DISRUPTED).id}",
    "Accesses": _fixed("/fr/consultations"),
}
# What a page keeps for a minute, asked for each time.
QUESTIONS: dict[str, Callable[[Database, Settings], object]] = {
    "the half-hours of Now": lambda store, settings: _half_hours(store, settings)
}


def _half_hours(store: Database, settings: Settings) -> object:
    """Those of the last Tuesday of the month, with what they are compared with."""
    at = datetime(2024, 3, 26, 15, tzinfo=UTC)
    counted = half_hours.half_hour_counts(store, settings.timezone, today.days(at, settings), at)
    assert counted is not None
    assert today.today(counted, {year.EXCHANGE: None}, settings, at).halves
    return counted


# The loop, with nobody looking and with many.


async def lags(clients: int, seconds: float) -> None:
    """The daemon of the demonstration, in this process; those who look are another."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit[1], 8192), limit[1]))
    head(f"the loop's lag over {seconds:.0f} s, ms", ("p50", "p99", "most"))
    with tempfile.TemporaryDirectory(prefix="callmon-pages-") as name:
        async with DemoExchange() as exchange:
            settings = demo_settings("127.0.0.1:0", exchange.port, exchange.secret, Path(name), datetime.now(UTC))
            store = opening.open_for_writing(settings)
            daemon = Daemon(settings, store, FEATURES)
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
            _tell(f"{len(daemon.page_context.live.clients)} look on live", await _lag(seconds))
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
    here = f"127.0.0.{2 + number // 30}"  # at most 30 live pages of one address
    wire = socket.create_connection(("127.0.0.1", port), source_address=(here, 0))
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
