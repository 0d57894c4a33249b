"""The pictures of the boards in `dashboards/grafana/pictures/`, drawn from thirty days of invented calls.

    python -m tests.boards.pictures

A real Prometheus has the days of `history` and answers the boards' queries. Each picture is one screen of 1080
lines, in few colours, so that a repository and a guide can hold it.
"""

from __future__ import annotations

import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.boards import LANGUAGES, PLACE, history, lint
from tests.boards.asking import Asked, Json, seconds
from tests.boards.drawn import Easel, axis, bundled, served
from tests.lab.browser import Chromium, connected
from tests.lab.prometheus import Prometheus
from tests.lab.server import in_folder

PICTURES = PLACE / "pictures"
SHOWN = ("live", "standards", "callbacks", "parity", "disruptions")
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


def main() -> None:
    now = history.NOW.timestamp()
    PICTURES.mkdir(exist_ok=True)
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
                for name in SHOWN:
                    board = lint.read(language)[name]
                    asked = Looked(prometheus, None, now, axis(name, now)[0] / 1000)
                    asked.choose(board)
                    frames = {
                        panel["id"]: asked.frames(panel) for panel in board["panels"] if not panel.get("collapsed")
                    }
                    board["panels"] = [panel for panel in board["panels"] if panel["id"] in frames]
                    with easel.drawn(board, frames, name, language, now, wall=1) as page:
                        few_colours(page.screenshot(), PICTURES / f"{name}-{language}.png")


def few_colours(png: bytes, path: Path) -> None:
    """The same in few colours."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
