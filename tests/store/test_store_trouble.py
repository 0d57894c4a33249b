"""A database that is locked, full, gone, cut off or killed: outcomes wait, and are there once in the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import selectors
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from blockbuster import blockbuster_ctx
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from callmon.config.settings import example
from callmon.core import facts as f
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Outcome
from callmon.store import database as engine
from callmon.store.database import Database, open_store, upgrade
from callmon.store.encryption import KeyRing
from callmon.store.privacy.key_rotation import rotate
from callmon.store.privacy.retention import DisposalTerms, purge
from callmon.store.queries import calls
from callmon.store.rejudge import rejudge
from callmon.store.writer.writer import Writer
from tests.support.store_fixtures import (
    EXCHANGE,
    RING,
    SOON,
    START,
    database,
    of_calls,
    rows,
    summed,
    until,
    wrote,
)


@contextmanager
def locked(store: Database) -> Iterator[None]:
    """Another program is in the middle of writing."""
    assert store.path is not None
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_while_the_database_is_locked_outcomes_wait_and_are_stored(sqlite_store: Database) -> None:
    reported = of_calls(3)
    with database(sqlite_store) as sink:
        with locked(sqlite_store):
            for item in reported:
                sink.offer(item)
            sink.offer(Heartbeat(EXCHANGE, START))
            assert until(lambda: sink.trouble() is not None)
            assert sink.trouble() == "the database cannot be written: database is locked"
            assert (sink.backlog(), sink.behind_for().total_seconds() > 1) == (len(reported) + 1, True)
            assert (rows(sqlite_store)["fact"], calls.heartbeats(sqlite_store)) == (0, {})
            assert sink.counters.snapshot() == {}
        assert sink.flush(SOON)
        assert (sink.trouble(), sink.backlog(), sink.behind_for().total_seconds()) == (None, 0, 0)
        assert sink.counters.snapshot() == pytest.approx(summed(reported))
    assert calls.counters(sqlite_store) == pytest.approx(summed(reported))
    assert (rows(sqlite_store)["fact"], calls.heartbeats(sqlite_store)) == (36, {EXCHANGE: START})


JOBS: dict[str, Callable[[Database], object]] = {
    "numbers are moved to another key": lambda store: list(rotate(store, chunk=1)),
    "numbers are disposed of": lambda store: purge(
        store, DisposalTerms(START, START, "M. Roy", "schedule 12-345")
    ),
    "calls are judged again": lambda store: list(rejudge(store, Monitor(example(), token=str), chunk=1)),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_waits_longer_for_the_daemons_lock_than_a_page(
    sqlite_store: Database, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.02)
    wrote(sqlite_store, *of_calls(2))
    keys = KeyRing([b"n" * 32, *RING.raw]) if "another key" in name else RING
    store = open_store(str(sqlite_store.url), keys)
    with ThreadPoolExecutor(1) as thread:
        with locked(sqlite_store):
            with pytest.raises(OperationalError, match="database is locked"), store.writing():
                pass
            job = thread.submit(JOBS[name], store)
            assert wait([job], timeout=1).not_done == {job}
        job.result(SOON)
    store.close()


def test_a_disk_full_in_mid_batch_leaves_neither_row_nor_figure(sqlite_store: Database) -> None:
    """Of the writer's connections, which can be given no more pages."""
    pages, reported = 40, of_calls(200)

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(Engine, "connect", limit)
    try:
        with database(sqlite_store) as sink:
            for item in reported:
                sink.offer(item)
            assert until(lambda: sink.trouble() is not None)
            assert sink.trouble() == "the database cannot be written: database or disk is full"
            stored = rows(sqlite_store)["call"]
            figures = calls.counters(sqlite_store)
            assert sum(n for key, n in figures.items() if key[0] == "callmon_calls_total") == stored < 200
            pages = 1_000_000
            assert sink.flush(SOON)
    finally:
        event.remove(Engine, "connect", limit)
    assert calls.counters(sqlite_store) == pytest.approx(summed(reported))
    assert (rows(sqlite_store)["call"], rows(sqlite_store)["fact"]) == (200, 2400)


