"""Files with personal information contain in their name the last day on which they may be stored (R-36).

    NAME-expires-2026-12-24.ami

Applies to recordings with numbers, the flight recorder's files, copies of the database, and exports.

Refuses: to search subfolders, and to select files with other names.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

KEEP_FOR = timedelta(days=30)
_NAMED = re.compile(r".+-expires-(\d{4}-\d{2}-\d{2})(?:\..*)?")


def last_day(path: Path) -> date | None:
    """The last day on which the file may be stored; None if its name contains none."""
    named = _NAMED.fullmatch(path.name)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def dated(path: Path, today: date) -> Path:
    """The path with its last day (`today` + KEEP_FOR) in the name; unchanged if the name contains one."""
    if last_day(path) is not None:
        return path
    return path.with_name(f"{path.stem}-expires-{today + KEEP_FOR}{path.suffix}")


def expired(folders: Iterable[Path], today: date) -> list[Path]:
    """The files of these folders whose last day is before `today`. Ignores links."""
    there = [path for folder in dict.fromkeys(folders) if folder.is_dir() for path in sorted(folder.iterdir())]
    return [p for p in there if p.is_file() and not p.is_symlink() and (last_day(p) or today) < today]
