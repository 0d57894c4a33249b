"""Every panel of the boards of metrics, fed by a real run: it shows what happened, counted apart from it.

A real Asterisk is called, `callmon run` writes to SQLite, its default, a real Prometheus scrapes it; the boards'
queries are then asked as Grafana would ask them. There is no Grafana server and no PostgreSQL in this test.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import pytest

from dashboards.source import LANGUAGES
from dashboards.source.drawn import Easel, cut_off, reported
from dashboards.source.lint import TWIN
from dashboards.source.readback import Board, read_wrong
from dashboards.source.shown import BOARDS
from tests.boards.compared import OF_WEEKS, found, told_by_panel
from tests.boards.day import C24, CFR
from tests.boards.scene import scene
from tests.boards.seen import Day, Json, Seen
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed
from tests.support.year import A, B, R, S, T, V

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
SHORTEST = 40  # calls of today
# These standards were met, not met and not known today; complaints fall due in days.
EACH_WAY = (A, V, T, R, C24, B, CFR, S)
NAMES = [board.name for board in BOARDS if board.name not in ("calls", OF_WEEKS)]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with needed("22"):
        asterisk = Asterisk("22")
    with asterisk, scene(asterisk, tmp_path_factory.mktemp("boards")) as reported:
        yield Day(reported, NAMES)


def told_of(day: Day, seen: Seen) -> list[str]:
    return found(day.scene, day.title(seen.board, seen.panel), seen)


def test_each_standard_was_met_not_met_and_not_known(day: Day) -> None:
    today = [call for call in day.scene.calls if call.name]
    assert sum(call.is_over for call in today) >= SHORTEST
    rows = of(day, "standards", "Each standard").rows
    judged = [row["standard"] for row in rows if row["Value #B"] and row["Value #C"] and row["Value #E"]]
    assert judged == [*EACH_WAY]
    assert len(rows) == 10


def test_every_panel_shows_what_happened_and_none_is_empty(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    table, wrong = told_by_panel(day)
    with capsys.disabled():
        print("\n\nboard          | panel | query | rows | equals what happened")  # noqa: T201 - the issue asks for it
        print("\n".join([*table, *wrong]))  # noqa: T201
    assert wrong == []


def test_disruptions_and_gaps_are_marked_on_every_board(day: Day) -> None:
    """Those that staff told of; that of the gap is a gap."""
    names = {
        "fr": ("POCI, Toronto", "ATS, Toronto", "ATS, sans frais"),
        "en": ("OINP, Toronto", "TTY, Toronto", "TTY, toll-free"),
    }
    for language, name, _ in day.every():
        marks = sorted(text for key, texts in day.marks.items() if key[:2] == (language, name) for text in texts)
        begins = {"fr": "Perturbation\u00a0: {}", "en": "Disruption: {}"}[language]
        gap = {"fr": "Mesure interrompue\u00a0: toronto", "en": "Unheard: toronto"}[language]
        assert marks == sorted([gap, *(begins.format(line) for line in names[language])]), (language, name)


def test_no_answer_that_a_board_gets_holds_a_callers_number(day: Day) -> None:
    reported = repr([seen.frames for seen in day.panels.values()]) + repr(day.marks)
    assert [call.number for call in day.scene.played if call.number in reported] == []


def numbers(day: Day, language: str, name: str, panel: Json, letters: set[str]) -> list[float]:
    """Every figure that the panel's queries gave."""
    frames = (frame for frame in day.panels[language, name, panel["id"]].frames if frame["refId"] in letters)
    fields = (field for frame in frames for field in frame["fields"] if field["name"].startswith("Value"))
    return sorted(value for field in fields for value in field["values"])


def test_graphs_and_their_tables_show_the_same(day: Day) -> None:
    """Tables of a heat map (up to each ring) and of a timeline (each hour) are compared by themselves.

    A target is no result and has no column.
    """
    for language, name, board in day.every():
        tables = {panel["title"]: panel for panel in board["panels"]}
        for panel in board["panels"]:
            beside = tables.get(panel["title"] + TWIN[language])
            if panel["type"] == "timeseries" and beside is not None:
                letters = {target["refId"] for target in beside["targets"]}
                assert numbers(day, language, name, panel, letters) == numbers(
                    day, language, name, beside, letters
                )


