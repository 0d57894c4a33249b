"""`.ci/pythons`: the Pythons of this machine; where there is none, `make` says in one sentence how to have one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.needed import needed_program
from tests.unit.test_project import ROOT

SENTENCE = (
    "There is no Python 3.11 or later with venv here: install it with `apt-get install python3-venv` on Debian "
    "or Ubuntu, `dnf install python3` on Fedora, `brew install python` on macOS, or "
    "`uv python install 3.14` anywhere."
)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy of the Makefile and of `.ci`, with no folder of Pythons but `bin`, which has none."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("venv", "pythons"):
        text = (ROOT / ".ci" / name).read_text().replace("/usr/bin/py", "/nowhere/py")
        script = tmp_path / ".ci" / name
        script.write_text(text.replace("/opt/homebrew", "/nowhere"))
        script.chmod(0o755)
    return tmp_path


def put(bare: Path, name: str, version: tuple[int, int]) -> None:
    """A Python that says it is of this version."""
    python = bare / "bin" / name
    given = f"import sys; sys.version_info, sys.executable = {version}, {name!r}; exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{given}" "$2"\n')
    python.chmod(0o755)


def run(bare: Path, *command: str) -> tuple[int, str, str]:
    given = {"PATH": str(bare / "bin"), "HOME": str(bare)}
    done = subprocess.run(command, cwd=bare, env=given, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_without_python_one_sentence_says_what_to_install(bare: Path) -> None:
    assert run(bare, ".ci/pythons") == (1, "", f"{SENTENCE}\n")


@pytest.mark.parametrize("target", ["demo", "test"])
def test_make_ends_with_that_sentence_and_runs_nothing(bare: Path, target: str) -> None:
    make = needed_program("make")
    (bare / "requirements.txt").touch()
    (bare / ".ci" / "requirements-extras.txt").touch()
    status, out, errors = run(bare, make, target)
    line = next(n for n, text in enumerate((bare / "Makefile").read_text().split("\n"), 1) if "PYTHON ?=" in text)
    reported = f"Makefile:{line}: *** {SENTENCE}.  Stop.\n"
    assert (status, out) == (2, "")
    assert errors.split(": ", 1)[-1] in (reported, reported.split(": ", 1)[-1])


def test_the_newest_of_the_supported_is_first(bare: Path) -> None:
    for minor in (11, 14, 10, 13):
        put(bare, f"python3.{minor}", (3, minor))
    assert run(bare, ".ci/pythons") == (0, "python3.14\npython3.13\npython3.11\n", "")


def test_a_later_python_serves_where_it_is_the_only_one(bare: Path) -> None:
    put(bare, "python3", (3, 15))
    assert run(bare, ".ci/pythons") == (0, "python3\n", "")


def test_an_older_python_does_not_serve(bare: Path) -> None:
    put(bare, "python3", (3, 10))
    assert run(bare, ".ci/pythons")[0] == 1
