"""CEL that lacks `eventextra`, `appname` or the hang-ups: what is told is true, the rest is not known."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callmon.backfill.cel import extract
from callmon.backfill.cel.extract import with_doubt
from callmon.backfill.cel.rows import COLUMNS, CelRow
from callmon.core.calls.exchange_profile import ExchangeProfile
from tests.recordings.test_cel import DESK_PHONES, KEYS, RECORDINGS, calls, concluded, rows_of, scripted
from tests.recordings.test_cel_layouts import fields_of, padded
from tests.recordings.test_traces import TRACES
from tests.store.test_backfill import BackfillOffice

RUNS = pytest.mark.parametrize("run", ["run-16", "run-22"])
LACKING = pytest.mark.parametrize(
    ("columns", "lacks_apps"), [(("extra",), False), (("app", "data"), True), (("extra", "app", "data"), True)]
)
# Which phones were tried before the one that answered, and how, hangs on what is missing.
CERTAIN = ("direction", "line", "dialled", "parked")


def without(rows: Sequence[CelRow], *columns: str) -> list[CelRow]:
    return [msgspec.structs.replace(row, **dict.fromkeys(columns, "")) for row in rows]


def said(rows: Sequence[CelRow], lacks_apps: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in extract.stretches(rows):
        reported = extract.extract_calls(part, ExchangeProfile(DESK_PHONES, "toronto"), KEYS)
        found += map(concluded, (reported | with_doubt(part, reported, lacks_apps)).values())
    return found


def untrue(run: str, got: list[dict[str, Any]]) -> Iterator[str]:
    """What is claimed of a public call and is not so."""
    by_id = {call["call"]: call for call in got}
    for name, call, wanted in scripted(run):
        reported = by_id.get(call)
        if reported is None or not reported["line"] or name.startswith("phones_silent"):
            continue
        if reported["outcome"] not in (wanted["outcome"], "unknown"):
            yield f"{name}: {reported['outcome']}, not {wanted['outcome']}"
        if reported["outcome"] == "answered":
            yield from _of_answered(name, reported, wanted)
        for standard, verdict in wanted.get("verdicts", {}).items():
            if reported["verdicts"].get(standard) not in (verdict, "unknown"):
                yield f"{name} {standard}: {reported['verdicts'].get(standard)}, not {verdict}"


def _of_answered(name: str, reported: dict[str, Any], wanted: dict[str, Any]) -> Iterator[str]:
    person = {**reported, "answered_by": reported["answered_by"]["extension"]}
    for key in (*CERTAIN, "answered_by", "rings"):
        if key in wanted and person[key] != wanted[key]:
            yield f"{name} {key}: {person[key]}, not {wanted[key]}"


@pytest.mark.sampled(3)
@RUNS
@LACKING
def test_nothing_untrue_is_reported_of_any_call(run: str, columns: tuple[str, ...], lacks_apps: bool) -> None:
    got = said(without(rows_of(RECORDINGS / f"{run}.cel.csv"), *columns), lacks_apps)
    assert list(untrue(run, got)) == []
    known = [call for call in got if call["line"] and call["outcome"] != "unknown"]
    assert len(known) > len([call for call in got if call["line"]]) / 2


@pytest.mark.sampled(3)
@RUNS
@pytest.mark.parametrize("kind", ["HANGUP", "ANSWER", "BRIDGE_ENTER"])
def test_nor_where_a_kind_of_event_is_not_written(run: str, kind: str) -> None:
    got = said([row for row in rows_of(RECORDINGS / f"{run}.cel.csv") if row.kind != kind])
    assert (list(untrue(run, got)), len(got) > 90) == ([], True)


def test_where_hangups_alone_are_silent_a_handing_on_is_known() -> None:
    rows = rows_of(TRACES / "blind_transfer_1" / "cel.csv")
    mute = [msgspec.structs.replace(row, extra="" if row.kind == "HANGUP" else row.extra) for row in rows]
    (call,) = said(mute)
    handed = [(one["kind"], one["to"], one["answered"]) for one in call["transfers"]]
    assert (call["outcome"], handed) == ("answered", [("blind", "104", True)])


@RUNS
def test_of_a_whole_diary_nothing_is_doubted(run: str) -> None:
    rows = rows_of(RECORDINGS / f"{run}.cel.csv")
    assert said(rows) == calls(rows)


def filled(folder: Path, name: str, column: str) -> tuple[dict[str, Any], list[str]]:
    """What the command says of this recording's only call, from a table without this column; its errors."""
    kept = [n for n, known in enumerate(COLUMNS) if known != column]
    names, signs = (", ".join(x) for x in ([COLUMNS[n] for n in kept], "?" * len(kept)))
    rows = [[row[n] for n in kept] for row in padded(fields_of(TRACES / name / "cel.csv"))]
    with closing(sqlite3.connect(folder / "cel.db")) as connection, connection:
        connection.execute(f"CREATE TABLE cel ({names})")
        connection.executemany(f"INSERT INTO cel VALUES ({signs})", rows)
    office = BackfillOffice(folder, f'\n[exchanges.toronto.cel]\nurl = "sqlite:///{folder}/cel.db"\n')
    result = office.run("backfill", "--json")
    return msgspec.json.decode(result.stdout), result.stderr.splitlines()


IN_PART = (
    "CEL: calls known in part: 1. The answering phone, the end and transfers of a call need the events ANSWER, "
    "BRIDGE_ENTER and HANGUP and the columns appname and eventextra (extra)."
)


@pytest.mark.parametrize(
    ("name", "outcome", "transfers", "errors"),
    [
        ("answered_ring2", "answered", "met", []),
        ("abandon_at_once", "unknown", "unknown", [IN_PART]),
        ("blind_transfer_1", "answered", "unknown", [IN_PART]),
    ],
)
def test_the_command_says_what_it_cannot_know_and_what_would_tell_it(
    tmp_path: Path, name: str, outcome: str, transfers: str, errors: list[str]
) -> None:
    call, reported = filled(tmp_path, name, "eventextra")
    assert (call["outcome"], call["verdicts"]["one_transfer_at_most"], reported[:-1]) == (
        outcome,
        transfers,
        errors,
    )


def test_a_diary_without_applications_is_taken_with_the_same_care(tmp_path: Path) -> None:
    call, reported = filled(tmp_path, "attended_dtmf", "appname")
    verdict = call["verdicts"]["one_transfer_at_most"]
    assert (call["outcome"], verdict, reported[:-1]) == ("answered", "unknown", [IN_PART])
