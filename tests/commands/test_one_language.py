"""All that a command prints is in one language: each command is run in French and in English, and read.

A line of one run that has a word of the other language is found, unless it is a text of the site (DATA).
`test_refusals` has what commands refuse.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from callmon.cli.language import in_language, said_of_count
from callmon.config.explanation import explained
from callmon.errors import Sentence
from callmon.features import actions
from callmon.main import main
from callmon.store.rejudge import COUNTER_DIFFERS
from callmon.text.labels import LANGUAGES
from tests.commands.test_refusals import CASES, LOCALE, site
from tests.support.environment import reader_of
from tests.support.sign_in_app import PASSWORD
from tests.unit.test_command_line import RECORDING, commands

__all__ = ["site"]  # a fixture
CEL = Path(__file__).parents[1] / "data/traces/vm_message/cel.csv"
IMPORTED = Path(__file__).parents[1] / "data/imported/22"
NAMED = {
    "CALL": "1707342553.145",
    "ENTRY": "1707328465.90000014",
    "COMPLAINT": "1734547051.90000000",
    "NUMBER": "416 555-0102\n",
    "PASSWORD": PASSWORD,
    "RECORDING": RECORDING,
    "CEL": CEL,
    "QUEUE_LOG": IMPORTED / "queue_log",
    "CDR": IMPORTED / "cdr-csv.csv",
}
EVERY = Path(__file__).with_name("every_command.txt").read_text(encoding="utf-8").splitlines()
# In this order, in one folder. What a command reads from standard input is after "<<".
GIVEN = [
    *(command.format_map(NAMED) for command in EVERY),
    *(f"config explain {key}" for key in sorted({name.partition(".")[0] for name, _, _ in explained("")})),
]
NOT_READ = {"run", "pages", "demo", "completion", "config example"}  # they do not end, or print code
WORDS = {
    "fr": r"le|la|les|des|du|est|sont|une|pas|avec|pour|qui|dans|aux|ne|appels?|aucune?",
    "en": r"the|of|is|are|and|not|with|was|has|its|it|this|that|which|when|by(?= \w+\.\w)",
}
# Texts of the site and of the law, which are in both languages; names in quotation marks; code.
DATA = re.compile(
    r"^  (FR|EN)  .*|^\d{4}-\d\d-\d\d  (lun|mar|mer|jeu|ven|sam|dim)\..*|^ {18}.*"
    r"|.*licence_fr.*|.*title_fr.*"
    r"|^  - name: .*|`[^`]*`|'[^' ]*'|\(JSON is malformed: .*?\)\)|\S*[/_=]\S*|\{.*\}"
    r"|^callmon_\w+ .*?:|^ {6}enabled = yes|\b[A-Z]\w+(?:  \w+=.*)?$"
)


@pytest.fixture
def folder(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(site, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "callmon.toml"
    written = config.read_text(encoding="utf-8").replace("[privacy]\n", '[privacy]\nkey_file = "number.key"\n')
    webhook = '[webhooks.desk]\nurl = "http://127.0.0.1:1/"\nallow_private = true\nformat = "ntfy"\n'
    config.write_text(f'{written}\n[exchanges.toronto.cel]\nfile = "{CEL}"\n{webhook}', encoding="utf-8")
    (tmp_path / "alertmanager.yml").write_text("route: {}\n", encoding="utf-8")
    (tmp_path / "ami.secret").write_text("of-the-test", encoding="utf-8")
    (tmp_path / "ami.secret").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(actions, "PATIENCE_SECONDS", 0.0)
    return tmp_path


def printed(given: str, language: str) -> list[str]:
    words, _, reported = given.partition(" << ")
    environment = LOCALE | {"LC_ALL": f"{language}_CA.UTF-8"}
    done = CliRunner().invoke(main, shlex.split(words), input=reported, env=environment, prog_name="callmon")
    assert done.exception is None or isinstance(done.exception, SystemExit), given
    return re.sub("«[^»]*»", "", done.output).splitlines()  # the policy is quoted in French


def foreign(line: str, language: str) -> bool:
    (other,) = set(LANGUAGES) - {language}
    return re.search(rf"(?<![-\w])({WORDS[other]})(?![-\w])", DATA.sub("", line), re.IGNORECASE) is not None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_every_command_is_in_the_readers_language(folder: Path, language: str) -> None:
    found = [(given, line) for given in GIVEN for line in printed(given, language) if foreign(line, language)]
    assert found == []


def test_every_command_that_ends_is_run() -> None:
    run = [f"{given} " for given in GIVEN]
    missed = {name for name, _ in commands() if not any(given.startswith(f"{name} ") for given in run)}
    assert {name for name in missed if name not in NOT_READ} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_is_in_the_readers_language(language: str) -> None:
    reported = [case[language] for case in CASES if "fr" in case]
    assert [sentence for sentence in reported if foreign(sentence, language)] == []


@pytest.mark.parametrize(
    ("language", "calls", "difference"),
    [
        ("fr", "1 234 appels", "x : le compteur est 1 414,34, les lignes donnent 0."),
        ("en", "1,234 calls", "x: the counter is 1,414.34, the rows give 0."),
    ],
)
def test_a_count_is_written_as_the_language_writes_it(language: str, calls: str, difference: str) -> None:
    with reader_of(language):
        counted = said_of_count("{count} call", "{count} calls", 1234)
        reported = in_language(Sentence(COUNTER_DIFFERS.template, figure="x", one=1414.34, other=0))
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in (counted, reported)] == [calls, difference]
