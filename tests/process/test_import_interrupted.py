"""An import that is killed, or whose disk becomes full: what is stored is whole, and the next one continues it."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from heapq import merge
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from sqlalchemy import Engine, event

from callmon.backfill.imported.job import LONG
from tests.commands.test_import import AGREE
from tests.store.test_backfill import BackfillOffice
from tests.support.made_queue_log import Cells, made

ENDED = "The process that reads the record was ended; run the same import again."
DAYS = 4


def office_with(folder: Path, calls_a_day: int) -> tuple[BackfillOffice, list[str], Cells]:
    """A site with an empty database, the words that import its queue_log, and what this must give."""
    office, file = BackfillOffice(folder), folder / "queue_log"
    first = (datetime.now(UTC) - timedelta(days=40)).date()  # the retention keeps it, whenever the test runs
    log, cells = made(DAYS, calls_a_day, str(first))
    file.write_text(log, encoding="ascii")
    office.run("db", "upgrade")
    return office, ["import", "queue_log", str(file)], cells


def half_hours(office: BackfillOffice, cells: Cells) -> Cells:
    """Of the days of these cells."""
    first = date.fromisoformat(min(cells)[:10])
    words = ("half-hours", str(first), str(first + timedelta(days=DAYS)), "--json")
    found: Cells = json.loads(office.run(*words).stdout)["half_hours"]["all"]
    return found


def stored(office: BackfillOffice) -> int:
    with closing(sqlite3.connect(office.config.parent / "callmon.db", timeout=60)) as connection:
        return int(connection.execute('SELECT count(*) FROM "call"').fetchone()[0])


@pytest.mark.parametrize(("kills", "calls_a_day"), [(2, 1_000), pytest.param(20, 5_000, marks=pytest.mark.long)])
def test_an_import_killed_at_random_is_whole_after_the_next_one(
    tmp_path: Path, kills: int, calls_a_day: int
) -> None:
    office, words, cells = office_with(tmp_path, calls_a_day)
    draw, command = random.Random(7), [sys.executable, "-m", "callmon", *words, "--config", str(office.config)]
    for _ in range(kills):
        before = stored(office)
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        ) as run:
            while stored(office) == before:
                time.sleep(0.01)  # an import stores some 70 calls meanwhile
            time.sleep(draw.random() / 50)
            run.kill()
        assert run.returncode == -9
        assert office.run("db", "check").stdout == AGREE
    assert 0 < stored(office) < DAYS * calls_a_day
    office.run(*words)
    assert (half_hours(office, cells), stored(office)) == (cells, DAYS * calls_a_day)
    assert office.run("db", "check").stdout == AGREE


def lengthened(log: str) -> str:
    """The log with so many lines about no call that a second process reads it."""
    lines = log.splitlines(keepends=True)
    first, last = (int(line.partition("|")[0]) for line in (lines[0], lines[-1]))
    others = (f"{first + (last - first) * n // LONG}|NONE|NONE|PJSIP/101|PAUSE|\n" for n in range(LONG))
    return "".join(merge(lines, others))


def state_of(process: int) -> str:
    """Its letter in the table of processes; Z: it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except FileNotFoundError:
        return "Z"


@pytest.mark.parametrize(
    ("ended", "how", "status"),
    [
        ("first", SIGTERM, -SIGTERM),
        ("second", SIGKILL, 1),
        pytest.param("first", SIGKILL, -SIGKILL, marks=pytest.mark.long),
    ],
)
def test_an_import_of_two_processes_leaves_none_and_is_continued(
    tmp_path: Path, ended: str, how: int, status: int
) -> None:
    office, words, cells = office_with(tmp_path, 1_000)
    file = Path(words[-1])
    file.write_text(lengthened(file.read_text(encoding="ascii")), encoding="ascii")
    command = [sys.executable, "-m", "callmon", *words, "--config", str(office.config)]
    english = {**os.environ, "LC_ALL": "en_CA.UTF-8"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=english) as run:
        while not stored(office):
            time.sleep(0.01)
        second = int(Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="ascii"))
        os.kill(run.pid if ended == "first" else second, how)
        said = run.communicate()[1].splitlines()[-1]
    assert (run.returncode, said == ENDED) == (status, ended == "second")
    while state_of(second) != "Z":
        time.sleep(0.01)
    assert 0 < stored(office) < DAYS * 1_000
    assert office.run("db", "check").stdout == AGREE
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    assert (half_hours(office, cells), stored(office)) == (cells, DAYS * 1_000)
    assert office.run("db", "check").stdout == AGREE


def test_an_import_with_a_full_disk_says_so_and_continues_with_room(tmp_path: Path) -> None:
    office, words, cells = office_with(tmp_path, 300)
    pages = 300

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", limit)
    try:
        full = office.run(*words, status=1)
    finally:
        event.remove(Engine, "connect", limit)
    expected = (
        f"the database sqlite:///{tmp_path}/callmon.db cannot be used: database or disk is full; free space there"
    )
    assert full.stderr.splitlines()[-1] == expected
    assert 0 < stored(office) < DAYS * 300
    assert office.run("db", "check").stdout == AGREE
    office.run(*words)
    assert (half_hours(office, cells), stored(office)) == (cells, DAYS * 300)
    assert office.run("db", "check").stdout == AGREE