def test_a_database_that_was_moved_away_is_missed_and_found_again(sqlite_store: Database, tmp_path: Path) -> None:
    reported = of_calls(2)
    away = tmp_path / "away"
    away.mkdir()
    with database(sqlite_store) as sink:
        sink.offer(reported[0])
        assert sink.flush(SOON)
        for path in tmp_path.glob("callmon.db*"):
            path.rename(away / path.name)
        for item in reported[1:]:
            sink.offer(item)
        assert until(lambda: sink.trouble() is not None)
        first = sink.trouble()
        assert (first or "").startswith("the database cannot be written: ")
        assert not (tmp_path / "callmon.db").exists()
        for path in away.glob("callmon.db*"):
            path.rename(tmp_path / path.name)
        assert sink.flush(SOON)
    assert calls.counters(sqlite_store) == pytest.approx(summed(reported))
    assert rows(sqlite_store)["fact"] == 24


def test_a_reason_that_returns_within_one_trouble_is_logged_once(
    sqlite_store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, away = tmp_path / "callmon.db", tmp_path / "away"
    reasons = []
    with database(sqlite_store) as sink:
        with locked(sqlite_store):
            sink.offer(of_calls(1)[0])
            for source, target in ((path, path), (path, away), (away, path)):
                before = sink.trouble()
                source.rename(target)
                assert until(lambda before=before: sink.trouble() not in (None, before))
                reasons.append(sink.trouble())
        assert sink.flush(SOON)
    assert (reasons[0] == reasons[2], len(set(reasons))) == (True, 2)
    assert [(r.levelname, r.__dict__.get("why")) for r in caplog.records if "available" in r.getMessage()] == [
        ("ERROR", reasons[0]),
        ("ERROR", reasons[1]),
        ("WARNING", None),
    ]


def test_a_copy_put_in_the_databases_place_is_not_written_into(sqlite_store: Database, tmp_path: Path) -> None:
    """It lacks what was stored since it was made: to go on in it would leave a hole that nobody sees."""
    reported = of_calls(1)
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "callmon.db")) as whole,
        contextlib.closing(sqlite3.connect(tmp_path / "copy")) as copy,
    ):
        whole.backup(copy)
    with database(sqlite_store) as sink:
        sink.offer(reported[0])
        assert sink.flush(SOON)
        for path in tmp_path.glob("callmon.db*"):
            path.unlink()
        (tmp_path / "copy").rename(tmp_path / "callmon.db")
        sink.offer(reported[1])
        assert until(lambda: "another program" in (sink.trouble() or ""))
    sqlite_store.find_again()  # this process too had the old file open
    assert rows(sqlite_store)["fact"] == 0


