"""python -m docs.source: writes every generated part of the documentation."""

from __future__ import annotations

from docs.source import everything

for path, content in everything():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
