"""The whole daemon with its database, in a process of its own: all that ``callmon run`` does."""

from __future__ import annotations

import asyncio
import os
import time
import tomllib
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from bench.server import HOME
from callmon.config.schema import Configuration
from callmon.config.settings import Settings, example_text
from callmon.core.statistics.counters import CALLS
from callmon.daemon.daemon import Daemon
from callmon.site import FEATURES
from callmon.store.database import upgrade
from callmon.store.encryption import KeyRing
from callmon.store.rollups import rebuild

SECRET = "CALLMON_BENCH_SECRET"
LOOK_EVERY = 1.0  # for a mistake; a commit is noticed at once
COUNTED = CALLS.name


def settings(port: int, database: str, outbox: Path) -> Settings:
    """The example configuration, with one exchange on loopback and this database."""
    data = tomllib.loads(example_text())
    (exchange,) = data["exchanges"].values()
    del exchange["secret_file"]
    exchange |= {"host": HOME, "port": port, "secret_env": SECRET}
    data["store"] |= {"url": database, "journal": outbox}
    data["web"]["listen"] = f"{HOME}:0"
    return Settings(Configuration(**data), "bench")


def daemon(pipe: Connection, port: int, database: str, warm: int, calls: int) -> None:
    """Says "warm" when so many calls are committed, and ("end", time, count, address) when all are."""
    os.environ[SECRET] = "bench"
    with TemporaryDirectory() as folder:
        _run(pipe, settings(port, database, Path(folder) / "waiting"), warm, calls)
    pipe.send("stopped")


def _run(pipe: Connection, chosen: Settings, warm: int, calls: int) -> None:
    store = upgrade(chosen.store.url, KeyRing([bytes(32)]))
    rebuild.ensure_rollups(store, chosen.timezone)

    async def run() -> None:
        running = Daemon(chosen, store, FEATURES)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(running.run())
            await _committed(running, warm)
            pipe.send("warm")
            await _committed(running, warm + calls)
            pipe.send(("end", time.monotonic(), _counted(running) - warm, running.address))
            await asyncio.to_thread(pipe.poll, None)
            running.stop()

    asyncio.run(run())


async def _committed(running: Daemon, calls: int) -> None:
    while not await asyncio.to_thread(
        running.runtime.writer.wait_until, lambda: _counted(running) >= calls, LOOK_EVERY
    ):
        if running.runtime.internal_errors:
            raise RuntimeError("callmon made a mistake of its own: see above")


def _counted(running: Daemon) -> int:
    """Calls in the figures that /metrics shows, which are added to after each commit."""
    figures = running.runtime.writer.counters.snapshot()
    return round(sum(count for figure, count in figures.items() if figure[0] == COUNTED))


def scraped(address: str) -> int:
    """Calls counted by /metrics, as a scraper sees them."""
    with urlopen(f"{address}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return round(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(COUNTED + "{")))
