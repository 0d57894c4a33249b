"""The page of the months: a row a month with its figures, its state, and one click to each file."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.pages.test_pages import MANAGER, MONTH, get
from tests.pages.test_pages_callbacks import text
from tests.support.pages_daemon import Site, site
from tests.support.store_fixtures import until

PATHS = {"fr": "/fr/mois", "en": "/en/months"}
HEADS = {
    "fr": ["Mois", "Appels", "3e sonnerie", "Messagerie", "Rappelés en 24 h", "Exhaustivité", "État",
           "Fichiers, édition interne"],
    "en": ["Month", "Calls", "3rd ring", "Voicemail", "Called back in 24 h", "Completeness", "State",
           "Files, internal edition"],
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("months")) as running:
        yield running


@pytest.mark.parametrize(("language", "state"), [("fr", "en cours"), ("en", "in progress")])
def test_the_running_month_is_a_row_with_its_figures_and_a_button_for_each_file(
    place: Site, language: str, state: str
) -> None:
    page = get(place, PATHS[language], MANAGER).text
    head, body = page.partition("<thead>")[2].partition("</thead>")[::2]
    assert [text(x) for x in re.findall(r"<th.*?</th>", head)] == HEADS[language]
    first = re.findall(r"<t[hd].*?</t[hd]>", body.partition("</tr>")[0], re.DOTALL)
    cells = [text(x) for x in first]
    assert (int(cells[1]) > 0, cells[6]) == (True, state)
    assert re.findall(r'name="kind" value="(\w+)"', first[-1]) == ["html", "pdf", "xlsx", "csv", "json"]
    assert f'action="{PATHS[language]}/{MONTH}"' in first[-1]


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_one_click_in_the_table_answers_with_the_file(place: Site, kind: str) -> None:
    with place.visitor(MANAGER) as visitor:
        form = {"csrf": place.csrf(visitor, "/en/months"), "kind": kind, "at_once": "1"}
        asked: list[str] = []

        def is_made() -> bool:  # a busy machine gets the page of the progress first
            asked.append(visitor.post(f"/en/months/{MONTH}", data=form).headers["location"])
            return asked[-1].endswith(f".{kind}")

        assert until(is_made)
        file = visitor.get(asked[-1])
    saved = file.headers["content-disposition"]
    assert (file.status_code, saved.endswith(f'.{kind}"')) == (200, True)
    assert len(file.content) > 1000


def test_a_report_of_several_files_answers_with_their_list(place: Site) -> None:
    with place.visitor(MANAGER) as visitor:
        form = {"csrf": place.csrf(visitor, "/en/months"), "kind": "csv", "at_once": "1"}
        answer = visitor.post(f"/en/months/{MONTH}", data=form)

        def files() -> list[str]:  # a busy machine gets the page of the progress first
            return re.findall(r'href="[^"]+\.csv" download', visitor.get(answer.headers["location"]).text)

        assert until(lambda: len(files()) >= 1)
