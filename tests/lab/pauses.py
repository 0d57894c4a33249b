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
LATE = 0.25  # a ring's verdict is not decided by less: situations keep so far from each edge


class Pause(NamedTuple):
    """Seconds since 1970."""

    begin: float
    end: float


class Pauses:
    """Notes them from `start` to `stop`."""

    def __init__(self) -> None:
        self.seen: list[Pause] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pauses of the machine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def meet(self, begin: float, end: float) -> bool:
        """Did one lie within this span?"""
        return any(pause.begin < end and begin < pause.end for pause in self.seen)

    def _watch(self) -> None:
        real_time_thread()
        last = time.time()
        while not self._over.is_set():
            time.sleep(INTERVAL)
            now = time.time()
            if now - last > INTERVAL + LATE:
                self.seen.append(Pause(last, now))
            last = now
