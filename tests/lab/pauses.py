"""When this machine stood still: a thread of real-time priority that was woken too late.

A virtual machine can be stopped for seconds. Callers and phones are then late by as much, and ring once more than
their situation says.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from tests.lab.processes import real_time_thread

INTERVAL = 0.05  # seconds
LATE = 0.25  # seconds; beside twelve busy processes on two cores such a thread was never 0.01 s late


class Pause(NamedTuple):
    """Seconds since 1970."""

    begin: float
    end: float


class Pauses:
    """Notes them from `start` to `stop`."""

    def __init__(self) -> None:
        self.seen: list[Pause] = []
        self._woken = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pauses of the machine", daemon=True)

    def start(self) -> None:
        self._woken = time.time()
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def meet(self, begin: float, end: float) -> bool:
        """Did one lie within this span?"""
        return any(pause.begin < end and begin < pause.end for pause in self.seen)

    def _watch(self) -> None:
        real_time_thread()
        is_over = False
        while not is_over:
            is_over = self._over.wait(INTERVAL)
            now = time.time()
            if now - self._woken > INTERVAL + LATE:
                self.seen.append(Pause(self._woken, now))
            self._woken = now
