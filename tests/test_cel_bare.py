"""CEL that lacks `eventextra`, `appname` or the hang-ups: what is told is true, the rest is left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callmon.assembly import site
from callmon.cel import diary
from callmon.cel.bare import WHY, left_out
from callmon.cel.export import COLUMNS
from callmon.cel.rows import Row
from callmon.settings import example
from tests.test_backfill import Office
from tests.test_cel import KEYS, RECORDINGS, calls, concluded, of_public, rows_of, scripted
from tests.test_cel_layouts import fields_of, padded, written
from tests.test_traces import TRACES
from tests.truth import unlike

ANSWERED, ABANDONED, HANDED_ON = (
    TRACES / name / "cel.csv" for name in ("answered_ring2", "abandon_at_once", "blind_transfer_1")
)


def without(rows: Sequence[Row], *columns: str) -> list[Row]:
    return [msgspec.structs.replace(row, **dict.fromkeys(columns, "")) for row in rows]


def said(rows: Sequence[Row], lacks_apps: bool = False) -> list[dict[str, Any]]:
    """The calls that are told."""
    found: list[dict[str, Any]] = []
    for part in diary.stretches(rows):
        told = diary.told(part, site(example(), "toronto"), KEYS)
        out = left_out(part, told, lacks_apps)
        found += [concluded(facts) for call, facts in told.items() if call not in out]
    return found


def untrue(run: str, got: list[dict[str, Any]]) -> list[str]:
    ids = {call["call"] for call in got}
    return of_public(unlike([one for one in scripted(run) if one[1] in ids], got))


@pytest.mark.parametrize(("run", "some"), [("run-16", 77), ("run-22", 62)])
def test_without_eventextra_calls_that_were_taken_and_kept_are_told_truly_and_no_other(
    run: str, some: int
) -> None:
    got = said(without(rows_of(RECORDINGS / f"{run}.cel.csv"), "extra"))
    assert (untrue(run, got), len(got)) == ([], some)
    assert {call["outcome"] for call in got if call["line"]} == {"answered", "voicemail"}


@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_of_a_whole_diary_no_call_is_left_out(run: str) -> None:
    rows = rows_of(RECORDINGS / f"{run}.cel.csv")
    assert sorted(call["call"] for call in said(rows)) == sorted(call["call"] for call in calls(rows))


@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_without_applications_too_only_music_instead_of_ringing_is_not_known(run: str) -> None:
    got = said(without(rows_of(RECORDINGS / f"{run}.cel.csv"), "extra", "app", "data"), lacks_apps=True)
    wrong = [line for line in untrue(run, got) if "heard_ringing: True, not False" not in line]
    assert (wrong, len(got) > 40) == ([], True)


def test_without_hang_ups_no_call_is_told_as_rung_in_vain() -> None:
    rows = [row for row in rows_of(RECORDINGS / "run-22.cel.csv") if row.kind != "HANGUP"]
    assert {call["outcome"] for call in said(rows) if call["line"]} == {"answered", "voicemail"}


def filled(folder: Path, diary_: Path, *columns: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Outcome and line of each call that the command makes of this diary without these columns; its errors."""
    kept = [n for n, name in enumerate(COLUMNS) if name not in columns]
    rows = [[row[n] for n in kept] for row in padded(fields_of(diary_))]
    (folder / "cel.csv").write_text(written(rows, [COLUMNS[n] for n in kept]), encoding="utf-8")
    result = Office(folder).run("backfill", "--json", str(folder / "cel.csv"))
    told = map(msgspec.json.decode, result.stdout.splitlines())
    return [(call["outcome"], call["line"]) for call in told], result.stderr.splitlines()


def test_the_command_tells_what_it_left_out_and_what_would_tell_it(tmp_path: Path) -> None:
    names = ("answered", "abandoned", "handed_on")
    for name, path in zip(names, (ANSWERED, ABANDONED, HANDED_ON), strict=True):
        (tmp_path / name).mkdir()
        told, errors = filled(tmp_path / name, path, "eventextra")
        count = len(fields_of(path))
        wanted = [("answered", "general")] if name == "answered" else []
        left = [] if wanted else [f"CEL: {count} rows left out, {WHY} (the first is row 1)."]
        assert (name, told, [line for line in errors if "left out" in line]) == (name, wanted, left)


def test_a_diary_without_applications_is_taken_with_the_same_care(tmp_path: Path) -> None:
    told, errors = filled(tmp_path, HANDED_ON, "appname")
    assert (told, errors[0].endswith(f"{WHY} (the first is row 1).")) == ([], True)
