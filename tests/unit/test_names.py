"""The names in the code and in its tests: plain words, and none longer than can be read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 70
# Words that this project once had for things of the field: a callback that is due, a counter, an exchange …
PRIVATE_WORDS = {"book", "deed", "hearing", "nights", "owed", "sight", "tally", "tongue", "visit", "watched"}
WORDS = re.compile(rf"\b_*(?:{'|'.join(PRIVATE_WORDS)})_*\b")
FILES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for folder in ("callmon", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def names(text: str) -> set[str]:
    """Variables, parameters, attributes and functions."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
    return found


def test_the_name_of_a_test_has_at_most_70_characters() -> None:
    defined = re.findall(r"^ *(?:async )?def (test_\w+)", "\n".join(FILES.values()), re.MULTILINE)
    assert [name for name in defined if len(name) > MOST] == []


def test_no_variable_has_a_private_word() -> None:
    """A file in which no such word stands need not be parsed."""
    private = {path: names(text) for path, text in FILES.items() if WORDS.search(text)}
    assert {
        path: words
        for path, found in private.items()
        if (words := {name for name in found if name.strip("_") in PRIVATE_WORDS})
    } == {}
