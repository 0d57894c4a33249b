"""The page of the disruptions: the form comes first, with ready durations and reasons in both languages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.pages.test_pages import MANAGER, VIEWER, get, tell
from tests.support.fact_builder import TORONTO
from tests.support.pages_daemon import Site, site


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("disruptions")) as running:
        yield running


@pytest.mark.parametrize("path", ["/fr/perturbations", "/en/disruptions"])
def test_the_forms_come_before_the_lists_and_have_ready_reasons_in_both_languages(place: Site, path: str) -> None:
    page = get(place, path, MANAGER).text
    assert page.index('name="action" value="announce"') < page.index('id="h-going"')
    lists = dict(re.findall(r'<datalist id="ready-(\w+)".*?>(.*?)</datalist>', page))
    reasons = {name: re.findall(r'value="([^"]+)"', html.unescape(some)) for name, some in lists.items()}
    assert {name: len(some) for name, some in reasons.items()} == {"fr": 5, "en": 5}
    assert (reasons["fr"][2], reasons["en"][2]) == (
        "panne d'électricité dans l'édifice",
        "power failure in the building",
    )
    assert page.count('list="ready-fr"') == page.count('list="ready-en"') == 2  # an announcement, planned work


def test_a_viewer_sees_the_lists_alone(place: Site) -> None:
    page = get(place, "/en/disruptions", VIEWER).text
    assert ("<form" in page, "<datalist" in page, 'id="h-going"' in page) == (False, False, True)


def test_a_ready_duration_gives_the_expected_end_unless_a_time_is_given(place: Site) -> None:
    def announced(**fields: str) -> datetime:
        page = tell(place, "/en/disruptions", action="announce", line="tty", reason_en="no power", **fields).text
        (until,) = re.findall(r'name="until" value="([^"]+)"', page)
        return datetime.fromisoformat(until).replace(tzinfo=TORONTO)

    before = datetime.now(TORONTO).replace(second=0, microsecond=0)
    until = announced(lasts="2")
    assert before + timedelta(hours=2) <= until <= datetime.now(TORONTO) + timedelta(hours=2)
    given = (before + timedelta(hours=5)).replace(fold=0)
    assert announced(lasts="2", until=f"{given:%Y-%m-%dT%H:%M}") == given
