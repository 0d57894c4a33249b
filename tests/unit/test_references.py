"""The generated parts of the documentation are those of the product. `make references` writes them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from callmon.text.labels import LANGUAGES
from docs.source import MADE, PARTS, ROOT, everything, guide
from docs.source.parts import every_command, every_setting

LOCALE = ROOT / "callmon" / "text" / "locale"


@cache
def files() -> dict[Path, str]:
    return dict(everything())


def test_each_generated_part_is_what_the_product_says_now() -> None:
    assert {path: path.read_text(encoding="utf-8") for path in files()} == files()


def test_every_part_stands_in_one_page() -> None:
    assert sorted(found[1] for text in files().values() for found in MADE.finditer(text)) == sorted(PARTS)


def test_every_setting_has_a_meaning() -> None:
    assert [path for path, _, meaning in every_setting() if not meaning] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_help_on_the_page_of_commands_is_what_the_program_prints(language: str) -> None:
    page = files()[ROOT / "docs" / language / "reference" / "commands.md"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": f"{language}_CA.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-m", "callmon", "check", "--help"], env=environment, capture_output=True, text=True
    )
    assert done.stdout.count("-h, --help") == 1
    printed = done.stdout.replace("python -m callmon", "callmon")
    assert " ".join(printed.split()) in " ".join(page.split())  # it wraps lines at another width


@pytest.mark.parametrize("name", ["callmon.1", "callmon.toml.5"])
def test_a_man_page_has_every_command_and_no_text_that_troff_executes(name: str) -> None:
    written = files()[ROOT / "docs" / "man" / name]
    requests = set(re.findall(r"^[.'](\S*)", written, re.MULTILINE))
    assert requests <= {"TH", "SH", "SS", "PP", "TP", "B", "I", "BR", "nf", "fi"}
    shown = written.replace("\\-", "-")
    commands, settings = [name for name, _ in every_command()], [x.rpartition(".")[2] for x, *_ in every_setting()]
    wanted = commands if name == "callmon.1" else settings
    assert [word for word in wanted if word not in shown] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_of_the_guide_can_be_reached_from_its_contents(language: str) -> None:
    page = files()[ROOT / "callmon" / "features" / "standards" / "templates" / f"_guide.{language}.html"]
    anchors = re.findall(r'<h2 id="([^"]+)"', page)
    contents = page.partition('<nav class="contents"')[2].partition("</nav>")[0]
    assert re.findall(r'href="#([^"]+)"', contents) == anchors
    assert set(re.findall(r'href="([^"]+)"', page)) == {f"#{anchor}" for anchor in anchors}


def test_a_runbook_with_a_link_to_another_file_makes_no_guide() -> None:
    with pytest.raises(ValueError, match="another file"):
        guide.page("# Guide\n\nFor people. Back to it.\n\nServed.\n\n## A\n\n[x](other.md)\n", "en")


@pytest.mark.parametrize(("language", "column"), [("en", 0), ("fr", 1)])
def test_a_word_of_the_glossary_page_is_the_word_of_the_product(language: str, column: int) -> None:
    known = (LOCALE / "GLOSSARY.md").read_text(encoding="utf-8").partition("\n## ")[0]
    words = [row.split("|")[1:][column] for row in known.splitlines() if row.startswith("| ")]
    reported = (
        (ROOT / "docs" / language / "reference" / "glossary.md").read_text(encoding="utf-8").partition("\n## ")[0]
    )
    terms = re.findall(r"^\| ([^|]+?)(?: ᴾ)? \|", reported, re.MULTILINE)[1:]
    assert len(terms) > 30
    assert [term for term in terms if not any(term in word for word in words)] == []
