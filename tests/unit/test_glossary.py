"""Words: every identifier that people meet has its word in French and English, and the glossary agrees."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from callmon.config.closed_days import ontario
from callmon.config.settings import example
from callmon.core import verdicts
from callmon.text import labels

CALLMON = Path(labels.__file__).parents[1]
LOCALE = CALLMON / "text" / "locale"
KNOWN = [(kind, identifier) for kind, texts in labels.KINDS.items() for identifier in texts]
TURNED_AWAY = re.compile(r"\b(deaf|blind\w*|dumb|kill\w*|sourde?s?|aveugles?|blondes?|muet\w*)\b", re.IGNORECASE)


FRENCH = "fr/LC_MESSAGES/callmon.po"


def catalogue(path: str) -> Catalog:
    with (LOCALE / path).open("rb") as lines:
        return read_po(lines, abort_invalid=True)  # a merge may have eaten a line


def tables() -> list[list[list[str]]]:
    """The glossary's two tables, without their heads: the terms, and the words in data."""
    parts = (LOCALE / "GLOSSARY.md").read_text(encoding="utf-8").split("\n## ")
    rows = [[line for line in part.splitlines() if line.startswith("|")][2:] for part in parts]
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in part] for part in rows]


TERMS, DATA = tables()


def test_the_glossary_says_of_every_identifier_what_people_are_shown() -> None:
    shown = [
        [kind, f"`{identifier}`", labels.label(kind, identifier, "en"), labels.label(kind, identifier, "fr")]
        for kind, identifier in KNOWN
    ]
    assert shown == [[*row[:3], labels.typographic(row[3])] for row in DATA]


def test_every_term_of_the_glossary_has_both_languages() -> None:
    assert [row for row in TERMS if not row[0] or not row[1]] == []


@pytest.mark.parametrize(("kind", "identifiers"), [("verdict", verdicts.VERDICTS), ("cause", verdicts.CAUSES)])
def test_every_verdict_and_cause_has_its_word(kind: str, identifiers: tuple[str, ...]) -> None:
    assert tuple(labels.KINDS[kind]) == identifiers


def test_every_outcome_of_the_interface_has_its_word() -> None:
    assert " ".join(labels.OUTCOMES) == (
        "answered voicemail_message voicemail_no_message voicemail lost unknown busy abandoned announcement "
        "no_answer failed"
    )


def test_every_standards_module_has_its_title() -> None:
    modules = {
        path.stem
        for path in (CALLMON / "core" / "standards").glob("*.py")
        if "\ndef judge(" in path.read_text(encoding="utf-8")
    }
    assert modules == set(labels.STANDARDS)


def reason_keys() -> set[str]:
    """The reason keys that standards give: texts handed to a judgement, or returned or named as a reason."""
    found: set[str] = set()
    for path in (CALLMON / "core" / "standards").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found |= {text.value for text in _reasons(node) if isinstance(text, ast.Constant)}
    return {text for text in found if isinstance(text, str) and re.fullmatch("[a-z_]+", text)}


def _reasons(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Call(func=ast.Name(id="exempt" | "met"), args=[reason, *_]):
            return [reason]
        case ast.Call(func=ast.Name(id="not_met" | "Judgement"), args=[_, reason, *_]):
            return [reason]
        case ast.Call(func=ast.Name(id="_missed"), args=[_, _, reason, *_]):
            return [reason]
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            return [value]
        case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="reason"), *_])], value=ast.Tuple(elts=[value, *_])):
            return [value]
        case ast.FunctionDef(name="_reason"):
            return [r.value for r in ast.walk(node) if isinstance(r, ast.Return) and r.value is not None]
    return []


def test_every_reason_that_a_standard_gives_has_its_words() -> None:
    assert sorted(reason_keys() - set(labels.REASONS)) == []
    assert "answered_on_ring" in reason_keys()


# ── catalogues ──


def test_no_translation_is_fuzzy() -> None:
    assert [message.id for message in catalogue(FRENCH) if message.fuzzy] == []


