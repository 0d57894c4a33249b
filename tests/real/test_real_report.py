"""From calls on a real Asterisk to the signed figures of their month: each is a count of what was scripted."""

from __future__ import annotations

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from click.testing import CliRunner

from callmon.main import main
from callmon.store.access import add_account
from callmon.store.opening import open_with_keys
from callmon.store.sign_off import STEPS
from tests.lab.exchange import Asterisk
from tests.lab.model import PlayedSituation
from tests.lab.play import play
from tests.lab.situations import named
from tests.support.daemon_process import Callmon
from tests.support.report_json import listed
from tests.support.sign_in_app import MADE, PASSWORD, kept_password
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab

CALLS = named(
    *("answered_ring1", "answered_ring4", "tollfree_answered", "poci_tollfree_answered", "tty_tollfree_answered"),
    *("abandon_ring1", "abandon_ring4", "busy_all"),
)
TORONTO = ZoneInfo("America/Toronto")
LONGEST = timedelta(minutes=2)  # from the first call to the end of the last
Figure = tuple[str, str, str]  # line ("" for all), figure, part
STANDARDS = ("answer_by_third_ring", "reach_a_person", "voicemail_after_fourth_ring", "one_transfer_at_most")


class LaterClock(datetime):
    """The clock of a command that is given 40 days later, when the month is over."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return (datetime.now(UTC) + timedelta(days=40)).astimezone(tz)


def scripted(calls: list[PlayedSituation]) -> Counter[Figure]:
    """What the month's report must count, by the scripts alone."""
    counted: Counter[Figure] = Counter()
    for call in calls:
        expect: Any = call.situation.expect
        for line in ("", expect["line"]):
            counted[line, "calls_offered", ""] += 1
            counted[line, "outcomes", expect["outcome"]] += 1
            for standard in STANDARDS:
                counted[line, f"{standard}.verdict", expect["verdicts"][standard]] += 1
    return counted


WANTED = {"calls_offered", "outcomes", *(f"{standard}.verdict" for standard in STANDARDS)}


def counted(rows: Iterable[tuple[Any, ...]]) -> Counter[Figure]:
    """The same figures of a report: rows of cut, member of the cut, figure, part, value."""
    return Counter(
        {
            (of or "", figure, part or ""): int(value)
            for cut, of, figure, part, value in rows
            if cut in ("whole", "line") and figure in WANTED and int(value or 0)
        }
    )


def of_json(path: Path) -> Counter[Figure]:
    figures = listed(json.loads(path.read_text("utf-8"))["figures"])
    return counted((x["cut"], x["of"], x["figure"], x["part"], x["value"]) for x in figures)


def of_csv(path: Path) -> Counter[Figure]:
    rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))
    return counted((x["cut"], x["member"], x["figure"], x["part"], x["value"]) for x in rows)


def of_workbook(path: Path) -> Counter[Figure]:
    head, *rows = openpyxl.load_workbook(path)["Figures"].iter_rows(values_only=True)
    places = [head.index(name) for name in ("cut", "member", "figure (2)", "part", "Value")]
    return counted(tuple(row[place] for place in places) for row in rows)


def test_the_signed_figures_of_a_month_are_those_of_scripted_calls(
    asterisk: Asterisk,
    pango: None,
    quick_passwords: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    month = wait_for_a_month_that_does_not_end()
    with Callmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
        truth = scripted(play(asterisk, CALLS))
        assert until(lambda: callmon.total("callmon_calls_total") == truth["", "calls_offered", ""])
        assert callmon.stop() == 0
    store = open_with_keys(callmon.settings())
    for name in ("g.lavoie", "a.roy"):
        add_account(store, name, kept_password(), ("manager",), MADE)
    store.close()
    monkeypatch.setattr("callmon.cli.common.datetime", LaterClock)
    monkeypatch.setenv("LAB_SECRET", asterisk.secret)

    def report(*words: str | Path) -> None:
        command = ["report", *map(str, words), "--config", str(callmon.config)]
        done = CliRunner().invoke(main, command, input=f"{PASSWORD}\n", catch_exceptions=False)
        assert done.exit_code == 0, done.output

    for kind, *more in (["json"], ["csv", "--lang", "en"], ["xlsx", "--lang", "en"]):
        report(month, "--format", kind, "-o", tmp_path / f"month.{kind}", *more)
    for step, by in zip(STEPS, ("g.lavoie", "a.roy", "a.roy"), strict=True):
        report("sign", month, step, "--by", by)
    (tmp_path / "signed").mkdir()
    report("signed", month, "--save", tmp_path / "signed")
    signed = {path.name.partition("-r1")[2]: path for path in (tmp_path / "signed").iterdir()}
    for path in signed.values():
        report("verify", path)
    assert of_json(tmp_path / "month.json") == truth
    assert of_csv(tmp_path / "month.csv") == truth
    assert of_workbook(tmp_path / "month.xlsx") == truth
    assert of_json(signed.pop(".json")) == truth
    assert {name: path.read_bytes()[:5] for name, path in signed.items()} == {
        "-en.pdf": b"%PDF-",
        "-fr.pdf": b"%PDF-",
    }


def wait_for_a_month_that_does_not_end() -> str:
    """The local month, waiting for the next one where it ends before the last call may."""
    while (now := datetime.now(TORONTO)).month != (now + LONGEST).month:
        time.sleep(1)
    return f"{now:%Y-%m}"
