"""``python -m dev.style``: names that text search finds, and plain technical English. Part of `.ci/checks`.

Names: no public function or method name stands in more than four modules, and no class name stands twice.
Functions and modules of `callmon/` and of TOOLS: none has more than 80 and 800 lines; over 50 and 500 is a
warning.
Sentences: no docstring of these has one of over 25 words, or a word of `AVOIDED`.
Dates: no module of `callmon/` or `tests/` asks the date at its import, or calls a function there that asks it. A
process that lives past midnight would compare two days.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

MODULES = 4
LINES, MODULE_LINES = 80, 800
WARNED, MODULE_WARNED = 50, 500
WORDS = 25
TOOLS = ("bench", "dashboards/source", "dev", "docs/source")
# Names of one protocol each, which several modules implement, or which a reader expects to find in each of them.
SHARED = {
    "add", "end",  # commands of `callmon attest`, `users` and `disruptions`, and methods of collections
    "backlog", "offer", "refused",  # the protocol of a sink
    "close", "run",  # what owns a resource; a task of the daemon
    "judge",  # every standard
    "read",  # the name that httpcore calls of a stream
    "restore", "tick",  # state that starts from the database; state that time changes
    "show",  # every page
    "snapshot",  # a consistent read of something that changes
    "upgrade",  # the name that alembic calls in each revision
}  # fmt: skip
AVOIDED = re.compile(
    r"\b(whoever|scribe|courier|diary|lest|anew|by hand|(?:who|whoever) (?:stands? by|writes?|asks?|leads?)"
    r"|witness\w*|utili[sz]e\w*|in order to|leverag\w+)\b",
    re.I,
)
DATE = re.compile(r"(.+\.)?(now|today|utcnow)|time\.time(_ns)?")
NOT_PROSE = re.compile(r"[│─▶└├┌┬]|\\b|\S {4,}\S")  # drawings and examples
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    parsed = _parsed("callmon")
    written = {path: module for folder in ("callmon", *TOOLS) for path, module in _parsed(folder).items()}
    found = [
        *_names(parsed),
        *_too_long(written, LINES, MODULE_LINES),
        *_sentences(written),
        *_dates(parsed | _parsed("tests")),
    ]
    warned = [f"warning: {line}" for line in _too_long(written, WARNED, MODULE_WARNED)]
    sys.stdout.writelines(f"{line}\n" for line in (*warned, *found))
    return 1 if found else 0


def _parsed(folder: str) -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).rglob("*.py"))}


def _names(parsed: dict[Path, ast.Module]) -> Iterator[str]:
    functions: defaultdict[str, set[str]] = defaultdict(set)
    classes: defaultdict[str, list[str]] = defaultdict(list)
    for path, module in parsed.items():
        owners = [node for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
        for owner in owners:
            classes[owner.name].append(str(path))
        for owner in (module, *owners):
            for node in owner.body:
                if isinstance(node, Definition) and not node.name.startswith("_"):
                    functions[node.name].add(str(path))
    for name, paths in sorted(functions.items()):
        if len(paths) > MODULES and name not in SHARED:
            yield f"{name}() stands in {len(paths)} modules: {', '.join(sorted(paths))}"
    for name, places in sorted(classes.items()):
        if len(places) > 1:
            yield f"class {name} stands in {', '.join(places)}"


def _too_long(parsed: dict[Path, ast.Module], most: int, most_of_module: int) -> Iterator[str]:
    for path, module in parsed.items():
        if module.body and (lines := module.body[-1].end_lineno or 0) > most_of_module:
            yield f"{path} has {lines} lines"
        for node in ast.walk(module):
            if isinstance(node, Definition) and (lines := (node.end_lineno or 0) - node.lineno + 1) > most:
                yield f"{path}:{node.lineno} {node.name}() has {lines} lines"


def _sentences(parsed: dict[Path, ast.Module]) -> Iterator[str]:
    for path, module in parsed.items():
        for node in ast.walk(module):
            if isinstance(node, ast.Module | ast.ClassDef | Definition):
                for sentence in _of_text(ast.get_docstring(node) or ""):
                    words = len(re.findall(r"[\w'/.-]*\w", sentence))
                    if words > WORDS:
                        yield f"{path}: a sentence of {words} words: {sentence}"
                    if word := AVOIDED.search(sentence):
                        yield f"{path}: “{word[0]}”: {sentence}"


def _dates(parsed: dict[Path, ast.Module]) -> Iterator[str]:
    functions, imports = dict[str, set[str]](), list[tuple[Path, list[tuple[int, str]]]]()
    for path, module in parsed.items():
        name, known = ".".join(path.with_suffix("").parts), dict[str, str]()
        for node in module.body:
            if isinstance(node, ast.ImportFrom):
                known |= {alias.asname or alias.name: f"{node.module}:{alias.name}" for alias in node.names}
            elif isinstance(node, Definition):
                known[node.name] = f"{name}:{node.name}"
        for node in module.body:
            if isinstance(node, Definition):
                functions[known[node.name]] = {called for _, called in _called(node.body, known)}
        imports.append((path, list(_called(module.body, known))))
    asking = {"the date"}
    while more := {function for function, called in functions.items() if called & asking} - asking:
        asking |= more
    for path, calls in imports:
        yield from (f"{path}:{line} asks {called} at import" for line, called in calls if called in asking)


def _called(nodes: Iterable[ast.AST], known: dict[str, str]) -> Iterator[tuple[int, str]]:
    """What runs when these run: of a function within them the decorators and defaults alone."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            continue
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            yield node.lineno, "the date" if DATE.fullmatch(name) else known.get(name, name)
        is_function = isinstance(node, Definition | ast.Lambda)
        inner = [child for name, child in ast.iter_fields(node) if not (is_function and name == "body")]
        children = (child for part in inner for child in (part if isinstance(part, list) else [part]))
        yield from _called((child for child in children if isinstance(child, ast.AST)), known)


def _of_text(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+[.)])\s", re.sub(r"`[^`]+`", "CODE", text)):
        if not NOT_PROSE.search(paragraph):
            yield from (" ".join(part.split()) for part in re.split(r"(?<=[.!?:;])\s+", paragraph.strip()))


if __name__ == "__main__":
    sys.exit(main())
