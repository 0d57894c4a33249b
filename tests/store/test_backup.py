"""A copy made while a daemon writes is a whole database: made as documented, with the key beside it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from callmon.errors import StoreError
from callmon.store import rejudge
from callmon.store.backup import backup
from callmon.store.database import Database, open_store
from callmon.store.encryption import KeyRing
from callmon.store.queries import calls
from tests.lab.postgres import dump, restore
from tests.support.store_fixtures import CALLER, RING, answered_call, database, of_calls, rows, until

CALLS = 400
ALWAYS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@contextmanager
def being_written(store: Database) -> Iterator[None]:
    """A daemon stores one call after the other: the first before this begins, the last when it has ended."""
    with database(store) as sink:
        ended = threading.Event()

        def write() -> None:
            for outcome in of_calls(CALLS):
                sink.offer(outcome)
                ended.wait(0.0005)

        writer = threading.Thread(target=write)
        writer.start()
        assert until(lambda: rows(store)["call"] > 10)
        yield
        ended.set()
        writer.join()
        assert sink.flush(120)


def is_whole(url: str) -> int:
    """How many calls the copy holds: all of each, with numbers and figures, and nothing else."""
    copy = open_store(url, RING)
    try:
        assert rejudge.counter_differences(copy) == []
        for _, call in calls.stream_calls(copy, *ALWAYS):
            (stored,) = calls.stored_calls(copy, call.call, numbers=True)
            assert stored.account is not None
            assert (len(stored.facts), stored.account.caller) == (len(answered_call(0)), CALLER)
        return rows(copy)["call"]
    finally:
        copy.close()


def test_a_copy_of_sqlite_while_a_daemon_writes_is_whole(sqlite_store: Database, tmp_path: Path) -> None:
    with being_written(sqlite_store):
        backup(open_store(str(sqlite_store.url), RING), tmp_path / "copy.db")
    assert 10 < is_whole(f"sqlite:///{tmp_path}/copy.db") <= CALLS
    assert rows(sqlite_store)["call"] == CALLS


@pytest.fixture
def restored(store: Database, url: str, postgres_server: str) -> Iterator[str]:
    """An empty database beside it."""
    server = make_url(postgres_server)
    name = f"restored_{uuid4().hex[:12]}"
    with psycopg.connect(
        server.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_dump_of_postgresql_while_a_daemon_writes_is_whole(store: Database, url: str, restored: str) -> None:
    with being_written(store):
        dumped = dump(url, "--format=custom")
    restore(restored, dumped)
    assert 10 < is_whole(restored) <= CALLS
    assert rows(store)["call"] == CALLS


def test_a_copy_without_its_key_is_refused_by_the_key_s_name(sqlite_store: Database, tmp_path: Path) -> None:
    with being_written(sqlite_store):
        pass
    with pytest.raises(StoreError) as refused:
        open_store(str(sqlite_store.url), KeyRing([bytes(range(1, 33))]))
    assert f"numbers are encrypted with the key {RING.name}, which the key file lacks" in str(refused.value)
