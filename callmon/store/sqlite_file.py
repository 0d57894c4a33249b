"""The file of a SQLite database: created for its owner alone, closed to other users, told from its replacement.

Refuses: to change a file that is no SQLite database.
"""

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)


def make_file(path: Path) -> None:
    """Creates an empty file with mode 0600, and its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def file_identity(path: Path | None) -> tuple[int, int] | None:
    """Device and inode: a file that replaces another has others. None without a file."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def close_to_others(path: Path | None) -> None:
    """Removes other users' access to SQLite's files (mode 0600), and logs it.

    A restored copy is often readable by every user. The database has names, and encrypted numbers. A folder or
    another file that store.url names by mistake stays as it is.
    """
    if path is not None and not _is_sqlite(path):
        return
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")) if path is not None else ():
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(file.stat().st_mode)
            if not mode & (stat.S_IRWXG | stat.S_IRWXO):
                continue
            try:
                file.chmod(0o600)
            except OSError as error:
                what = f"cannot be closed to them: {error.strerror}"
            else:
                what = "its mode is 0600 now"
            log.warning(
                "database: other users could read the file",
                extra={"file": str(file), "mode": f"{mode:04o}", "done": what},
            )


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(16) in (b"", b"SQLite format 3\0")
    return False
