"""A report made in a process of its own, for whoever must not wait: the daemon's pages.

    making = Making(settings, Order("2026-10", "pdf", "fr"))
    task = group.create_task(making.run())      # the owner's task; to cancel it is to end the process
    making.progress                             # 0.0 … 1.0, to be looked at whenever somebody asks
    await task                                  # then: making.files [(name, bytes)], or making.trouble

`run` raises nothing for a report that cannot be made: `trouble` says why, and the log has it.
The process ends by itself after `seconds`, also when we are gone, and may have so many `megabytes`; it yields to
others. `turn`, a semaphore of the owner's, says how many may be made at once.

The settings go through its standard input: a database's password is in no command line. On its standard output it
writes JSON, a line for each step, then the files' bytes. Its own mistakes come out on our standard error.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from typing import IO, Any, Literal

import msgspec

from callmon.config.settings import Settings
from callmon.reports.failure import FAILS, Trouble, of
from callmon.reports.request import Order, filed

log = logging.getLogger(__name__)

SECONDS = 600
MEGABYTES = 2048
AT_MOST = 256 << 20  # bytes of all files together
LONG = "it was not made within {limit} s; `callmon report` may take longer"
LARGE = "it needs more than the {limit} MB it may have; `callmon report` may have more"
ENDED = "its process ended ({status})"
NOT_BEGUN = "its process cannot be started: {why}"


class Making:
    """One report, from the order to its files. `is_done` once there are files or a trouble."""

    def __init__(
        self,
        settings: Settings,
        order: Order,
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
        turn: asyncio.Semaphore | None = None,
    ) -> None:
        self.order = order
        self.progress = 0.0
        self.files: list[tuple[str, bytes]] = []
        self.trouble: Trouble | None = None
        self.is_done = False
        self._asked = pickle.dumps((settings.configuration, settings.source, order, seconds, megabytes))
        self._seconds, self._megabytes, self._turn = seconds, megabytes, turn

    async def run(self) -> None:
        """Until it is made, cannot be made, or this task is cancelled."""
        try:
            async with self._turn or nullcontext():
                await self._run()
        except OSError as error:
            self.trouble = Trouble("ended", NOT_BEGUN.format(why=error.strerror))
        finally:
            self.is_done = True
        if self.trouble is not None:
            log.warning("the report of %s was not made: %s", self.order.month, self.trouble.told)

    async def _run(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "callmon.reports.worker"), stdin=PIPE, stdout=PIPE, env=_environment()
        )
        try:
            async with asyncio.timeout(self._seconds):
                await self._follow(process)
        except TimeoutError:
            self.trouble = _limited("long", LONG, round(self._seconds))
        except (asyncio.IncompleteReadError, ValueError):
            self.files = []  # it ended in the middle of what it said
        finally:
            await _end(process)
        if not self.files and self.trouble is None:
            self.trouble = Trouble("ended", ENDED.format(status=process.returncode))

    async def _follow(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # it ended before it had read: what it said tells why
            process.stdin.write(self._asked)
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            told = json.loads(line)
            self.progress = told.get("progress", self.progress)
            if "trouble" in told:
                self.trouble = msgspec.convert(told["trouble"], Trouble)
            if sum(size for _, size in told.get("files", ())) > AT_MOST:
                self.trouble = _limited("large", LARGE, AT_MOST >> 20)
            elif "files" in told:
                self.files = [(name, await process.stdout.readexactly(size)) for name, size in told["files"]]


def _limited(kind: Literal["long", "large"], told: str, limit: int) -> Trouble:
    return Trouble(kind, told.format(limit=limit), limit)


async def _end(process: Process) -> None:
    """By its number: where asyncio waits in a thread, its own `kill` may read the status away from that thread."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    from callmon.store.writer.spawn import environment

    return environment(os.environ)


# What follows is the process itself.


def main() -> None:
    configuration, source, order, seconds, megabytes = pickle.load(sys.stdin.buffer)  # from our own parent
    _bound(seconds, megabytes)
    logging.raiseExceptions = False  # with no memory left, to print an error of the log's own may have no end
    out = sys.stdout.buffer
    try:
        settings = Settings(configuration, source)
        made = _made(settings, order, lambda part: _say(out, progress=round(part, 3)))
    except (MemoryError, SystemError):  # the second where a library in C had none left
        _say(out, trouble=msgspec.to_builtins(_limited("large", LARGE, megabytes)))
    except FAILS as error:
        _say(out, trouble=msgspec.to_builtins(of(error)))
    else:
        _say(out, files=[(name, len(data)) for name, data in made])
        for _, data in made:
            out.write(data)
        out.flush()


def _made(settings: Settings, order: Order, told: Callable[[float], None]) -> list[tuple[str, bytes]]:
    from callmon.store.database import open_store

    store = open_store(settings.store.url)
    try:
        return [(path.name, data) for path, data in filed(store, settings, order, datetime.now(UTC), told)]
    finally:
        store.close()


def _bound(seconds: float, megabytes: int) -> None:
    """In time and memory, whatever becomes of who asked; calls are listened to first."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(max(1, round(seconds) + 1))
    # Where a sandbox does not let us, its own bounds hold.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    with suppress(OSError):
        os.nice(10)


def _say(out: IO[bytes], **told: Any) -> None:
    out.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
