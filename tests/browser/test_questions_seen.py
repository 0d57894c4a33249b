"""The answers of the questions, as a validator and axe-core read them, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.lab import vnu
from tests.lab.browser import opened, violations
from tests.lab.needed import needed
from tests.support.pages_app import Pages
from tests.support.questions_site import AFTER, BAD_DAY, MONTH, UNEXPLAINED, questions_site

pytestmark = pytest.mark.lab
FRENCH_MONTH = {"de": MONTH["from"], "a": MONTH["to"]}
ADDRESSES = {
    "/en/questions": {},
    "/en/why": {"day": str(BAD_DAY)},
    "/fr/pourquoi": {"jour": str(UNEXPLAINED)},
    "/en/what-if": MONTH | {"voicemail": "5"},
    "/fr/et-si": FRENCH_MONTH | {"messagerie": "5"},
    "/en/phones": {"day": AFTER},
    "/fr/postes": {"jour": AFTER},
    "/en/needs": MONTH,
    "/fr/besoins": FRENCH_MONTH,
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with questions_site(tmp_path_factory.mktemp("questions")) as site:
        viewer: Pages = site
        yield {path: viewer.visitors["viewer"].get(path, params=query).text for path, query in ADDRESSES.items()}


def test_each_answer_is_valid_html(answers: dict[str, str]) -> None:
    with needed("browser"):
        vnu.have_validator()
    assert vnu.wrong(answers) == []


def test_axe_finds_nothing_in_any_answer(browser: Browser, answers: dict[str, str]) -> None:
    found = []
    for path, text in answers.items():
        with opened(browser, text) as page:
            found += [f"{path}: {line}" for line in violations(page) if not line.startswith("undecided")]
    assert found == []
