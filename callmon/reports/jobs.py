"""The report jobs of the pages, running or finished: each report is made in a worker process (`worker`).

One report is made at a time, so that the daemon keeps its processor. Finished reports stay stored for a while,
because a page polls the progress of its report. An order that equals a stored one gets the same report, unless
that one failed.

Refuses: more than MOST reports (BusyError); a finished report older than KEPT is dropped.
"""

from __future__ import annotations

import asyncio
import secrets
from time import monotonic

from callmon.config.settings import Settings
from callmon.reports.request import ReportRequest
from callmon.reports.worker import ReportProcess

MOST = 8
KEPT = 900.0  # seconds since the order
WAITS = 1.5  # seconds that a page waits for a report before it shows the progress


class BusyError(Exception):
    """MOST reports are pending or running; a further order must wait."""


class ReportJob:
    """A report job, identified by an unguessable name."""

    def __init__(self, making: ReportProcess, task: asyncio.Task[None]) -> None:
        self.name, self.making, self.task = secrets.token_urlsafe(12), making, task
        self.since = monotonic()

    async def wait(self) -> bool:
        """Whether the report is done within WAITS seconds."""
        await asyncio.wait([self.task], timeout=WAITS)
        return self.making.is_done

    def file(self, name: str) -> bytes | None:
        return next((data for known, data in self.making.files if known == name), None)


class ReportJobs:
    """All report jobs of a daemon. Use it only in the event loop of the daemon."""

    def __init__(self) -> None:
        self._made: dict[str, ReportJob] = {}
        self._turn = asyncio.Semaphore(1)

    def get(self, name: str) -> ReportJob | None:
        self._forget()
        return self._made.get(name)

    def ask(self, settings: Settings, order: ReportRequest) -> ReportJob:
        """The stored job of an equal order that did not fail; otherwise a new job.

        When MOST jobs are stored, the oldest finished job is dropped. Raises BusyError if none is finished.
        """
        self._forget()
        for known in self._made.values():
            if known.making.order == order and known.making.trouble is None:
                return known
        if len(self._made) >= MOST:
            self._drop(next((x for x in self._made.values() if x.making.is_done), None))
        making = ReportProcess(settings, order, turn=self._turn)
        made = ReportJob(making, asyncio.create_task(making.run(), name=f"report {order.month}"))
        self._made[made.name] = made
        return made

    def _drop(self, oldest: ReportJob | None) -> None:
        if oldest is None:
            raise BusyError
        del self._made[oldest.name]

    def _forget(self) -> None:
        old = [x for x in self._made.values() if x.making.is_done and monotonic() - x.since > KEPT]
        for one in old:
            del self._made[one.name]

    def close(self) -> None:
        """Cancel all jobs, which ends their processes."""
        for one in self._made.values():
            one.task.cancel()
