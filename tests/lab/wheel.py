"""A wheel that a test reads and callmon never needs: downloaded once, verified, unpacked beside the folders."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

from tests.lab.folder import lab, locked, run


def unpacked(wanted: str, sha256: str) -> Path:
    """The folder of the wheel NAME==VERSION. Raises LabUnavailable if it cannot be downloaded."""
    target = lab() / wanted.replace("==", "-")
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _fetch(target.with_suffix(".unfinished"), wanted, sha256)
            target.with_suffix(".unfinished").rename(target)
    return target


def _fetch(place: Path, wanted: str, sha256: str) -> None:
    place.mkdir(exist_ok=True)
    listed = place / "requirements.txt"
    listed.write_text(f"{wanted} --hash=sha256:{sha256}\n")
    options = ("--no-deps", "--only-binary", ":all:", "--require-hashes", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "download", *options, "-r", str(listed), "-d", str(place))
    (wheel,) = place.glob("*.whl")
    with ZipFile(wheel) as packed:
        packed.extractall(place)
    wheel.unlink()
