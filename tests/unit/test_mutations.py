"""The planted faults are those of the table in dev/mutations/caught.md, and each can still be planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.mutations import drawn
from dev.mutations.__main__ import (
    KINDS,
    OF_PAGES,
    ROOT,
    TABLE,
    NotOnceError,
    by_kind,
    kinds_for,
    planted,
    rows,
    with_rows,
)
from dev.mutations.fault import Fault
from dev.mutations.faults import FAULTS

ROWS = rows(TABLE.read_text(encoding="utf-8"))


def test_the_table_has_the_faults_that_are_planted_in_their_order() -> None:
    assert list(ROWS) == [fault.name for fault in FAULTS]


def test_each_fault_is_caught_by_kinds_that_there_are() -> None:
    named = {kind for kinds in ROWS.values() for kind in kinds.split(", ")}
    assert named - KINDS.keys() == set()


def test_the_files_of_each_kind_of_tests_exist() -> None:
    named = {name for names in KINDS.values() for name in names if name.endswith(".py")}
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_be_planted_where_it_says(fault: Fault) -> None:
    sound = (ROOT / fault.file).read_text(encoding="utf-8")
    faulty = planted(sound, fault)
    assert faulty != sound
    assert compile(faulty, fault.file, "exec")


def test_a_fault_of_sessions_and_accounts_runs_the_access_tests() -> None:
    found = {
        kind for fault in FAULTS if fault.file.startswith("callmon/store/access.py") for kind in kinds_for(fault)
    }
    assert found == set(OF_PAGES)


def test_each_kind_is_reported_with_what_it_catches_and_what_no_other_does() -> None:
    reported = list(by_kind({"a": "recordings, model", "b": "model", "c": "SURVIVED"}))
    assert reported[:3] == ["| recordings | 1 | 0 |", "| tables | 0 | 0 |", "| model | 2 | 1 |"]


def test_a_text_that_is_not_there_once_is_said() -> None:
    with pytest.raises(NotOnceError, match=r"nothing: stands 2 times in callmon/x\.py, not once: 'a'"):
        planted("a a", Fault("nothing", "callmon/x.py", (("a", "b"),)))


def test_a_result_replaces_the_one_before_and_the_others_stay() -> None:
    first, second = FAULTS[0].name, FAULTS[1].name
    table = f"# x\n\n|---|---|\n| {first} | model |\n| {second} | tables |\n"
    assert rows(with_rows(table, {second: "SURVIVED"})) == {first: "model", second: "SURVIVED"}


def test_a_seed_draws_the_same_faults_each_time_one_change_of_a_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "callmon" / "core").mkdir(parents=True)
    source = "def f(a, b):\n    return not a < 3 and g(a, b)\n"
    (tmp_path / "callmon" / "core" / "x.py").write_text(source)
    monkeypatch.setattr(drawn, "ROOT", tmp_path)
    found = drawn.drawn(7, 5)
    assert found == drawn.drawn(7, 5)
    assert sorted((x.kind, x.planted(source).splitlines()[1].strip()) for x in found) == [
        ("and or or", "return not a < 3 or g(a, b)"),
        ("arguments", "return not a < 3 and g(b, a)"),
        ("comparison", "return not a > 3 and g(a, b)"),
        ("edge", "return not a < 4 and g(a, b)"),
        ("lost not", "return a < 3 and g(a, b)"),
    ]
