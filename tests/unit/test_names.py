"""The names in the code and in its tests: plain words, and none longer than can be read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 70
# Words that this project once had for things of the field: a callback that is due, a counter, an exchange …
PRIVATE_WORDS = {"book", "deed", "hearing", "nights", "owed", "sight", "tally", "tongue", "visit", "watched"}
FILES = sorted(path for folder in ("callmon", "tests") for path in (ROOT / folder).rglob("*.py"))


def names(path: Path) -> Iterator[tuple[str, int]]:
    """Variables, parameters, attributes and functions of a file, each with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno


def test_the_name_of_a_test_has_at_most_70_characters() -> None:
    found = {(len(name), name) for path in FILES for name, _ in names(path) if name.startswith("test_")}
    assert [name for length, name in sorted(found) if length > MOST] == []


def test_no_variable_has_a_private_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in FILES
        for name, line in names(path)
        if name.strip("_") in PRIVATE_WORDS
    ]
    assert found == []
