"""Who may write to a PostgreSQL that two callmons share: one of them, and soon the other when it is gone."""

from __future__ import annotations

import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from callmon.core.outcome import Heartbeat
from callmon.errors import StoreError
from callmon.store.database import Database, parse_url, upgrade
from callmon.store.queries import calls
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.write_lock import IS_NAMED, PREPARE, TAKE
from callmon.store.writer.writer import Writer
from tests.support.store_fixtures import EXCHANGE, RING, SOON, START, of_calls, rows, seconds, summed, until

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@contextmanager
def shared(store: Database) -> Iterator[Writer]:
    """A callmon's sink, which leads or stands by."""
    sink = Writer(store, seconds(0.01), is_shared=True)
    try:
        yield sink
    finally:
        sink.close(SOON)


LEADER = """
import sys
from callmon.store.database import open_store
from callmon.store.writer.writer import Writer
from tests.support.store_fixtures import RING, of_calls, seconds, until

sink = Writer(open_store(sys.argv[1], RING), seconds(0.01), is_shared=True)
told = of_calls(3)
print("begun", flush=True)
for line in sys.stdin:
    begin, end = map(int, line.split())
    if begin < end:
        for item in told[begin:end]:
            sink.offer(item)
        print("flushed" if sink.flush(60) else "not flushed", flush=True)
    else:
        is_gained = sink.gained is not None
        roles = {"leader": sink.leads, "gained": is_gained, "standby": sink.stands_by, "waiting": True}
        print(next(role for role, has_it in roles.items() if has_it), flush=True)
"""


