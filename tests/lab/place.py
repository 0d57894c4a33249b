"""A directory of its own for each server, inside the Debian folder; those of killed runs are swept away."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO


class Place:
    """``path`` is ours while this process lives: a lock says so, and goes with the process however it ends."""

    def __init__(self, folder: Path, prefix: str, keep: bool = False) -> None:
        # A short path: Asterisk's control socket has room for about a hundred characters.
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
                continue  # somebody lives there
            if not path.name.startswith("kept-"):
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)
