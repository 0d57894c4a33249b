"""The planted faults are those of the table in dev/mutations/caught.md, and each can still be planted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from coverage import CoverageData

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
from dev.mutations.trial import EQUIVALENT, Executed, is_caught

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


def change_at(line: int) -> drawn.Drawn:
    return drawn.Drawn("edge", "callmon/x.py", line, 11, 12, "9")


def test_a_fault_is_tried_on_the_items_that_execute_its_line(tmp_path: Path) -> None:
    file = str(ROOT / "callmon/x.py")
    data = CoverageData(str(tmp_path / "data"))
    for context, lines in [
        ("", [1, 5]),
        ("tests/a.py::test_a|run", [2]),
        ("tests/b.py::test_b[1|2]|setup", [2, 3]),
    ]:
        data.set_context(context)
        data.add_lines({file: lines})
    data.write()
    found = [Executed(tmp_path / "data").items(change_at(line)) for line in (2, 3, 1)]
    both = ["tests/a.py::test_a", "tests/b.py::test_b[1|2]"]
    assert found == [both, ["tests/b.py::test_b[1|2]"], both]
    other = drawn.Drawn("edge", "callmon/y.py", 1, 0, 1, "")
    assert Executed(tmp_path / "data").items(other) == ["tests/process"]


def test_a_fault_is_caught_where_a_test_of_its_items_fails(tmp_path: Path) -> None:
    sound = "def a():\n    return 1\n"
    (tmp_path / "callmon").mkdir()
    (tmp_path / "callmon" / "x.py").write_text(sound)
    test = "from callmon.x import a\n\ndef test_one(): assert a() == 1\n\ndef test_two(): assert a() > 0\n"
    (tmp_path / "test_x.py").write_text(test)
    tried = [
        is_caught(tmp_path, change_at(2), groups)
        for groups in ([["test_x.py::test_one"]], [["test_x.py::test_two"], []])
    ]
    assert tried == [True, False]
    assert (tmp_path / "callmon" / "x.py").read_text() == sound


def test_each_equivalent_fault_can_still_be_drawn() -> None:
    for one in tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["fault"]:
        lines = (ROOT / one["file"]).read_text(encoding="utf-8").splitlines()
        assert [line.strip() for line in lines].count(one["before"]) == 1
