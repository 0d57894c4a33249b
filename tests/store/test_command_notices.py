"""A person's command notifies the daemon of its database, and an idle daemon looks without a query."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from pathlib import Path

import pytest

from callmon.store.command_notices import CommandNotices, notify_daemon
from callmon.store.database import Database, open_store
from tests.support.store_fixtures import copy


@pytest.fixture
def store(tmp_path: Path, sqlite_template: Path) -> Database:
    copy(sqlite_template, tmp_path / "callmon.db")
    return open_store(f"sqlite:///{tmp_path}/callmon.db")


async def comes(notices: CommandNotices) -> bool:
    """Whether a notice has come once the loop has read what is there."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return notices.is_due.is_set()


async def test_a_notice_reaches_the_daemon_of_its_database_alone(store: Database, tmp_path: Path) -> None:
    other = Database(store.url.set(database=str(tmp_path / "other.db")), store.ring)
    notices = CommandNotices()
    with closing(store), closing(other), notices.listening(store):
        notify_daemon(other)
        assert await comes(notices) is False
        notify_daemon(store)
        assert await comes(notices) is True


async def test_without_a_daemon_a_notice_has_no_effect(store: Database) -> None:
    with closing(store):
        notify_daemon(store)


async def test_a_second_daemon_of_the_database_listens_to_nothing(store: Database) -> None:
    first, second = CommandNotices(), CommandNotices()
    with closing(store), first.listening(store), second.listening(store):
        notify_daemon(store)
        assert (await comes(first), await comes(second)) == (True, False)


async def test_a_daemon_that_reads_no_notice_holds_up_no_command(store: Database) -> None:
    with closing(store), CommandNotices().listening(store):
        for _ in range(1_000):  # many more than the socket holds, without a turn of the loop
            notify_daemon(store)


def write(store: Database) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE writer SET batch = batch + 1")


def aged(store: Database, seconds: float) -> None:
    """Makes the write-ahead log so many seconds older."""
    path = f"{store.path}-wal"
    at = os.stat(path).st_mtime - seconds
    os.utime(path, (at, at))


def test_a_database_to_which_nothing_was_written_has_not_changed(store: Database) -> None:
    with closing(store):
        write(store)
        aged(store, 10)
        assert store.may_have_changed() is True  # the first look
        assert store.may_have_changed() is False


def test_a_write_has_changed_the_database_for_two_looks(store: Database) -> None:
    """The second sees what was written after the first within one tick of the file's clock."""
    with closing(store):
        write(store)
        aged(store, 10)
        store.may_have_changed()
        write(store)
        assert (store.may_have_changed(), store.may_have_changed()) == (True, True)
        aged(store, 10)
        assert (store.may_have_changed(), store.may_have_changed()) == (True, False)  # its time was changed
