"""The stages of the tests (`.ci/stage.py`): what is run, in which order, and that no failure is lost."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from uuid import uuid4

import pytest

from dev.coverage_by_package import reached
from tests.support.daemon_process import ROOT
from tests.support.store_fixtures import until


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / ".ci")
    specification = importlib.util.spec_from_file_location("stage", ROOT / ".ci/stage.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["stage"] = module  # dataclasses look for it there
    specification.loader.exec_module(module)
    module.ROOT = tmp_path
    module.LOGS = tmp_path
    module.SECONDS_TO_END = 0.5
    return module


@pytest.fixture
def pythons(tmp_path: Path) -> list[str]:
    """Two programs that say the version of a Python: a machine may have one Python alone."""
    found = [tmp_path / "python3.13", tmp_path / "python3.11"]
    for path in found:
        path.write_text(f"#!/bin/sh\necho {path.name.replace('python', 'Python ')}.9\n")
        path.chmod(0o755)
    return [str(path) for path in found]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_part_that_fails_fails_the_run_and_all_that_it_wrote_is_printed(
    stage: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    run = stage.Run()
    bad = stage.Part("bad", python("print(*range(1000), sep='\\n'); raise SystemExit(3)"))
    run.lanes([[stage.Part("good", python("print('3 passed')")), bad]])
    assert run.report() == 1
    printed = capfd.readouterr().out.splitlines()
    shown = [line for line in printed if line.isdigit()]
    assert shown[:1000] == [str(number) for number in range(1000)]
    assert [line.split()[0::3] for line in printed if line.startswith("good ")] == [["good", "3"]]
    assert [line.split()[3:] for line in printed if line.startswith("bad ")] == [["FAILED:", "999"]]


def test_a_part_that_fails_ends_those_beside_it_and_none_begins(
    stage: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The one beside it ignores SIGINT: it is killed."""
    run, file = stage.Run(), tmp_path / "begun"
    ignoring = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN)"
    slow = stage.Part("slow", python(f"{ignoring}; open({str(file)!r}, 'w'); time.sleep(600)"))
    bad = stage.Part(
        "bad", python(f"import os\nwhile not os.path.exists({str(file)!r}): pass\nraise SystemExit(1)")
    )
    run.lanes([[bad], [slow, stage.Part("next", python("1"))]])
    assert run.report() == 1
    assert [(part.name, part.failed, part.summary) for part in run.parts.values()] == [
        ("bad", True, ""),
        ("slow", False, "ended: bad failed"),
        ("next", False, "not run: bad failed"),
    ]
    assert capfd.readouterr().out.splitlines()[-1] == "bad:"


@pytest.mark.parametrize(
    ("commit", "whole"),
    [(0, "Python 3.14, in Debian sid"), (1, ""), (2, "Python 3.11"), (3, "Python 3.14, in Debian sid")],
)
def test_one_other_python_is_tested_whole_in_turns(
    stage: ModuleType, pythons: list[str], monkeypatch: pytest.MonkeyPatch, commit: int, whole: str
) -> None:
    """Python 3.12 is not on this machine."""
    monkeypatch.setattr(stage, "_commit", lambda: commit)
    parts = [part for lane in stage.Stages(pythons).ci() for part in lane]
    assert [part.name for part in parts if "tests/store" in part.command] == ([whole] if whole else [])


