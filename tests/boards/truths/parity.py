"""What the board of parity must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from callmon.config.standards import ALL_STANDARDS
from callmon.text.labels import KINDS
from dashboards.source import parity
from dashboards.source.history import LINES, mode
from dashboards.source.judged import SHORT
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    FEW,
    Row,
    Truth,
    at,
    counted,
    counts,
    lettered,
    over_time,
    percent,
    said,
    titled,
    today,
)
from tests.boards.truths.live import by_outcome
from tests.support.year import A, B

Side = Callable[[Any], bool]
SIDES: dict[str, tuple[Side, Side]] = {
    "tty_voice": (lambda x: mode(x[0]) == "tty", lambda x: mode(x[0]) == "voice"),
    "french_english": (lambda x: x[1] == "fr", lambda x: x[1] == "en"),
}
# Of a person who is not listed nothing is counted.
FIRST = {"french_at_first_answer": 0, "no_french_speaker": 1}


def of_both(scene: Scene, standard: str, sides: tuple[Side, Side]) -> list[list[str]]:
    """The verdicts of the two sides that were judged."""
    among = [one for one in today(scene, standard) if one[2] in ("met", "not_met")]
    return [[one[2] for one in among if belongs(one)] for belongs in sides]


def difference(reported: list[list[str]]) -> Any:
    if min(len(side) for side in reported) < int(FEW):
        return None
    first, second = (100 * side.count("met") / len(side) for side in reported)
    return percent(first - second)


def judged(both: list[list[str]]) -> str:
    """Beside a name: of how many on either side."""
    return f" · {len(both[0])} / {len(both[1])}"


def bars(scene: Scene, comparison: str) -> list[Row]:
    """In the policy's order."""
    return [
        {
            "told": SHORT[name][0].said(scene.language) + judged(of_both(scene, name, SIDES[comparison])),
            "Value #B": difference(of_both(scene, name, SIDES[comparison])),
        }
        for name in KINDS["standard"]
    ]


def bars_table(scene: Scene, comparison: str) -> list[Row]:
    rows: list[Row] = []
    for name in KINDS["standard"]:
        reported = of_both(scene, name, SIDES[comparison])
        numbers = [number for side in reported for number in (side.count("met"), len(side))]
        title = {f"title_{scene.language}": said(scene, "standard", name), "standard": name}
        rows.append({**title, **lettered([*numbers, difference(reported)], "B")})
    return rows


def curves(scene: Scene, comparison: str) -> list[Any]:
    return [counts(side)[1] for side in of_both(scene, A, SIDES[comparison])]


def first_answers(scene: Scene) -> list[Any]:
    reported = Counter(FIRST[reason] for _, _, verdict, reason, *_ in today(scene, B) if reason in FIRST)
    return [reported[n] for n in range(3)]


def ever(scene: Scene) -> list[Row]:
    """Of what this callmon counted: today's alone; from five on either side."""
    rows: list[Row] = []
    for standard in ALL_STANDARDS:
        for comparison, sides in SIDES.items():
            reported = of_both(scene, standard, sides)
            rows.append({
                "comparison": comparison, f"title_{scene.language}": said(scene, "standard", standard),
                "Value #B": len(reported[0]), "Value #C": len(reported[1]), "Value #A": difference(reported),
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


TTY, LANGUAGE = parity.TTY_BARS.title.en, parity.LANGUAGE_BARS.title.en
PARITY: dict[str, Truth] = {
    TTY: lambda s: bars(s, "tty_voice"),
    f"{TTY} (table)": lambda s: bars_table(s, "tty_voice"),
    LANGUAGE: lambda s: bars(s, "french_english"),
    f"{LANGUAGE} (table)": lambda s: bars_table(s, "french_english"),
    **over_time(parity.TTY_CURVES, lambda s: curves(s, "tty_voice")),
    **over_time(parity.LANGUAGE_CURVES, lambda s: curves(s, "french_english")),
    **over_time(parity.FIRST, first_answers),
    **over_time(parity.RELAY, lambda s: by_outcome(c for c in counted(s) if c.relay)),
    "Differences since callmon was put into service": ever,
    "Last call and test call of each line": last_calls,
}
