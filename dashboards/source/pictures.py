"""The pictures of the boards in `dashboards/grafana/pictures/`, drawn from thirty days of invented calls.

    python -m dashboards.source.pictures            # those of the repository
    python -m dashboards.source.pictures FOLDER     # every board, dark and light, wide and on a telephone

A real Prometheus has the days of `history` and answers the boards' queries; the rows of *calls and entries* are
made up. Each picture is one screen of 1080 lines, or the whole board on a telephone. It has few colours, so that a
repository and a guide can hold it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from callmon import __version__
from dashboards.source import LANGUAGES, PLACE, history, lint
from dashboards.source.asking import Asked, Json, seconds
from dashboards.source.drawn import PHONE, WIDE, Easel, axis, bundled, served
from dashboards.source.samples import samples
from dashboards.source.shown import BOARDS
from tests.lab.browser import Chromium, Colours, connected
from tests.lab.prometheus import Prometheus
from tests.lab.server import in_folder

PICTURES = PLACE / "pictures"
COLOURS = 256
# One block: for each block promtool reads the whole file again.
FILLS = ("tsdb", "create-blocks-from", "--max-block-duration=960h", "openmetrics")
STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


class OfHistory(Prometheus):
    """Has the days of `history` from its start."""

    def furnish(self) -> None:
        super().furnish()
        with (self.place / "history").open("w", encoding="utf-8") as file:
            file.writelines(history.exposition())
        arguments = (self.inside("history"), self.inside("data"))
        subprocess.run(in_folder(self.folder, "promtool", *FILLS, *arguments), check=True, capture_output=True)

    def options(self) -> list[str]:
        return [
            *super().options(),
            "--storage.tsdb.retention.time=10y",
            f"--query.lookback-delta={history.FORGOTTEN}s",
        ]


class Looked(Asked):
    """Asks for the whole range of a board, in steps as Grafana chooses them."""

    scraped_every = history.FINEST

    def step(self, target: Json, panel: Json) -> int:
        least = (self.now - self.begin) / panel.get("maxDataPoints", 800)
        return max(seconds(target.get("interval") or "15s"), next(one for one in STEPS if one >= least))

    def over(self, text: str, every: int) -> list[Json]:
        # Grafana's points stand at whole steps of the local time.
        offset = history.NOW.utcoffset()
        assert offset is not None
        shift = offset.total_seconds()
        end = (self.now + shift) // every * every - shift
        begin = (self.begin + shift) // every * every - shift
        return self.ask("query_range", query=text, start=str(begin), end=str(end), step=str(every))


class View(NamedTuple):
    theme: Colours
    width: int
    is_whole: bool = False  # all that one scrolls through, and not the first screen alone


VIEWS = {
    "": View("dark", WIDE),
    "-light": View("light", WIDE),
    "-phone": View("dark", PHONE, is_whole=True),
    "-phone-light": View("light", PHONE, is_whole=True),
}


def is_kept(name: str, view: str) -> bool:
    """In the repository: both themes of what a lead sees on a wide screen, and what is opened on a telephone."""
    return name not in ("itself", "calls") and (view in ("", "-light") or (view, name) == ("-phone", "callbacks"))


def main() -> None:
    """Without a folder: the pictures of the repository. With one: every view of every board."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else PICTURES
    folder.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        OfHistory("127.0.0.1:1", []) as prometheus,
        Chromium() as chromium,
        connected(chromium) as browser,
    ):
        bundled(Path(place))
        with served(Path(place)) as address:
            easel = Easel(browser, address)
            for language in LANGUAGES:
                for board in BOARDS:
                    views = [view for view in VIEWS if folder != PICTURES or is_kept(board.name, view)]
                    if views:
                        _draw(easel, prometheus, board.name, language, dict.fromkeys(views, folder))


def _draw(easel: Easel, prometheus: Prometheus, name: str, language: str, views: Mapping[str, Path]) -> None:
    now = history.NOW.timestamp()
    board = lint.read(language)[name]
    if name == "calls":  # of PostgreSQL, which the history is not in
        frames = {number: one.frames for number, one in samples(name, board, language, now).items()}
    else:
        asked = Looked(prometheus, None, now, axis(name, now)[0] / 1000)
        asked.choose(board)
        open_ones = [panel for panel in board["panels"] if not panel.get("collapsed")]
        frames = {panel["id"]: asked.frames(panel) for panel in open_ones}
    board["panels"] = [panel for panel in board["panels"] if panel["id"] in frames]
    for view, folder in views.items():
        theme, width, is_whole = VIEWS[view]
        with easel.drawn(board, frames, name, language, now, 1, theme, width) as page:
            few_colours(page.screenshot(full_page=is_whole), folder / f"{name}-{language}{view}.png")


def few_colours(png: bytes, path: Path) -> None:
    """The same in few colours, with the version of callmon that it shows."""
    reported = PngInfo()
    reported.add_text("Software", f"callmon {__version__}")
    picture = Image.open(BytesIO(png)).convert("RGB")
    few = picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True, pnginfo=reported)


if __name__ == "__main__":
    main()