def test_the_last_lines_of_a_failed_run_are_what_pytest_says(
    stage: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    run = stage.Run()
    bad = "print('>   assert x', 'E   assert 1 == 2', 'FAILED test_x.py', sep='\\n'); raise SystemExit(1)"
    run.lanes([[stage.Part("good", python("print('E   all is well')")), stage.Part("bad", python(bad))]])
    assert run.report() == 1
    assert capfd.readouterr().out.splitlines()[-3:] == ["bad:", "E   assert 1 == 2", "FAILED test_x.py"]


def test_a_run_whose_parts_ended_well_ends_well_and_shows_its_logs(
    stage: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    run = stage.Run()
    run.lanes([[stage.Part("good", python("print(*range(1000), sep='\\n')"))]])
    assert run.report() == 0
    printed = capfd.readouterr().out.splitlines()
    assert [line for line in printed if line.isdigit()] == [str(number) for number in range(988, 1000)]


def test_a_part_waits_for_another_lane_and_is_not_run_if_that_failed(stage: ModuleType, tmp_path: Path) -> None:
    run, file = stage.Run(), tmp_path / "made"
    late = python(f"import time; time.sleep(0.3); open({str(file)!r}, 'w')")
    run.lanes([[stage.Part("use", python(f"open({str(file)!r})"), needs=("make",))], [stage.Part("make", late)]])
    assert run.report() == 0
    run.lanes([[stage.Part("no", python("1/0"))], [stage.Part("after", python("1"), needs=("no",))]])
    assert run.report() == 1
    assert run.parts["after"].summary == "not run: no failed"


@pytest.mark.parametrize("name", ["quick", "test", "ci", "rest"])
def test_what_a_part_needs_is_in_its_stage_or_in_the_one_before(
    stage: ModuleType, pythons: list[str], name: str
) -> None:
    def parts(which: str) -> list[object]:
        return [part for lane in getattr(stage.Stages(pythons), which)() for part in lane]

    there = {part.name for part in parts(name)}
    assert {need for part in parts(name) for need in part.needs} - there == set()
    assert len(there) == len(parts(name))


@pytest.mark.parametrize(("version", "parts"), [("3.13", 1), ("3.14", 0)])
def test_python_3_14_is_tested_in_debian_sid_where_this_machine_has_none(
    stage: ModuleType, pythons: list[str], version: str, parts: int
) -> None:
    newest = Path(pythons[0])
    newest.write_text(f"#!/bin/sh\necho Python {version}.1\n")
    lanes = stage.Stages(pythons).rest()
    in_sid = [part for lane in lanes for part in lane if "dev.sid_python" in part.command]
    folders = [f"tests/{name}" for name in stage.WHOLE]
    assert [part.command[-len(folders) :] for part in in_sid] == [folders] * parts


def test_every_test_runs_in_a_stage(stage: ModuleType, pythons: list[str]) -> None:
    """Each item is in one of: without a server; a real server; a browser."""
    commands = [" ".join(part.command) for lane in stage.Stages(pythons).rest() for part in lane]
    selected = [command.partition(" -m pytest ")[2] for command in commands if " -m pytest " in command]
    marks = {line.split(" -m ")[1].partition(" --")[0].partition(" tests/")[0] for line in selected}
    assert marks == {"lab and not browser", "lab and browser", "not lab", stage.NO_SERVER}


def items(files: Iterable[str], which: str, **variables: str) -> set[str]:
    """What pytest collects of these files."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", which]
    done = subprocess.run(
        [*command, *(f"tests/{file}" for file in files)],
        cwd=ROOT, env={**os.environ, "CALLMON_WHOLE": "", **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_ci_runs_other_parameters_of_a_long_test_for_another_commit(
    stage: ModuleType, pythons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_commit", lambda: 7)
    stages = stage.Stages(pythons)
    variables = [
        next(part.environment for lane in lanes for part in lane if "PostgreSQL" in part.name)
        for lanes in (stages.ci(), stages.rest())
    ]
    one, every = (items(["pages/test_demonstration_buttons.py"], "not lab", **each) for each in variables)
    other = items(["pages/test_demonstration_buttons.py"], "not lab", **variables[0] | {"CALLMON_TURN": "8"})
    assert (len(one), len(other), len(every)) == (2, 2, 20)
    assert one != other


def test_the_rest_is_what_make_test_leaves_out_and_what_has_more_examples(stage: ModuleType) -> None:
    files = ("recordings/test_cel_bare.py", "store/test_audit.py", "unit/test_rings.py", "fuzz/test_memory.py")
    fast, rest = items(files, stage.NO_SERVER), items(files, "not lab", CALLMON_WHOLE="rest")
    whole = items(files, "not lab", CALLMON_WHOLE="1")
    assert fast | rest == whole
    assert {item.split("::")[-1] for item in fast & rest} == {  # properties
        "test_the_n_th_ring_runs_from_n_minus_1_to_n_cycles",
        "test_the_grace_takes_away_one_ring_at_most",
        "test_a_ring_between_two_times_is_reported_only_when_both_give_the_same",
    }


def test_children_of_tests_can_be_interrupted_under_ignored_sigint() -> None:
    """As a shell begins a job in the background."""
    assert signal.getsignal(signal.SIGINT) != signal.SIG_IGN
    probe = (
        "import signal, subprocess, sys, types; from tests import conftest;"
        " conftest.pytest_configure(types.SimpleNamespace(option=None));"
        " print(subprocess.run([sys.executable, '-c', 'import signal; print(signal.getsignal(signal.SIGINT))'],"
        " capture_output=True, text=True).stdout)"
    )
    command = ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, probe]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "<built-in function default_int_handler>"


# A run in a container of its own, with a daemon that has left its session, and a mount where it may have one.
CONTAINED = """
import os, subprocess, sys, time
from contain import contain, end_children
contain()
try:
    subprocess.run(["mount", "-t", "tmpfs", "none", sys.argv[2]], stderr=subprocess.DEVNULL)
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); print('up', flush=True); time.sleep(600)"
    subprocess.run([sys.executable, "-c", daemon, sys.argv[1]])
    time.sleep(600)
finally:
    end_children()
"""
# Who is not root cannot end what a killed process leaves.
ENDS = (signal.SIGTERM, signal.SIGINT, *((signal.SIGKILL,) if os.geteuid() == 0 else ()))


def processes(word: str) -> list[str]:
    """The process numbers of those whose command has this word."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (place / "cmdline").read_bytes():
                found.append(place.name)
    return found


@pytest.mark.parametrize("number", ENDS)
def test_a_run_that_is_ended_leaves_no_process_and_no_mount(tmp_path: Path, number: signal.Signals) -> None:
    word = f"callmon-contained-{uuid4().hex}"
    mounts = Path("/proc/self/mounts").read_text()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ci")}
    command = [sys.executable, "-c", CONTAINED, word, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        run.send_signal(number)
    assert until(lambda: processes(word) == [])
    assert Path("/proc/self/mounts").read_text() == mounts


def test_a_run_ends_with_the_status_of_what_it_ran() -> None:
    code = "from contain import contain; contain(); raise SystemExit(3)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ci")}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 3


def test_lines_and_branches_are_added_up_by_package() -> None:
    def reported(lines: int, branches: int, of_lines: int, of_branches: int) -> dict[str, dict[str, int]]:
        return {
            "summary": {
                "covered_lines": lines,
                "covered_branches": branches,
                "num_statements": of_lines,
                "num_branches": of_branches,
            }
        }

    files = {
        "callmon/a/x.py": reported(1, 2, 3, 4),
        "callmon/a/y.py": reported(5, 6, 7, 8),
        "callmon/z.py": reported(0, 0, 1, 0),
    }
    assert reached(files) == {"callmon/a": (22, 14), "callmon/z.py": (1, 0), "all of it": (23, 14)}
