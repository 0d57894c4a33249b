"""A failed test keeps the logs of its servers, and says where they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import place as lab
from tests.lab.place import Place, logs_of_servers
from tests.support.daemon_process import ROOT

FAILING = """
import pytest
from pathlib import Path
from tests.lab.place import Place

@pytest.fixture
def server(tmp_path):
    place = Place(tmp_path, "run")
    (place.path / "messages.log").write_text("what the server said")
    yield place
    place.leave()

def test_fails(server):
    assert False

def test_passes(server):
    pass
"""


def place_with_logs(folder: Path) -> Place:
    place = Place(folder, "run")
    (place.path / "log").mkdir()
    (place.path / "log" / "messages.log").write_text("what it said")
    (place.path / "sound.gsm").write_text("no log")
    return place


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fail_beside(place: Place) -> None:
    try:
        raise AssertionError
    finally:
        place.leave()


def ended_by_an_error(folder: Path) -> Path:
    """The place of a server whose test has raised."""
    place = place_with_logs(folder)
    with pytest.raises(AssertionError):
        fail_beside(place)
    return place.path


def test_a_server_that_ends_with_an_exception_leaves_its_logs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(lab, "LIVING", [])  # a server of this process that other tests share
    path = ended_by_an_error(tmp_path)
    kept = tmp_path / "kept" / path.name
    assert (logs_of_servers(is_failed=True), files(kept)) == ([kept], ["log/messages.log"])
    assert not path.exists()


def test_an_exception_that_a_test_expects_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "KEPT", tmp_path / "kept")
    ended_by_an_error(tmp_path)
    with pytest.raises(AssertionError):
        fail_beside(Place(tmp_path, "without-a-log"))
    assert (logs_of_servers(is_failed=False), files(tmp_path / "kept")) == ([], [])


def test_the_report_of_a_failed_test_names_the_logs_that_are_kept(tmp_path: Path) -> None:
    (tmp_path / "test_servers.py").write_text(FAILING)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (kept,) = re.findall(r"- Logs of the servers -+\n(.+)\n", done.stdout)
    try:
        assert Path(kept).parent == lab.KEPT
        assert (Path(kept) / "messages.log").read_text() == "what the server said"
    finally:
        shutil.rmtree(kept)
