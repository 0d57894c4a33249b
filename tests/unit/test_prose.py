"""The words of the documentation: those that the glossary avoids, and those that read as no plain English.

Vale would do the same with a word list. Its package fetches the program from another host, so the list is read
here. Sentences, links and abbreviations: `test_project.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.config.web import WebSettings
from dev.style import AVOIDED
from tests.unit.test_glossary import TERMS
from tests.unit.test_project import CODE, PAGES, PLAIN, ROOT, text

ENGLISH = ("README.md", *(name for name in PLAIN if name != "asterisk/LISEZMOI.md"), "tests/README.md")
FRENCH = ("LISEZMOI.md", "asterisk/LISEZMOI.md")
# Words to avoid in one sense that are right in another, and names in Asterisk, FreePBX or the policy's text.
IN_ANOTHER_SENSE = {
    "coup", "répondu", "en attente", "perdu", "suivi", "dû", "panne", "relai", "agent", "session", "logée",
    "sommaire", "queue", "IVR", "extension", "alternative", "TTY", "--", "standard", "log",
}  # fmt: skip


def prose(path: Path) -> str:
    """The file without code, targets of links and comments."""
    return re.sub(r"\]\([^)]*\)|<!--.*?-->", "]", CODE.sub("", text(path)))


def avoided() -> Iterator[str]:
    """Each word of the glossary's column of French words to avoid, without the remark in brackets."""
    for row in TERMS:
        for word in re.split(r"[,;]", re.sub(r"\([^)]*\)", "", row[2])):
            if bare := word.strip(" «»"):
                yield bare


def pages(language: str, others: tuple[str, ...]) -> list[Path]:
    own = [path for path in sorted(PAGES[language].rglob("*.md")) if path.name != "glossary.md"]
    return [*map(ROOT.joinpath, others), *own]


@pytest.mark.parametrize("path", pages("fr", FRENCH), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_french_page_has_no_word_that_the_glossary_avoids(path: Path) -> None:
    written = prose(path)
    words = set(avoided()) - IN_ANOTHER_SENSE
    assert len(words) > 80
    assert [x for x in words if re.search(rf"(?<![\w-]){re.escape(x)}s?(?![\w-])", written, re.IGNORECASE)] == []


@pytest.mark.parametrize("path", pages("en", ENGLISH), ids=lambda path: str(path.relative_to(ROOT)))
def test_an_english_page_has_no_word_that_is_not_plain(path: Path) -> None:
    assert [found[0] for found in AVOIDED.finditer(prose(path))] == []


def test_every_word_of_another_sense_is_one_that_the_glossary_avoids() -> None:
    assert sorted(IN_ANOTHER_SENSE - set(avoided())) == []


def test_each_port_in_the_documents_is_one_that_something_has() -> None:
    """Of callmon, Alertmanager and Grafana; an address that --listen gives may be any."""
    known = {WebSettings().listen.rpartition(":")[2], "9093", "3000"}
    pages = [*ROOT.glob("docs/*/*/*.md"), *(ROOT / name for name in ("README.md", "LISEZMOI.md"))]
    ports = {x for page in pages for x in re.findall(r"(?<!--listen )127\.0\.0\.1:(\d+)", page.read_text("utf-8"))}
    assert ports == known
