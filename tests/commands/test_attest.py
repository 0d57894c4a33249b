"""Attestations: who tried a line and what they found, as the command takes it and the report prints it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callmon.core.attestations import Attestation, AttestationStatus, Subject, a_quarter_after, status_of
from callmon.core.statistics import period
from callmon.features.months.open_data import edition
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.main import main
from callmon.store.database import Database, open_store, upgrade
from callmon.store.queries.attestations import attestations, insert_attestations
from tests.support import year
from tests.support.year import TORONTO

NBSP = "\N{NO-BREAK SPACE}"


def found(day: str, subject: Subject = "person", line: str = "general", is_so: bool = True) -> Attestation:
    return Attestation(line, subject, date.fromisoformat(day), "A. Tremblay", is_so)


# What stands.


@pytest.mark.parametrize(
    ("tested", "after"),
    [("2026-01-15", "2026-04-15"), ("2026-11-30", "2027-02-28"), ("2023-11-30", "2024-02-29"),
     ("2026-12-31", "2027-03-31"), ("2026-03-31", "2026-06-30"), ("2026-10-01", "2027-01-01")],
)  # fmt: skip
def test_a_quarter_ends_on_the_same_day_or_the_last_of_its_month(tested: str, after: str) -> None:
    assert a_quarter_after(date.fromisoformat(tested)) == date.fromisoformat(after)


def test_the_months_last_test_stands_and_is_stale_after_a_quarter() -> None:
    given = [found("2026-07-10"), found("2026-05-01", is_so=False), found("2026-11-02")]
    end = date(2026, 11, 1)
    (person, greetings) = status_of(["general"], given, end, today=date(2026, 10, 10))
    assert person == AttestationStatus("general", "person", given[0], is_stale=False)
    assert greetings == AttestationStatus("general", "greetings", None)
    (person, _) = status_of(["general"], given, end, today=date(2026, 10, 11))
    assert person == AttestationStatus("general", "person", given[0], is_stale=True)


def test_what_was_said_later_of_the_same_day_stands() -> None:
    given = [found("2026-07-10"), found("2026-07-10", is_so=False)]
    assert status_of(["general"], given, date.max, date(2026, 7, 11))[0].last == given[1]


# The command.


@pytest.fixture
def site(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path}/callmon.db"
    upgrade(url).close()
    text = year.example_text().replace("sqlite:///callmon.db", url)
    (tmp_path / "callmon.toml").write_text(text, encoding="utf-8")
    return tmp_path


def run(site: Path, *arguments: str) -> Result:
    command = ["attest", *arguments, "--config", str(site / "callmon.toml")]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def test_an_attestation_is_stored_and_each_lines_state_is_printed(site: Path) -> None:
    today = datetime.now(TORONTO).date()
    done = run(
        site, "add", "--line", "general", "--what", "person", "--at", today.isoformat(), "--by", "A. Tremblay"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    rows = [json.loads(line) for line in run(site, "list", "--json").stdout.splitlines()]
    assert len(rows) == 12
    assert rows[0] == {
        "line": "general", "subject": "person", "is_stale": False,
        "last": {"line": "general", "subject": "person", "tested": today.isoformat(), "by": "A. Tremblay",
                 "is_so": True},
    }  # fmt: skip
    assert [row["last"] for row in rows[1:]] == [None] * 11
    assert done.stdout.splitlines()[1].endswith("en français et en anglais : jamais vérifié")
    shown = run(site, "list", "--lang", "en").stdout.splitlines()
    assert shown[0].startswith(
        "General inquiries, Toronto, a way to a person in every menu and greeting: found so"
    )
    assert shown[1] == "General inquiries, Toronto, menus and greetings in French and English: never tested"


def test_all_lines_and_both_subjects_are_attested_at_once(site: Path) -> None:
    run(site, "add", "--line", "all", "--at", "2026-01-05", "--by", "B. Roy", "--not-so")
    store = open_store(f"sqlite:///{site}/callmon.db")
    given = attestations(store)
    store.close()
    assert len(given) == 12
    assert {(one.tested, one.by, one.is_so) for one in given} == {(date(2026, 1, 5), "B. Roy", False)}


# The report.


def test_the_report_prints_the_months_end_and_the_public_one_no_names(store: Database) -> None:
    settings = year.settings()
    insert_attestations(
        store, [found("2024-05-03"), found("2024-01-03", "greetings"), found("2024-06-01", "greetings")]
    )
    may = period.month("2024-05", TORONTO)
    now = datetime(2024, 6, 20, tzinfo=UTC)
    made = gathered(store, settings, may, now, ("general",), compare=False)
    pages = [page(made, settings, language) for language in ("fr", "en")]
    assert f"vérifié le 3{NBSP}mai{NBSP}2024, par A. Tremblay</dd>" in pages[0]
    assert f"vérifié le 3{NBSP}janvier{NBSP}2024, par A. Tremblay (il y a plus de trois mois{NBSP}: à" in pages[0]
    assert f"found so on 3{NBSP}May{NBSP}2024, by A. Tremblay</dd>" in pages[1]
    shown = page(edition.edition(made), settings, "en")
    assert f"found so on 3{NBSP}May{NBSP}2024</dd>" in shown
    assert "Tremblay" not in shown
    again = gathered(store, settings, may, now + timedelta(days=90), ("general",), compare=False)
    assert again.attested == made.attested
    insert_attestations(store, [found("2024-05-30", is_so=False)])
    later = gathered(store, settings, may, now, ("general",), compare=False)
    assert later.data_fingerprint != made.data_fingerprint
    assert "non constaté à l’essai du 30" in page(later, settings, "fr")


@pytest.mark.parametrize(("day", "line"), [("2024-06-01", "general"), ("2024-05-03", "tty")])
def test_an_attestation_of_another_month_leaves_the_fingerprint(store: Database, day: str, line: str) -> None:
    settings, may = year.settings(), period.month("2024-05", TORONTO)
    now = datetime(2024, 6, 20, tzinfo=UTC)
    before = gathered(store, settings, may, now, ("general",), compare=False)
    insert_attestations(store, [found(day, line=line)])
    after = gathered(store, settings, may, now, ("general",), compare=False)
    assert after.data_fingerprint == before.data_fingerprint


def page(made: object, settings: object, language: str) -> str:
    ((_, data),) = files(made, settings, ReportRequest("", "html", language))  # type: ignore[arg-type]
    return data.decode()
