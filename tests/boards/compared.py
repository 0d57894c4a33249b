"""What a panel shows beside what happened: the rows, none too many, and the units in which they are told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dashboards.source.asking import STEP
from dashboards.source.lint import TWIN, UNITS, shown_columns
from dashboards.source.readback import is_sorted
from tests.boards.scene import HELD_UP, Scene
from tests.boards.seen import Day, Json, Rows, Seen
from tests.boards.truths.counting import Near

CURVES = {
    ("disruptions", "The state of each line"),
    *(("itself", name) for name in ("Events received a second", "Waiting to be written")),
    *(("itself", name) for name in ("How late the oldest is", "Memory")),
}
# Its figures are of weeks, of which the run has minutes; `test_boards_drawn` and the linter read it.
OF_WEEKS = "planning"
LABELS = {"", "Time", "exchange", "sink", "instance", "le"}
PART_OF = re.compile(r"(\d+) (?:of|sur) (\d+)")
IN_MILLISECONDS = "time:"


def found(scene: Scene, title: str, seen: Seen) -> list[str]:
    """What differs from what happened; `title` is the English one."""
    rows = seen.rows
    if is_empty(seen.panel, rows):
        return ["empty"]
    title = title.removesuffix(TWIN["en"])
    if seen.truth is None and (seen.board, title) in CURVES:
        return curve(scene, title, rows)
    if seen.truth is None:
        return ["nothing is known of it"]
    # A column of words has the order of the database's alphabet: that of English is ours, too.
    is_sql = "rawSql" in seen.panel["targets"][0]
    reported = different(seen.truth, rows, seen.language == "en" if is_sql else is_sorted(seen.panel))
    return [*reported, *wrong_units(seen.panel, seen.truth)]


def told_by_panel(day: Day) -> tuple[list[str], list[str]]:
    """A line for each panel that was asked; and what differs from what happened."""
    table, wrong = [], []
    for seen in day.panels.values():
        reported = found(day.scene, day.title(seen.board, seen.panel), seen)
        name, title = f"{seen.board} {seen.language}", seen.panel["title"]
        wrong += [f"{name}, {title}: {one}" for one in reported]
        asked = seen.panel["targets"][0].get("expr", seen.panel["targets"][0].get("rawSql", ""))
        equals = "no" if reported else "yes"
        table.append(f"{name:14} | {title[:52]:52} | {asked[:60]:60} | {len(seen.rows):4} | {equals}")
    return table, wrong


# ── nothing ──


def is_empty(panel: Json, rows: Rows) -> bool:
    """No row; or zeros alone, all and none of a hundred: a query that lost its label would show that, too."""
    reported = [
        (unit_of(panel, row, name), value) for row in rows for name, value in row.items() if name not in LABELS
    ]
    numbers = [(unit, value) for unit, value in reported if isinstance(value, int | float)]
    if numbers:
        return not any(_tells(unit, value) for unit, value in numbers)
    parts = [found for _, value in reported if (found := PART_OF.fullmatch(str(value)))]
    if parts:
        return all(part[1] in ("0", part[2]) for part in parts)
    return not any(value for _, value in reported)


def _tells(unit: str, value: float) -> bool:
    is_share = unit in UNITS["percent"]
    return value not in ((0, 100) if is_share else (0,))


# ── units ──


def unit_of(panel: Json, row: Mapping[str, Any], name: str) -> str:
    """Of a column; of a figure of Prometheus, by its query's letter."""
    columns = shown_columns(panel)
    reported = columns.get(name, columns.get(str(row.get("", "")), {}))
    return str(reported.get("unit", panel["fieldConfig"]["defaults"].get("unit", "")))


def wrong_units(panel: Json, truth: Rows) -> list[str]:
    letters = [target["refId"] for target in panel["targets"]]
    wrong = set()
    for place, row in enumerate(truth):
        # A stat has a row a query.
        letter = row.get("", letters[min(place, len(letters) - 1)])
        for name, value in row.items():
            if name == "Time" and panel["type"] != "table":
                continue  # an axis
            unit = unit_of(panel, {"": letter}, name)
            if (measured := _measured(value)) and not _may_say(unit, measured):
                wrong.add(f"{name}: {measured} are shown in the unit {unit or 'none'}")
    return sorted(wrong)


def _measured(value: Any) -> str:
    match value:
        case Near():
            return value.unit
        case int():
            return "count"
    return ""


def _may_say(unit: str, measured: str) -> bool:
    return any(unit == one or (one == IN_MILLISECONDS and unit.startswith(one)) for one in UNITS[measured])


# ── rows ──


def different(expected: Rows, rows: Rows, in_order: bool) -> list[str]:
    if len(expected) != len(rows):
        return [f"{len(rows)} rows, not {len(expected)}: {rows} instead of {expected}"]
    rest = list(rows)
    wrong = []
    for want in expected:
        among = rest[:1] if in_order else rest
        match = next((row for row in among if all(same(v, row.get(k, "absent")) for k, v in want.items())), None)
        if match is None:
            wrong.append(f"{dict(want)} is not among {[dict(row) for row in among]}")
            match = rest[0]
        rest.remove(match)
    return wrong


def same(want: Any, got: Any) -> bool:
    if isinstance(want, float) and isinstance(got, int | float):
        return abs(want - got) < 1e-6
    return bool(want == got)


def curve(scene: Scene, title: str, rows: Rows) -> list[str]:
    """Curves over the few minutes of the run."""
    values = list(_values(rows))
    match title:
        case "The state of each line":
            # Open, but for the gap and two disruptions that last.
            last = max(row["Time"] for row in rows)
            now = Counter(_values(row for row in rows if row["Time"] == last))
            good = set(values) == {1.0, 2.0, 3.0} and now == {1.0: 4, 3.0: 2}
        case "Events received a second":
            carried = scene.events[1] - scene.before_prometheus
            good = sum(values) * STEP == Near(carried, carried * 0.25)
            values = [*values, carried]
        case "Waiting to be written":
            # One heartbeat a second. At the end a few may be on their way.
            good = max(values) >= int(HELD_UP - STEP) > values[-1]
        case "How late the oldest is":
            # A second until the first heartbeat, a step until a scrape; a busy machine commits seconds later.
            least = HELD_UP - 1 - STEP
            good = least <= max(values) <= 2 * HELD_UP and values[-1] < least
        case "Memory":
            good = all(value == Near(scene.memory, scene.memory * 0.15) for value in values)
    return [] if good else [f"{title}: {values}"]


def _values(rows: Iterable[Mapping[str, Any]]) -> Iterator[float]:
    return (next(value for name, value in row.items() if _is_value(name)) for row in rows)


def _is_value(name: str) -> bool:
    return name not in LABELS and not name.startswith("name_")
