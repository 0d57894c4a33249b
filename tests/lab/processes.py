"""The lab's servers as processes: they end with this process, or by their process id."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS_TO_END = 60


def begin(command: Sequence[str], log: Path | None = None, dies_by: str = "TERM") -> subprocess.Popen[bytes]:
    """Start a server; `log` takes its output. When the starting thread ends, setpriv sends `dies_by`."""
    with (log or Path("/dev/null")).open("ab") as told:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", dies_by, *command],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
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
