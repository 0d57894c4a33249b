"""`python -m dev.mutations try SEED COUNT`: plants faults that a seed draws; runs the tests that execute the line.

Which test executes which line is read from `.coverage`, as `pytest --cov --cov-context=test` leaves it.
Fails when more than `MOST_ALIVE` faults survive that are not in `equivalent.toml`.
"""

from __future__ import annotations

# ruff: noqa: T201
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData

from dev.mutations.drawn import ROOT, Drawn, diff, drawn

MOST_ALIVE = 2
FEW = 200  # items that run first: they catch most faults
SECONDS = 1800  # of the tests of one fault: one that makes a test run for ever is caught
SEEN = {
    "CALLMON_LAB": "required",
    "CALLMON_SHRINK": "0",
    "PYTHONDONTWRITEBYTECODE": "",
}
PROCESSES = "tests/process"
NO_SERVER = "not lab and not postgresql and not long"
EQUIVALENT = Path(__file__).parent / "equivalent.toml"


class Executed:
    """The items that execute a line; of a line that runs at import, those that execute any line of its file.

    Of a line that runs in processes of its own alone: the tests that start them.
    """

    def __init__(self, file: Path) -> None:
        self._data = CoverageData(str(file))
        self._data.read()

    def items(self, change: Drawn) -> list[str]:
        by_line = self._data.contexts_by_lineno(str(ROOT / change.file))
        of_line = _items(by_line.get(change.line, []))
        return of_line or _items(context for contexts in by_line.values() for context in contexts) or [PROCESSES]


def _items(contexts: Iterable[str]) -> list[str]:
    """The ids of tests, from contexts such as `tests/unit/test_rings.py::test_name[1]|run`."""
    return sorted({context.rpartition("|")[0] for context in contexts if "::" in context})


def copy(to: Path) -> None:
    """What the tests need of this tree."""
    for name in ("callmon", "tests", "asterisk", "dashboards", "docs", "bench", "dev"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, to)


def is_failing(tree: Path, items: list[str]) -> bool:
    """Whether one of these tests fails, or does not end."""
    chosen = tree / "items.txt"
    chosen.write_text("\n".join(items), encoding="utf-8")
    shutil.rmtree(tree / ".hypothesis", ignore_errors=True)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    command += ["-n", "2", "-m", NO_SERVER, f"@{chosen}"]
    try:
        done = subprocess.run(
            command, cwd=tree, env=os.environ | SEEN, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1, 2):  # 2: a file of tests cannot be imported
        raise RuntimeError(f"pytest ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode != 0


def is_caught(tree: Path, change: Drawn, groups: list[list[str]]) -> bool:
    """The tree is as before when the tests have run."""
    file = tree / change.file
    sound = file.read_text(encoding="utf-8")
    file.write_text(change.planted(sound), encoding="utf-8")
    try:
        return any(is_failing(tree, items) for items in groups if items)
    finally:
        file.write_text(sound, encoding="utf-8")


def reason(change: Drawn) -> str:
    """Why the changed line does the same as before; empty where nobody said so."""
    _, before, after = diff(change).splitlines()[:3]
    for one in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["fault"]:
        if (one["file"], one["before"], one["after"]) == (change.file, before[2:], after[2:]):
            return str(one["reason"])
    return ""


def attempt(seed: int, count: int) -> int:
    """The exit status: 1 where too many faults survive."""
    executed, dice, alive = Executed(ROOT / ".coverage"), random.Random(seed), 0
    print(f"seed {seed}")
    changes = drawn(seed, count)
    items = [executed.items(change) for change in changes]
    for one in items:
        dice.shuffle(one)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy(tree)
        if is_failing(tree, sorted({item for one in items for item in one[:FEW]})):
            print("The tests fail before any fault is planted.")
            return 1
        for change, one in zip(changes, items, strict=True):
            began = time.monotonic()
            if not (why := reason(change)) and not is_caught(tree, change, [one[:FEW], one[FEW:]]):
                alive += 1
                why = "SURVIVED"
            print(
                f"{why or 'caught'}, {len(one)} items, {time.monotonic() - began:.0f} s: {diff(change)}",
                flush=True,
            )
    print(f"{alive} of {count} survived")
    return int(alive > MOST_ALIVE)
