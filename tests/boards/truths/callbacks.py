"""What the board of the callbacks must show."""

from __future__ import annotations

from statistics import median

from tests.boards.day import C24, CFR, P2, P15, WITHIN
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    LINES,
    OWED,
    PAID,
    TO_CALL,
    Row,
    Truth,
    at,
    in_words,
    lasting,
    midnight,
    opened_at,
    paid_after,
    said,
    titled,
    today_of,
)
from tests.boards.truths.live import CALLBACKS_NOW
from tests.boards.truths.standards import each_standard


def callbacks_by_line(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in LINES:
        own = [one for one in TO_CALL if one.line == line]
        first = min((opened_at(scene, one) for one in own), default=None)
        rows.append({
            f"name_{scene.language}": titled(scene, line), "Value #B": len(own),
            "Value #C": sum(one.soon for one in own),
            "Value #D": sum(one.overdue for one in own), "Value #E": sum(one.overdue for one in own),
            "Value #F": 0,
            "Value #G": sum(one.hidden != "" and one.line == line for one in OWED),
            "Value #H": 7 if line == "general" else 0,
            "Value #I": None if first is None else at(first + WITHIN, 1.5),
        })  # fmt: skip
    return rows


def open_entries(scene: Scene) -> list[Row]:
    overdue, soon = (
        in_words(scene, "■ en retard", "■ overdue"),
        in_words(scene, "▲ à faire bientôt", "▲ due soon"),
    )
    rows: list[Row] = []
    for one in sorted(TO_CALL, key=lambda one: opened_at(scene, one)):
        opened = opened_at(scene, one)
        rows.append({
            "name": titled(scene, one.line), "spoken": said(scene, "language", one.language),
            "reason": said(scene, "opening", one.opening),
            "opened_at": at(opened, 1.5), "due_at": at(opened + WITHIN, 1.5),
            "actionable_at": at(opened + WITHIN, 1.5),
            "state": overdue if one.overdue else soon, "attempts": 0,
        })  # fmt: skip
    return rows


def became(scene: Scene) -> list[Row]:
    begins = at(midnight(today_of(scene)))
    waiting = sum(one.state == "open" and not one.overdue for one in OWED)
    overdue = sum(one.overdue for one in OWED)
    row = {"time": begins, "made": len(PAID), "reached_us": 0, "closed": 0}
    return [{**row, "overdue": overdue, "waiting": waiting}]


def delays(scene: Scene) -> list[Row]:
    told = sorted(paid_after(scene, one) for one in PAID)
    return [{
        "made": len(told), "median_seconds": lasting(median(told), 1.5), "high_seconds": lasting(told[-1], 1.5),
        "most_seconds": lasting(told[-1], 1.5),
    }]  # fmt: skip


CALLBACKS: dict[str, Truth] = {
    **CALLBACKS_NOW,
    "Callbacks now, by line": callbacks_by_line,
    "Open entries, the most urgent first": open_entries,
    "The standards of callbacks and complaints": lambda s: each_standard(s, (C24, CFR, P2, P15)),
    "Callbacks by day of the message": became,
    "From the message to the callback": lambda s: [{"part": "1 · ≤ 1 h", "calls": len(PAID)}],
    "Delay: median, 95th percentile, longest": delays,
    "Not returnable: messages to listen to": lambda s: [
        {"reason": said(s, "not_returnable", "withheld"), "messages": 1, "waiting": 1}
    ],
}  # fmt: skip
