"""Processes of our own, one a measurement, with a pipe to each."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

# "spawn": nothing of this process's memory goes into what is measured.
_FRESH = get_context("spawn")


class BenchError(Exception):
    """A measurement could not be made; the message says why."""


class Child:
    """``work(pipe, *arguments)`` in a process of its own; ended by its number at the end of the ``with``."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self._name = work.__name__
        self.pipe, theirs = _FRESH.Pipe()
        self._process = _FRESH.Process(target=work, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.join(5)
        self.pipe.close()

    def tell(self, what: Any) -> None:
        try:
            self.pipe.send(what)
        except OSError:
            raise self._ended() from None

    def reported(self, timeout: float) -> Any:
        """What it says next. Raises BenchError when it says nothing in time, or has ended."""
        try:
            if self.pipe.poll(timeout):
                return self.pipe.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        raise BenchError(f"{self._name} said nothing for {timeout:.0f} s")

    def _ended(self) -> BenchError:
        self._process.join(5)
        return BenchError(f"{self._name} ended with status {self._process.exitcode}")

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def cpu(self) -> float:
        """Seconds of CPU, user and system, so far."""
        return cpu(self.pid)


def cpu(pid: int) -> float:
    """Seconds of CPU of this process: the clock that clock_getcpuclockid(3) makes of its number."""
    return time.clock_gettime((~pid << 3) | 2)


def spin(pipe: Connection) -> None:
    """Keeps one core busy."""
    while True:
        pass
