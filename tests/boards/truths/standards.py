"""What the board of the service standards must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from callmon.config.standards import ALL_STANDARDS
from tests import year
from tests.boards.day import Happened
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    LINES,
    VERDICTS,
    Near,
    Row,
    Truth,
    at,
    by_size,
    counts,
    half_hour,
    judged,
    midnight,
    mode,
    over,
    percent,
    reasons,
    said,
    share,
    titled,
    today_of,
)
from tests.year import A, T, V


def each_standard(scene: Scene, among: Iterable[str] = ALL_STANDARDS) -> list[Row]:
    told = {name: [verdict for _, _, verdict, *_ in judged(scene, name)] for name in among}
    rows = [{"standard": said(scene, "standard", k), "key": k, **counts(v)} for k, v in told.items() if v]
    return sorted(rows, key=lambda row: str(row["standard"]))


def third_by(scene: Scene, cut: Callable[[Any], str], first: str) -> list[Row]:
    told: dict[str, list[str]] = {}
    for one in judged(scene, A):
        told.setdefault(cut(one), []).append(one[2])
    return [{first: name, **counts(told[name])} for name in sorted(told)]


def by_day(scene: Scene) -> list[Row]:
    return third_by(scene, lambda one: one[4].isoformat(), "date")


def by_day_as_series(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for row in by_day(scene):
        day = date.fromisoformat(row["date"])
        rows.append({"time": at(midnight(day)), **{v: row[v] for v in VERDICTS}})
    return rows


def rings(scene: Scene) -> list[Row]:
    told = Counter("6+" if c.ring >= 6 else str(c.ring) for c in over(scene) if c.outcome == "answered" and c.ring)
    return [{"part": ring, "calls": told[ring]} for ring in sorted(told)]


def rings_by_hour(scene: Scene) -> list[Row]:
    told: dict[float, Counter[int]] = {}
    for call in over(scene):
        if call.outcome == "answered" and call.ring:
            # An hour that a night has twice is one row, at its first beginning.
            hour = call.local.replace(minute=0, second=0, microsecond=0, fold=0).timestamp()
            told.setdefault(hour, Counter())[min(call.ring, 6)] += 1
    return [{"time": at(hour), **{f"ring_{n}": told[hour][n] for n in range(1, 7)}} for hour in sorted(told)]


def transfers(scene: Scene) -> list[Row]:
    known = [c.transfers for c in over(scene) if c.verdicts.get(T, ("",))[0] in ("met", "not_met")]
    told = Counter("3+" if n is not None and n >= 3 else str(n) for n in known)
    return [{"part": part, "calls": told[part]} for part in sorted(told)]


def week(scene: Scene) -> list[Row]:
    told = Counter((c.local.hour, c.local.isoweekday()) for c in over(scene))
    return [
        {"hour": f"{hour:02}:00", **{f"day_{n}": told[hour, n] for n in range(1, 8)}}
        for hour in sorted({hour for hour, _ in told})
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


def completeness(scene: Scene) -> list[Row]:
    rows: list[Row] = []
    for line in LINES:
        told = Counter(c.heard for c in over(scene) if c.line == line)
        whole = told["full"] + told["filled"]
        rows.append({
            "name": titled(scene, line), "offered": told.total(), "heard": told["full"], "filled": told["filled"],
            "partly": told["partly"], "complete_percent": share(whole, told.total()),
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["name"])


def last_opening_day(today: date) -> date:
    calendar = year.settings().calendar()
    return next(day for n in range(1, 10) if calendar.periods_on(day := today - timedelta(days=n)))


def targets(scene: Scene) -> list[Row]:
    """92.5 % on one line, beside its last opening day before today."""
    before = [one for one in judged(scene, "reach_a_person") if one[4] < today_of(scene) and one[0] == "general"]
    told = Counter(one[2] for one in before if one[4] == last_opening_day(today_of(scene)))
    row = {
        f"title_{scene.language}": said(scene, "standard", "reach_a_person"),
        f"name_{scene.language}": titled(scene, "general"),
        "Value #A": percent(92.5),
    }
    return [{**row, "Value #B": told["met"], "Value #C": told["met"] + told["not_met"]}]


STANDARDS: dict[str, Truth] = {
    "Each standard": each_standard,
    "Internal targets": targets,
    "Answer by the third ring, by line": lambda s: third_by(s, lambda one: titled(s, one[0]), "name"),
    "By mode: voice and TTY": lambda s: third_by(s, lambda one: said(s, "mode", mode(one[0])), "side"),
    "By language asked for": lambda s: third_by(s, lambda one: said(s, "language", one[1]), "side"),
    "Answer by the third ring, by day": by_day_as_series,
    "Answer by the third ring, by day (table)": by_day,
    "Cause of misses": lambda s: by_size(s, Counter(x[5] for x in judged(s, A) if x[2] == "not_met"), "cause"),
    "Answers by a person, by ring": rings,
    "Ring of the answer, by hour of arrival": rings_by_hour,
    "Redirections of an answered call": transfers,
    "Voicemail: too early, on time, too late": lambda s: by_size(s, reasons(s, V, ("met", "not_met")), "reason"),
    "Calls offered, by outcome": lambda s: by_size(s, Counter(c.outcome for c in over(s)), "outcome"),
    "Typical week: calls offered, by hour and day": week,
    "By half hour, for planning staff": half_hour_table,
    "Completeness: what was heard": completeness,
}
