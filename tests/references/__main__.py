"""python -m tests.references: writes every generated part of the documentation."""

from __future__ import annotations

from tests.references import everything

for path, content in everything():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
