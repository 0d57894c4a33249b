"""What ended takes no room: calls and their legs know each other, and no garbage collector looks for them."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import callmon
from bench.growth import LATER, Listener, begin, beginning
from bench.processes import Child
from bench.stream import Template, recorded, used
from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import CelReader
from tests.fuzz.targets import SITE

PACKAGES = ("ami", "core/calls", "backfill/cel")
OURS = [tracemalloc.Filter(True, f"*/callmon/{package}/*") for package in PACKAGES]


def test_each_pattern_is_of_a_package_that_there_is() -> None:
    assert [
        package for package in PACKAGES if not (Path(callmon.__file__).parent / package / "__init__.py").exists()
    ] == []


def room() -> int:
    """Bytes that were taken for events, calls and accounts, and not given back."""
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(OURS).traces)


def six_runs(pipe: Connection) -> None:
    """Says how many calls are up in the end, how many objects only a collector frees, and how much room is taken.

    The room is that which the last four runs have left taken, and that of a call which is up.
    """
    listener, run = Listener(), Template(used(recorded().messages))
    gc.disable()
    tracemalloc.start()
    for number in (1, 2):
        listener.hear(run.loop(number))
    gc.collect()  # it empties Python's free lists too: they keep the room of objects that are gone
    before = room()
    for number in (3, 4, 5, 6):
        listener.hear(run.loop(number))
    unreachable = gc.collect()
    left = room() - before
    up = listener.in_progress()
    before = room()
    begin(listener, beginning("talking"), LATER, 100)
    pipe.send((up, unreachable))
    pipe.send((left, (room() - before) // 100))


@pytest.mark.long
def test_calls_that_ended_leave_nothing_behind() -> None:
    """A recorded run of a hundred calls of every kind, in a process of its own; 400 calls of 2 kB each."""
    with Child(six_runs) as child:
        up, unreachable = child.reported(120)
        taken, by_a_call = child.reported(120)
    assert (up, unreachable) == (0, 0)
    assert by_a_call > 1_000  # the filter sees calls
    assert taken < 10_000


def unfinished_diaries(pipe: Connection) -> None:
    """CEL of which the end is missing, again and again: how much room is left taken."""
    traces = Path(__file__).parents[1] / "data" / "traces"
    texts = [
        (traces / name / "cel.csv").read_text().splitlines(keepends=True) for name in ("two_calls", "hold_unhold")
    ]

    def reported() -> None:
        for text in texts:
            for end in range(len(text)):
                extract.extract_calls([*CelReader(UTC).read_lines(text[:end])], SITE, {})

    tracemalloc.start()
    reported()
    gc.collect()
    before = room()
    for _ in range(5):
        reported()
    gc.collect()
    pipe.send(room() - before)


@pytest.mark.long
def test_calls_whose_end_is_not_in_the_diary_leave_nothing_behind() -> None:
    with Child(unfinished_diaries) as child:
        assert child.reported(120) < 10_000
