"""What the board of the callbacks must show."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dashboards.source import callbacks
from dashboards.source.history import LINES
from tests.boards.day import C24, CFR, P2, P15, WITHIN
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    OBLIGATIONS,
    PAID,
    TO_CALL,
    VERDICTS,
    Near,
    Row,
    Truth,
    at,
    moment,
    opened_at,
    over_time,
    titled,
    today,
)
from tests.boards.truths.live import CALLBACKS_NOW
from tests.boards.truths.standards import each_standard, rates

STANDARDS = (C24, CFR, P2, P15)


def callbacks_by_line(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in LINES:
        own = [one for one in TO_CALL if one.line == line]
        first = min((opened_at(scene, one) for one in own), default=None)
        rows.append({
            f"name_{scene.language}": titled(scene, line), "line": line, "Value #B": len(own),
            "Value #C": sum(one.soon for one in own),
            "Value #D": sum(one.overdue for one in own), "Value #E": sum(one.overdue for one in own),
            "Value #F": 0,
            "Value #G": sum(one.hidden != "" and one.line == line for one in OBLIGATIONS),
            "Value #H": 7 if line == "general" else 0,
            "Value #I": None if first is None else at(first + WITHIN, 1.5),
        })  # fmt: skip
    return rows


def still_open(scene: Scene) -> list[Row]:
    """The most pressing of each line: 1 to make, 2 soon, 3 overdue."""
    own = {line: [one for one in TO_CALL if one.line == line] for line in LINES}
    pressing = {
        line: max((3 if one.overdue else 2 if one.soon else 1 for one in some), default=0)
        for line, some in own.items()
    }
    return [{titled(scene, line): state, "Time": moment(scene)} for line, state in pressing.items()]


def oldest(scene: Scene) -> list[Any]:
    seconds = scene.asked.now - min(opened_at(scene, one) for one in TO_CALL)
    return [Near(seconds / 3600, 1.5 / 3600, "hours")]


def verdicts(scene: Scene) -> list[Any]:
    reported = Counter(one[2] for one in today(scene, C24))
    return [reported[verdict] for verdict in VERDICTS]


CALLBACKS: dict[str, Truth] = {
    **CALLBACKS_NOW,
    callbacks.OPEN.title.en: still_open,
    **over_time(callbacks.AGE, oldest),
    **over_time(callbacks.DELAYS, lambda s: [len(PAID), 0, 0, 0]),
    **over_time(callbacks.VERDICTS, verdicts),
    **over_time(callbacks.RATES, lambda s: rates(s, STANDARDS)),
    "Callbacks now, by line": callbacks_by_line,
    "The standards of callbacks and complaints": lambda s: each_standard(s, STANDARDS),
}
