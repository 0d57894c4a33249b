"""How long a month's statistics take beside a bare count, and beside those of a month of more calls.

All months of a database are there at once and are asked in turns. What else the machine does meanwhile then
falls on all of them alike. The median tells what is usual, the best what it takes undisturbed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from statistics import median

from bench.databases import ON_DISK, NewDatabase
from bench.filled import Filled, Story
from bench.processes import BenchError
from bench.table import head, row, say
from callmon.store.database import upgrade

A_CALL = 1_700  # bytes on disk, rather more


class Taken:
    """The seconds of one month: callmon's, its CPU in this process, and the bare count's."""

    def __init__(self, month: Filled) -> None:
        self.month = month
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.cpu: list[float] = []

    def again(self) -> None:
        bare, count = timed(self.month.bare)
        begun = time.process_time()
        ours, offered = timed(self.month.reported)
        self.cpu.append(time.process_time() - begun)
        self.month.checked(count, offered)
        self.bare.append(bare)
        self.ours.append(ours)


def timed(work: Callable[[], int]) -> tuple[float, int]:
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


def measure(kind: str, new: NewDatabase, stories: list[Story], sizes: list[int], rounds: int) -> None:
    """Prints it all. Raises BenchError when there is too little room, and when a figure is wrong."""
    room = shutil.disk_usage(ON_DISK).free
    if room < (need := sum(sizes) * A_CALL):
        raise BenchError(f"{need / 1e9:.0f} GB are needed, {room / 1e9:.0f} GB are free")
    head(f"{kind}: a month's statistics", ("callmon, s", "bare SQL, s", "ratio"))
    all_taken = [Taken(filled(kind, new, stories, size)) for size in sizes]
    for taken in all_taken:  # once without the clock: what must be read from the disk is
        Taken(taken.month).again()
    for _ in range(rounds):
        for taken in all_taken:
            taken.again()
    for taken in all_taken:
        reported(f"{taken.month.calls:,} calls", taken.ours, taken.bare)
        row("  CPU of this process, ms, at best", (f"{min(taken.cpu) * 1000:.0f}", "", ""))
        taken.month.store.close()
    least = min(all_taken, key=lambda x: x.month.calls)
    for taken in all_taken:
        if taken is not least:
            compared(taken, least)


def filled(kind: str, new: NewDatabase, stories: list[Story], size: int) -> Filled:
    month = Filled(kind, upgrade(new()), stories, size, quickly=True)
    month.fill()
    month.compared()
    return month


def reported(name: str, ours: list[float], bare: list[float]) -> None:
    for which, of in (("median", median), ("best", min)):
        one, other = of(ours), of(bare)
        row(f"{name}: {which} of {len(ours)}", (f"{one:.4f}", f"{other:.4f}", f"{one / other:.2f}"))


def compared(many: Taken, few: Taken) -> None:
    one, other = (f"{x.month.calls:,}" for x in (many, few))
    ratios = [f"{of(many.ours) / of(few.ours):.3f} ({name})" for name, of in (("median", median), ("best", min))]
    ratios.append(f"{min(many.cpu) / min(few.cpu):.3f} (CPU of this process, best)")
    say(f"{one} calls take, in callmon, of what {other} take: {', '.join(ratios)}.")
