"""The lab's servers as processes: they end with this process, or by their process id.

The exchange and those who telephone have real-time priority, where that is permitted: a ring then lasts as long as
the situation says, whatever else the machine computes. callmon, which is tested, has none.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

SECONDS_TO_END = 60
PRIORITY = "1"


@functools.cache
def real_time() -> list[str]:
    """The prefix that gives a command real-time priority; empty where that is not permitted."""
    prefix = ["chrt", "--rr", PRIORITY]
    permitted = subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0
    return prefix if permitted else []


def real_time_thread() -> None:
    """Gives the calling thread real-time priority, where that is permitted. What it starts has none."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(int(PRIORITY)))


def begin(command: Sequence[str], log: Path | None = None, dies_by: str = "TERM") -> subprocess.Popen[bytes]:
    """Start a server; `log` takes its output. When the starting thread ends, setpriv sends `dies_by`."""
    with (log or Path("/dev/null")).open("ab") as reported:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", dies_by, *command],
            stdin=subprocess.DEVNULL,
            stdout=reported,
            stderr=reported,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes] | None, by: signal.Signals = signal.SIGTERM) -> None:
    """Send `by`, then kill after SECONDS_TO_END. Does nothing without a process, or if it has ended already."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
