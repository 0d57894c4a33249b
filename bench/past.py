"""``python -m bench.past --calls 1500000 --days 300``: imports a made year of a queue; speed, memory.

`--record cdr` or `cel`: the same year as CDR or CEL. The half-hours must be those of the generator, as far as the
record holds them. It says so, or fails. The rates are those of the busier of both processes.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import deque
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from callmon.backfill.imported.job import Import
from callmon.config.settings import example_text, parse
from callmon.features.questions.recorded_half_hours import half_hours
from callmon.store.database import upgrade
from callmon.store.encryption import KeyRing
from tests.support.fact_builder import TORONTO, local
from tests.support.made_queue_log import WRITERS, Cells, held, made

FIRST, NOW = "2026-01-05", datetime(2026, 11, 30, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.past", description=__doc__)
    parser.add_argument("--calls", type=int, default=30_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--record", choices=list(WRITERS), default="queue_log")
    options = parser.parse_args()
    kind = options.record
    with TemporaryDirectory() as folder:
        file, settings = Path(folder, kind), parse(example_text())
        cells = _write(file, options.days, options.calls // options.days, kind)
        with closing(upgrade(f"sqlite:///{folder}/callmon.db", KeyRing([bytes(range(32))]))) as store:
            began, cpu = time.monotonic(), time.process_time()
            job = Import(settings, store, kind, "toronto", writes=True, now=NOW)
            sources = job.examine([file])
            deque(job.run(sources, (None, None)), maxlen=0)
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            since = local(f"{FIRST} 00:00")
            found = half_hours(store, since, since + timedelta(days=options.days), TORONTO, ["general"])
    is_right = held(kind, msgspec.to_builtins(found["general"])) == held(kind, cells)
    beside = resource.getrusage(resource.RUSAGE_CHILDREN)  # the process that reads ahead
    reading, busiest = beside.ru_utime + beside.ru_stime, max(cpu, beside.ru_utime + beside.ru_stime)
    count, own = job.changed["created"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    say = sys.stdout.write
    say(f"{count} calls: {took:.0f} s by the clock; {cpu:.0f} s of CPU, and {reading:.0f} s in a second process ")
    say(f"({count / busiest:.0f} a second, {sum(x.size for x in sources) / busiest:.0f} lines)\n")
    say(f"{(own + beside.ru_maxrss) // 1024} MB at most of both; half-hours {'agree' if is_right else 'DIFFER'}\n")
    return 0 if is_right else 1


def _write(file: Path, days: int, calls_a_day: int, kind: str) -> Cells:
    """Writes the record a day at a time, so that it takes no memory."""
    cells: Cells = {}
    with file.open("w", encoding="ascii") as written:
        for number in range(days):
            day = date.fromisoformat(FIRST) + timedelta(days=number)
            log, found = made(1, calls_a_day, str(day), number, kind)
            written.write(log)
            cells |= found
    return cells


if __name__ == "__main__":
    sys.exit(main())
