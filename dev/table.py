"""`python -m dev.table [--longest=N] [FOLDERS]`: lines, tests, CPU and wall seconds of `make test` by folder.

Runs each folder with one process. CPU is of the test process and of the children it waited for; a forked daemon
counts for its folder. `--longest` adds the tests that took the most CPU. A session fixture counts for the test
that needs it first.
"""

from __future__ import annotations

# ruff: noqa: T201
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.support.environment import GIVEN

ROOT = Path(__file__).parent.parent
FOLDERS = ["unit", "recordings", "model", "store", "commands", "report", "pages", "process", "fuzz"]
WHICH = "not lab and not postgresql and not long"
RESULT = "CALLMON_TABLE"  # the file to which the plugin writes
Seconds = tuple[float, float]  # CPU, wall


def now() -> Seconds:
    """CPU of this process and of the children that it waited for; the monotonic clock."""
    return sum(os.times()[:4]), time.monotonic()


class Measurement:
    """A pytest plugin: seconds by test, setup and teardown included."""

    def __init__(self) -> None:
        self.tests: dict[str, Seconds] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        cpu, wall = now()
        done = yield
        self.tests[item.nodeid] = now()[0] - cpu, now()[1] - wall
        return done

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        Path(GIVEN[RESULT]).write_text(json.dumps([self.tests, now()[0]]), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Measurement())


def measured(folder: str) -> tuple[dict[str, Seconds], Seconds, str]:
    """Seconds by test; of the whole process, with imports and collection; pytest's last line."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "dev.table",
            "-m",
            WHICH,
        ]
        environment, began = os.environ | {RESULT: file.name}, time.monotonic()
        done = subprocess.run([*command, f"tests/{folder}"], cwd=ROOT, env=environment, stdout=PIPE, text=True)
        tests, cpu = json.loads(Path(file.name).read_text(encoding="utf-8"))
        return tests, (cpu, time.monotonic() - began), done.stdout.splitlines()[-1]


def lines(folder: str) -> int:
    return sum(
        len(file.read_text(encoding="utf-8").splitlines()) for file in (ROOT / "tests" / folder).rglob("*.py")
    )


def main(arguments: list[str]) -> None:
    longest = sum(int(word.partition("=")[2]) for word in arguments if word.startswith("--longest="))
    folders = [word for word in arguments if not word.startswith("--")] or FOLDERS
    print("| folder | lines | tests | CPU s | wall s | result |\n|---|---|---|---|---|---|", flush=True)
    slow: dict[str, Seconds] = {}
    for folder in folders:
        tests, (cpu, wall), last = measured(folder)
        print(f"| {folder} | {lines(folder):,} | {len(tests):,} | {cpu:.0f} | {wall:.0f} | {last} |", flush=True)
        slow |= tests
    for test, (cpu, wall) in sorted(slow.items(), key=lambda item: -item[1][0])[:longest]:
        print(f"{cpu:6.2f} {wall:6.2f} {test}")


if __name__ == "__main__":
    main(sys.argv[1:])
