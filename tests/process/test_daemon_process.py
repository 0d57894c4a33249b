"""`callmon run` and its scribe as the operating system sees them; no exchange is needed for that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from callmon.store.database import upgrade
from tests.support.daemon_process import ROOT, Callmon, free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import database, until


@pytest.fixture
def command(tmp_path: Path) -> Callmon:
    """The command, ready to be started; no exchange listens at its port."""
    return Callmon(tmp_path, free_port(), "secret")


@pytest.fixture
def callmon(tmp_path: Path) -> WarmCallmon:
    """The same daemon, started by a fork."""
    return WarmCallmon(tmp_path, free_port(), "secret")


def started(callmon: Callmon) -> int:
    """Until its pages are there; the number of its scribe."""
    callmon.start(until_heard=False)
    assert until(lambda: callmon.get("/")[0] == 200), callmon.log.read_text()
    assert until(lambda: len(callmon.scribes()) == 1)  # a moment after it was begun it is known by its name
    (scribe,) = callmon.scribes()
    return scribe


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_the_whole_group_is_told_to_end_both_end_well(command: Callmon, number: signal.Signals) -> None:
    scribe = started(command)
    os.kill(scribe, number)
    command.signal(number)
    assert command.stop() == 0
    assert is_gone(scribe)
    assert command.log.read_text().splitlines()[-1].endswith("daemon: stopping all_stored=yes")


def test_a_scribe_whose_daemon_is_killed_ends_by_itself(callmon: WarmCallmon) -> None:
    scribe = started(callmon)
    callmon.kill()
    assert until(lambda: is_gone(scribe))


def test_a_scribe_that_is_killed_is_told_in_the_log_and_replaced(callmon: WarmCallmon) -> None:
    scribe = started(callmon)
    os.kill(scribe, signal.SIGKILL)
    assert until(lambda: len(callmon.scribes() - {scribe}) == 1)
    assert until(lambda: "database: available again" in callmon.log.read_text())
    told = [line.partition(" ")[2] for line in callmon.log.read_text().splitlines() if " database: " in line]
    assert callmon.stop() == 0
    assert told == [
        "ERROR database: not available; buffering outcomes "
        'why="the writer process has ended (killed by signal 9); starting another" waiting=0',
        "WARNING database: available again waiting=0",
    ]


def test_a_start_that_is_refused_leaves_no_scribe_behind(callmon: WarmCallmon) -> None:
    started(callmon)
    other = callmon.place / "other.toml"
    text = callmon.config.read_text(encoding="utf-8").replace("callmon.db", "other.db")
    other.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "callmon", "run", "--config", str(other)],
        cwd=callmon.place,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAB_SECRET": "secret"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert callmon.stop() == 0
    sentence = f"web.listen: 127.0.0.1:{callmon.web_port} cannot be bound (Address already in use)."
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, sentence)
    free = upgrade(f"sqlite:///{callmon.place}/other.db")
    with database(free):  # else it would be refused for as long as the other's scribe is there
        pass
    free.close()


def test_a_test_that_fails_leaves_neither_daemon_nor_scribe_behind(callmon: WarmCallmon) -> None:
    scribe = started(callmon)
    daemon = callmon.pid
    os.kill(daemon, signal.SIGSTOP)  # it cannot even be asked to stop
    callmon.end_everything()
    assert (is_gone(daemon), until(lambda: is_gone(scribe))) == (True, True)
