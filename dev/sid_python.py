"""`python -m dev.sid_python FOLDERS`: tests with the Python of Debian sid, in the folder of the exchange.

It copies the tracked files into a place of their own there. The virtual environment stays for the next run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lab.folder import LabUnavailable, folder, inside, locked
from tests.lab.npm import CERTIFICATES
from tests.lab.place import Place
from tests.support.environment import GIVEN

ROOT = Path(__file__).resolve().parents[1]
VENV = "root/callmon-venv"  # not below /srv or /opt: documents are followed there
KEPT = ("CALLMON_EXAMPLES", "CALLMON_WHOLE")
NO_SERVER = "not lab and not postgresql and not long"


def copy(to: Path) -> None:
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    reported = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in reported.split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    for git in (("init", "--quiet"), ("add", "--all", "--force")):  # tests ask git which files are the project's
        subprocess.run(["git", "-C", str(to), *git], check=True, capture_output=True)


def command(debian: Path, where: str, *words: str) -> list[str]:
    """A command in this place there, with the registry that this machine is set up for."""
    given = [f"{name}={value}" for name, value in GIVEN.items() if name in KEPT]
    given += [f"{name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
    own = ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin"]
    env = ["env", "-i", *own, *(text for text in given if not text.startswith("PIP_FIND_LINKS="))]
    return [*inside(debian, *env, "sh", "-c", f'cd {where} && exec "$@"', "sh", *words)]


def main(folders: list[str]) -> int:
    debian = folder("22")
    (debian / CERTIFICATES).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(f"/{CERTIFICATES}", debian / CERTIFICATES)
    place = Place(debian, "suite")
    try:
        copy(place.path)
        where = f"/{place.path.relative_to(debian)}"
        with locked(debian / f"{VENV}.lock"):
            install = command(debian, where, ".ci/venv", "python3", f"/{VENV}", "requirements-dev.txt")
            subprocess.run(install, check=True, stdin=subprocess.DEVNULL)
        python = f"/{VENV}/bin/python"
        subprocess.run(command(debian, where, python, "--version"), check=True)
        tests = (python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", NO_SERVER, *folders)
        return subprocess.run(command(debian, where, *tests), check=False, stdin=subprocess.DEVNULL).returncode
    finally:
        place.leave()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabUnavailable as why:
        print(f"not here: {why}")  # noqa: T201  a command
        sys.exit(GIVEN.get("CALLMON_LAB") == "required")
