"""A directory for each server, inside the Debian folder. Directories of killed runs are deleted.

The logs of the servers of a failed test are copied to KEPT before their directories are deleted.
"""

from __future__ import annotations

import fcntl
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

KEPT = Path(__file__).parents[2] / "build" / "stage" / "servers"
LOGS = ("*.log", "*.csv", "*.conf", "queue_log")
LIVING: list[Place] = []
LEFT: list[Path] = []  # kept logs of servers that this test has ended with an exception


def logs_of_servers(is_failed: bool) -> list[Path]:
    """Where the logs of the servers of a failed test are, or will be when they end. Other tests keep none."""
    left = LEFT[:]
    LEFT.clear()
    if not is_failed:
        for path in left:
            shutil.rmtree(path)
        return []
    for place in LIVING:
        place.is_of_a_failure = True
    return [*left, *(place.kept for place in LIVING)]


class Place:
    """``path`` belongs to this process while it lives: a lock marks it, and ends with the process in any case."""

    def __init__(self, folder: Path, prefix: str, keep: bool = False) -> None:
        # A short path: Asterisk's control socket allows about a hundred characters.
        lab = folder / "lab"
        lab.mkdir(exist_ok=True)
        self._keep = keep
        with (lab / "lock").open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            _sweep(lab)
            self.path = Path(tempfile.mkdtemp(prefix=f"{'kept-' if keep else ''}{prefix}-", dir=lab))
            self.path.chmod(0o755)
            self._lock: IO[str] = (lab / f"{self.path.name}.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.kept, self.is_of_a_failure = KEPT / self.path.name, False
        LIVING.append(self)

    def leave(self) -> None:
        LIVING.remove(self)
        if sys.exception() is not None:
            LEFT.append(self.kept)
        if sys.exception() is not None or self.is_of_a_failure:
            self._copy_logs()
        if not self._keep:
            shutil.rmtree(self.path, ignore_errors=True)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()

    def _copy_logs(self) -> None:
        self.kept.mkdir(parents=True)
        for log in (path for pattern in LOGS for path in self.path.rglob(pattern) if path.is_file()):
            to = self.kept / log.relative_to(self.path)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(log, to)


def _sweep(lab: Path) -> None:
    for path in lab.glob("*-*.lock"):
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # a living process uses it
            if not path.name.startswith("kept-"):
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
