"""Reports that are being made for somebody, or were of late: each in a process of its own (`report_child`).

One at a time, so that the daemon keeps its processor; a few are kept for a while, since a page asks again and
again how far one has come. Bounded: MOST reports, none older than KEPT; who asks for the same gets the same.
"""

from __future__ import annotations

import asyncio
import secrets
from time import monotonic

from callmon.config.settings import Settings
from callmon.reports.request import Order
from callmon.reports.worker import Making

MOST = 8
KEPT = 900.0  # seconds
WAITS = 1.5  # seconds that a page waits for a report before it says how far it has come


class BusyError(Exception):
    """So many are asked for that one more must wait."""


class Made:
    """A report on its way, known by a name that nobody can guess."""

    def __init__(self, making: Making, task: asyncio.Task[None]) -> None:
        self.name, self.making, self.task = secrets.token_urlsafe(12), making, task
        self.since = monotonic()

    async def wait(self) -> bool:
        """Whether it is done, or is so soon."""
        await asyncio.wait([self.task], timeout=WAITS)
        return self.making.is_done

    def file(self, name: str) -> bytes | None:
        return next((data for known, data in self.making.files if known == name), None)


class Makings:
    """All of a daemon. Belongs to its loop."""

    def __init__(self) -> None:
        self._made: dict[str, Made] = {}
        self._turn = asyncio.Semaphore(1)

    def get(self, name: str) -> Made | None:
        self._forget()
        return self._made.get(name)

    def ask(self, settings: Settings, order: Order) -> Made:
        """The one that is being made, or was of late; else a new one. Raises BusyError."""
        self._forget()
        for known in self._made.values():
            if known.making.order == order and known.making.trouble is None:
                return known
        if len(self._made) >= MOST:
            self._drop(next((x for x in self._made.values() if x.making.is_done), None))
        making = Making(settings, order, turn=self._turn)
        made = Made(making, asyncio.create_task(making.run(), name=f"report {order.month}"))
        self._made[made.name] = made
        return made

    def _drop(self, oldest: Made | None) -> None:
        if oldest is None:
            raise BusyError
        del self._made[oldest.name]

    def _forget(self) -> None:
        old = [x for x in self._made.values() if x.making.is_done and monotonic() - x.since > KEPT]
        for one in old:
            del self._made[one.name]

    def close(self) -> None:
        """Their processes end."""
        for one in self._made.values():
            one.task.cancel()
