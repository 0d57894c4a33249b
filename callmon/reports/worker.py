"""Makes a report in a worker process, so that the pages of the daemon do not block.

    making = ReportProcess(settings, ReportRequest("2026-10", "pdf", "fr"))
    task = group.create_task(making.run())      # the owner's task; cancelling it ends the process
    making.progress                             # 0.0 … 1.0, readable at any time
    await task                                  # then: making.files [(name, bytes)], or making.trouble

If a report cannot be made, `run` raises nothing: `trouble` has the reason, and it is logged. The process ends by
itself after `seconds`, also if the daemon has exited. Its memory is limited to `megabytes`, and it runs at low
priority. `turn`, a semaphore of the owner, limits how many reports are made at once.

The settings are sent through standard input, so that no database password is in a command line. On standard output
the process writes JSON, one line for each step, then the bytes of the files. Its unhandled errors go to the
standard error of the daemon.
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
from callmon.reports.failure import FAILS, ReportFailure, of
from callmon.reports.request import ReportRequest, filed

log = logging.getLogger(__name__)

SECONDS = 600
MEGABYTES = 2048
AT_MOST = 256 << 20  # bytes, all files together
LONG = "it was not made within {limit} s; `callmon report` may take longer"
LARGE = "it needs more than the {limit} MB it may have; `callmon report` may have more"
ENDED = "its process ended ({status})"
NOT_BEGUN = "its process cannot be started: {why}"


class ReportProcess:
    """One report, from the order to its files. `is_done`: it has files or a trouble, or was cancelled."""

    def __init__(
        self,
        settings: Settings,
        order: ReportRequest,
        seconds: float = SECONDS,
        megabytes: int = MEGABYTES,
        turn: asyncio.Semaphore | None = None,
    ) -> None:
        self.order = order
        self.progress = 0.0
        self.files: list[tuple[str, bytes]] = []
        self.trouble: ReportFailure | None = None
        self.is_done = False
        self._asked = pickle.dumps((settings.configuration, settings.source, order, seconds, megabytes))
        self._seconds, self._megabytes, self._turn = seconds, megabytes, turn

    async def run(self) -> None:
        """Run until the report is made, cannot be made, or the task is cancelled."""
        try:
            async with self._turn or nullcontext():
                await self._run()
        except OSError as error:
            self.trouble = ReportFailure("ended", NOT_BEGUN.format(why=error.strerror))
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
            self.files = []  # the process ended in the middle of its output
        finally:
            await _end(process)
        if not self.files and self.trouble is None:
            self.trouble = ReportFailure("ended", ENDED.format(status=process.returncode))

    async def _follow(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # the process ended before it read its input: its output has the reason
            process.stdin.write(self._asked)
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            told = json.loads(line)
            self.progress = told.get("progress", self.progress)
            if "trouble" in told:
                self.trouble = msgspec.convert(told["trouble"], ReportFailure)
            if sum(size for _, size in told.get("files", ())) > AT_MOST:
                self.trouble = _limited("large", LARGE, AT_MOST >> 20)
            elif "files" in told:
                self.files = [(name, await process.stdout.readexactly(size)) for name, size in told["files"]]


def _limited(kind: Literal["long", "large"], told: str, limit: int) -> ReportFailure:
    return ReportFailure(kind, told.format(limit=limit), limit)


async def _end(process: Process) -> None:
    """Kill the process by its PID and wait for it.

    Where asyncio waits for a child in a thread, its own `kill` may collect the exit status before that thread.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def _environment() -> dict[str, str]:
    from callmon.store.writer.spawn import environment

    return environment(os.environ)


# Below is the code of the worker process.


def main() -> None:
    configuration, source, order, seconds, megabytes = pickle.load(sys.stdin.buffer)  # from the parent process
    _bound(seconds, megabytes)
    logging.raiseExceptions = False  # without memory, printing a log error may not end
    out = sys.stdout.buffer
    try:
        settings = Settings(configuration, source)
        made = _made(settings, order, lambda part: _say(out, progress=round(part, 3)))
    except (MemoryError, SystemError):  # SystemError: a C library ran out of memory
        _say(out, trouble=msgspec.to_builtins(_limited("large", LARGE, megabytes)))
    except FAILS as error:
        _say(out, trouble=msgspec.to_builtins(of(error)))
    else:
        _say(out, files=[(name, len(data)) for name, data in made])
        for _, data in made:
            out.write(data)
        out.flush()


def _made(settings: Settings, order: ReportRequest, told: Callable[[float], None]) -> list[tuple[str, bytes]]:
    from callmon.store.database import open_store

    store = open_store(settings.store.url)
    try:
        return [(path.name, data) for path, data in filed(store, settings, order, datetime.now(UTC), told)]
    finally:
        store.close()


def _bound(seconds: float, megabytes: int) -> None:
    """Limit time and memory, even if the parent exits, and lower the priority so that events come first."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(max(1, round(seconds) + 1))
    # If a sandbox forbids setting the limit, the limits of the sandbox apply.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    with suppress(OSError):
        os.nice(10)


def _say(out: IO[bytes], **told: Any) -> None:
    out.write(json.dumps(told, ensure_ascii=False).encode() + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
