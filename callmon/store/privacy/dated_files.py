"""Files that hold personal information bear the last day on which they may be kept in their name (R-36).

    NAME-expires-2026-12-24.ami

Recordings with numbers, the flight recorder's, copies of the database, exports: whatever is named so. Refuses
to look below a folder, and to touch what is named otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

KEEP_FOR = timedelta(days=30)
_NAMED = re.compile(r".+-expires-(\d{4}-\d{2}-\d{2})(?:\..*)?")


def last_day(path: Path) -> date | None:
    """The last day on which it may be kept; None when its name bears none."""
    named = _NAMED.fullmatch(path.name)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def dated(path: Path, today: date, keep_for: timedelta = KEEP_FOR) -> Path:
    """The same name with its last day; unchanged when it bears one."""
    if last_day(path) is not None:
        return path
    return path.with_name(f"{path.stem}-expires-{today + keep_for}{path.suffix}")


def expired(folders: Iterable[Path], today: date) -> list[Path]:
    """The files of these folders whose last day is over."""
    there = [path for folder in dict.fromkeys(folders) if folder.is_dir() for path in sorted(folder.iterdir())]
    return [p for p in there if p.is_file() and not p.is_symlink() and (last_day(p) or today) < today]
