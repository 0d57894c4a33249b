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
QUEUE_LOG, CDR = (Path(__file__).parents[1] / "data/imported/22" / name for name in ("queue_log", "cdr-csv.csv"))
CALL, ENTRY, COMPLAINT = "1707342553.145", "1707328465.90000014", "1734547051.90000000"
NUMBER = "416 555-0102\n"
# In this order, in one folder. What a command reads from standard input is after "<<".
GIVEN = [
    "privacy key number.key",
    "privacy key number.key",
    "users list",
    f"users add g.lavoie --role manager << {PASSWORD}",
    f"users add a.roy --role viewer << {PASSWORD}",
    "users role a.roy --role manager",
    f"users password a.roy << {PASSWORD}",
    "users lock a.roy",
    "users lock a.roy --unlock",
    "users remove a.roy",
    "users list",
    "tokens list",
    "tokens add desk --role manager",
    "tokens list",
    "tokens revoke desk",
    "db upgrade",
    "db upgrade",
    "db backup new/copy.db",
    "db check",
    "db rejudge --dry-run",
    "db rejudge --yes",
    "status",
    "calls 2024-02-07",
    "needs 2024-02-01 2024-02-29",
    "what-if 2024-02-01 2024-02-29 --set voicemail_rings=5",
    "why 2024-02-07",
    "outlook --each-half-hour 2024-03-04",
    "staffing 2024-03-04 --known-until 2024-03-01 --days 1",
    "half-hours 2024-02-07 2024-02-08",
    "half-hours 2020-02-07 2020-02-08",
    f"explain {CALL}",
    "callbacks list --state all",
    f"callbacks take {ENTRY} --by M",
    f"callbacks release {ENTRY} --by M",
    f"callbacks attempt {ENTRY} --result spoke --by M",
    f"callbacks close {ENTRY} --reason no-request --by M",
    f"callbacks mark {ENTRY} --not-safe --by M",
    f"callbacks reopen {COMPLAINT} --reason x --by M",
    f"callbacks complaint {CALL} --by M",
    "disruptions list",
    "disruptions plan 2099-01-01T10:00 11:00 --line general --by M",
    "disruptions announce --line general --for 2h --reason-fr Panne --by M",
    "disruptions change general-1 --for 2h --by M",
    "disruptions end --by M",
    "disruptions publish new/public",
    "attest add --line general --by M",
    "attest list",
    "webhooks test desk",
    f"report sign 2024-05 prepared --by g.lavoie --format html << {PASSWORD}",
    "report signed --save new/signed",
    "report verify new/signed/callmon-2024-05-r1-fr.html",
    "report 2024-05 -o may.html",
    "report send 2024-05",
    "export --parquet 2024-02-07",
    f"backfill {CEL} --dry-run",
    f"backfill {CEL}",
    f"import queue_log {QUEUE_LOG} --dry-run",
    f"import queue_log {QUEUE_LOG} --from 2026-11-30",
    f"import cdr {CDR}",
    f"import cel {CEL} --json",
    "reconcile 2026-11-24",
    f"privacy find --purpose 14 << {NUMBER}",
    f"privacy export --purpose 14 << {NUMBER}",
    f"privacy correct --purpose 14 << {NUMBER}{NUMBER}",
    "privacy rotate",
    "privacy purge",
    "privacy purge --yes --authority 12-345",
    "privacy log",
    f"replay {RECORDING}",
    "alerting hours alertmanager.yml",
    "alerting hours alertmanager.yml",
    "alerting test --alertmanager http://127.0.0.1:1",
    "check",
    "init new/callmon.toml",
    "config show",
    "doctor",
    "record x.ami --for 1s",
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
