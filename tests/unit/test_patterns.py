"""No regular expression of callmon takes long, whatever text a stranger sends: each is found in the source."""

from __future__ import annotations

import ast
import inspect
import json
import re
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import callmon
from callmon.ami import pseudonyms, recording
from callmon.ami.decoding import HeaderLayouts
from callmon.config import phone_numbers
from callmon.web.auth import sign_in
from tests.support.examples import examples

ROOT = Path(callmon.__file__).parent
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
FLAGS_AT = {"sub": 4, "subn": 4, "split": 3}  # the flags' position among the arguments; else 2
LENGTHS = (30, 300, examples(16_384, 4_096))  # up to the longest head of a request
SECONDS = 5.0  # of processor time, for one match of one string
OLD_OURS = r"/(fr|en)/(?:[A-Za-z0-9_.~%-]+/?)*(?:\?[A-Za-z0-9_.~%&=+:-]*)?"
MESSAGE = (
    "Event: Newchannel\r\nPrivilege: call,all\r\nTimestamp: 1795527733.217087\r\nChannel: PJSIP/101\r\nExten: 1"
)

Pattern = re.Pattern[Any]
Found = tuple[Pattern, frozenset[str]]  # an expression, and how callmon applies it
WAYS = frozenset(("match", "fullmatch", "search"))


def _built() -> dict[str, list[Pattern]]:
    """Expressions that callmon builds while it runs, by the module and the function that builds them."""
    layouts = HeaderLayouts(("Channel", "Exten"))
    learned = (layouts._pattern(MESSAGE), layouts._pattern(MESSAGE.rpartition("\r\n")[0]))
    return {
        "callmon.ami.decoding:learn": [re.compile(pattern) for pattern in learned if pattern is not None],
        "callmon.ami.pseudonyms:_numbered": [re.compile(x) for x in _literals(pseudonyms.__name__, "_numbered")],
        "callmon.ami.recording:_free": [re.compile(rb"(?<![A-Za-z0-9])(Jean|J\.\ Roy)(?![A-Za-z0-9])")],
        "callmon.tools.doctor.event_filter:_compiled": [],  # the administrator's own filters
        "callmon.config.phone_numbers:_plain_nanp": [phone_numbers._plain_nanp()],
    }


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"\bre\b", text):
            yield ".".join((callmon.__name__, *path.relative_to(ROOT).with_suffix("").parts)), ast.parse(text)


def _calls(tree: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Call]]:
    """(the function that it stands in, the call) of every call of `re`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            where = node.func.value
            if isinstance(where, ast.Name) and where.id == "re" and node.func.attr in FUNCTIONS:
                yield function, node
        yield from _calls(node, node.name if isinstance(node, ast.FunctionDef) else function)


def _value(node: ast.expr, module: object) -> Any:
    return eval(compile(ast.Expression(node), "pattern", "eval"), dict(vars(module)))


def _compiled(call: ast.Call, module: object) -> Pattern:
    """Raises NameError when the expression is built from what only the running function knows."""
    assert isinstance(call.func, ast.Attribute)
    at = FLAGS_AT.get(call.func.attr, 2 if call.func.attr != "compile" else 1)
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"] or call.args[at : at + 1]
    pattern = _value(call.args[0], module)
    return re.compile(pattern, _value(flags[0], module) if flags else 0)


def _literals(name: str, function: str) -> list[str]:
    """The last argument of each call of that function in the module."""
    tree = ast.parse(inspect.getsource(import_module(name)))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    mine = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == function]
    return [_value(call.args[-1], import_module(name)) for call in mine]


def _uses(trees: Iterable[ast.Module]) -> dict[str, frozenset[str]]:
    """The methods with which callmon uses an expression, by its name."""
    uses: dict[str, set[str]] = defaultdict(set)
    for node in chain.from_iterable(map(ast.walk, trees)):
        if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            for name in (getattr(node.value, "id", ""), getattr(node.value, "attr", "")):
                uses[name].add(_way(node.attr))
    return {name: frozenset(ways) for name, ways in uses.items()}


def _way(function: str) -> str:
    return function if function in ("match", "fullmatch") else "search"


@cache
def found() -> tuple[dict[str, Found], frozenset[str]]:
    """Every expression by its place; and the places where one is built while callmon runs."""
    patterns: dict[str, Found] = {}
    built: set[str] = set()
    sources = dict(_sources())
    uses = _uses(sources.values())
    for name, tree in sources.items():
        module = import_module(name)
        for key, value in vars(module).items():
            if isinstance(value, re.Pattern):
                patterns[f"{name}:{key}"] = value, uses.get(key, WAYS)
        known = {pattern for pattern, _ in patterns.values()}
        for function, call in _calls(tree):
            try:
                pattern, way = _compiled(call, module), _way(call.func.attr)  # type: ignore[attr-defined]
            except NameError:
                built.add(f"{name}:{function}")
                continue
            if way != "search" or pattern not in known:
                patterns[f"{name}:{call.lineno}"] = pattern, frozenset((way,))
    return patterns, frozenset(built)


SPACES = 200_000  # where the time grows with the square of the length, minutes


PATTERNS = found()[0] | {
    f"{place}:{at}": (pattern, WAYS) for place, made in _built().items() for at, pattern in enumerate(made)
}


def tried(pattern: Pattern, ways: Iterable[str], seconds: float = SECONDS) -> tuple[int, str]:
    """The exit status of a process that matches adversarial strings, and its last line."""
    is_bytes = isinstance(pattern.pattern, bytes)
    text = pattern.pattern.decode("latin-1") if is_bytes else pattern.pattern
    job = {"pattern": text, "is_bytes": is_bytes, "flags": pattern.flags, "lengths": LENGTHS}
    job |= {"ways": sorted(ways), "seconds": seconds}
    command = [sys.executable, "-m", "tests.support.regex_attacks"]
    done = subprocess.run(command, input=json.dumps(job), cwd=ROOT.parent, capture_output=True, text=True)
    return done.returncode, done.stderr or done.stdout.splitlines()[-1]


@pytest.mark.sampled(40)
@pytest.mark.parametrize("place", sorted(PATTERNS))
def test_an_expression_answers_every_adversarial_text_within_the_limit(place: str) -> None:
    status, last = tried(*PATTERNS[place])
    assert status == 0, last


def test_every_expression_that_is_built_while_callmon_runs_is_listed_here() -> None:
    assert found()[1] == set(_built())


def test_the_former_expression_of_our_own_pages_exceeds_the_limit() -> None:
    status, last = tried(re.compile(OLD_OURS), ["fullmatch"], seconds=1.0)
    assert (status, last[:5]) == (-signal.SIGPROF, "'/fr/")


def test_the_expressions_include_the_one_of_our_own_pages() -> None:
    assert PATTERNS["callmon.web.auth.sign_in:OURS"] == (sign_in.OURS, {"fullmatch"})


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", [recording._PLAIN_ID, recording._PLAIN_TIME], ids=["id", "time"])
def test_a_value_of_white_space_alone_is_read_once_from_end_to_end(pattern: re.Pattern[bytes]) -> None:
    assert pattern.fullmatch(b" " * SPACES + b"x") is None
