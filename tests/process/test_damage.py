"""A SQLite file that was damaged, or that other users can read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from callmon.daemon.tasks import roll_up
from callmon.store.database import Database, file_damage, open_store, upgrade
from tests.support.daemon_process import free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import RING, database, of_calls, until

PAGE = 4096


def written(place: Path, calls: int = 200) -> Path:
    """A database of so many calls, all of it in one file."""
    path = place / "callmon.db"
    store = upgrade(f"sqlite:///{path}", RING)
    with database(store) as sink:
        for outcome in of_calls(calls):
            sink.offer(outcome)
        assert sink.flush(60)
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    return path


def spoil(path: Path, table: str) -> None:
    """The first page of the table is noise."""
    with closing(sqlite3.connect(path)) as connection, connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(os.urandom(PAGE))


def forget_pages(path: Path) -> None:
    """A write to the first page: no connection relies on what it has in its memory."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA application_id = 1")


def test_a_page_that_nobody_asks_for_is_found_to_be_damaged(tmp_path: Path) -> None:
    path = written(tmp_path)
    store = open_store(f"sqlite:///{path}", RING)
    assert file_damage(store) is None
    spoil(path, "fact")
    assert file_damage(store) is not None  # its words depend on the bytes and on SQLite's version
    store.close()


def test_a_look_at_the_file_is_left_when_it_is_over(tmp_path: Path) -> None:
    path, asked = written(tmp_path), threading.Event()

    def is_over() -> bool:
        asked.set()
        return True

    store = open_store(f"sqlite:///{path}", RING)
    file_damage(store, is_over)
    assert asked.is_set()
    store.close()


def test_health_is_503_while_the_file_is_damaged_though_callmon_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path)
    spoil(path, "audit")  # of which nothing is asked at a start
    callmon = WarmCallmon(tmp_path, free_port(), "secret", f"sqlite:///{path}")
    key(tmp_path / "callmon.db-key")
    callmon.start(until_heard=False)
    try:
        assert until(lambda: "is damaged" in str(callmon.health()[1])), callmon.log.read_text()
        status, reported = callmon.health()
        assert status == 503
        troubles = [*map(str, reported["troubles"])]  # type: ignore[call-overload]
        assert [str(path) in sentence for sentence in troubles if "never connected" not in sentence] == [True]
    finally:
        callmon.end_everything()


def test_health_is_503_within_seconds_of_a_page_that_meets_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    callmon = WarmCallmon(tmp_path, free_port(), "secret", f"sqlite:///{path}")
    key(tmp_path / "callmon.db-key")
    callmon.start(until_heard=False)
    try:
        assert until(lambda: callmon.get("/en/calls")[0] == 200), callmon.log.read_text()
        with path.open("r+b") as file:  # all but the first page: SQLite may have some in its memory
            file.seek(PAGE)
            file.write(os.urandom(path.stat().st_size - PAGE))
        forget_pages(path)
        assert until(lambda: callmon.get("/en/calls")[0] == 503, 30), callmon.log.read_text()
        assert until(lambda: "is damaged" in str(callmon.health()[1]), 30), callmon.health()
    finally:
        callmon.end_everything()


async def test_roll_ups_that_meet_a_damaged_page_ask_for_a_check_of_the_file(tmp_path: Path) -> None:
    path, asked = written(tmp_path, 1), asyncio.Event()
    store = open_store(f"sqlite:///{path}", RING)
    spoil(path, "rollup_state")
    task = asyncio.create_task(roll_up(store, asked.set))
    await asyncio.wait_for(asked.wait(), 30)
    task.cancel()
    store.close()


NAMED = "the database", "la base de données"


@pytest.mark.parametrize("table", ["sqlite_master", "writer", "mark", "counter", "rollup_state"])
def test_a_start_with_a_damaged_file_ends_in_a_sentence(tmp_path: Path, table: str) -> None:
    path = written(tmp_path, 1)
    if table == "sqlite_master":
        with path.open("r+b") as file:
            file.write(b"noise" * 200)
    else:
        spoil(path, table)
    callmon = WarmCallmon(tmp_path, free_port(), "secret", f"sqlite:///{path}")
    key(tmp_path / "callmon.db-key")
    callmon.start(until_heard=False)
    process = callmon._process
    assert process is not None
    try:
        assert process.wait(40) == 1  # less than the patience with a database that is away
        last = callmon.log.read_text().splitlines()[-1]
        assert ("Traceback" in callmon.log.read_text(), any(map(last.__contains__, NAMED))) == (False, True)
    finally:
        callmon.end_everything()


def key(path: Path) -> None:
    from base64 import urlsafe_b64encode

    path.write_text(urlsafe_b64encode(RING.raw[0]).decode() + "\n")
    path.chmod(0o600)


# Other users.


def modes(path: Path) -> dict[str, int]:
    files = (path, Path(f"{path}-wal"), Path(f"{path}-shm"))
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_copy_that_all_may_read_is_closed_to_others_and_reported(
    tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, 1)
    path.chmod(mode)
    for opening in (open_store, upgrade):
        with closing(sqlite3.connect(path)) as other, other:  # its files beside it come and go with it
            other.execute("PRAGMA journal_mode=WAL")
            other.execute("BEGIN IMMEDIATE")
            other.execute("CREATE TABLE IF NOT EXISTS of_another (x)")
            other.execute("COMMIT")
            for name in modes(path):
                (path.parent / name).chmod(mode)
            caplog.clear()
            store = opening(f"sqlite:///{path}", RING)
            assert set(modes(path).values()) == {0o600}
            reported = [record.message for record in caplog.records]
            assert reported == ["database: other users could read the file"] * 3
            store.close()


def test_a_database_that_its_owner_alone_reads_is_left_as_it_is(
    sqlite_store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite_store.writing() as connection:
        connection.execute(text("UPDATE writer SET token = 'x'"))
    assert sqlite_store.path is not None
    opened = open_store(str(sqlite_store.url), RING)
    assert (set(modes(sqlite_store.path).values()), caplog.records) == ({0o600}, [])
    opened.close()
