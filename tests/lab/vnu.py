"""The Nu HTML validator (`vnu.jar`, from npm) on the Java of the browser's folder, and its findings."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.lab import npm
from tests.lab.folder import LabUnavailable, folder, inside, lab, locked
from tests.lab.place import Place

SECONDS = 180
VNU = npm.Package(
    "vnu-jar",
    "26.9.27",
    "TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA==",
)


def have_validator() -> Path:
    """The jar, within the folder. Raises LabUnavailable with the reason."""
    jar = folder("browser") / "opt" / f"vnu-{VNU.version}.jar"
    with locked(lab() / "vnu.lock"):
        if not jar.exists():
            unfinished = jar.with_suffix(".unfinished")
            unfinished.write_bytes(npm.unpacked(VNU, "build/dist/vnu.jar"))
            unfinished.rename(jar)
    return jar


def wrong(pages: Mapping[str, str | bytes]) -> list[str]:
    """Errors and warnings of all these pages, each "page: line: what"; [] if there are none."""
    debian, jar = folder("browser"), have_validator()
    place = Place(debian, "html")
    try:
        for number, page in enumerate(pages.values()):
            (place.path / f"{number}.html").write_bytes(page if isinstance(page, bytes) else page.encode())
        return _told(_ran(debian, jar, place), list(pages))
    finally:
        place.leave()


def _ran(debian: Path, jar: Path, place: Place) -> str:
    within = [f"/{path.relative_to(debian)}" for path in (jar, place.path)]
    command = ("java", "-Xss4m", "-jar", within[0], "--format", "json", "--stdout", within[1])
    done = subprocess.run(inside(debian, *command), capture_output=True, text=True, timeout=SECONDS)
    if done.returncode not in (0, 1) or not done.stdout:
        raise LabUnavailable(f"the validator ended with {done.returncode}: {(done.stderr or done.stdout)[:300]}")
    return done.stdout


def _told(json_told: str, names: list[str]) -> list[str]:
    """By page; `info` that is not a warning is left out."""
    messages = [
        x for x in json.loads(json_told)["messages"] if x["type"] != "info" or x.get("subType") == "warning"
    ]
    return [f"{names[int(Path(x['url']).stem)]}: {x.get('lastLine', '?')}: {x['message']}" for x in messages]
