"""The report jobs of the pages: each report is made in a worker process (`worker`), so that no page blocks.

    process = jobs.start(settings, ReportRequest("2026-10", "pdf", "fr"))   # in the event loop of the daemon
    process.progress               # 0.0 … 1.0, readable at any time
    await process.result()         # then: process.files, or process.failure

One report is made at a time, so that the daemon keeps its processor. Finished reports stay stored for a while,
because a page polls the progress of its report.

Refuses: more than MOST reports (BusyError); a finished report older than KEPT is dropped.
"""

import asyncio
import json
import logging
import os
import pickle
import secrets
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic

import msgspec

import callmon
from callmon.config.settings import Settings
from callmon.reports.failure import ReportFailure, over_limit
from callmon.reports.request import ReportRequest

log = logging.getLogger(__name__)

MOST = 8
KEPT = 900.0  # seconds since the request
SECONDS = 600
MEGABYTES = 2048
AT_MOST = 256 << 20  # bytes, all files together
# The report process gets from the daemon's environment only what Python and the database drivers look for.
PASSED_ON = frozenset(
    ("HOME", "KRB5CCNAME", "KRB5_CONFIG", "LANG", "LD_LIBRARY_PATH", "PATH", "SQLITE_TMPDIR", "TMPDIR", "TZ")
)
# libpq's own (PGPASSFILE, PGSSLROOTCERT …), Python's, the locale.
PASSED_ON_PREFIXES = ("PG", "PYTHON", "LC_", "SSL_CERT_")


class BusyError(Exception):
    """MOST reports are pending or running; a further request must wait."""


class ReportProcess:
    """One report, identified by an unguessable name, from the request to its files.

    If it cannot be made, nothing is raised: `failure` has the reason, and it is logged. The process ends by itself
    after `seconds`, also if the daemon has exited. Its memory is limited to `megabytes`.

    The settings are sent through standard input, so that no database password is in a command line.
    """

    def __init__(
        self, settings: Settings, order: ReportRequest, seconds: float = SECONDS, megabytes: int = MEGABYTES
    ) -> None:
        self.order = order
        self.name = secrets.token_urlsafe(12)
        self.since = monotonic()
        self.progress = 0.0
        self.files: list[tuple[str, bytes]] = []
        self.failure: ReportFailure | None = None
        self._input = pickle.dumps((settings.configuration, settings.source, order, seconds, megabytes))
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def start(self, turn: asyncio.Semaphore) -> None:
        """Start the process once `turn` is acquired."""
        self._task = asyncio.create_task(self._run(turn), name=f"report {self.order.month}")

    @property
    def is_done(self) -> bool:
        """Whether it has files or a failure, or was cancelled."""
        return self._task is not None and self._task.done()

    async def result(self, within: float | None = None) -> bool:
        """Whether it is done, at the latest after `within` seconds."""
        assert self._task is not None
        await asyncio.wait([self._task], timeout=within)
        return self.is_done

    def cancel(self) -> None:
        """End the process."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, turn: asyncio.Semaphore) -> None:
        try:
            async with turn:
                await self._make()
        except OSError as error:
            self.failure = ReportFailure("ended", f"the report process cannot start: {error.strerror}")
        if self.failure is not None:
            log.warning("report: %s failed: %s", self.order.month, self.failure.message)

    async def _make(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "callmon.reports.worker"),
            stdin=PIPE, stdout=PIPE, env=_environment(os.environ),
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._seconds):
                await self._follow(process)
        except TimeoutError:
            self.failure = over_limit("long", round(self._seconds))
        except (asyncio.IncompleteReadError, ValueError):
            self.files = []  # the process ended in the middle of its output
        finally:
            await _end(process)
        if not self.files and self.failure is None:
            self.failure = ReportFailure("ended", f"the report process ended ({process.returncode})")

    async def _follow(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):  # the process ended before it read its input: its output has the reason
            process.stdin.write(self._input)
            await process.stdin.drain()
            process.stdin.close()
        async for line in process.stdout:
            message = json.loads(line)
            self.progress = message.get("progress", self.progress)
            if "failure" in message:
                self.failure = msgspec.convert(message["failure"], ReportFailure)
            sizes = message.get("files", ())
            if sum(size for _, size in sizes) > AT_MOST:
                self.failure = over_limit("large", AT_MOST >> 20)
            else:
                self.files += [(name, await process.stdout.readexactly(size)) for name, size in sizes]


async def _end(process: Process) -> None:
    """Kill the process by its PID and wait for it.

    Where asyncio waits for a child in a thread, its own `kill` may collect the exit status before that thread.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


class ReportJobs:
    """All report jobs of a daemon, running or finished. Use it only in the event loop of the daemon."""

    def __init__(self) -> None:
        self._processes: dict[str, ReportProcess] = {}
        self._turn = asyncio.Semaphore(1)

    def get(self, name: str) -> ReportProcess | None:
        self._drop_old()
        return self._processes.get(name)

    def start(self, settings: Settings, order: ReportRequest) -> ReportProcess:
        """The stored process of an equal request that did not fail; otherwise a new one.

        When MOST are stored, the oldest finished one is dropped. Raises BusyError if none is finished.
        """
        self._drop_old()
        stored = self._processes.values()
        if same := next((x for x in stored if x.order == order and x.failure is None), None):
            return same
        if len(stored) >= MOST:
            oldest = next((x for x in stored if x.is_done), None)
            if oldest is None:
                raise BusyError
            del self._processes[oldest.name]
        process = ReportProcess(settings, order)
        process.start(self._turn)
        self._processes[process.name] = process
        return process

    def _drop_old(self) -> None:
        for old in [x for x in self._processes.values() if x.is_done and monotonic() - x.since > KEPT]:
            del self._processes[old.name]

    def close(self) -> None:
        """Cancel all jobs, which ends their processes."""
        for process in self._processes.values():
            process.cancel()


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in ours.items() if k in PASSED_ON or k.startswith(PASSED_ON_PREFIXES)}
    home = str(Path(callmon.__file__).parent.parent)
    path = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": os.pathsep.join([home, path] if path else [home])}
