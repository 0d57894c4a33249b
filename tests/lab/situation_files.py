"""Reads situations from `situations_NAME.toml`: one table a situation, in the words of `model.py`.

A step is `"3 hang_up when 118 answers"`: seconds, what is done, with what, and what it waits for. `"none"` is
None. The public calls `general` where `dials` is not given. `is` names the truth of KNOWN with which `expect`
begins; `box`, `transfers` and `verdicts` are parts of it. `verdicts` may be a name of `truths.VERDICTS`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.lab import truths
from tests.lab.model import LabCaller, Phone, Situation, Step

HERE = Path(__file__).parent
KNOWN: Mapping[str, Mapping[str, object]] = {
    "inbound": truths.INBOUND,
    "answered": truths.ANSWERED,
    "not_answered": truths.NOT_ANSWERED,
    "staff": truths.STAFF,
}


def situations(name: str) -> tuple[Situation, ...]:
    """The situations of one file, in its order."""
    written = tomllib.loads((HERE / f"situations_{name}.toml").read_text(encoding="utf-8"))
    return tuple(_situation(name, entry) for name, entry in written.items())


def _situation(name: str, entry: dict[str, Any]) -> Situation:
    phones = {number: _phone(phone) for number, phone in entry.pop("phones", {}).items()}
    others = tuple((other.pop("after"), _caller(other)) for other in entry.pop("others", ()))
    caller = _caller(entry.pop("caller", {}))
    parts = {part: entry.pop(part) for part in ("box", "transfers", "verdicts", "expect") if part in entry}
    return Situation(name, caller, phones, _expected(**parts), others, **entry)


def _caller(written: dict[str, Any]) -> LabCaller:
    dials = written.pop("dials", "general")
    return LabCaller(truths.DIALLED.get(dials, dials), steps=_steps(written), **written)


def _phone(written: dict[str, Any]) -> Phone:
    again = _phone(written.pop("again")) if "again" in written else None
    return Phone(steps=_steps(written), again=again, **_values(written))


def _steps(written: dict[str, Any]) -> tuple[Step, ...]:
    return tuple(map(_step, written.pop("steps", ())))


def _step(written: str) -> Step:
    done, _, when = written.partition(" when ")
    at, do, *what = done.split(" ", 2)
    return Step(float(at), do, *what, when=when)


def _expected(
    expect: Mapping[str, Any] | None = None,
    box: Mapping[str, Any] | None = None,
    **parts: Any,
) -> dict[str, object]:
    given = _values({**(expect or {}), **parts})
    if isinstance(given.get("verdicts"), str):
        given["verdicts"] = truths.VERDICTS[given["verdicts"]]
    known = truths.box(**_values(box)) if box else KNOWN.get(given.pop("is", ""), {})
    return {**known, **given}


def _values(written: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value == "none" else value for key, value in written.items()}
