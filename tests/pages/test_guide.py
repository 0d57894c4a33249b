"""The guide: the runbook as a page that needs no sign-in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.config.settings import example_text, parse
from callmon.errors import Sentence
from dashboards.source.shown import BOARDS
from tests.support.pages_app import NOBODY, Pages, pages
from tests.unit.test_alerts import ALERTS

LINES = [*parse(example_text()).lines()]


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


def section(page: str, alert: str) -> str:
    """What a reader sees below the heading of that alert, before its entry."""
    return page.partition(f'id="{alert.lower()}"')[2].partition("</h2>")[2].partition("<ul>\n<li><em>")[0]


def test_each_section_says_what_is_measured_now_and_whether_it_is_over(site: Pages) -> None:
    page = site.visitors["viewer"].get("/en/guide").text
    assert [alert for alert in ALERTS if section(page, alert).count("Is it over?") != 1] == []
    assert "Yes, as callmon sees it at " in section(page, "CallmonDown")
    entry = section(page, "CallmonTestCallDue")
    assert re.findall("<li>(.+)</li>", entry) == [
        f'<span aria-hidden="true">■ </span>{title}: never tested' for title in ("TTY, Toronto", "TTY, toll-free")
    ]
    assert '<span class="over"><span aria-hidden="true">■ </span>Not at ' in entry


def test_a_stranger_sees_the_public_numbers_and_nothing_that_is_measured(site: Pages) -> None:
    page = site.visitors[NOBODY].get("/fr/guide").text
    assert re.findall(r'href="tel:([^"]+)"', page) == [number for line in LINES for number in line.numbers]
    assert page.count('class="measured"') == 0


def test_whom_to_call_is_in_each_section_for_readers_who_signed_in(tmp_path: Path) -> None:
    contacts = 'contacts = { telephony = "416 555-0190", administrator = "202" }\n'
    with pages(tmp_path, first=contacts) as opened:
        page, strange = (opened.visitors[who].get("/en/guide").text for who in ("viewer", NOBODY))
    numbers = re.findall(r'(\w+) <a href="tel:([^"]+)">([^<]+)</a>', section(page, "CallmonLineUnstaffed"))
    assert numbers == [("Telephony", "+14165550190", "416-555-0190"), ("Administrator", "202", "202")]
    assert "tel:202" not in strange
