"""The long run: `python -m tests.fuzz MINUTES [TARGET]`; without a target, or of `all`, a part of the time each.

Findings are written to `.fuzz/`; the exit status is 1 when there is one. The chance begins anew each time, and is
printed: `python -m tests.fuzz MINUTES TARGET CHANCE` is the same run again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tests.fuzz.running import Run
from tests.fuzz.targets import targets

STRETCH = 60.0  # seconds between two lines of figures
FOLDER = Path(".fuzz")


def run(name: str, seconds: float, chance: int) -> int:
    """How many findings."""
    print(f"{name}: {seconds / 60:.1f} minutes, chance {chance}", flush=True)  # noqa: T201  a command
    going, end = Run(name, targets()[name], chance, FOLDER), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        print(f"{name}:", going.go_on(min(STRETCH, left)), flush=True)  # noqa: T201  a command
    for sentence in going.sentences:
        print(sentence)  # noqa: T201  a command
    return len(going.sentences)


def main(minutes: float, only: str | None, chance: int) -> int:
    names = [only] if only else list(targets())
    found = sum(run(name, 60 * minutes / len(names), chance) for name in names)
    return 1 if found else 0


if __name__ == "__main__":
    reported = dict(enumerate(sys.argv[1:]))
    chance = int(reported.get(2, time.time_ns() % 1_000_000))
    only = None if reported.get(1) == "all" else reported.get(1)
    sys.exit(main(float(reported.get(0, 10.0)), only, chance))
