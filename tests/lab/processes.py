"""The lab's servers as processes: begun so that they end with us, ended by their process id."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

SECONDS_TO_END = 60


def begin(command: Sequence[str], log: Path | None = None, dies_by: str = "TERM") -> subprocess.Popen[bytes]:
    """`log` takes what it says. Should the thread that began it end, setpriv sends the signal `dies_by`."""
    with (log or Path("/dev/null")).open("ab") as told:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", dies_by, *command],
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes] | None, by: signal.Signals = signal.SIGTERM) -> None:
    """Ask it to end, and make it when it does not; nothing when there is none, or it ended by itself."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
