"""The files that people sign: of one report, the same bytes each time; what was signed last is revised."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from callmon.config.settings import Settings
from callmon.features.months.request import ReportRequest, filed
from callmon.features.months.signed import prepare
from callmon.store import sign_off
from callmon.store.access import AuditRow
from callmon.store.database import Database, upgrade
from callmon.store.sign_off import SignOffError, check_file
from tests.support import year
from tests.support.store_fixtures import RING
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories
from tests.support.year.database import LATER, fill_year

ORDER = ReportRequest("2024-05", "html", to_sign=True)


@pytest.fixture
def site(tmp_path: Path) -> tuple[Database, Settings]:
    store, settings = upgrade(f"sqlite:///{tmp_path}/callmon.db", RING), year.settings()
    fill_year(store, settings, 300, 30)
    return store, settings


def audit_event(who: str, at: datetime = LATER) -> AuditRow:
    return AuditRow(at=at, who=who, act="")


def made(
    site: tuple[Database, Settings], report_request: ReportRequest = ORDER, at: datetime = LATER
) -> list[tuple[Path, bytes]]:
    return filed(*site, report_request, at, lambda _part: None)


def changed(site: tuple[Database, Settings]) -> None:
    """More calls of that year become known."""
    year_rows.stored(*site, islice(year_stories.calls(360), 300, None))


def refused(site: tuple[Database, Settings], files: list[tuple[Path, bytes]], has_remarks: bool = False) -> str:
    with pytest.raises(SignOffError) as refusal:
        prepare(site[0], files, audit_event("a.roy"), has_remarks)
    return refusal.value.why


def test_both_languages_and_the_json_are_signed_and_reproducible(site: tuple[Database, Settings]) -> None:
    files = made(site)
    assert [path.name for path, _ in files] == [
        "callmon-2024-05-r1-fr.html", "callmon-2024-05-r1-en.html", "callmon-2024-05-r1.json",
    ]  # fmt: skip
    assert made(site) == files
    one = prepare(site[0], files, audit_event("g.lavoie"))
    assert (one.month, one.number, [x.who for x in one.signatures]) == ("2024-05", 1, ["g.lavoie"])
    assert {check_file(site[0], path.name, data).result for path, data in files} == {"in_progress"}


def test_the_next_revision_names_the_signed_one_and_its_changes(site: tuple[Database, Settings]) -> None:
    store, files = site[0], made(site)
    first = prepare(store, files, audit_event("g.lavoie"))
    for step in sign_off.STEPS[1:]:
        sign_off.sign(store, "2024-05", 1, step, audit_event("a.roy"))
    changed(site)
    again = made(site)
    assert [path.name for path, _ in again] == [
        "callmon-2024-05-r2-fr.html", "callmon-2024-05-r2-en.html", "callmon-2024-05-r2.json",
    ]  # fmt: skip
    before, after = (json.loads(some[-1][1]) for some in (files, again))
    assert (after["state"]["revision"], after["state"]["revises"]) == (2, before["state"]["data_fingerprint"])
    assert len(after["changes"]) > 0
    prepare(store, again, audit_event("a.roy"))
    assert {check_file(store, path.name, data).result for path, data in files} == {"approved"}
    for step in sign_off.STEPS[1:]:
        sign_off.sign(store, "2024-05", 2, step, audit_event("g.lavoie"))
    assert {check_file(store, path.name, data).result for path, data in files} == {"superseded"}
    assert {check_file(store, path.name, data).result for path, data in again} == {"approved"}
    assert [sign_off.read_signed(store, first, path.name) for path, _ in files] == [data for _, data in files]


def test_without_a_change_there_is_no_next_revision_but_by_remarks(site: tuple[Database, Settings]) -> None:
    prepare(site[0], made(site), audit_event("g.lavoie"))
    again = made(site)
    assert refused(site, again) == "unchanged"
    remarks = {"callbacks": {"fr": "Une tempête.", "en": "A storm."}}
    said = made(site, msgspec.structs.replace(ORDER, remarks=remarks))
    assert prepare(site[0], said, audit_event("a.roy"), has_remarks=True).number == 2
    assert refused(site, said, has_remarks=True) == "already"


def test_files_made_before_another_revision_was_prepared_are_too_late(site: tuple[Database, Settings]) -> None:
    early = made(site)
    changed(site)
    prepare(site[0], made(site), audit_event("g.lavoie"))
    assert refused(site, early) == "late"


def test_a_provisional_report_is_not_signed(site: tuple[Database, Settings]) -> None:
    files = made(site, at=datetime(2024, 5, 29, 12, tzinfo=UTC))
    assert json.loads(files[-1][1])["state"]["final"] is False
    assert refused(site, files) == "not_final"
    assert sign_off.revisions(site[0]) == []
