"""Every panel of every board, fed by a real run: it shows what happened, in numbers counted apart from it.

A real Asterisk is called, `callmon run` writes to a real PostgreSQL, a real Prometheus scrapes it; the boards'
queries are then asked as Grafana would ask them. There is no Grafana server in this test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.boards.asking import STEP
from tests.boards.lint import TWIN
from tests.boards.model import GRAPHS
from tests.boards.scene import HELD_UP, scene
from tests.boards.seen import Day
from tests.boards.truths import TRUTHS, Near
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
Json = dict[str, Any]
Rows = list[Mapping[str, Any]]
CURVES = {
    ("disruptions", "Heard, over time"),
    *(("itself", name) for name in ("Events received a second", "Waiting to be written")),
    *(("itself", name) for name in ("How late the oldest is", "Memory")),
}
SHORTEST = 40  # calls of today


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with needed("22"):
        asterisk = Asterisk("22")
    with asterisk, scene(asterisk, tmp_path_factory.mktemp("boards")) as told:
        day = Day(told)
        if folder := os.environ.get("CALLMON_BOARDS_COPY"):
            day.copy(Path(folder))
        yield day


def test_each_standard_was_met_not_met_and_not_known(day: Day) -> None:
    today = [call for call in day.scene.calls if call.name]
    assert sum(call.is_over for call in today) >= SHORTEST
    (panel,) = (p for p in day.boards["en"]["standards"]["panels"] if p["title"] == "Each standard")
    rows = day.rows("en", "standards", panel)
    assert [row["key"] for row in rows if not (row["met"] and row["not_met"] and row["unknown"])] == []
    assert len(rows) == 10


def test_every_panel_shows_what_happened_and_none_is_empty(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    table, wrong = [], []
    for name, board in day.boards["en"].items():
        for panel in board["panels"]:
            rows = day.rows("en", name, panel)
            told = found(day, name, panel, rows)
            wrong += [f"{name}, {panel['title']}: {one}" for one in told]
            asked = panel["targets"][0].get("expr", panel["targets"][0].get("rawSql", ""))
            equals = "no" if told else "yes"
            table.append(f"{name:11} | {panel['title'][:52]:52} | {asked[:60]:60} | {len(rows):4} | {equals}")
    with capsys.disabled():
        print("\n\nboard       | panel | query | rows | equals what happened")  # noqa: T201 - what the issue asks for
        print("\n".join([*table, *wrong]))  # noqa: T201
    assert wrong == []


def found(day: Day, name: str, panel: Json, rows: Rows) -> list[str]:
    """What differs; a panel without anything, or with zeros alone, is empty."""
    if not any(
        value not in (None, 0, "") for row in rows for key, value in row.items() if key not in ("", "Time", "time")
    ):
        return ["empty"]
    title = panel["title"].removesuffix(TWIN["en"])
    if (name, title) in CURVES:
        return curve(day, title, rows)
    truth = TRUTHS[name].get(panel["title"], TRUTHS[name].get(title))
    assert truth is not None, f"nothing is known of {panel['title']}"
    return different(truth(day.scene), rows, in_order=panel["type"] != "table" or "rawSql" in panel["targets"][0])


def different(expected: list[Any], rows: Rows, in_order: bool) -> list[str]:
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


def curve(day: Day, title: str, rows: Rows) -> list[str]:
    """Curves over the few minutes of the run."""
    values = [
        next(v for k, v in row.items() if k not in ("", "Time", "exchange", "sink", "instance")) for row in rows
    ]
    match title:
        case "Heard, over time":
            good = set(values) == {0.0, 1.0}
        case "Events received a second":
            carried = day.scene.messages[1] - day.scene.before_prometheus
            good = sum(values) * STEP == Near(carried, carried * 0.25)
            values = [*values, carried]
        case "Waiting to be written":
            good = max(values) >= 1 and values[-1] == 0
        case "How late the oldest is":
            # The calls end two or three seconds after the tables were taken.
            good = max(values) == Near(HELD_UP - 2.5 - STEP / 2, STEP / 2 + 1.5)
        case "Memory":
            good = all(value == Near(day.scene.memory, day.scene.memory * 0.15) for value in values)
    return [] if good else [f"{title}: {values}"]


def test_both_languages_show_the_same_figures_and_neither_the_others_words(day: Day) -> None:
    wrong = []
    for name, board in day.boards["fr"].items():
        for french, english in zip(board["panels"], day.boards["en"][name]["panels"], strict=True):
            pair = day.rows("fr", name, french), day.rows("en", name, english)
            if french["title"] not in ("Heure", "Prochain rappel à faire", "Version et rôle"):
                one, other = (sorted(map(figures, rows)) for rows in pair)
                wrong += [f"{name}, {french['title']}: {one} {other}"] if not alike(one, other) else []
    assert wrong == []


def figures(row: Mapping[str, Any]) -> list[float]:
    return [float(value) for value in row.values() if isinstance(value, int | float)]


def alike(one: list[list[float]], other: list[list[float]]) -> bool:
    """What still goes on has grown by the moment that lay between the two questions."""
    return len(one) == len(other) and all(
        len(a) == len(b) and all(x == Near(y, 3.0) for x, y in zip(a, b, strict=True))
        for a, b in zip(one, other, strict=True)
    )


def test_disruptions_and_gaps_are_marked_on_every_board(day: Day) -> None:
    for language, name, _ in day.every():
        marks = {key[2]: rows for key, rows in day.marks.items() if key[:2] == (language, name)}
        assert [len(rows) for rows in marks.values()] == [3, 1], (language, name)
        texts = {row[2] for rows in marks.values() for row in rows}
        assert ("Hors d'écoute : toronto".replace(" :", "\u00a0:") in texts) == (language == "fr")
        assert ("Unheard: toronto" in texts) == (language == "en")


def test_no_answer_that_a_board_gets_holds_a_callers_number(day: Day) -> None:
    told = repr([seen.frames for seen in day.panels.values()]) + repr(day.marks)
    assert [call.number for call in day.scene.played if call.number in told] == []


def test_graphs_and_their_tables_show_the_same(day: Day) -> None:
    for language, name, board in day.every():
        tables = {panel["title"]: panel for panel in board["panels"]}
        for panel in board["panels"]:
            if panel["type"] in GRAPHS and panel["title"] != "Answer by the third ring, by day":
                beside = tables[panel["title"] + TWIN[language]]
                assert len(day.rows(language, name, panel)) == len(day.rows(language, name, beside))
