"""Every panel of every board, fed by a real run: it shows what happened, in numbers counted apart from it.

A real Asterisk is called, `callmon run` writes to a real PostgreSQL, a real Prometheus scrapes it; the boards'
queries are then asked as Grafana would ask them. There is no Grafana server in this test.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from tests.boards import LANGUAGES
from tests.boards.compared import found
from tests.boards.drawn import Easel, cut_off, told
from tests.boards.lint import TWIN
from tests.boards.model import GRAPHS
from tests.boards.readback import Board, read_wrong
from tests.boards.scene import scene
from tests.boards.seen import Day, Json, Seen
from tests.boards.shown import BOARDS
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed
from tests.support.environment import GIVEN

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
SHORTEST = 40  # calls of today


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with needed("22"):
        asterisk = Asterisk("22")
    with asterisk, scene(asterisk, tmp_path_factory.mktemp("boards")) as told:
        day = Day(told)
        if folder := GIVEN.get("CALLMON_BOARDS_COPY"):
            day.copy(Path(folder))
        yield day


def told_of(day: Day, seen: Seen) -> list[str]:
    return found(day.scene, day.title(seen.board, seen.panel), seen)


def test_each_standard_was_met_not_met_and_not_known(day: Day) -> None:
    today = [call for call in day.scene.calls if call.name]
    assert sum(call.is_over for call in today) >= SHORTEST
    rows = of(day, "standards", "Each standard").rows
    assert [row["key"] for row in rows if not (row["met"] and row["not_met"] and row["unknown"])] == []
    assert len(rows) == 10


def test_every_panel_shows_what_happened_and_none_is_empty(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    table, wrong = [], []
    for seen in day.panels.values():
        told = told_of(day, seen)
        name, title = f"{seen.board} {seen.language}", seen.panel["title"]
        wrong += [f"{name}, {title}: {one}" for one in told]
        asked = seen.panel["targets"][0].get("expr", seen.panel["targets"][0].get("rawSql", ""))
        equals = "no" if told else "yes"
        table.append(f"{name:14} | {title[:52]:52} | {asked[:60]:60} | {len(seen.rows):4} | {equals}")
    with capsys.disabled():
        print("\n\nboard          | panel | query | rows | equals what happened")  # noqa: T201 - the issue asks for it
        print("\n".join([*table, *wrong]))  # noqa: T201
    assert wrong == []


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
            if panel["type"] in GRAPHS and day.title(name, panel) != "Answer by the third ring, by day":
                beside = tables[panel["title"] + TWIN[language]]
                assert len(day.rows(language, name, panel)) == len(day.rows(language, name, beside))


# ── drawn with Grafana's own components ──


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [board.name for board in BOARDS])
def test_what_is_read_on_the_page_is_what_happened_and_nothing_is_cut(
    day: Day, easel: Easel, name: str, language: str
) -> None:
    """Of a curve over minutes there is no truth: what the queries gave."""
    board, now = day.boards[language][name], day.scene.asked.now
    panels = {one["id"]: day.panels[language, name, one["id"]] for one in board["panels"]}
    frames = {number: seen.frames for number, seen in panels.items()}
    truths = {number: seen.rows if seen.truth is None else seen.truth for number, seen in panels.items()}
    with easel.drawn(board, frames, name, language, now) as page:
        assert [one for one in cut_off(page) if one[2] != "scrolled"] == []
        assert read_wrong(Board(name, language, now), told(page), board["panels"], truths) == []


# ── planted faults: the same run tells each ──


def of(day: Day, board: str, title: str, language: str = "en") -> Seen:
    """By the English title."""
    return next(
        seen
        for seen in day.panels.values()
        if (seen.board, seen.language) == (board, language) and day.title(board, seen.panel) == title
    )


def changed(seen: Seen, was: str, now: str) -> Json:
    """The panel with another text in its queries."""
    panel = deepcopy(seen.panel)
    for target in panel["targets"]:
        for key in ("expr", "rawSql"):
            if key in target:
                target[key] = target[key].replace(was, now)
    assert panel != seen.panel
    return panel


WRONG_QUERIES = (
    ("live", "Callbacks to make", 'line=~"$line"', 'line="general"'),
    ("live", "Callbacks to make", "callbacks_open", "callbacks_overdue"),
    ("live", "Today: before the 4th ring", "NOT IN (SELECT", "IN (SELECT"),
    ("live", "Calls offered by half hour", "% 7 = 0", "% 7 >= 0"),
    ("standards", "Each standard", "verdict = 'unknown'", "verdict = 'exempt'"),
    ("standards", "Completeness: what was heard", "heard = 'partly'", "heard = 'filled'"),
    ("standards", "Internal targets", 'verdict=~"met|not_met"', 'verdict=~".+"'),
    ("callbacks", "Callbacks by day of the message", "AND is_overdue", "AND NOT is_overdue"),
    ("parity", "Language parity: French and English", "hours IN", "hours NOT IN"),
    ("disruptions", "Phones, by line", 'state="free"', 'state="in_use"'),
    ("itself", "Sinks", "callmon_sink_refused_total", "callmon_sink_backlog"),
)


@pytest.mark.parametrize(("board", "title", "was", "now"), WRONG_QUERIES)
def test_a_query_that_asks_for_something_else_is_told(
    day: Day, board: str, title: str, was: str, now: str
) -> None:
    for language in ("fr", "en"):
        seen = of(day, board, title, language)
        assert told_of(day, day.again(language, board, seen.panel)) == []
        assert told_of(day, day.again(language, board, changed(seen, was, now))) != []


def test_a_french_board_that_asks_for_other_words_than_its_own_is_told(day: Day) -> None:
    seen, english = (of(day, "standards", "Cause of misses", language) for language in ("fr", "en"))
    assert told_of(day, replace(seen, frames=english.frames)) != []
    assert told_of(day, replace(english, frames=seen.frames)) != []


def test_a_panel_without_an_answer_is_empty(day: Day) -> None:
    nothing = (told_of(day, replace(seen, frames=[])) for seen in day.panels.values())
    assert {tuple(told) for told in nothing} == {("empty",)}
    seen = of(day, "itself", "Waiting to be written")
    nowhere = changed(seen, "callmon_sink_backlog", 'callmon_sink_backlog{sink="nowhere"}')
    assert told_of(day, day.again("en", "itself", nowhere)) == ["empty"]
    none = changed(of(day, "live", "Today: in French"), "verdict = 'met'", "verdict = 'nothing'")
    assert told_of(day, day.again("en", "live", none)) == ["empty"]


def test_a_panel_of_which_no_truth_is_known_is_told(day: Day) -> None:
    seen = of(day, "live", "Callbacks to make")
    assert told_of(day, replace(seen, truth=None)) == ["nothing is known of it"]


WRONG_UNITS: tuple[tuple[str, str, str, str], ...] = (
    ("callbacks", "Delay: median, 95th percentile, longest", "median_seconds", "ms"),
    ("standards", "Completeness: what was heard", "complete_percent", "percentunit"),
    ("itself", "Version and role", "Value #C", "none"),
    ("callbacks", "Open entries, the most urgent first", "due_at", "s"),
    ("standards", "Each standard", "met", "s"),
)


@pytest.mark.parametrize(("board", "title", "column", "unit"), WRONG_UNITS)
def test_a_figure_in_the_wrong_unit_is_told(day: Day, board: str, title: str, column: str, unit: str) -> None:
    seen = of(day, board, title)
    panel = deepcopy(seen.panel)
    overrides = [one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == column]
    (given,) = [one for override in overrides for one in override["properties"] if one["id"] == "unit"] or [
        add(panel, column)
    ]
    given["value"] = unit
    assert told_of(day, replace(seen, panel=panel)) != []


def add(panel: Json, column: str) -> Json:
    """A unit for a column that has the panel's."""
    one: Json = {"id": "unit", "value": ""}
    (override,) = [one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == column]
    override["properties"].append(one)
    return one
