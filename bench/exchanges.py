"""What one daemon needs for many exchanges: `python -m bench.exchanges --exchanges 1 10 100`.

Each exchange has one line and no calls: it answers the ping of every five seconds, and is listed once.
The database is SQLite. Memory is the daemon's own share (PSS), all its threads and imports included.
`make bench` measures the example's six lines with it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from bench.processes import Child, cpu
from bench.server import BANNER, HOME, answer_to
from bench.stream import header
from bench.table import head, row
from bench.whole import SECRET
from callmon.ami.framing import END
from callmon.config.schema import Configuration
from callmon.config.settings import Settings, example_text
from callmon.daemon.daemon import Daemon
from callmon.site import FEATURES
from callmon.store.database import upgrade
from callmon.store.encryption import KeyRing

COLUMNS = ("memory MB", "CPU %", "wake-ups/s", "series", "gzip kB")
PATIENCE = 120.0


def exchange(pipe: Connection) -> None:
    """An exchange without calls, for as many daemons as log in. Says its port."""

    async def attend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while action := await reader.readuntil(END):
                writer.write(answer_to(header(action, b"Action").lower(), action.removesuffix(END)))

    async def run() -> None:
        server = await asyncio.start_server(attend, HOME, 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def settings(port: int, exchanges: int, folder: Path, series: str) -> Settings:
    """The example configuration, with so many exchanges and a line at each."""
    data = tomllib.loads(example_text())
    (pattern,) = data["exchanges"].values()
    del pattern["secret_file"]
    pattern |= {"host": HOME, "port": port, "secret_env": SECRET}
    data["exchanges"] = {f"site{n}": pattern for n in range(exchanges)}
    line = data["lines"]["general"]
    data["lines"] = {f"line{n}": line | {"numbers": [f"416 555-{n:04}"]} for n in range(exchanges)}
    data["store"] |= {"url": f"sqlite:///{folder}/callmon.db"}
    data["web"] |= {"listen": f"{HOME}:0", "series": series}
    return Settings(Configuration(**data), "bench")


def daemon(pipe: Connection, port: int, exchanges: int, series: str) -> None:
    """Says the address of its pages."""
    os.environ[SECRET] = "bench"
    with TemporaryDirectory() as folder:
        chosen = settings(port, exchanges, Path(folder), series)
        running = Daemon(chosen, upgrade(chosen.store.url, KeyRing([bytes(32)])), FEATURES)

        async def run() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(running.run())
                await asyncio.to_thread(running.runtime.writer.wait_until, lambda: bool(running.address), PATIENCE)
                pipe.send(running.address)

        asyncio.run(run())


def fetched(address: str, encoding: str = "identity") -> bytes:
    with urlopen(Request(f"{address}/metrics", headers={"Accept-Encoding": encoding}), timeout=60) as page:
        return page.read()  # type: ignore[no-any-return]


def proportional(pid: int) -> int:
    """Bytes of this process's proportional set."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def wake_ups(pid: int) -> int:
    """How often the threads of this process that are running have waited."""
    states = [path.read_text(encoding="ascii") for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(state.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for state in states)


def resident(pid: int) -> int:
    """Bytes of this process's resident set."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def measure(exchanges: int, seconds: float, series: str) -> None:
    with Child(exchange) as asterisk, Child(daemon, asterisk.reported(PATIENCE), exchanges, series) as callmon:
        address = callmon.reported(PATIENCE)
        while not all_heard(fetched(address), exchanges):
            time.sleep(0.5)
        time.sleep(5)  # one ping: what is done once is done
        show(f"{exchanges} exchanges, {series}", callmon.pid, address, seconds, proportional)


def measure_example(seconds: float) -> None:
    """`callmon run` with the example's six lines, as a process of its own. Its memory is the resident set."""
    # Here, so that the daemon which `measure` weighs does not import them.
    from bench.databases import ON_DISK
    from tests.support.daemon_process import Callmon

    with (
        Child(exchange) as asterisk,
        TemporaryDirectory(dir=ON_DISK) as folder,
        Callmon(Path(folder), asterisk.reported(PATIENCE), "bench") as callmon,
    ):
        time.sleep(10)  # caches are filled, and what is done once is done
        show("callmon: the daemon", callmon.pid, f"http://{HOME}:{callmon.web_port}", seconds, resident)


def show(name: str, pid: int, address: str, seconds: float, memory: Callable[[int], int]) -> None:
    """Measures an idle daemon for so many seconds."""
    before, woken = cpu(pid), wake_ups(pid)
    time.sleep(seconds)
    spent = cpu(pid) - before
    woken = wake_ups(pid) - woken
    page = fetched(address)
    row(name, [
        f"{memory(pid) / 1e6:.1f}", f"{spent / seconds * 100:.2f}", f"{woken / seconds:.1f}",
        f"{sum(not line.startswith(b'#') for line in page.splitlines()):,}",
        f"{len(fetched(address, 'gzip')) / 1000:,.1f}",
    ])  # fmt: skip


def all_heard(page: bytes, exchanges: int) -> bool:
    connected = [line for line in page.splitlines() if line.startswith(b"callmon_exchange_connected{")]
    return [line.rpartition(b" ")[2] for line in connected].count(b"1.0") == exchanges


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    head("one daemon, idle", COLUMNS)
    for series in ("all", "slim"):
        for exchanges in chosen.exchanges:
            measure(exchanges, chosen.seconds, series)


if __name__ == "__main__":
    main()
