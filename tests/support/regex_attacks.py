"""Adversarial strings for a regular expression, matched by `python -m tests.support.regex_attacks < JOB`.

The strings are derived from the parsed expression: a text that leads to each repetition, a long run of the
repeated text, then a character that may not follow. Python cannot interrupt a match: a timer of the operating
system ends the process.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from itertools import islice, product
from re import _constants as c  # type: ignore[attr-defined]  # the parsed form has no public module
from re import _parser  # type: ignore[attr-defined]  # as above
from typing import Any

RUNS = ("a", "0", " ", ".", "-", "/", ":", "@", "\r\n")
FOREIGN = ("", "!", "\0", "\n", "\u00e9", "0")
SAMPLES = {c.CATEGORY_DIGIT: "0", c.CATEGORY_SPACE: " ", c.CATEGORY_WORD: "a"}
REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)
MOST_UNITS = 8  # per repetition


def adversarial(pattern: str | bytes, flags: int, lengths: Iterable[int]) -> Iterator[str]:
    """Strings of about these lengths that make a badly built expression backtrack."""
    found = {("", unit) for unit in RUNS} | set(_repetitions(_parser.parse(pattern, flags), ""))
    for length, (before, unit), foreign in product(lengths, sorted(found), FOREIGN):
        yield before + unit * (length // len(unit)) + foreign


def _repetitions(tree: Iterable[Any], before: str) -> Iterator[tuple[str, str]]:
    """(text that leads to it, repeated text) of every repetition, nested ones included."""
    for operator, argument in tree:
        if operator in REPEATS:
            yield from ((before, unit) for unit in islice(_texts(argument[2]), MOST_UNITS) if unit)
        for part in _parts(operator, argument):
            yield from _repetitions(part, before)
        before += next(_text_of(operator, argument), "")


def _parts(operator: Any, argument: Any) -> list[Any]:
    if operator is c.BRANCH:
        return list(argument[1])
    if operator in (c.SUBPATTERN, c.ASSERT, c.ASSERT_NOT, *REPEATS):
        return [argument[-1]]
    return [argument] if operator is c.ATOMIC_GROUP else []


def _texts(tree: Any) -> Iterator[str]:
    """Texts that match: one for each literal and range of a character class."""
    if not len(tree):
        yield ""
        return
    for first in _text_of(*tree[0]):
        for rest in _texts(tree[1:]):
            yield first + rest


def _text_of(operator: Any, argument: Any) -> Iterator[str]:
    if operator is c.LITERAL:
        yield chr(argument)
    elif operator is c.IN:
        yield from _members(argument)
    elif operator in (c.ANY, c.NOT_LITERAL):
        yield from _members([(c.NEGATE, None), (c.LITERAL, argument or 0)])
    elif operator in REPEATS:
        low, _, part = argument
        yield from (text * max(low, 1) for text in _texts(part))
        yield from () if low else ("",)
    elif operator in (c.SUBPATTERN, c.BRANCH, c.ATOMIC_GROUP):
        for part in _parts(operator, argument):
            yield from _texts(part)
    else:  # a position, a look-around or a reference: no text of its own
        yield ""


def _members(members: list[tuple[Any, Any]]) -> Iterator[str]:
    if members[0][0] is not c.NEGATE:
        yield from (_sample(kind, value) for kind, value in members)
        return
    refused = {_sample(kind, value) for kind, value in members[1:]}
    yield from (run for run in RUNS if len(run) == 1 and run not in refused)


def _sample(kind: Any, value: Any) -> str:
    if kind is c.CATEGORY:
        return SAMPLES.get(value, "-")
    return chr(value[0] if kind is c.RANGE else value)


def main() -> None:
    """Match one expression. The last line of the output is the string whose match did not end."""
    job = json.load(sys.stdin)
    pattern = job["pattern"].encode("latin-1") if job["is_bytes"] else job["pattern"]
    compiled = re.compile(pattern, job["flags"])
    for text in adversarial(pattern, job["flags"], job["lengths"]):
        given = text.encode("latin-1") if job["is_bytes"] else text
        sys.stdout.write(f"{text[:60]!a} ({len(text)} characters)\n")
        sys.stdout.flush()
        for match in [getattr(compiled, way) for way in job["ways"]]:
            signal.setitimer(signal.ITIMER_PROF, job["seconds"])
            match(given)
    signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
