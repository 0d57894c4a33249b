"""`python -m dev.coverage_by_package FILE`: lines and branches reached, by package; fails below the floor."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

FLOOR = 92.0  # percent of all lines and branches: raised when more is reached, never lowered


def package(file: str) -> str:
    """The folder below `callmon/`, or the module itself if it is at the top level."""
    return "/".join(Path(file).parts[:2])


def reached(files: dict[str, dict[str, dict[str, int]]]) -> dict[str, tuple[int, int]]:
    """By package: the number of lines and branches, and how many of them were reached."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file, reported in files.items():
        summary = reported["summary"]
        for name in (package(file), "all of it"):
            sums[name][0] += summary["num_statements"] + summary["num_branches"]
            sums[name][1] += summary["covered_lines"] + summary["covered_branches"]
    return {name: (there, found) for name, (there, found) in sums.items()}


def percent(there: int, found: int) -> float:
    return 100 * found / there if there else 100.0


def main(file: str) -> int:
    sums = reached(json.loads(Path(file).read_text(encoding="utf-8"))["files"])
    for name, (there, found) in sorted(sums.items()):
        print(f"{name:32} {there:6} {percent(there, found):6.1f} %")  # noqa: T201  a command
    total = percent(*sums["all of it"])
    print(f"lines and branches reached: {total:.1f} %, floor {FLOOR} %")  # noqa: T201  a command
    return int(total < FLOOR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
