"""`python -m dev.size`: code lines by folder, compared with `dev/size.toml`. Part of `.ci/checks`.

A code line holds code: no blank line, no comment, no docstring. `callmon/` is counted so, a package or a feature
a row. `tests/` has one row, of all lines. A folder that is larger than its number is refused: who enlarges it
writes the number with `--write`, and the reason into the text of the same commit.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

LIMITS = Path("dev/size.toml")
FEATURES = Path("callmon/features")
NO_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
HEADING = "# Lines at most, by folder: `python -m dev.size --write` writes them.\n"


def count_code_lines(text: str) -> int:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {line for x in tokens if x.type not in NO_CODE for line in range(x.start[0], x.end[0] + 1)}
    return len(code - _docstring_lines(text))


def _docstring_lines(text: str) -> set[int]:
    documented = (node for node in ast.walk(ast.parse(text)) if isinstance(node, DOCUMENTED))
    first = (node.body[0] for node in documented if ast.get_docstring(node, clean=False) is not None)
    return {line for node in first for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def measured(root: Path) -> dict[str, int]:
    """Code lines of the packages and features, all lines of the tests."""
    sizes = Counter[str]()
    for path in sorted((root / "callmon").rglob("*.py")):
        sizes[_row(path.relative_to(root))] += count_code_lines(path.read_text(encoding="utf-8"))
    tests = (path.read_text(encoding="utf-8") for path in (root / "tests").rglob("*.py"))
    return {**dict(sorted(sizes.items())), "tests": sum(len(text.splitlines()) for text in tests)}


def _row(path: Path) -> str:
    """The folder that counts this file: a feature, else a package; `callmon` for a file in none."""
    is_in_feature = path.is_relative_to(FEATURES) and path.parent != FEATURES
    return "/".join(path.parts[: 3 if is_in_feature else 2][: len(path.parts) - 1])


def too_large(sizes: Mapping[str, int], limits: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each folder with more lines than its number, and for each without a number."""
    for folder, lines in sizes.items():
        if folder not in limits:
            yield f"{folder} has no number in {LIMITS}: python -m dev.size --write"
        elif lines > limits[folder]:
            yield (
                f"{folder} has {lines} lines, {LIMITS} allows {limits[folder]}: make it smaller, or edit the "
                "number in the same commit (python -m dev.size --write), with the reason in the commit's text"
            )


def table(sizes: Mapping[str, int], limits: Mapping[str, int]) -> Iterator[str]:
    whole = sum(lines for folder, lines in sizes.items() if folder != "tests")
    for folder, lines in {**sizes, "callmon, whole": whole}.items():
        allowed = f"{limits[folder]:,}" if folder in limits else ""
        yield f"{folder:<32}{lines:>8,}{allowed:>8}"


def main(arguments: list[str]) -> int:
    sizes = measured(Path())
    if arguments == ["--write"]:
        rows = (f'"{folder}" = {lines}\n' for folder, lines in sizes.items())
        LIMITS.write_text(HEADING + "".join(rows), encoding="utf-8")
    limits = tomllib.loads(LIMITS.read_text(encoding="utf-8"))
    found = list(too_large(sizes, limits))
    sys.stdout.writelines(f"{line}\n" for line in (*table(sizes, limits), *found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