# ── drawn with Grafana's own components ──


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_on_the_page_is_what_happened_and_nothing_is_cut(
    day: Day, easel: Easel, name: str, language: str
) -> None:
    """Of a curve over minutes there is no truth: what the queries gave."""
    board, now = day.boards[language][name], day.scene.asked.now
    panels = {one["id"]: day.panels[language, name, one["id"]] for one in board["panels"]}
    frames = {number: seen.frames for number, seen in panels.items()}
    truths = {number: seen.rows if seen.truth is None else seen.truth for number, seen in panels.items()}
    with easel.drawn(board, frames, name, language, now) as page:
        assert cut_off(page, board) == []
        assert read_wrong(Board(name, language, now), reported(page), board["panels"], truths) == []


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
    ("live", "Today: before the 4th ring", 'mode="voice"', 'mode="tty"'),
    ("live", "Calls offered today, by half hour", "min_over_time", "max_over_time"),
    ("standards", "Each standard", 'verdict=~"unknown"', 'verdict=~"exempt"'),
    ("standards", "Each standard", "floor(1000 * sum", "floor(999 * sum"),
    ("standards", "Completeness: what was heard", 'heard="partly"', 'heard="filled"'),
    ("standards", "Redirections of an answered call", 'le="1.0"', 'le="2.0"'),
    ("standards", "Internal targets", 'verdict=~"met|not_met"', 'verdict=~"met"'),
    ("callbacks", "Callbacks to make, over time", "callbacks_overdue", "callbacks_due_soon"),
    ("callbacks", "Age of the oldest callback to make", "earliest_opened", "earliest_due"),
    ("parity", "Language parity: French minus English", 'language="en"', 'language="fr"'),
    ("parity", "TTY parity: teletypewriter minus voice", 'mode="tty"', 'mode="voice"'),
    ("disruptions", "Phones, by line", 'state="free"', 'state="in_use"'),
    ("disruptions", "The state of each line", "> bool 0", "> bool 1"),
    ("itself", "Sinks", "callmon_sink_refused_total", "callmon_sink_backlog"),
)


@pytest.mark.parametrize(("board", "title", "was", "now"), WRONG_QUERIES)
def test_a_query_that_asks_for_something_else_is_reported(
    day: Day, board: str, title: str, was: str, now: str
) -> None:
    for language in ("fr", "en"):
        seen = of(day, board, title, language)
        assert told_of(day, day.again(language, board, seen.panel)) == []
        assert told_of(day, day.again(language, board, changed(seen, was, now))) != []


def test_a_french_board_that_asks_for_other_words_than_its_own_is_reported(day: Day) -> None:
    seen, english = (of(day, "standards", "Each standard", language) for language in ("fr", "en"))
    assert told_of(day, replace(seen, frames=english.frames)) != []
    assert told_of(day, replace(english, frames=seen.frames)) != []


def test_a_panel_without_an_answer_is_empty(day: Day) -> None:
    nothing = (told_of(day, replace(seen, frames=[])) for seen in day.panels.values())
    assert {tuple(reported) for reported in nothing} == {("empty",)}
    seen = of(day, "itself", "Waiting to be written")
    nowhere = changed(seen, "callmon_sink_backlog{", 'callmon_sink_backlog{sink="nowhere", ')
    assert told_of(day, day.again("en", "itself", nowhere)) == ["empty"]


def test_a_panel_of_which_no_truth_is_known_is_reported(day: Day) -> None:
    seen = of(day, "live", "Callbacks to make")
    assert told_of(day, replace(seen, truth=None)) == ["nothing is known of it"]


WRONG_UNITS: tuple[tuple[str, str, str, str], ...] = (
    ("callbacks", "Age of the oldest callback to make", "A", "ms"),
    ("standards", "Rate of each standard, seven days up to each point", "A", "percentunit"),
    ("itself", "Version and role", "Value #C", "none"),
    ("callbacks", "Callbacks now, by line", "Value #I", "s"),
    ("standards", "Each standard", "Value #B", "s"),
)


@pytest.mark.parametrize(("board", "title", "column", "unit"), WRONG_UNITS)
def test_a_figure_in_the_wrong_unit_is_reported(day: Day, board: str, title: str, column: str, unit: str) -> None:
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
