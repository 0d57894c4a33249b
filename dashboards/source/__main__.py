"""python -m dashboards.source: writes the boards in both languages."""

from __future__ import annotations

from dashboards.source import LANGUAGES, PLACE
from dashboards.source.render import as_text, rendered
from dashboards.source.shown import BOARDS

for language in LANGUAGES:
    (PLACE / language).mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        (PLACE / language / f"{board.name}.json").write_text(as_text(rendered(board, language)), encoding="utf-8")