def test_an_outcome_never_storable_is_set_aside_without_its_content(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    reported = of_calls(5)
    broken = Outcome(EXCHANGE, (f.PhoneDialled("broken", START, "101", "lone surrogate: \ud800 +14165550101"),))
    with database(store) as sink:
        for item in [*reported[:30], broken, *reported[30:]]:
            sink.offer(item)
        assert sink.flush(SOON)
        assert (sink.refused(), sink.backlog(), sink.trouble()) == (1, 0, None)
    assert calls.counters(store) == pytest.approx(summed(reported))
    assert rows(store)["fact"] == 60
    said = [(record.getMessage(), record.__dict__["of"]) for record in caplog.records if "of" in record.__dict__]
    assert said == [("database: an outcome was skipped", f"{EXCHANGE} broken")]
    assert caplog.text.count("41655501") == 0


def test_a_group_that_the_database_refuses_leaves_nothing_of_its_calls(store: Database) -> None:
    """NUL is what PostgreSQL cannot hold; SQLite takes it, and then all is stored."""
    reported = of_calls(2)
    broken = Outcome(EXCHANGE, (f.PhoneDialled("nul\0", START, "101", "x"),))
    refused = int(store.engine.dialect.name == "postgresql")
    assert wrote(store, *reported[:5], broken, *reported[5:], refused=refused) == pytest.approx(summed(reported))
    assert rows(store)["fact"] == 25 - refused


def test_an_outcome_with_a_number_that_no_column_holds_is_skipped_alone(store: Database) -> None:
    reported = of_calls(2)
    broken = Outcome(
        EXCHANGE, (), (msgspec.structs.replace(reported[-1].findings[0], call="broken", number=2**63),)
    )
    assert wrote(store, *reported[:5], broken, *reported[5:], refused=1) == pytest.approx(summed(reported))
    assert (rows(store)["fact"], rows(store)["finding"]) == (24, 6)


def test_a_program_without_the_write_lock_is_noticed_and_counts_once(store: Database) -> None:
    """A restored copy, or a lock that was deleted: the number of the last group is the second guard."""
    reported = of_calls(2)
    with database(store) as first:
        with store.writing() as connection:
            connection.exec_driver_sql("UPDATE writer SET batch = batch + 1, token = 'another'")
        first.offer(reported[-1])
        assert until(lambda: first.trouble() is not None)
        assert first.trouble() == (
            "the database cannot be written: another program has written to this database meanwhile: stop it, "
            "then restart callmon"
        )
    assert (calls.counters(store), rows(store)["call"]) == ({}, 0)


def test_when_enough_waits_the_listener_pauses_and_nothing_is_dropped(sqlite_store: Database) -> None:
    reported = of_calls(2)
    with database(sqlite_store, max_waiting=20) as sink:
        with locked(sqlite_store):
            assert [sink.offer(item) for item in reported] == [True] * 19 + [False] * 5
            assert not sink.has_room()
        assert sink.flush(SOON)
        assert sink.has_room()
    assert rows(sqlite_store)["fact"] == 24


async def test_offering_never_blocks_the_loop_though_the_database_is_locked(sqlite_store: Database) -> None:
    reported = of_calls(100)
    with database(sqlite_store) as sink:
        with locked(sqlite_store), blockbuster_ctx():
            for item in reported:
                sink.offer(item)
            await asyncio.sleep(0)
        assert await asyncio.to_thread(sink.flush, SOON)


def test_flushing_says_when_time_ran_out(sqlite_store: Database) -> None:
    with database(sqlite_store) as sink:
        with locked(sqlite_store):
            sink.offer(of_calls(1)[0])
            assert not sink.flush(0.05)
        assert sink.flush(SOON)


def test_a_flush_stores_at_once_what_the_group_would_have_waited_for(sqlite_store: Database) -> None:
    sink = Writer(sqlite_store, group_time=type(START - START)(minutes=10))
    sink.offer(of_calls(1)[0])
    assert sink.flush(SOON)
    assert rows(sqlite_store)["fact"] == 1
    sink.close()


def test_what_cannot_be_stored_at_the_end_is_reported(
    sqlite_store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Writer(sqlite_store)
    with locked(sqlite_store):
        for item in of_calls(1):
            sink.offer(item)
        assert until(lambda: sink.trouble() is not None)
        sink.close(SOON)
    reported = [(r.getMessage(), r.__dict__["waiting"]) for r in caplog.records if r.levelno == logging.ERROR]
    assert reported == [
        ("database: not available; buffering outcomes", 12),
        ("database: closed with uncommitted outcomes", 12),
    ]
    assert rows(sqlite_store)["fact"] == 0


# PostgreSQL over a network.


class BrokenWire:
    """A TCP proxy to a PostgreSQL. `lose_answer`: the next COMMIT arrives, its answer does not."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.lose_answer = threading.Event()
        self.lost = 0
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._target)
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        ways = {client: server, server: client}
        with client, server, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            for end in ways:
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    piece = source.recv(65536)
                    if not piece:
                        return
                    ways[source].sendall(piece)
                    if source is client and b"COMMIT" in piece and self.lose_answer.is_set():
                        self.lose_answer.clear()
                        server.recv(65536)
                        self.lost += 1
                        return

    def close(self) -> None:
        self._door.close()


def test_a_commit_whose_answer_was_lost_is_neither_repeated_nor_forgotten(postgres_server: str) -> None:
    address = make_url(postgres_server)
    assert address.host is not None
    assert address.port is not None
    name = f"callmon_wire_{uuid4().hex[:12]}"
    direct = address.set(database=name).render_as_string(hide_password=False)
    admin = Database(address.set(drivername="postgresql+psycopg"))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    upgrade(direct).close()
    wire = BrokenWire((address.host, address.port))
    over_wire = open_store(make_url(direct).set(host="127.0.0.1", port=wire.port).render_as_string(False))
    reported = of_calls(6)
    with database(over_wire) as sink:
        for item in reported[:36]:
            sink.offer(item)
        wire.lose_answer.set()
        for item in reported[36:]:
            sink.offer(item)
        assert sink.flush(SOON)
        assert sink.counters.snapshot() == pytest.approx(summed(reported))
    assert wire.lost == 1
    assert calls.counters(over_wire) == pytest.approx(summed(reported))
    assert (rows(over_wire)["fact"], rows(over_wire)["call"]) == (72, 6)
    over_wire.close()
    wire.close()
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.close()
