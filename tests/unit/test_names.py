"""The names in the code and in its tests: plain words, and none longer than can be read."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 70
# Words that this project once had for things of the field: a callback that is due, a counter, an exchange …
PRIVATE_WORDS = {"book", "deed", "hearing", "nights", "owed", "sight", "tally", "tongue", "visit", "watched"}
FILES = sorted(path for folder in ("callmon", "tests") for path in (ROOT / folder).rglob("*.py"))


@cache
def names() -> dict[str, str]:
    """Variables, parameters, attributes and functions, each with the place of the last."""
    found = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                    found[name] = f"{path.relative_to(ROOT)}:{node.lineno}"
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found[name] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_the_name_of_a_test_has_at_most_70_characters() -> None:
    assert [name for name in names() if name.startswith("test_") and len(name) > MOST] == []


def test_no_variable_has_a_private_word() -> None:
    assert {name: place for name, place in names().items() if name.strip("_") in PRIVATE_WORDS} == {}
