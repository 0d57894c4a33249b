"""The boards drawn with Grafana's own components, in a browser: each figure is read back from the page.

What the queries give is made up here (`boards/samples.py`); `test_real_boards` draws what a real run gave.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from dashboards.source import LANGUAGES, drawn, lint, states
from dashboards.source.drawn import PHONE
from dashboards.source.readback import Board, read_wrong
from dashboards.source.samples import samples
from dashboards.source.shown import BOARDS
from tests.support.year import TORONTO

pytestmark = pytest.mark.lab
Json = dict[str, Any]
NOW = datetime(2026, 11, 25, 14, 11, 30, tzinfo=TORONTO).timestamp()
EVERY = [(language, board.name) for language in LANGUAGES for board in BOARDS]


def wrong(easel: drawn.Easel, language: str, name: str, board: Json) -> list[str]:
    """What is read on the page and is not what the queries gave."""
    made = samples(name, lint.read(language)[name], language, NOW)
    frames = {number: one.frames for number, one in made.items()}
    with easel.drawn(board, frames, name, language, NOW) as page:
        reported = drawn.reported(page)
    truths = {number: one.truth for number, one in made.items()}
    return read_wrong(Board(name, language, NOW), reported, board["panels"], truths)


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_every_figure_of_a_board_is_read_on_the_page(easel: drawn.Easel, language: str, name: str) -> None:
    assert wrong(easel, language, name, lint.read(language)[name]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_a_stat_is_cut_on_a_telephone_in_the_light(easel: drawn.Easel, language: str) -> None:
    """Tables are scrolled there."""
    for name in ("live", "standards", "callbacks", "disruptions", "planning"):
        board = lint.read(language)[name]
        frames = {number: one.frames for number, one in samples(name, board, language, NOW).items()}
        frames = dict(states.open_day(board, frames)) if name == "live" else frames
        board["panels"] = [panel for panel in board["panels"] if panel["type"] == "stat"]
        with easel.drawn(board, frames, name, language, NOW, 1, "light", PHONE) as page:
            assert drawn.cut_off(page, board) == [], name


# ── faults that are planted ──


def titled(board: Json, title: str) -> Json:
    (panel,) = (one for one in board["panels"] if one["title"] == title)
    result: Json = panel
    return result


def setting(title: str, column: str, name: str, value: Any) -> Callable[[Json], None]:
    """A column's setting is another."""

    def plant(board: Json) -> None:
        overrides = titled(board, title)["fieldConfig"]["overrides"]
        (override,) = (one for one in overrides if one["matcher"]["options"] == column)
        rest = [one for one in override["properties"] if one["id"] != name]
        override["properties"] = [*rest, {"id": name, "value": value}]

    return plant


def without(title: str, *path: str) -> Callable[[Json], None]:
    """A panel's default is not there."""

    def plant(board: Json) -> None:
        place = titled(board, title)["fieldConfig"]["defaults"]
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]

    return plant


MANY = [{"type": "range", "options": {"from": 5, "to": None, "result": {"index": 0, "text": "many"}}}]
DELAY = "Delay: median, 95th percentile, longest"
FAULTS: list[tuple[str, str, Callable[[Json], None]]] = [
    ("milliseconds for seconds", "calls", setting(DELAY, "median_seconds", "unit", "ms")),
    ("no unit of a share", "standards", setting("Each standard", "Value #G", "unit", "none")),
    ("three decimals of a share", "standards", setting("Each standard", "Value #G", "decimals", 3)),
    ("decimals of a count", "live", setting("Callbacks to make", "A", "decimals", 2)),
    ("a word for a number", "callbacks", setting("Callbacks now, by line", "Value #D", "mappings", MANY)),
    ("a hidden column", "standards", setting("Each standard", "Value #E", "custom.hidden", True)),
    ("another column's name", "standards", setting("Each standard", "Value #B", "displayName", "■ not met")),
    ("a moment without its day", "callbacks", setting("Next callback to make", "A", "unit", "time:h:mm")),
    ("an axis from the least value", "itself", without("Memory", "custom", "axisSoftMin")),
]


@pytest.mark.parametrize(("fault", "name", "plant"), FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_figure_that_would_mislead_is_seen(
    easel: drawn.Easel, fault: str, name: str, plant: Callable[[Json], None]
) -> None:
    board = deepcopy(lint.read("en")[name])
    plant(board)
    board["panels"] = [one for one in board["panels"] if one not in lint.read("en")[name]["panels"]]
    assert len(board["panels"]) == 1, fault
    assert wrong(easel, "en", name, board) != []


# ── states ──

SAID = {
    "fr": ("Heures d’ouverture", "Mesure", "Perturbation du service", "Aucun connu", "■ callmon ne répond pas"),
    "en": ("Opening hours", "Measuring", "Service disruption", "None known", "■ callmon does not answer"),
}
TODAY = (6, 7, 8, 9)  # the panels of today's promises


def live_in(easel: drawn.Easel, language: str, state: states.State) -> dict[int, list[str]]:
    """What the wall's stats say then; nothing that is cut."""
    board = lint.read(language)["live"]
    made = samples("live", board, language, NOW)
    frames = states.open_day(board, {number: one.frames for number, one in made.items()})
    with easel.drawn(board, state(board, frames), "live", language, NOW) as page:
        assert drawn.cut_off(page, board) == []
        reported = drawn.reported(page).values()
    return {
        one.number: [one.empty] if one.empty else [figure["value"] for figure in one.shown]
        for one in reported
        if one.kind == "stat"
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wall_claims_nothing_when_nothing_answers(easel: drawn.Easel, language: str) -> None:
    *_, none_known, down = SAID[language]
    reported = live_in(easel, language, states.callmon_down)
    assert [reported[number] for number in (1, 2, 3, 4, *TODAY, 10, 11, 12, 13)] == [
        ["?"], ["?"], [down], ["?"], ["?"], ["?"], ["?"], ["?"], [none_known], ["?"], ["?"], ["?"],
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_wall_says_closed_unheard_and_that_there_is_no_disruption(easel: drawn.Easel, language: str) -> None:
    hours, measuring, disruption, *_ = SAID[language]
    closed = live_in(easel, language, states.said(hours, 0))
    assert closed[1][0] == {"fr": "○ FERMÉ", "en": "○ CLOSED"}[language]
    unheard = live_in(easel, language, states.said(measuring, 0))
    assert unheard[3] == [{"fr": "■ Mesure interrompue", "en": "■ Unheard"}[language]]
    none = live_in(easel, language, states.said(disruption, 0))
    assert none[4] == [{"fr": "✓ aucune", "en": "✓ none"}[language]]
