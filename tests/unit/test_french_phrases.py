"""French that readers stumbled over: each phrase was replaced, and none may come back.

A text is compared without its case, its emphasis and its line breaks. A straight apostrophe stands for both.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from callmon.text.formatter import typeset
from callmon.text.labels import agreed, catalogue

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "callmon/text/locale/fr/LC_MESSAGES/callmon.po"
READ = (
    *ROOT.glob("callmon/**/*.fr.*"),
    *ROOT.glob("callmon/**/templates/*.html"),
    *ROOT.glob("callmon/text/story/*.toml"),
    *ROOT.glob("callmon/tools/**/*.toml"),
    ROOT / "callmon/config/callmon.example.toml",
    *ROOT.glob("dashboards/grafana/fr/*.json"),
    *ROOT.glob("dashboards/prometheus/*.rules.yml"),
    *ROOT.glob("dashboards/alertmanager/*.tmpl"),
    *ROOT.glob("docs/fr/**/*.md"),
    ROOT / "PRIVACY.md",
    ROOT / "asterisk/LISEZMOI.md",
    ROOT / "LISEZMOI.md",
)
REPLACED = Path(__file__).with_name("french_phrases_replaced.txt").read_text(encoding="utf-8").splitlines()
ELIDED = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quelqu|aujourd)'(?=\w|[«<{])", re.IGNORECASE)
# In Canada a sign of two parts has no space before it, but the colon; « … » have one inside.
SHOWN = re.compile(r"NOM: VALEUR|Music On Hold: Ring|pickup=-20%|(?<=et )\?|(?<=ont )!")  # not of a sentence
SPACED = re.compile(r"\w [?!;](?!\w)|\w:(?= |$)|«[^ \u00a0\u202f]|[^ \u00a0\u202f]»|\d%|[“”]")


@cache
def plain(text: str) -> str:
    """The text as it is compared."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`]", "", text.replace("\u2019", "'"))).casefold()


@cache
def translations() -> list[str]:
    with CATALOGUE.open("rb") as lines:
        return [str(message.string) for message in read_po(lines) if message.id]


@cache
def read(path: Path) -> str:
    return plain(path.read_text(encoding="utf-8"))


def found(phrase: str) -> list[str]:
    files = [str(path.relative_to(ROOT)) for path in READ if plain(phrase) in read(path)]
    return files + [text for text in translations() if plain(phrase) in plain(text)]


@pytest.mark.parametrize("phrase", REPLACED)
def test_no_text_has_a_french_phrase_that_was_replaced(phrase: str) -> None:
    assert found(phrase) == []


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        ("le rapport de octobre 2026", "le rapport d’octobre 2026"),
        ("De avril 2026, plus que\xa0août, de mai", "D’avril 2026, plus qu’août, de mai"),
        ("la file de avril1", "la file de avril1"),
        ("-0,9 points; 0,0 points; 1,9\xa0points de moins", "-0,9 point; 0,0 point; 1,9\xa0point de moins"),
        ("2,0 points; 11,5 points; 1 001,5 appels", "2,0 points; 11,5 points; 1 001,5 appels"),
    ],
)
def test_a_text_agrees_with_the_values_in_it(made: str, wanted: str) -> None:
    assert (agreed(made), typeset(made, "fr"), typeset(made, "en")) == (wanted, wanted, made)


def test_french_that_people_read_has_typographic_apostrophes() -> None:
    """Markdown and the catalogue are typed with straight ones; where they are shown, these are typographic."""
    shown = [path for path in READ if path.suffix != ".md"]
    straight = [str(path.relative_to(ROOT)) for path in shown if ELIDED.search(path.read_text(encoding="utf-8"))]
    assert straight + [text for text in catalogue().values() if ELIDED.search(text)] == []


def test_a_quotation_mark_of_a_command_stays_straight() -> None:
    text = "asterisk -rx 'manager reload' (avec FreePBX : fwconsole reload)"
    assert text in catalogue().values()


def test_no_translation_has_a_space_that_canadian_french_does_not_write() -> None:
    assert [text for text in translations() if SPACED.search(SHOWN.sub("", text))] == []
