"""One input after the other, watched: what raises, what takes too long, what takes memory and keeps it.

From Python 3.12 on an input that reaches a line of callmon's which none before has reached is kept and made wrong
further. Each finding is a file with the bytes, and a sentence.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import NamedTuple

from tests.fuzz.mutation import Mutation
from tests.fuzz.targets import Target

# Of processor time, so that a busy machine is no hang. The slowest that is right needs a tenth of it.
HANGS_AFTER = 10.0
KEPT_SEEDS = 5_000


class Hang(BaseException):
    """No handler of ours may take this for an error."""


class Figures(NamedTuple):
    """What a run has seen. Seconds of processor time, bytes."""

    inputs: int
    new_lines: int
    slowest: float
    grown: int
    found: int

    def __str__(self) -> str:
        return (
            f"{self.inputs:,} inputs, {self.new_lines:,} lines reached, slowest {self.slowest:.2f} s, "
            f"memory grown by {self.grown / 2**20:.1f} MiB, {self.found} findings"
        )


class Lines:
    """The lines of callmon's that have been run, counted at no cost: each tells of itself once."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Lines:
        if sys.version_info >= (3, 12):
            tool = sys.monitoring
            tool.use_tool_id(tool.COVERAGE_ID, "callmon fuzz")
            tool.register_callback(tool.COVERAGE_ID, tool.events.LINE, self._reached)
            tool.set_events(tool.COVERAGE_ID, tool.events.LINE)
            if not self.count:
                tool.restart_events()
        return self

    def __exit__(self, *_: object) -> None:
        if sys.version_info >= (3, 12):
            tool = sys.monitoring
            tool.set_events(tool.COVERAGE_ID, 0)
            tool.free_tool_id(tool.COVERAGE_ID)

    def _reached(self, code: CodeType, _line: int) -> object:
        if f"{os.sep}callmon{os.sep}" in code.co_filename:
            self.count += 1
        return sys.monitoring.DISABLE if sys.version_info >= (3, 12) else None


class Run:
    """One target, from one seed of chance. `folder`: where findings go."""

    def __init__(self, name: str, target: Target, seed: int, folder: Path | None = None) -> None:
        self._name, self._target, self._folder = name, target, folder
        self._mutation = Mutation(Random(seed), target.seeds(), target.mark)
        self.sentences: list[str] = []
        self._known: set[str] = set()
        self._slowest = 0.0
        self._inputs = 0
        self._resident: int | None = None
        self._lines = Lines()

    def go_on(self, seconds: float = float("inf"), inputs: float = float("inf")) -> Figures:
        """For so long, or so many inputs."""
        end = time.monotonic() + seconds
        with self._lines as lines, _alarm():
            while time.monotonic() < end and self._inputs < inputs:
                before = lines.count
                data = self._mutation.next()
                self.one(data)
                if lines.count > before and len(self._mutation.seeds) < KEPT_SEEDS:
                    self._mutation.seeds.append(data)
            return self._figures(lines.count)

    def one(self, data: bytes) -> None:
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER)
        try:
            self._target.read(data)
        except Hang:
            self._found(data, "Hang", f"more than {HANGS_AFTER:.0f} s")
        except Exception as error:
            self._found(data, _where(error), repr(error))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        self._slowest = max(self._slowest, time.process_time() - began)
        self._inputs += 1
        if self._inputs == 1_000:  # tables that learn have learnt
            self._resident = resident()

    def _found(self, data: bytes, where: str, what: str) -> None:
        """Each place once."""
        if where in self._known:
            return
        self._known.add(where)
        self.sentences.append(f"{self._name}: {what} at {where}")
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{self._name}-{len(self._known)}").write_bytes(data)

    def _figures(self, lines: int) -> Figures:
        grown = 0 if self._resident is None else resident() - self._resident
        return Figures(self._inputs, lines, self._slowest, grown, len(self.sentences))


def resident() -> int:
    """Bytes of this process that are in memory, after what is garbage is gone."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak(target: Target, data: bytes) -> int:
    """How much memory one input took at most."""
    tracemalloc.start()
    try:
        target.read(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def _where(error: BaseException) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    assert frame is not None
    return f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
