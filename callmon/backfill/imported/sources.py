"""Finds the records of an exchange in the folder of its logs, rotated and compressed files too."""

from collections.abc import Iterator, Mapping
from pathlib import Path

# Best first. Of two places of one record the first that has files is taken: both would hold the same calls.
PLACES: Mapping[str, tuple[str, ...]] = {
    "cel": ("cel-custom/Master.csv*",),
    "queue_log": ("queue_log*",),
    "cdr": ("cdr-csv/Master.csv*", "cdr-custom/Master.csv*"),
}


def records_in(folder: Path, kind: str | None = None) -> dict[str, list[Path]]:
    """By record (`kind`: only this one), its files that are not empty. A record without files is left out."""
    found = {name: _first(folder, places) for name, places in PLACES.items() if kind in (None, name)}
    return {name: files for name, files in found.items() if files}


def _first(folder: Path, places: tuple[str, ...]) -> list[Path]:
    return next(filter(None, (list(_files(folder, place)) for place in places)), [])


def _files(folder: Path, place: str) -> Iterator[Path]:
    yield from (path for path in sorted(folder.glob(place)) if path.is_file() and path.stat().st_size)
