"""The pages of a site without a feature: what is left is shown, and links to nothing that is gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from callmon.feature import Feature
from callmon.features import months, questions, webhooks
from callmon.site import FEATURES
from callmon.web.auth.identity import Role
from tests.support.pages_app import CALL, EXCHANGE, Pages, pages

EACH = [[months.FEATURE], [questions.FEATURE], [webhooks.FEATURE]]
TOGETHER = [feature for one in EACH for feature in one]
QUESTIONS = 'questions = ["why", "what-if", "staffing", "needs"]\n'  # that a page links to, where it is there


def without(taken: Sequence[Feature]) -> list[Feature]:
    return [feature for feature in FEATURES if feature not in taken]


def failing(site: Pages) -> dict[str, list[int]]:
    """The pages that nobody is shown, with the answers to each role."""
    paths = {
        path.format(exchange=EXCHANGE, call=CALL)
        for entry in site.daemon.page_context.table.values()
        if entry.is_page and "GET" in entry.methods
        for path in entry.paths.values()
        if not {"{id}", "{month}", "{name}"} & set(path.split("/"))
    }
    answers = {path: [visitor.get(path).status_code for visitor in site.visitors.values()] for path in paths}
    return {path: given for path, given in answers.items() if 200 not in given}


@pytest.mark.parametrize("taken", [*EACH, TOGETHER], ids=["months", "questions", "webhooks", "all three"])
def test_each_page_that_is_left_is_shown(taken: list[Feature], tmp_path: Path) -> None:
    with pages(tmp_path, first=QUESTIONS, features=without(taken)) as site:
        assert failing(site) == {}


def test_what_is_taken_out_is_neither_in_the_menu_nor_there(tmp_path: Path) -> None:
    with pages(tmp_path, first=QUESTIONS, features=without(TOGETHER)) as site:
        visitor = site.visitors[Role.MANAGER]
        now = visitor.get("/en/").text
        gone = ("/en/months", "/en/questions", "/en/webhooks", "/en/why")
        assert [path for path in gone if f'href="{path}' in now] == []
        assert {visitor.get(path).status_code for path in gone} == {404}
