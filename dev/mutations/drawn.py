"""Faults that nobody chose: `python -m dev.mutations draw SEED COUNT` prints as many, the same for each seed.

Each changes one line: an edge by one, a comparison, a `not`, an `and`, a sign. Or it changes the order of
two arguments, a key or a label, a member (a role), a zone. Packages of `callmon` have equal parts, and so have
the kinds in a package. Whether a test sees one of them is another question: this module plants nothing.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
KEY = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
# Each comparison, and what may stand in its place: at the edge another, or the other way.
TURNED: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">=")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<=")),
}


class Drawn(NamedTuple):
    """A change of one line of a file: from column `start` to column `end`, in characters."""

    kind: str
    file: str
    line: int
    start: int
    end: int
    new: str

    def planted(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.start] + self.new + line[self.end :]
        return "".join(lines)


class _Source(NamedTuple):
    file: str
    lines: list[str]
    keys: list[str]
    members: dict[str, list[str]]

    def column(self, line: int, byte: int) -> int:
        return len(self.lines[line - 1].encode()[:byte].decode())

    def change(self, kind: str, first: ast.expr, last: ast.expr, new: str) -> Drawn | None:
        """From the start of `first` to the end of `last`, when both are on one line."""
        if last.end_lineno != first.lineno or last.end_col_offset is None:
            return None
        start, end = self.column(first.lineno, first.col_offset), self.column(first.lineno, last.end_col_offset)
        return Drawn(kind, self.file, first.lineno, start, end, new)

    def between(self, kind: str, left: ast.expr, right: ast.expr, old: str, new: str) -> Drawn | None:
        """The operator between two operands, when both are on one line."""
        if left.end_lineno != right.lineno or left.end_col_offset is None:
            return None
        start, end = self.column(right.lineno, left.end_col_offset), self.column(right.lineno, right.col_offset)
        gap = self.lines[right.lineno - 1][start:end]
        return Drawn(kind, self.file, right.lineno, start, end, gap.replace(old, new)) if old in gap else None


def _operator(source: _Source, node: ast.AST, dice: random.Random) -> Drawn | None:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            old, others = TURNED[type(op)]
            return source.between("comparison", left, right, old, dice.choice(others))
        case ast.BoolOp(op=op, values=[left, right, *_]):
            old, new = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
            return source.between("and or or", left, right, old, new)
        case ast.BinOp(left=left, op=ast.Add(), right=right) if not _is_text(left) and not _is_text(right):
            return source.between("sign", left, right, "+", "-")
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return source.between("sign", left, right, "-", "+")
    return None


def _other(source: _Source, node: ast.AST, dice: random.Random) -> Drawn | None:
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return source.change("lost not", node, operand, ast.unparse(operand))
        case ast.Constant(value=int(number)) if not isinstance(number, bool):
            return source.change("edge", node, node, str(number + dice.choice((1, -1))))
        case ast.Constant(value=str(key)) if KEY.fullmatch(key) and len(source.keys) > 1:
            other = dice.choice([one for one in source.keys if one != key])
            return source.change("key", node, node, f'"{other}"')
        case ast.Attribute(value=ast.Name(id=owner), attr=member) if member in source.members.get(owner, ()):
            other = dice.choice([one for one in source.members[owner] if one != member] or [member])
            return source.change("member", node, node, f"{owner}.{other}")
        case ast.Call(func=ast.Attribute(attr="astimezone"), args=[zone]) if "UTC" not in ast.unparse(zone):
            return source.change("zone", zone, zone, '__import__("datetime").UTC')
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass" | "hasattr")):
            return None
        case ast.Call(args=[one, two, *_]) if not isinstance(one, ast.Starred) and not isinstance(
            two, ast.Starred
        ):
            return source.change("arguments", one, two, f"{ast.unparse(two)}, {ast.unparse(one)}")
    return None


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """What runs and can go wrong: no annotation, no f-string's text, no log line, no `__all__`, no main guard."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_beside(child):
                yield child
                yield from _code(child)


def _is_beside(node: ast.AST) -> bool:
    match node:
        case ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger" | "_log" | "LOG"))):
            return True
        case ast.Call(func=ast.Name(id="cast" | "TypeVar")) | ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return True
    return False


def of_file(file: Path, dice: random.Random) -> list[Drawn]:
    """All changes that this module takes, in the order of its code."""
    text = file.read_text(encoding="utf-8")
    nodes = list(_code(ast.parse(text)))
    keys = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    members: dict[str, set[str]] = {}
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=member) if owner[0].isupper() and member.isupper():
                members.setdefault(owner, set()).add(member)
    source = _Source(
        str(file.relative_to(ROOT)), text.splitlines(),
        sorted(key for key in keys if KEY.fullmatch(key)), {owner: sorted(of) for owner, of in members.items()},
    )  # fmt: skip
    found = (_operator(source, node, dice) or _other(source, node, dice) for node in nodes)
    return [change for change in found if change is not None]


def diff(change: Drawn) -> str:
    """The line before and after, under its place."""
    text = (ROOT / change.file).read_text(encoding="utf-8")
    before, after = (x.splitlines()[change.line - 1].strip() for x in (text, change.planted(text)))
    return f"{change.file}:{change.line}: {change.kind}\n- {before}\n+ {after}\n"


def _says_otherwise(change: Drawn) -> bool:
    text = (ROOT / change.file).read_text(encoding="utf-8")
    try:
        return ast.dump(ast.parse(change.planted(text))) != ast.dump(ast.parse(text))
    except SyntaxError:
        return False


def drawn(seed: int, count: int) -> list[Drawn]:
    """Packages in turn; in a package first a kind, then a place of it, so that a rare kind is drawn as often."""
    dice = random.Random(seed)
    places: dict[str, dict[str, list[Drawn]]] = {}
    for file in sorted((ROOT / "callmon").rglob("*.py")):
        for change in of_file(file, dice):
            places.setdefault(change.file.split("/")[1], {}).setdefault(change.kind, []).append(change)
    packages = [places[name] for name in sorted(places) if not name.endswith(".py")]
    chosen: dict[Drawn, None] = {}
    while len(chosen) < count:
        package = packages[len(chosen) % len(packages)]
        change = dice.choice(package[dice.choice(sorted(package))])
        if _says_otherwise(change):
            chosen[change] = None
    return list(chosen)
