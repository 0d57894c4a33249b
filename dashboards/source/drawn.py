"""Boards drawn with Grafana's own components (@grafana/ui) in a real Chromium, and what then stands on the page.

The components are installed from npm once (`tests/lab/npm.py`), bundled with `drawing/` and served on loopback: a
page of `set_content` has no localStorage, which they want. There is no Grafana server in this; what is ours in the
place of its app is in `drawing/draw.tsx`, and is small. Heat maps, bar charts and state timelines are no part of
@grafana/ui: `drawing/own.tsx` draws them for the pictures, and nothing is read back from them.

The lock has no addresses. It is written in `drawing/` by
`npm install --package-lock-only --legacy-peer-deps --omit-lockfile-registry-resolved`.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from dashboards.source.asking import Frame
from tests.lab import npm
from tests.lab.browser import Colours, opened
from tests.lab.folder import LabUnavailable, locked
from tests.support.year import TORONTO

Json = dict[str, Any]
SOURCE = Path(__file__).parent / "drawing"
ESBUILD = "node_modules/@esbuild/linux-x64/bin/esbuild"
OPTIONS = (
    *("draw.tsx", "--bundle", "--minify", "--format=iife", "--jsx=automatic"),
    *("--alias:react-custom-scrollbars-2=./scrollbars.js", '--define:process.env.NODE_ENV="production"'),
    *(f"--loader:.{kind}=dataurl" for kind in ("ttf", "svg", "woff2", "woff", "png")),
)
PAGE = """<!doctype html><html lang="{}"><head><meta charset="utf-8"><link rel="stylesheet" href="draw.css">
<style>body{{margin:0}}#page{{position:relative}}</style></head>
<body><div id="page"></div><script src="draw.js"></script></body></html>"""
KINDS = ("stat", "table", "timeseries")
WIDE, PHONE = 1920, 390
WALL = 1.75  # the browser's zoom on the wall screen
WEEK = 7 * 86_400.0
SINCE = {
    "live": "today",
    "planning": "today",
    "itself": 600.0,
    "parity": 30 * 86_400.0,
    "calls": 30 * 86_400.0,
}  # others: seven days


@dataclass(frozen=True)
class Told:
    """What was read of one panel: `shown` is by its kind, see drawing/reading.ts; `empty` what it says instead."""

    number: int
    kind: str
    empty: str | None
    shown: Any


def bundled(into: Path) -> None:
    """The page and its script. Raises LabUnavailable with the reason."""
    installed = npm.installed(SOURCE)
    with locked(installed.with_suffix(".lock")):
        for source in SOURCE.glob("*.[tj]s*"):
            shutil.copy(source, installed)
        command = (str(installed / ESBUILD), *OPTIONS, f"--outfile={into / 'draw.js'}")
        done = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabUnavailable(f"esbuild: {done.stderr[-600:]}")
    for language in ("fr", "en"):
        (into / f"{language}.html").write_text(PAGE.format(language))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder's files, on loopback."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Easel:
    """A browser, and where the page to draw on is served."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address

    @contextmanager
    def drawn(
        self,
        board: Json,
        frames: Mapping[int, Sequence[Frame]],
        name: str,
        language: str,
        now: float,
        zoom: float | None = None,
        theme: Colours = "dark",
        width: int = WIDE,
    ) -> Iterator[Page]:
        """A board as people see it on a screen of 1080 lines; the wall board at the wall screen's zoom."""
        zoom = zoom or (WALL if name == "live" else 1)
        address = f"{self._address}/{language}.html"
        choices = {"lang": language, "zone": str(TORONTO), "range": axis(name, now), "theme": theme}
        with opened(self._browser, address, width, 1080, theme, zoom=zoom) as page:
            given = {str(number): list(reported) for number, reported in frames.items()}
            page.evaluate("([b, f, c]) => window.draw(b, f, c)", [board, given, choices])
            yield page


def axis(name: str, now: float) -> list[float]:
    length = SINCE.get(name, WEEK)
    if length == "today":
        midnight = datetime.fromtimestamp(now, TORONTO).replace(hour=0, minute=0, second=0, microsecond=0)
        return [midnight.timestamp() * 1000, now * 1000]
    assert isinstance(length, float)
    return [(now - length) * 1000, now * 1000]


def reported(page: Page) -> dict[int, Told]:
    """Every panel of the board, by its id. It is drawn again, with every row of its tables."""
    return {one["number"]: Told(**one) for one in page.evaluate("() => window.tall().then(() => window.read())")}


def cut_off(page: Page, board: Json) -> list[tuple[int, str, str]]:
    """Texts that do not fit where they stand: the panel's id, the text, how it is cut.

    One scrolls within a table. Nobody opens the wall screen's collapsed row at its zoom.
    """
    is_wall = board["uid"].startswith("callmon-live-")
    closed = {panel["id"] for panel in board["panels"] if is_wall and panel.get("collapsed")}
    found = [(one["number"], one["text"], one["how"]) for one in page.evaluate("() => window.cutOff()")]
    return [one for one in found if one[2] != "scrolled" and one[0] not in closed]
