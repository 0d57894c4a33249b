"""A mistake in the settings, in a key file or in the database is told in the reader's language, and whole.

`test_help` compares the catalogue with the source. Here each template of a sentence must have its French, so that
no French sentence has a part in English. What a server or a person wrote is repeated as it is.
"""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import BaseModel, ValidationError

from callmon.cli.language import in_language
from callmon.config.schema import Configuration
from callmon.config.settings import load, parse, refuse_what_needs_a_restart
from callmon.config.validation import bare_type, is_table, member, sentences
from callmon.config.web_config import WebConfig
from callmon.config.wording import quoted
from callmon.errors import CallmonError, ConfigError, Sentence
from callmon.main import main
from callmon.store.encryption import KeyRing
from callmon.text.labels import catalogue
from callmon.web.auth.passwords import refuse_if_easy
from tests.commands.test_help import SAME, calls, errors
from tests.support.environment import reader_of
from tests.unit.test_project import ROOT
from tests.unit.test_settings import BAD


def reported(path: Path, language: str) -> list[str]:
    with reader_of(language):
        done = CliRunner().invoke(main, ["check", "--config", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    return done.stderr.splitlines()


def untranslated(sentence: object) -> Iterator[str]:
    """The templates in a sentence that the French catalogue lacks; all of it, if it cannot be translated."""
    if not isinstance(sentence, Sentence):
        return
    if (None, sentence.template) not in catalogue() and not SAME.fullmatch(sentence.template):
        yield sentence.template
    for value in sentence.values.values():
        yield from untranslated(value)


def french(sentence: str) -> str:
    with reader_of("fr"):
        return in_language(sentence)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_mistake_in_a_configuration_is_in_english_for_the_french(path: Path) -> None:
    ours, english = reported(path, "fr"), reported(path, "en")
    assert len(ours) == len(english)
    assert [line for line in ours if not line.startswith(f"{path} : ")] == []
    assert [line for line in english if not line.startswith(f"{path}: ")] == []
    mistakes = zip((x.split(" : ", 2)[-1] for x in ours), (x.split(": ", 2)[-1] for x in english), strict=True)
    assert [reported for reported, same in mistakes if reported == same] == []
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert [text for one in refused.value.sentences for text in untranslated(one)] == []
    assert [french(one) for one in refused.value.sentences] == ours


@pytest.mark.parametrize(
    ("text", "setting", "where"),
    [
        ("a", "", "il faut '=' après le nom d’un réglage (ligne 1, colonne 2)"),
        ("a = [1,\n", "", "valeur non comprise (à la fin du fichier)"),
        ("a = \n", "a", "valeur non comprise (ligne 1, colonne 5)"),
        ("a = 1\nb.a = 1\nb.a = 2", "b.a", "valeur donnée deux fois (ligne 3, colonne 8)"),
        ("[a]\n[a]\n", "[a]", "('a',) est déclaré deux fois (ligne 2, colonne 3)"),
        ('a = "b\n', "a", "caractère '\\n' refusé (ligne 1, colonne 7)"),
        ("a = { b = 1, b = 2 }\n", "a", "'b' est donné deux fois dans une table (ligne 1, colonne 19)"),
        ("[a\n", "[a", "il faut ']' après le nom d’une table (ligne 1, colonne 3)"),
        ("a = 2026-02-30\n", "a", "date ou heure qui n’existe pas (ligne 1, colonne 5)"),
        ('a = [\n  "hunter2=" "=hunter2"', "", "il manque ']' à la fin d’une liste (ligne 2, colonne 14)"),
    ],
)
def test_what_is_wrong_in_toml_is_reported_with_its_setting_and_place(text: str, setting: str, where: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, "callmon.toml")
    place = f"callmon.toml : {setting}" if setting else "callmon.toml"
    assert [french(one) for one in refused.value.sentences] == [
        f"{place} : n’est pas du TOML valable : {where}; corrigez à cet endroit"
    ]


@pytest.mark.parametrize("text", ["[lines.général]\n", "numéro = 1\n", "my key = 1\n"])
def test_a_name_in_toml_that_needs_quotation_marks_is_reported(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text, "callmon.toml")
    (reported,) = map(french, refused.value.sentences)
    assert reported.partition("; ")[2] == (
        "un nom sans guillemets n’a que des lettres sans accents, des chiffres, - et _"
    )


# ── every setting, given what it is not ──

VALUES = (1, 10**30, 1.5, float("nan"), "", "x" * 70_000, [], [1], {"x": 1})


def settings_of(model: type[BaseModel], path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for name, field in model.model_fields.items():
        kind, here = bare_type(field.annotation), (*path, name)
        yield here
        inner = member(kind, 0)[1]
        if not is_table(kind) and inner is not None:
            here = (*here, 0 if "tuple" in str(kind)[:5] else "a")
            kind = inner
            yield here
        if is_table(kind):
            yield from settings_of(kind, here)


def nested(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {part: value}
    return dict(value)


@pytest.mark.parametrize("model", [Configuration, WebConfig])
def test_no_setting_refuses_a_value_in_the_words_of_pydantic(model: type[BaseModel]) -> None:
    found, count = set(), 0
    for path in settings_of(model):
        for value in VALUES:
            try:
                model(**nested(path, value))
            except ValidationError as error:
                refused = sentences(error, model, "callmon.toml")
                found |= {(path, text) for one in refused for text in untranslated(one)}
                found |= {(path, str(one)) for one in refused if " is refused: " in one}
                count += len(refused)
    assert found == set()
    assert count > len(VALUES) * len([*settings_of(model)]) / 2


# ── errors that only a sentence of the source can show ──


def raised(raising: Any, *given: Any) -> list[str]:
    with pytest.raises(CallmonError) as refused:
        raising(*given)
    assert [text for one in refused.value.sentences for text in untranslated(one)] == []
    return [french(one) for one in refused.value.sentences]


def test_passwords_keys_and_a_restart_are_refused_in_french() -> None:
    ring = KeyRing([bytes(32)], "number.key")
    assert raised(refuse_if_easy, "m.tremblay et un peu plus", "m.tremblay") == [
        "Le mot de passe est trop facile : évitez le nom du compte et les caractères répétés."
    ]
    assert raised(refuse_if_easy, "n" * 129, "m") == ["Le mot de passe est trop long : 128 caractères au plus."]
    assert raised(KeyRing().encrypt, "") == [
        "aucune clé n’est disponible pour chiffrer les numéros ou pour signer : réglez privacy.key_file"
    ]
    assert raised(ring.decrypt, "00000000:AAAA") == [
        "les numéros sont chiffrés avec la clé 00000000, qui manque dans number.key"
        " : remettez la ligne de cette clé sous la plus récente"
    ]
    assert raised(ring.decrypt, f"{ring.name}:{'A' * 40}") == [
        f"un numéro chiffré avec la clé {ring.name} est endommagé ou a été altéré"
    ]
    changed = parse('timezone = "America/Halifax"')
    assert raised(refuse_what_needs_a_restart, parse(""), changed) == [
        "timezone a changé : redémarrez callmon pour appliquer ce changement."
    ]


PACKAGES = ("config", "store", "core/standards", "core/statistics", "web")


def put_together(source: str) -> Iterator[int]:
    """The lines of errors whose sentence is put together (f"…", "…" + …) before it can be translated."""
    for call in calls(source, *errors(), "ValueError", "Sentence"):
        yield from (x.lineno for x in call.args if isinstance(x, ast.JoinedStr | ast.BinOp))


def test_no_error_of_these_packages_is_joined_before_its_translation() -> None:
    files = [path for name in PACKAGES for path in (ROOT / "callmon" / name).rglob("*.py")]
    assert len(files) > 100
    assert [(str(x), line) for x in files for line in put_together(x.read_text(encoding="utf-8"))] == []
    assert [*put_together('raise ConfigError(f"{name}: no")\nSentence("a" + b)')] == [1, 2]


def test_each_part_of_a_sentence_is_translated_but_a_persons_words() -> None:
    french = {"{why}; {remedy}": "{why} ; {remedy}", "no {what}": "pas de {what}"}
    whole = Sentence("{why}; {remedy}", why=Sentence("no {what}", what="no {what}"), remedy=3)
    assert whole.translated(french.__getitem__) == "pas de no {what} ; 3"


def test_a_sentence_is_english_where_it_is_not_translated() -> None:
    made = Sentence("{what} in {place}", what=Sentence('"{value}"', value="{x}"), place="b")
    assert (made, json.dumps(made), f"{made}!") == ('"{x}" in b', r'"\"{x}\" in b"', '"{x}" in b!')
    assert made.translated(lambda template: template.replace(" in ", " dans ")) == '"{x}" dans b'
    assert pickle.loads(pickle.dumps(ConfigError(made))).sentences[0].template == "{what} in {place}"
    assert quoted("x" * 70) == f'"{"x" * 57}…"'
