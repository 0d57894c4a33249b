"""What ended takes no room: calls and their legs know each other, and no garbage collector looks for them."""

from __future__ import annotations

import gc
import tracemalloc
from multiprocessing.connection import Connection

from tests.bench.growth import Listener
from tests.bench.processes import Child
from tests.bench.stream import Template, recorded, used

OURS = [tracemalloc.Filter(True, f"*/callmon/{package}/*") for package in ("ami", "calls")]


def room() -> int:
    """Bytes that were taken for events, calls and accounts, and not given back."""
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(OURS).traces)


def six_runs(pipe: Connection) -> None:
    """Says how many calls are up in the end, and how much room the last four runs have left taken."""
    listener, run = Listener(), Template(used(recorded().messages))
    gc.disable()
    tracemalloc.start()
    for number in (1, 2):
        listener.hear(run.loop(number))
    before = room()
    for number in (3, 4, 5, 6):
        listener.hear(run.loop(number))
    pipe.send((listener.in_progress(), room() - before))


def test_calls_that_ended_leave_nothing_behind() -> None:
    """A recorded run of a hundred calls of every kind, in a process of its own; 400 calls of 2 kB each."""
    with Child(six_runs) as child:
        up, taken = child.told(120)
    assert up == 0
    assert taken < 10_000
