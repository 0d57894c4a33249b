"""`callmon half-hours`: each cell, counted by the test; days, lines, autumn's repeated hour."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from callmon.config.settings import example_text, load
from callmon.core import facts as f
from callmon.main import main
from callmon.store import opening
from callmon.store.database import Database
from tests.support.fact_builder import local
from tests.support.store_fixtures import account, outcomes, wrote

NONE = {"answered": 0, "abandoned": 0, "voicemail": 0, "within_20": 0, "wait_seconds": 0, "transferred": 0}


def call(
    number: int,
    at: datetime,
    answer: float | None = None,
    ending: str = "",
    line: str = "general",
    moved: bool = False,
    test: bool = False,
) -> list[f.Fact]:
    """A call that is answered after `answer` seconds, taken by voicemail ("box"), or given up."""
    name, phone = f"{1_790_000_000 + number}.{number}", f"PJSIP/101-{number:08x}"
    facts: list[f.Fact] = [
        f.Arrived(
            name, at, "inbound", line, "4163272422", None, "withheld", f"PJSIP/trunk-{number:08x}", test=test
        ),
        f.PhoneDialled(name, at, "101", phone),
        f.PhoneRang(name, at, "101", phone),
    ]
    if answer is not None:
        joined = at + timedelta(seconds=answer)
        facts.append(f.Answered(name, joined, "101", phone, at))
        if moved:
            facts.append(f.Transferred(name, joined + timedelta(seconds=5), "blind", phone, "104", True))
    if ending == "box":
        facts.append(f.VoicemailTook(name, at + timedelta(seconds=24), "500"))
    return [*facts, f.Ended(name, at + timedelta(seconds=90), "caller")]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "en_CA.UTF-8")
    (tmp_path / "callmon.toml").write_text(example_text(), encoding="utf-8")
    return opening.open_for_writing(load("callmon.toml"))


def keep(store: Database, *calls: list[f.Fact]) -> None:
    wrote(store, *(outcome for facts in calls for outcome in outcomes(facts)))
    store.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["half-hours", *words])


def cells(*words: str) -> Any:
    return json.loads(run(*words, "--json").stdout)["half_hours"]


def test_each_cell_counts_what_became_of_the_calls_that_arrived_then(site: Database) -> None:
    ten = local("2026-03-02 10:00")
    keep(
        site,
        call(1, ten, 20.9),
        call(2, ten + timedelta(seconds=1), 21),
        call(3, ten + timedelta(minutes=29, seconds=59.9), 3.2, moved=True),
        call(4, ten + timedelta(minutes=3)),
        call(5, ten + timedelta(minutes=4), ending="box"),
        call(6, ten + timedelta(minutes=30), 0),
        call(7, ten + timedelta(minutes=5), 1, line="tty"),
        call(8, ten + timedelta(minutes=6), 1, test=True),
        call(9, ten - timedelta(days=1), 1),
    )
    first = {"offered": 5, "answered": 3, "abandoned": 1, "voicemail": 1, "within_20": 2, "wait_seconds": 44}
    one = NONE | {"offered": 1, "answered": 1, "within_20": 1}
    general = {"2026-03-02 10:00": first | {"transferred": 1}, "2026-03-02 10:30": one}
    together = {"offered": 6, "answered": 4, "within_20": 3, "wait_seconds": 45}
    assert cells("2026-03-02", "2026-03-02") == {
        "general": general,
        "tty": {"2026-03-02 10:00": one | {"wait_seconds": 1}},
        "all": general | {"2026-03-02 10:00": general["2026-03-02 10:00"] | together},
    }
    assert cells("2026-03-02", "2026-03-03", "--line", "general") == {"general": general}
    assert list(cells("2026-03-01", "2026-03-02")["all"]) == [
        *("2026-03-01 10:00", "2026-03-02 10:00", "2026-03-02 10:30")
    ]


def test_the_hour_that_autumn_repeats_is_one_hour_with_the_calls_of_both(site: Database) -> None:
    first = local("2026-11-01 00:45") + timedelta(minutes=15)
    keep(site, call(1, first), call(2, first + timedelta(hours=1)), call(3, first + timedelta(hours=2)))
    offered = {slot: cell["offered"] for slot, cell in cells("2026-11-01", "2026-11-01")["all"].items()}
    assert offered == {"2026-11-01 01:00": 2, "2026-11-01 02:00": 1}


def test_a_voicemail_after_a_person_counts_as_the_calls_outcome(site: Database) -> None:
    facts = call(1, local("2026-03-02 10:00"), 2, ending="box")
    keep(site, facts)
    outcome = account(facts).outcome
    cell = cells("2026-03-02", "2026-03-02")["all"]["2026-03-02 10:00"]
    assert (outcome, cell["answered"], cell["voicemail"]) == ("answered", 1, 0)


def test_without_json_each_half_hour_is_a_line_or_a_sentence(site: Database) -> None:
    keep(site, call(1, local("2026-03-02 10:00"), 2))
    counts = "offered=1  answered=1  abandoned=0  voicemail=0  within_20=1  wait_seconds=2  transferred=0"
    reported = run("2026-03-02", "2026-03-02").stdout.splitlines()
    assert reported == [f"2026-03-02 10:00  {name}  {counts}" for name in ("general", "all")]
    none = run("2026-03-03", "2026-03-04")
    assert (none.stdout, none.stderr) == ("", "No call arrived on these days.\n")
    assert cells("2026-03-03", "2026-03-04") == {}
