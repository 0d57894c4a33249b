"""The site guide as a text: French and English say the same, what it names exists, Uninstall forgets nothing."""

from __future__ import annotations

import re

import pytest

from callmon.config import settings
from callmon.config.exchange import ExchangeSettings
from callmon.config.schema import Configuration, LineSettings
from tests.lab.guide import GUIDES, Snippet, snippets

GUIDE, FRENCH = snippets(), snippets("LISEZMOI.md")


def test_the_french_guide_has_the_same_snippets_in_the_same_files() -> None:
    assert [(s.kind, s.files, s.lines) for s in FRENCH] == [(s.kind, s.files, s.lines) for s in GUIDE]


def test_the_french_guide_has_the_same_steps_commands_and_settings() -> None:
    english, french = (GUIDES / "README.md").read_text(), (GUIDES / "LISEZMOI.md").read_text()
    for what in (r"^## (\d+)\. ", r"^```(?:sh[^\n]*)\n([^`]+)", r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|"):
        assert re.findall(what, french, re.MULTILINE) == re.findall(what, english, re.MULTILINE)


def test_every_setting_that_the_guide_names_exists() -> None:
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", (GUIDES / "README.md").read_text(), re.MULTILINE)
    names = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert len(names) > 8
    known = {*LineSettings.model_fields, *ExchangeSettings.model_fields, *Configuration.model_fields}
    assert names - known == set()


def test_the_guides_own_configuration_loads() -> None:
    _, first, staff = (s.lines for s in GUIDE if s.file("callmon"))
    given = settings.parse("\n".join((*first, *staff)))
    assert [(entry.extension, entry.languages) for entry in given.configuration.staff] == [("102", ("fr", "en"))]


def keys(snippet: Snippet) -> set[str]:
    reported = [re.match(r"(?:; )?([\w.]+)", line) for line in snippet.lines if not line.startswith("[")]
    return {found[1] for found in reported if found}


@pytest.mark.parametrize("name", ["README.md", "LISEZMOI.md"])
def test_uninstall_lists_every_line_that_was_added_and_no_other(name: str) -> None:
    table = re.findall(
        r"^\| (`[\w.]+`|-) \| (`[\w.]+`|-) \| `(\[\w+\](?:\(\+\))?)` ?: (.*) \|$",
        (GUIDES / name).read_text(),
        re.MULTILINE,
    )
    listed = {
        (*(f.strip("`-") for f in files), head, *sorted(re.findall(r"`(.+?)`", what)))
        for *files, head, what in table
    }
    added = {
        (s.file("plain"), s.file("freepbx"), s.lines[0], *sorted(keys(s))) for s in GUIDE if not s.file("callmon")
    }
    assert listed == added


def test_no_snippet_goes_into_a_file_that_freepbx_writes_itself() -> None:
    own = {s.file("freepbx") for s in GUIDE if s.file("freepbx")}
    assert own == {"manager_custom.conf", "cel_general_custom.conf", "cel_custom.conf"}
