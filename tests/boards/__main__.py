"""python -m tests.boards: writes the boards in both languages."""

from __future__ import annotations

from tests.boards import LANGUAGES, PLACE
from tests.boards.render import as_text, rendered
from tests.boards.shown import BOARDS

for language in LANGUAGES:
    (PLACE / language).mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        (PLACE / language / f"{board.name}.json").write_text(as_text(rendered(board, language)), encoding="utf-8")
