"""A revision after a real `callmon backfill` lists exactly the figures that it changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callmon.core.statistics import period
from callmon.features.months.formats import json as as_json
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import WHOLE, Cut, Place, Report
from callmon.features.months.request import gathered
from tests.store.test_backfill import BackfillOffice, cel
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows

LATER = datetime(2030, 1, 5, 15, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> BackfillOffice:
    """Its exchange has been listened to since long."""
    found = BackfillOffice(tmp_path)
    store = found.store()
    year_rows.listened(store, datetime(2020, 1, 1, tzinfo=UTC), LATER)
    store.close()
    return found


def month_of(reported: list[dict[str, Any]]) -> str:
    return datetime.fromisoformat(reported[0]["arrived"]).astimezone(TORONTO).strftime("%Y-%m")


def made(office: BackfillOffice, name: str) -> Report:
    store = office.store()
    try:
        return gathered(store, office.settings(), period.month(name, TORONTO), LATER, compare=False)
    finally:
        store.close()


def published(report: Report) -> as_json.Published:
    reported = as_json.json_bytes(report, ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO), "0")
    return as_json.parse_report(reported, "before.json")


def test_a_revision_after_a_backfill_lists_exactly_what_it_changed(office: BackfillOffice) -> None:
    name = month_of(office.calls(cel("vm_message")))
    before = made(office, name)
    assert (
        before.figure("calls_offered").value,
        before.figure("calls_offered", cut=Cut("line", "tty")).value,
    ) == (1, 0)
    assert month_of(office.calls(cel("tty_answered"))) == name
    after = made(office, name)
    revised = as_json.revised(after, published(before), "before.json")
    reported = {one.place: (one.before, one.after) for one in revised.changes}
    differing = {x: (before.figures.get(x), after.figures.get(x)) for x in (*before.figures, *after.figures)}
    none = [x for x, pair in differing.items() if pair[0] is None and after.figures[x].value == 0]
    assert {x.name for x in none} == {"voicemail_after_fourth_ring.exempt"}  # a reason that nobody had before
    assert reported == {x: pair for x, pair in differing.items() if pair[0] != pair[1] and x not in none}
    assert (revised.revision, revised.revises) == (2, before.data_fingerprint)
    values = {x: tuple(None if one is None else one.value for one in pair) for x, pair in reported.items()}
    for cut in (WHOLE, Cut("line", "tty"), Cut("mode", "tty")):
        was = int(before.figure("calls_offered", cut=cut).value or 0)
        assert values[Place("calls_offered", "", cut)] == (was, was + 1)
        assert values[Place("outcomes", "answered", cut)] == (0, 1)
    assert {x.cut.of for x in reported if x.cut.kind == "line"} == {"tty"}
    assert {x.cut.of for x in reported if x.cut.kind == "mode"} == {"tty"}
    assert {x.cut.of for x in reported if x.cut.kind == "service"} == {"general_inquiries"}
    assert not [x for x in reported if x.name == "check"]


def test_a_backfill_that_changes_nothing_makes_the_same_report(office: BackfillOffice) -> None:
    name = month_of(office.calls(cel("vm_message")))
    before = made(office, name)
    assert office.calls(cel("vm_message")) == []
    after = made(office, name)
    assert after == before
    assert as_json.revised(after, published(before), "before.json").changes == ()


def test_the_commands_say_the_same(office: BackfillOffice, tmp_path: Path) -> None:
    name = month_of(office.calls(cel("vm_message")))
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    asked = ("report", name, "--format", "json", "--no-compare")
    office.run(*asked, "-o", str(first))
    office.calls(cel("tty_answered"))
    office.run(*asked, "--revises", str(first), "-o", str(second))
    reported = json.loads(second.read_bytes())
    assert reported["state"]["revision"] == 2
    changed = {(x["after"]["figure"], x["after"]["part"], x["after"]["of"]) for x in reported["changes"]}
    assert {("calls_offered", "", ""), ("outcomes", "answered", "tty")} < changed
    assert not [x for x in changed if x[2] in ("general", "voice", "poci")]