def doubled(text: str) -> list[tuple[str, ...]]:
    """Entries that stand there more than once, or glued to another; read_po takes the last without a word."""
    blocks = [block for block in re.split(r"\n{2,}", text) if re.search("^msgid ", block, re.MULTILINE)]
    found = [tuple(re.findall(r"^(msg(?:ctxt|id)\b.*(?:\n\".*)*)", block, re.MULTILINE)) for block in blocks]
    glued = [
        entry for entry, block in zip(found, blocks, strict=True) if len(re.findall("^msgid ", block, re.M)) > 1
    ]
    return [entry for entry, count in Counter(found).items() if count > 1] + glued


def test_no_entry_stands_twice_in_a_catalogue_as_a_merge_leaves_them() -> None:
    assert doubled((LOCALE / FRENCH).read_text(encoding="utf-8")) == []


def test_entries_that_a_merge_doubled_or_glued_are_seen() -> None:
    one, other = (
        '#. page\nmsgctxt "page"\nmsgid "a"\nmsgstr "b"\n',
        'msgctxt "page"\nmsgid ""\n"c"\nmsgstr ""\n"d"\n',
    )
    page_a, page_c = ('msgctxt "page"', 'msgid "a"'), ('msgctxt "page"', 'msgid ""\n"c"')
    assert doubled(f"{one}\n{other}") == []
    assert doubled(f"{one}\n{other}\n{one}") == [page_a]
    otherwise = other.replace('"d"', '"e"')
    assert doubled(f"{one}\n{other}\n{otherwise}") == [page_c]  # translated in two ways
    assert doubled(one + other) == [page_a + page_c]


def test_no_translation_is_missing() -> None:
    assert [message.id for message in catalogue(FRENCH) if message.id and not message.string] == []


def test_a_translation_speaks_of_the_same_numbers_as_the_english() -> None:
    pairs = [(str(m.id), str(m.string)) for m in catalogue(FRENCH) if m.id and m.context]
    fields = re.compile(r"\{\w+\}")
    assert [pair for pair in pairs if set(fields.findall(pair[0])) != set(fields.findall(pair[1]))] == []


def test_two_identifiers_of_one_kind_never_share_a_word() -> None:
    for language in labels.LANGUAGES:
        shown = [(kind, labels.label(kind, identifier, language)) for kind, identifier in KNOWN]
        assert [pair for pair in shown if shown.count(pair) > 1] == []


def test_a_text_has_its_french_by_its_context_and_its_english_without_one() -> None:
    assert labels.translate("a sentence that nobody translated", "fr") == "a sentence that nobody translated"
    assert labels.translate("met", "fr", "verdict") == "respectée"
    assert labels.translate("met", "fr") == "met"
    assert labels.translate("met", "en", "verdict") == "met"


@pytest.mark.parametrize(
    ("key", "number", "french", "english"),
    [
        ("answered_on_ring", 1, "réponse à la 1re sonnerie", "answered on ring 1"),
        ("answered_on_ring", 2, "réponse à la 2e sonnerie", "answered on ring 2"),
        ("answered_on_ring", None, "réponse en personne", "answered by a person"),
        ("transferred", 0, "appel jamais réacheminé", "call never redirected"),
        ("transferred", 1, "appel réacheminé une fois", "call redirected once"),
        ("transferred", 2, "appel réacheminé 2 fois", "call redirected 2 times"),
        ("transferred", None, "appel réacheminé", "call redirected"),
        (
            "gave_up",
            4,
            "l’appelant a renoncé après la troisième sonnerie",
            "the caller gave up after the third ring",
        ),
    ],
)
def test_a_reason_is_said_with_its_number(key: str, number: int | None, french: str, english: str) -> None:
    assert (labels.reason(key, number, "fr"), labels.reason(key, number, "en")) == (french, english)


# ── dignity ──


def test_no_shown_word_makes_a_metaphor_of_a_disability_or_of_hair() -> None:
    titles = [text for line in example().lines() for text in (line.title_fr, line.title_en)]
    messages = [message for message in catalogue(FRENCH) if message.id]
    translated = [str(text) for message in messages for text in (message.id, message.string)]
    terms = [text for row in TERMS for text in row[:2] if row[0] != "Deaf, hard-of-hearing callers"]
    shown = [*titles, *translated, *terms, *(name for closed in ontario(2027).values() for name in closed[1:])]
    assert [text for text in shown if TURNED_AWAY.search(text)] == []
