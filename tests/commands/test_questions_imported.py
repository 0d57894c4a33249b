"""The questions of an imported queue_log: it tells answers alone, in whole seconds, of days that nobody heard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from callmon.core.replay.record import seen_rule
from callmon.core.replay.staffing import queue_load
from callmon.store.queries.seen_days import DayReader
from tests.commands.test_import import OF_TORONTO, lab_office
from tests.store.test_backfill import BackfillOffice
from tests.support.environment import QUESTIONS_ON
from tests.support.fact_builder import TORONTO, local
from tests.support.made_queue_log import made
from tests.support.moments import stopped

DAY = date(2026, 3, 2)
MINUTE = 60_000


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackfillOffice:
    found = lab_office(tmp_path, monkeypatch)
    found.config.write_text(QUESTIONS_ON + found.config.read_text(encoding="utf-8"), encoding="utf-8")
    return found


def answered(began: datetime, number: int, wait: int, phone: int, talk: int) -> Iterator[str]:
    """A call in the queue `general`; `wait` and `talk` in seconds."""
    enters = int(began.timestamp())
    name, answers = f"{enters}.{number}", enters + wait
    yield f"{enters}|{name}|general|NONE|ENTERQUEUE||4165550101|1"
    yield f"{answers}|{name}|general|PJSIP/{phone}|CONNECT|{wait}|{name}9|2"
    yield f"{answers + talk}|{name}|general|PJSIP/{phone}|COMPLETECALLER|{wait}|{talk}|1"


def imported(office: BackfillOffice, folder: Path, lines: list[str]) -> None:
    file = folder / "queue_log"
    file.write_text("".join(f"{line}\n" for line in sorted(lines)))
    assert office.run("import", "queue_log", str(file)).exit_code == 0


def test_a_phone_is_away_while_it_takes_no_call_and_callers_wait(office: BackfillOffice, tmp_path: Path) -> None:
    ten = local(f"{DAY} 10:00")
    calls = (
        (0, 0, 101, 120),  # away from 10:02 on: a caller waits, and no answer for eight minutes
        (120, 100, 102, 200),
        (300, 128, 102, 30),  # eight seconds after the call before
        (600, 0, 101, 60),
        (1500, 0, 101, 60),  # fourteen minutes idle: nobody waited
    )
    found = (
        answered(ten + timedelta(seconds=since), n, wait, phone, talk)
        for n, (since, wait, phone, talk) in enumerate(calls)
    )
    imported(office, tmp_path, [line for lines in found for line in lines])
    with closing(office.store()) as store:
        (day,) = DayReader(TORONTO).read_days(store, DAY, DAY)
    hour = 600 * MINUTE
    assert [(call.wait, call.talk) for call in day.calls] == [
        (0, 120_000), (100_000, 200_000), (128_000, 30_000), (0, 60_000), (0, 60_000),
    ]  # fmt: skip
    assert day.phones == {
        0: ((hour, hour + 2 * MINUTE), (hour + 10 * MINUTE, hour + 26 * MINUTE)),
        1: ((hour + 220_000, hour + 458_000),),
    }
    assert queue_load([day], [20])[20].busy == 94.0 + 8.0
    assert (seen_rule([day]).lead, seen_rule([day]).wrap_up) == (0, 8000)


def test_days_that_an_import_alone_tells_have_no_pick_up_and_no_rings(
    office: BackfillOffice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [day for n in range(110) if (day := DAY + timedelta(days=n)).weekday() < 5]
    lines = (
        answered(local(f"{day} 10:00") + timedelta(seconds=60 * n), n, 5 + 25 * (n % 3 == 0), 101 + n % 4, 150)
        for day in days
        for n in range(120)
    )
    imported(office, tmp_path, [line for found in lines for line in found])
    monkeypatch.setattr("callmon.cli.common.datetime", stopped(local("2026-07-01 12:00")))
    months = (str(days[0]), str(days[-1]))
    silent = json.loads(office.run("what-if", *months, "--set", "strategy=ringall", "--json").stdout)
    assert (silent["said"], silent["why_not"]) == (
        False, "It is not known which phones rang: only the setting phones can be changed.",
    )  # fmt: skip
    asked = ("staffing", str(days[-1]), "--known-until", str(days[-4]), "--json")
    rings, seconds = (
        json.loads(office.run(*asked, *how).stdout) for how in (("--rings", "3"), ("--within", "18"))
    )
    assert rings["half_hours"][0]["said"]
    assert rings == seconds


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("queue_log", {}),
        ("cel", {}),
        (
            "cdr",
            {
                "en": "The record does not tell how long the callers of more than 5% of the calls waited: "
                "nothing is concluded.",
                "fr": "Le relevé ne dit pas combien de temps l’appelant a attendu pour plus de 5 % des appels : "
                "rien n’est conclu.",
            },
        ),
    ],
)
def test_a_record_without_waits_has_no_estimate_others_have_their_own(
    office: BackfillOffice, tmp_path: Path, kind: str, lacking: dict[str, str]
) -> None:
    log, cells = made(days=5, calls_a_day=100, record=kind)
    (tmp_path / "record").write_text(log)
    assert office.run("import", kind, str(tmp_path / "record"), *OF_TORONTO).exit_code == 0
    asked = ("what-if", "2026-03-02", "2026-03-06", "--set", "phones=+1@10:00-11:00")
    said = {lang: office.run(*asked, "--lang", lang, "--json").stdout for lang in ("en", "fr")}
    answers = {lang: json.loads(text) for lang, text in said.items()}
    assert {lang: answer["why_not"] for lang, answer in answers.items() if not answer["said"]} == lacking
    for answer in answers.values() if not lacking else ():
        assert answer["own_rule"]["answered"] == sum(cell["answered"] for cell in cells.values())
