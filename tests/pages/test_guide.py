"""The guide: the runbook as a page that needs no sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from callmon.errors import Sentence
from dashboards.source.shown import BOARDS
from tests.support.pages_app import NOBODY, Pages, pages
from tests.unit.test_alerts import ALERTS


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("guide")) as opened:
        yield opened


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_stranger_reads_every_section_that_an_alert_or_board_links_to(site: Pages, language: str) -> None:
    answer = site.visitors[NOBODY].get(f"/{language}/guide")
    assert (answer.status_code, f'<html lang="{language}">' in answer.text) == (200, True)
    anchors = set(re.findall(r'<h2 id="([^"]+)"', answer.text))
    linked = {*(alert.lower() for alert in ALERTS), *(f"board-{board.name}" for board in BOARDS)}
    assert sorted(linked - anchors) == []


def test_the_menu_of_a_person_who_is_not_signed_in_has_the_guide_alone(site: Pages) -> None:
    page = site.visitors[NOBODY].get("/en/guide").text
    menu = page.partition('<nav aria-label="Pages">')[2].partition("</nav>")[0]
    assert re.findall(r'href="([^"]+)"', menu) == ["/en/guide"]


def test_which_pair_is_missing_is_shown_to_the_signed_in_alone(
    site: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Sentence("pair {name}: {why}", name="ottawa", why=Sentence("its schema has no callmon tables"))
    monkeypatch.setattr(site.daemon.page_context, "notes", [missing])
    notes = {who: visitor.get("/en/guide").text.count("pair ottawa") for who, visitor in site.visitors.items()}
    assert notes == {who: int(who != NOBODY) for who in site.visitors}
