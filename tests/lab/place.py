"""A directory for each server, inside the Debian folder. Directories of killed runs are deleted."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO


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

    def leave(self) -> None:
        if not self._keep:
            shutil.rmtree(self.path, ignore_errors=True)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()


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
