"""What the board of calls and entries must show, from PostgreSQL."""

from __future__ import annotations

from collections import Counter
from statistics import median

from tests.boards.day import WITHIN, Happened
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    PAID,
    TO_CALL,
    Near,
    Row,
    Truth,
    at,
    between,
    half_hour,
    in_words,
    lasting,
    moments,
    opened_at,
    over,
    paid_after,
    said,
    titled,
    unheard,
)
from tests.support.year import A


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


def delays(scene: Scene) -> list[Row]:
    reported = sorted(paid_after(scene, one) for one in PAID)
    longest = lasting(reported[-1], 1.5)
    middle = lasting(median(reported), 1.5)
    return [{"made": len(reported), "median_seconds": middle, "high_seconds": longest, "most_seconds": longest}]


def week(scene: Scene) -> list[Row]:
    reported = Counter((c.local.hour, c.local.isoweekday()) for c in over(scene))
    return [
        {"hour": f"{hour:02}:00", **{f"day_{n}": reported[hour, n] for n in range(1, 8)}}
        for hour in sorted({hour for hour, _ in reported})
    ]


def half_hour_table(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for half in sorted({half_hour(c) for c in over(scene)}):
        calls = [c for c in over(scene) if half_hour(c) == half]
        rows.append({
            "hour": f"{half // 2:02}:{half % 2 * 30:02}",
            "offered": len(calls),
            "answered": sum(c.outcome == "answered" for c in calls),
            "by_third_ring": sum(c.verdicts[A][0] == "met" for c in calls),
            "nobody_free": sum(c.verdicts[A][2] == "nobody_free" for c in calls),
            # Callers' own side and the exchange may order a hang-up and an arrival otherwise.
            "at_once": Near(max(at_once(scene, c) for c in calls), 1),
        })  # fmt: skip
    return rows


def at_once(scene: Scene, call: Happened) -> int:
    assert call.arrived is not None
    return sum(
        c.line == call.line and c.arrived <= call.arrived < c.ended  # type: ignore[operator]  # all of these are over
        for c in over(scene)
    )


def disrupted(scene: Scene) -> list[Row]:
    reason = in_words(scene, "panne du fournisseur", "carrier failure")
    missing = in_words(scene, "▲ à donner", "▲ to be given")
    rows: list[Row] = []
    for line in ("poci", "tty-toll-free", "tty"):
        began, end = scene.reported[line], scene.reported.get(f"{line} over")
        last = end or (scene.asked.now - 1, scene.asked.now)
        rows.append({
            "name": titled(scene, line), "source": said(scene, "disruption", "staff"), "began_at": moments(began),
            "ended_at": moments(end) if end else None,
            "lasted_seconds": between(last[0] - began[1], last[1] - began[0], "seconds"),
            "reason": reason if line == "poci" else missing,
            "notice_seconds": lasting(0, 0) if line == "poci" else None,
        })  # fmt: skip
    return rows


CALLS: dict[str, Truth] = {
    "Open entries, the most urgent first": open_entries,
    "Delay: median, 95th percentile, longest": delays,
    "Not returnable: messages to listen to": lambda s: [
        {"reason": said(s, "not_returnable", "withheld"), "messages": 1, "waiting": 1}
    ],
    "Disruptions, the latest first": disrupted,
    "Measurement gaps": lambda s: [
        {"exchange": "toronto", "unheard_seconds": unheard(s), "began_at": moments(s.reported["cut"])}
    ],
    "Typical week: calls offered, by hour and day": week,
    "By half hour, for planning staff": half_hour_table,
}
