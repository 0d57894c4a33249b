"""From the front page, in each language, a reader finds in two clicks what people look for first.

Links with their targets and anchors are checked in `test_project.py`. An answer here is a page with the words that
answer the question, and the link that leads there says so.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from callmon.config.standards import ALL_STANDARDS
from tests.unit.test_alerts import ALERTS
from tests.unit.test_project import CODE, FORMATS, FRONT_PAGES, ROOT, WRITTEN, sentences, text

LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|mailto:)([^)#\s]+\.md)[^)]*\)")
NAMES = {"README", "LISEZMOI", "KB", "MB", "UTC"}  # of files and units
CLICKS = 2
PAGES = [page for page in WRITTEN if page.parent.name != "reference"]  # those are lists of names


class Answer(NamedTuple):
    """A word of the link, the page that it leads to, and texts that this page must contain."""

    link: str
    page: str
    words: tuple[str, ...]


ANSWERS = {
    "README.md": {
        "install": Answer(
            "install", "docs/en/how-to/install.md", ("pip install", "systemctl enable --now callmon")
        ),
        "an alert": Answer("alert", "docs/en/how-to/runbook.md", (*ALERTS,)),
        "sign a month": Answer("signature", "docs/en/tutorials/first-month.md", ("Make the files to sign (PDF)",)),
        "a metric": Answer("metrics", "docs/en/reference/metrics.md", ("`callmon_calls_total`",)),
        "a standard": Answer("standards", "docs/en/reference/standards.md", ALL_STANDARDS),
    },
    "LISEZMOI.md": {
        "install": Answer(
            "install", "docs/en/how-to/install.md", ("pip install", "systemctl enable --now callmon")
        ),
        "an alert": Answer("alerte", "docs/fr/how-to/runbook.md", (*ALERTS,)),
        "sign a month": Answer(
            "signature", "docs/fr/tutorials/first-month.md", ("Produire les fichiers à signer (PDF)",)
        ),
        "a metric": Answer("mesures", "docs/en/reference/metrics.md", ("`callmon_calls_total`",)),
        "a standard": Answer("normes", "docs/fr/reference/standards.md", ALL_STANDARDS),
    },
}


def links(page: str) -> list[tuple[str, str]]:
    """Each link of a page to another: its words, and the page."""
    folder = (ROOT / page).parent
    found = LINK.findall(CODE.sub("", text(ROOT / page)))
    return [(words, str((folder / target).resolve().relative_to(ROOT))) for words, target in found]


def reached(front: str) -> dict[str, tuple[int, set[str]]]:
    """Each page within CLICKS of the front page: the number of clicks, and the words of the last links to it."""
    found, level = {front: (0, {""})}, [front]
    for click in range(1, CLICKS + 1):
        following: dict[str, set[str]] = {}
        for page in level:
            for words, target in links(page):
                following.setdefault(target, set()).add(words)
        new = {page: (click, words) for page, words in following.items() if page not in found}
        found |= new
        level = list(new)
    return found


@pytest.mark.parametrize("front", FRONT_PAGES)
def test_what_people_look_for_first_is_two_clicks_away(front: str) -> None:
    pages = reached(front)
    for question, answer in ANSWERS[front].items():
        clicks, said = pages[answer.page]
        named = [words for words in said if answer.link in words.lower()]
        missing = [words for words in answer.words if words not in text(ROOT / answer.page)]
        assert (question, clicks <= CLICKS, bool(named), missing) == (question, True, True, [])


@pytest.mark.parametrize("front", FRONT_PAGES)
def test_the_other_language_is_one_click_away(front: str) -> None:
    (other,) = set(FRONT_PAGES) - {front}
    assert other in {page for _, page in links(front)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_an_abbreviation_before_the_first_heading_follows_its_words(page: Path) -> None:
    prose = " ".join(sentences(CODE.sub("", text(page).partition("\n## ")[0])))
    first: dict[str, int] = {}
    for found in re.finditer(r"\b[A-Z]{2,}\b(?!\.md)", prose):
        first.setdefault(found[0], found.start())
    bare = [x for x, at in first.items() if prose.rfind("(", 0, at) <= prose.rfind(")", 0, at)]
    assert sorted({*bare} - FORMATS - NAMES) == []
