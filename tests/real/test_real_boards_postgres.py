"""The board of calls and entries, fed by a real run on PostgreSQL: each list shows what happened.

As `test_real_boards`, with callmon's other database; the board's queries are asked as the role of boards.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import pytest

from dashboards.source import LANGUAGES
from dashboards.source.drawn import Easel, cut_off, reported
from dashboards.source.readback import Board, read_wrong
from tests.boards.compared import found, told_by_panel
from tests.boards.scene import scene
from tests.boards.seen import Day, Seen
from tests.lab.exchange import Asterisk
from tests.lab.needed import needed

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
NAME = "calls"


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    with needed("22"):
        asterisk = Asterisk("22")
    with asterisk, scene(asterisk, tmp_path_factory.mktemp("boards"), is_postgres=True) as reported:
        yield Day(reported, [NAME])


def test_every_list_shows_what_happened_and_none_is_empty(day: Day) -> None:
    _, wrong = told_by_panel(day)
    assert wrong == []


def test_no_answer_holds_a_callers_number(day: Day) -> None:
    reported = repr([seen.frames for seen in day.panels.values()])
    assert [call.number for call in day.scene.played if call.number in reported] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_read_on_the_page_is_what_happened_and_nothing_is_cut(
    day: Day, easel: Easel, language: str
) -> None:
    board, now = day.boards[language][NAME], day.scene.asked.now
    panels = {one["id"]: day.panels[language, NAME, one["id"]] for one in board["panels"]}
    frames = {number: seen.frames for number, seen in panels.items()}
    truths = {number: seen.truth or [] for number, seen in panels.items()}
    with easel.drawn(board, frames, NAME, language, now) as page:
        assert cut_off(page, board) == []
        assert read_wrong(Board(NAME, language, now), reported(page), board["panels"], truths) == []


def of(day: Day, title: str) -> Seen:
    return next(seen for seen in day.panels.values() if seen.language == "en" and seen.panel["title"] == title)


@pytest.mark.parametrize(
    ("title", "was", "now"),
    [
        ("Open entries, the most urgent first", "NOT o.is_to_listen_to", "o.is_to_listen_to"),
        ("Typical week: calls offered, by hour and day", "half_hour / 2", "half_hour / 3"),
        ("By half hour, for planning staff", "sum(answered)", "sum(offered)"),
        ("Measurement gaps", "unheard_seconds AS", "unheard_seconds * 2 AS"),
    ],
)
def test_a_query_that_asks_for_something_else_is_reported(day: Day, title: str, was: str, now: str) -> None:
    seen = of(day, title)
    panel = deepcopy(seen.panel)
    (target,) = panel["targets"]
    target["rawSql"] = target["rawSql"].replace(was, now)
    assert panel != seen.panel
    again = day.again("en", NAME, panel)
    assert found(day.scene, title, again) != []