class LeaseHolder:
    """A writer in a process of its own, which can be frozen."""

    def __init__(self, store: Database) -> None:
        url = store.url.render_as_string(hide_password=False)
        self._process = subprocess.Popen(
            [sys.executable, "-c", LEADER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def __enter__(self) -> LeaseHolder:
        assert self._answer() == "begun"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def commit(self, begin: int, end: int) -> None:
        """Offers these of the outcomes of three calls, and waits for their commit."""
        self._ask(f"{begin} {end}\n")
        assert self._answer() == "flushed"

    def role(self) -> str:
        self._ask("0 0\n")
        return self._answer()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)


@contextmanager
def two(store: Database) -> Iterator[tuple[Writer, Writer]]:
    """One that leads, one that stands by."""
    with shared(store) as first:
        assert until(lambda: first.leads)
        with shared(store) as second:
            yield first, second


def test_the_second_stands_by_and_leads_when_the_first_has_gone(store: Database) -> None:
    reported = of_calls(3)
    with two(store) as (first, second):
        for item in reported[:24]:
            first.offer(item)
        assert first.flush(SOON)
        assert (second.stands_by, second.leads, second.gained) == (True, False, None)
        second.offer(reported[24])
        first.close(SOON)
        assert until(lambda: second.gained is not None)
        assert not second.leads
        assert [item.facts for item in second.buffered()] == [reported[24].facts]  # type: ignore[union-attr]  # no heartbeat
        second.become_leader(reported[24:], second.gained)
        assert second.flush(SOON)
        assert until(lambda: second.leads)
        assert second.counters.snapshot() == pytest.approx(summed(reported))
        assert (second.backlog(), second.trouble()) == (0, None)
    assert rows(store)["fact"] == 36
    assert calls.counters(store) == pytest.approx(summed(reported))


def test_the_second_forgets_what_the_first_is_known_to_have_written(store: Database) -> None:
    reported = of_calls(1)
    with two(store) as (first, second):
        for sink in (first, second):
            for item in reported[:6]:
                sink.offer(item)
            sink.offer(Heartbeat(EXCHANGE, START))
            sink.offer(reported[6])
        assert first.flush(SOON)
        time.sleep(0.6)
        assert second.backlog() == 8
        first.offer(Heartbeat(EXCHANGE, START + seconds(3)))
        assert until(lambda: second.backlog() == 1)
        assert [item.facts for item in second.buffered()] == [reported[6].facts]  # type: ignore[union-attr]  # no heartbeat
        assert second.behind_for() == seconds(0)


def test_a_frozen_leader_loses_the_lease_and_writes_nothing_afterwards(store: Database) -> None:
    reported = of_calls(2)
    with LeaseHolder(store) as first, shared(store) as second:
        first.commit(0, 12)
        first.signal(signal.SIGSTOP)
        began = time.monotonic()
        assert until(lambda: second.gained is not None)
        took = time.monotonic() - began
        assert took > 1.5
        second.become_leader(reported[12:], second.gained)
        assert second.flush(SOON)
        first.signal(signal.SIGCONT)
        assert until(lambda: first.role() == "standby")
        first.commit(12, 13)  # a standby's flush returns at once
        assert (first.role(), second.leads) == ("standby", True)
    assert rows(store)["fact"] == 24
    assert calls.counters(store) == pytest.approx(summed(reported))


def test_a_client_cut_off_in_mid_message_does_not_hold_it(store: Database) -> None:
    """The network says that it lives, and between the parts of a question no time-out of the server's counts."""
    with holding(store) as wire:
        wire.sendall(message(b"P", b"\0SELECT 1\0\0\0") + message(b"B", bytes(100))[:40])
        with shared(store) as second:
            assert second.stands_by
            assert until(lambda: second.gained is not None)


@contextmanager
def holding(store: Database) -> Iterator[socket.socket]:
    """A session that holds the lead, as bytes."""
    url = store.url
    words = ("user", url.username, "database", url.database, "application_name", "callmon")
    opening = b"".join(str(word).encode() + b"\0" for word in words) + b"\0"
    with socket.create_connection((str(url.host), int(url.port or 0)), timeout=SOON) as wire:
        wire.sendall(struct.pack("!ii", len(opening) + 8, 3 << 16) + opening)
        answered(wire)
        wire.sendall(message(b"Q", PREPARE.encode() + b"\0"))
        answered(wire)
        wire.sendall(message(b"Q", (TAKE % "NULL").encode() + b"\0"))
        answered(wire)
        yield wire


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def answered(wire: socket.socket) -> None:
    """Until the server is ready for the next question."""
    heard = b""
    while heard[-6:-1] != b"Z\0\0\0\5":
        heard += wire.recv(4096)
        assert heard[:1] != b"E", heard


def test_no_instance_leads_on_a_lease_confirmed_long_ago(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with shared(store) as sink:
        assert until(lambda: sink.leads)
        silent = threading.Event()
        check = Writer._check

        def hang(writer: Writer) -> None:
            silent.wait(SOON)
            check(writer)

        monkeypatch.setattr(Writer, "_check", hang)
        assert until(lambda: not sink.leads)
        assert not sink.stands_by
        silent.set()
        assert until(lambda: sink.leads or sink.gained is not None)


def test_a_lead_lost_and_regained_alone_goes_on_with_what_waits(store: Database) -> None:
    reported = of_calls(2)
    with shared(store) as sink:
        for item in reported[:20]:
            sink.offer(item)
        assert sink.flush(SOON)
        with store.reading() as connection:
            end_sessions(connection)
        for item in reported[20:]:
            sink.offer(item)
        assert sink.flush(SOON)
        assert not sink.stands_by
        assert until(lambda: sink.leads)
        assert sink.counters.snapshot() == pytest.approx(summed(reported))
    assert rows(store)["fact"] == 24


def test_a_replaced_leader_that_returns_compares_before_it_writes(store: Database) -> None:
    reported = of_calls(3)
    with LeaseHolder(store) as first:
        with shared(store) as second:
            first.commit(0, 12)
            first.signal(signal.SIGSTOP)
            assert until(lambda: second.gained is not None)
            second.become_leader(reported[12:24], second.gained)
            assert second.flush(SOON)
        first.signal(signal.SIGCONT)
        assert until(lambda: first.role() == "gained")
    assert rows(store)["fact"] == 24


def test_records_possibly_committed_by_another_leader_are_compared(store: Database, tmp_path: Path) -> None:
    """The leader's session is ended while its outbox has records, and another instance leads before it is back."""
    reported, outbox = of_calls(2), Outbox(tmp_path / "waiting", RING, 1 << 20)
    first = Writer(store, seconds(0.01), is_shared=True, outbox=outbox)
    for item in reported[:12]:
        first.offer(item)
    assert first.flush(SOON)
    with store.writing() as connection:
        connection.exec_driver_sql("LOCK TABLE writer")
        for item in reported[12:]:
            first.offer(item)
        assert until(lambda: outbox.outcomes == 12)
        end_sessions(connection)
        connection.exec_driver_sql("UPDATE writer SET batch = batch + 1, token = 'another'")
    assert until(lambda: first.gained is not None)
    assert ([item.facts for item in first.buffered()], first.backlog()) == ([i.facts for i in reported[12:]], 12)
    assert outbox.size > 0  # until the next term has its first record
    first.become_leader(reported[18:], first.gained)
    assert first.flush(SOON)
    assert (first.backlog(), outbox.size, rows(store)["fact"]) == (0, 0, 18)
    first.close(SOON)


def test_who_does_not_share_is_refused_as_ever(store: Database) -> None:
    with shared(store), pytest.raises(StoreError) as refusal:
        Writer(store, patience=seconds(8))
    reported = re.sub(r"session \d+ of", "session N of", str(refusal.value))
    assert reported == (
        f"the database cannot be written: another callmon writes to {store} (session N of role postgres, "
        "application callmon, from 127.0.0.1): stop it, or give this callmon its own database"
    )


def test_who_stands_by_ends_at_once_though_it_keeps_what_it_received(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with two(store) as (_, second):
        second.offer(of_calls(1)[0])
        assert second.flush(SOON)
        second.close(SOON)
        assert not second.thread.is_alive()
    assert [record.message for record in caplog.records] == []


def test_the_server_is_reported_to_end_a_session_that_says_nothing(store: Database) -> None:
    with shared(store), psycopg.connect(plain(store)) as other:
        asked = (
            f"SELECT count(*) FROM writer JOIN pg_stat_activity ON {IS_NAMED}"
            " WHERE application_name = 'callmon' AND state = 'idle'"
        )
        assert until(lambda: other.execute(asked.encode()).fetchone() == (1,))
    assert PREPARE.count("('idle_session_timeout', '3000')") == 1


def test_two_that_make_the_database_at_once_both_find_it(url: str, tmp_path: Path) -> None:
    made: list[Database] = []
    threads = [threading.Thread(target=lambda: made.append(upgrade(url, RING))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    for one in made:
        one.close()


@pytest.mark.parametrize("wanted", ["", "&target_session_attrs=read-write"])
def test_of_several_hosts_the_one_that_answers_is_used(store: Database, wanted: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = closed.getsockname()[1]
    listed = f"host=127.0.0.1:{gone},{store.url.host}:{store.url.port}{wanted}"
    address = f"postgresql://{store.url.username}:{store.url.password or ''}@/{store.url.database}?{listed}"
    several = Database(parse_url(address))
    reader = several.reader()
    with several.writing() as connection:
        assert connection.execute(text("UPDATE writer SET batch = batch WHERE id = 1")).rowcount == 1
    with reader.reading() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar_one() == "on"
    several.close()
    reader.close()


def plain(store: Database) -> str:
    return store.url.set(drivername="postgresql").render_as_string(hide_password=False)


ENDS = f"SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED} WHERE id = 1"


def end_sessions(connection: Connection) -> None:
    """Of the callmon that holds the lead."""
    assert connection.exec_driver_sql(ENDS).all() == [(True,)]


def test_each_schema_of_a_database_has_a_lead_of_its_own(store: Database) -> None:
    """Several exchanges, divided over several callmons with one database."""
    with psycopg.connect(plain(store), autocommit=True) as other:
        other.execute("CREATE SCHEMA ottawa")
    url = store.url.update_query_dict({"options": "-csearch_path=ottawa"}).render_as_string(hide_password=False)
    ottawa = upgrade(url, RING)
    reported = of_calls(2)
    with two(store) as (toronto, _), shared(ottawa) as elsewhere:
        assert until(lambda: elsewhere.leads)
        for sink, items in ((toronto, reported[:12]), (elsewhere, reported)):
            for item in items:
                sink.offer(item)
            assert sink.flush(SOON)
        assert toronto.leads
    assert (rows(store)["call"], rows(ottawa)["call"]) == (1, 2)
    assert (calls.counters(store), calls.counters(ottawa)) == (
        pytest.approx(summed(reported[:12])),
        pytest.approx(summed(reported)),
    )
    ottawa.close()
