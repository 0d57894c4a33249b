"""What ended takes no room: calls and their legs know each other, and no garbage collector looks for them."""

from __future__ import annotations

import gc
import tracemalloc

from tests.bench.growth import Listener
from tests.bench.stream import Template, recorded, used

OURS = [tracemalloc.Filter(True, f"*/callmon/{package}/*") for package in ("ami", "calls")]


def room() -> int:
    """Bytes that were taken for events, calls and accounts, and not given back."""
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(OURS).traces)


def test_calls_that_ended_leave_nothing_behind() -> None:
    """A recorded run of a hundred calls of every kind, six times; one call and its legs are 2 kB."""
    listener, run = Listener(), Template(used(recorded().messages))
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        listener.hear(run.loop(1))
        listener.hear(run.loop(2))
        before = room()
        for number in range(3, 7):
            listener.hear(run.loop(number))
        assert listener.in_progress() == 0
        assert room() - before < 2_000
    finally:
        tracemalloc.stop()
        gc.enable()
