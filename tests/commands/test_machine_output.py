"""Lists as JSON, logs as JSON, what would change (--dry-run), and one spelling for one idea in all commands."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from callmon.main import main
from callmon.store.database import open_store
from tests.process.test_connections import Toronto
from tests.store.test_backfill import BackfillOffice, cel
from tests.support.daemon_process import Callmon
from tests.unit.test_alerts import EXAMPLE, ROUTES
from tests.unit.test_command_line import commands

NUMBER = "416 555-0101\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration whose exchange does not answer, and a database with a call and an account."""
    office = BackfillOffice(tmp_path)
    office.run("backfill", cel("vm_message"))
    monkeypatch.chdir(tmp_path)
    run("users", "add", "marie", "--role", "agent", typed="correct horse battery staple\n")
    run("privacy", "find", "--purpose", "request 14", "--by", "M. Roy", typed=NUMBER)
    return tmp_path


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=typed)


def rows(*words: str, typed: str | None = None) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*words, "--json", typed=typed).stdout.splitlines()]


def test_what_a_command_lists_is_also_one_json_object_a_line(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows("users", "list") == [{"name": "marie", "roles": ["agent"], "locked": False}]
    (found,) = rows("privacy", "find", "--purpose", "request 14", typed=NUMBER)
    assert (found["exchange"], found["role"], found["line"]) == ("toronto", "caller", "general")
    first, second, third = rows("privacy", "log")
    assert [first["act"], second["act"], third["act"]] == ["account added", "privacy find", "privacy find"]
    assert (second["by"], second["about"], second["result"]) == ("M. Roy", "request 14", "1 appel")
    (checked,) = rows("check")
    assert (checked["configuration"], len(checked["closed_days"]) >= 13) == ("callmon.toml", True)
    (site / "ami.secret").write_text("secret\n")
    monkeypatch.setenv("CALLMON_EXCHANGES__TORONTO__SECRET_FILE", str(site / "ami.secret"))
    monkeypatch.setenv("CALLMON_EXCHANGES__TORONTO__PORT", "1")
    (finding, *_) = rows("doctor")
    assert (finding["exchange"], finding["severity"], set(finding)) == (
        "toronto", "error", {"exchange", "severity", "what", "why", "file", "lines", "then"},
    )  # fmt: skip


def test_differences_that_db_check_finds_are_json_and_agreement_is_no_row(site: Path) -> None:
    assert rows("db", "check") == []
    with open_store(f"sqlite:///{site}/callmon.db").writing() as connection:
        connection.exec_driver_sql("UPDATE rollup SET day = '2026-11-01'")
    assert [set(row) for row in rows("db", "check")][:1] == [{"difference"}]


def test_logs_of_the_daemon_and_of_its_writer_are_json_on_request(tmp_path: Path) -> None:
    with Toronto() as toronto:
        callmon = Callmon(tmp_path, toronto.port, toronto.secret)
        callmon.command = [sys.executable, "-m", "callmon", "--log-format", "json"]
        with callmon:
            pass
    lines = [json.loads(line) for line in callmon.log.read_text().splitlines()]
    assert {"time", "level", "message"} - set.intersection(*map(set, lines)) == set()
    assert [x["exchange"] for x in lines if x["message"] == "exchange: connected"][:1] == ["toronto"]


# --dry-run


def test_a_dry_run_of_backfill_prints_the_same_calls_and_writes_none(tmp_path: Path) -> None:
    office = BackfillOffice(tmp_path)
    office.run("db", "upgrade")
    shown = office.run("backfill", "--dry-run", cel("vm_message"))
    assert office.run("backfill", cel("vm_message")).stdout == shown.stdout
    assert shown.stderr == "Nothing was written.\n"
    assert (
        office.run("backfill", "--dry-run", cel("vm_message")).stdout.splitlines()[-1].endswith("Nothing changed.")
    )


def test_a_dry_run_of_alerting_hours_prints_the_lines_that_would_change(tmp_path: Path) -> None:
    file = tmp_path / "alertmanager.yml"
    old = re.sub(r'"(?:25|28)"', '"24"', ROUTES)
    file.write_text(old)
    done = run("alerting", "hours", str(file), "--dry-run", "--since", "2026-11-24", "--config", str(EXAMPLE))
    changed = [line for line in done.stdout.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert (file.read_text(), done.exit_code) == (old, 0)
    assert {line[0] for line in changed} == {"+", "-"}
    assert [line for line in changed if '"2' not in line] == []


# One spelling.

OLD = {"--who", "--lines", "--seconds", "--from", "--to", "--on", "--start"}


def test_one_idea_has_one_spelling_in_all_commands() -> None:
    found = {(name, option) for name, one in commands() for x in one.params for option in x.opts}
    assert {(name, option) for name, option in found if option in OLD} == {
        ("alerting test", "--to"),
        ("report send", "--to"),
        ("import", "--from"),  # a day of calls, beside --until
    }


def test_no_command_takes_lines_as_arguments() -> None:
    arguments = {x.name for _, one in commands() for x in one.params if isinstance(x, click.Argument)}
    assert arguments & {"line", "lines"} == set()
