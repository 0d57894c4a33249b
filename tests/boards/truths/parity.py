"""What the board of parity must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from callmon.config.standards import ALL_STANDARDS
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    LINES,
    Row,
    Truth,
    at,
    by_size,
    counts,
    judged,
    mode,
    over,
    percent,
    reasons,
    said,
    titled,
    today_of,
)
from tests.year import B


def parity(
    scene: Scene, one: tuple[str, Callable[[Any], bool]], other: tuple[str, Callable[[Any], bool]]
) -> list[Row]:
    rows: list[Row] = []
    for standard in ALL_STANDARDS:
        verdicts = judged(scene, standard)
        row: dict[str, Any] = {"standard": said(scene, "standard", standard), "key": standard}
        rates = []
        for name, belongs in (one, other):
            told = counts(x[2] for x in verdicts if belongs(x))
            row |= {
                f"{name}_met": told["met"],
                f"{name}_judged": told["judged"],
                f"{name}_percent": told["rate_percent"],
            }
            rates.append(100 * told["met"] / told["judged"] if told["judged"] >= 20 else None)
        known = None not in rates
        row["difference_percent"] = percent(rates[0] - rates[1], 0.0501) if known else None  # type: ignore[operator]
        rows.append(row)
    return sorted(rows, key=lambda row: str(row["standard"]))


def ever(scene: Scene) -> list[Row]:
    """Of what this callmon counted: today's alone; from five on either side."""
    rows: list[Row] = []
    today = today_of(scene)
    sides: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], bool]], ...] = (
        ("tty_voice", lambda x: mode(x[0]) == "tty", lambda x: mode(x[0]) == "voice"),
        ("french_english", lambda x: x[1] == "fr", lambda x: x[1] == "en"),
    )
    for standard in ALL_STANDARDS:
        verdicts = [x for x in judged(scene, standard) if x[4] == today and x[2] in ("met", "not_met")]
        for comparison, first, second in sides:
            one, other = ([x[2] for x in verdicts if belongs(x)] for belongs in (first, second))
            difference = None
            if min(len(one), len(other)) >= 5:
                rates = [100 * side.count("met") / len(side) for side in (one, other)]
                difference = percent(rates[0] - rates[1])
            rows.append({
                "comparison": comparison, f"title_{scene.language}": said(scene, "standard", standard),
                "Value #B": len(one), "Value #C": len(other), "Value #A": difference,
            })  # fmt: skip
    return rows


def last_calls(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    started = [*scene.calls, *scene.up]
    for line in LINES:
        last = max(c.arrived for c in started if c.line == line and c.arrived is not None)
        row = {f"name_{scene.language}": titled(scene, line), "mode": mode(line)}
        rows.append(
            {
                **row,
                "Value #B": at(last.timestamp(), 1),
                "Value #C": None,
                "Value #D": at(0) if mode(line) == "tty" else None,
            }
        )
    return rows


PARITY: dict[str, Truth] = {
    "TTY parity: teletypewriter and voice": lambda s: parity(
        s, ("tty", lambda x: mode(x[0]) == "tty"), ("voice", lambda x: mode(x[0]) == "voice")
    ),
    "Language parity: French and English": lambda s: parity(
        s, ("fr", lambda x: x[1] == "fr"), ("en", lambda x: x[1] == "en")
    ),
    "Calls asked for in French: who answered first": lambda s: by_size(
        s, reasons(s, B, ("met", "not_met", "unknown")), "reason", "reason"
    ),
    "Through a relay service": lambda s: by_size(
        s, Counter(c.outcome for c in over(s) if c.relay), "outcome", "outcome"
    ),
    "Differences since callmon was put into service": ever,
    "Last call and test call of each line": last_calls,
}
