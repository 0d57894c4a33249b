"""The pictures of the boards in `dashboards/grafana/pictures/`, drawn from the copy of a real run.

    CALLMON_BOARDS_COPY=FOLDER python -m pytest tests/real/test_real_boards.py
    python -m tests.boards.pictures FOLDER

Each is one screen of 1080 lines, in few colours, so that a repository and a guide can hold it.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.boards import PLACE, lint
from tests.boards.asking import Frame
from tests.boards.drawn import Easel, bundled, served
from tests.boards.seen import copied, moment
from tests.lab.browser import Chromium, connected

PICTURES = PLACE / "pictures"
SHOWN = ("live", "standards", "callbacks", "parity", "disruptions")
COLOURS = 160


def main(folder: Path) -> None:
    frames: dict[tuple[str, str], dict[int, list[Frame]]] = defaultdict(dict)
    for seen in copied(folder):
        frames[seen.board, seen.language][seen.panel["id"]] = seen.frames
    now, _ = moment(folder)
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, Chromium() as chromium, connected(chromium) as browser:
        bundled(Path(place))
        with served(Path(place)) as address:
            easel = Easel(browser, address)
            for (name, language), given in frames.items():
                if name in SHOWN:
                    with easel.drawn(lint.read(language)[name], given, name, language, now) as page:
                        _few(page.screenshot(), PICTURES / f"{name}-{language}.png")


def _few(png: bytes, path: Path) -> None:
    """The same in few colours."""
    picture = Image.open(BytesIO(png)).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
