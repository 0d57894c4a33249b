"""The parts of the documentation that are made from the product, so that they cannot differ from it.

    python -m docs.source      (`make references`) writes all of them; tests/unit/test_references.py compares

A page keeps its own text; a part between `<!-- made: NAME -->` and `<!-- end -->` is made here. `guide` makes the
pages /fr/guide and /en/guide of the two runbooks, `manual` the man pages, `payloads` the JSON Schema. `asyncapi`
makes the document of the MQTT topics.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from docs.source import accessibility, asyncapi, guide, manual, parts, payloads
from tests.support.environment import reader_of

ROOT = Path(__file__).parents[2]
MADE = re.compile(r"(?<=<!-- made: )(\w+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
PARTS: Mapping[str, Callable[[], Iterable[str]]] = {
    "settings": parts.settings,
    "variables": parts.variables,
    "commands_en": lambda: parts.commands("en"),
    "commands_fr": lambda: parts.commands("fr"),
    "metrics": parts.metrics,
    "standards_en": lambda: parts.standards("en"),
    "standards_fr": lambda: parts.standards("fr"),
    "pages": parts.pages,
    "accessibility_en": lambda: accessibility.report("en"),
    "accessibility_fr": lambda: accessibility.report("fr"),
    "calls_json": parts.calls_json,
    "callbacks_json": parts.callbacks_json,
    "health_json": parts.health_json,
    "notice_json": parts.notice_json,
    "topics": parts.topics,
    "api_en": lambda: parts.api("en"),
    "api_fr": lambda: parts.api("fr"),
}


def everything() -> Iterator[tuple[Path, str]]:
    """Each file with its present content."""
    for path in sorted((ROOT / "docs").rglob("reference/*.md")):
        written = path.read_text(encoding="utf-8")
        yield path, MADE.sub(lambda found: f"{found[1]}{found[2]}\n{_lines(PARTS[found[1]]())}\n", written)
    for language in ("fr", "en"):
        runbook = (ROOT / "docs" / language / "how-to" / "runbook.md").read_text(encoding="utf-8")
        templates = ROOT / "callmon" / "features" / "standards" / "templates"
        yield templates / f"_guide.{language}.html", guide.page(runbook, language)
    yield ROOT / "docs" / "en" / "reference" / "payloads.schema.json", payloads.schema()
    yield ROOT / "docs" / "en" / "reference" / "asyncapi.json", asyncapi.document()
    with reader_of("en"):
        manual_of_commands = _lines(manual.commands())
    yield ROOT / "docs" / "man" / "callmon.1", manual_of_commands
    yield ROOT / "docs" / "man" / "callmon.toml.5", _lines(manual.settings())


def _lines(made: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in made)
