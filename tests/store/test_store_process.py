"""Two processes: the listener's and the scribe's. Either is killed, and nothing is lost or doubled."""

from __future__ import annotations

import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.core.outcome import Outcome
from callmon.core.verdicts import Gap
from callmon.errors import StoreError
from callmon.store.database import BUSY_SECONDS, Database, open_store, upgrade
from callmon.store.queries import calls
from callmon.store.rollups import rebuild
from callmon.store.writer import messages
from callmon.store.writer.lease import IS_NAMED
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.store.writer.writer import Writer
from tests.store.test_store_trouble import locked
from tests.support.fact_builder import TORONTO
from tests.support.store_fixtures import (
    EXCHANGE,
    RING,
    SOON,
    START,
    answered_call,
    database,
    group,
    of_calls,
    outcomes,
    rows,
    seconds,
    summed,
    until,
)


@given(st.lists(st.integers(0, 4000), max_size=30))
def test_any_split_of_the_bytes_gives_the_same_messages(cuts: list[int]) -> None:
    told = outcomes(answered_call(0))
    first, second = ([messages.encode_item(item) for item in some] for some in (told, told[:1]))
    everything = (
        messages.batch_frame(1, first) + messages.frame(messages.CloseRequest()) + messages.batch_frame(2, second)
    )
    ends = sorted({0, len(everything), *(cut % len(everything) for cut in cuts)})
    frames = messages.Frames()
    pieces = [everything[begin:end] for begin, end in pairwise(ends)]
    got = [messages.decode_to_writer(body) for piece in pieces for body in frames.receive(piece)]
    assert got == [group(1, told), messages.CloseRequest(), group(2, told[:1])]
    assert [item.facts for item in messages.decode_items(got[0].items)] == [item.facts for item in told]


def number_of(sink: Writer) -> int:
    """The scribe's process, once there is one."""
    assert until(lambda: sink.process_id is not None and sink.trouble() is None)
    assert sink.process_id is not None
    return sink.process_id


# The scribe is killed.


def test_a_scribe_that_is_killed_is_missed_at_once_and_replaced_and_nothing_is_lost_or_doubled(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    told = of_calls(300)
    chance = random.Random(5)
    with database(store) as sink:
        killed = []
        for number, item in enumerate(told):
            sink.offer(item)
            if number % 600 == 599:
                time.sleep(chance.uniform(0, 0.02))  # groups are on their way, some committed, some not
                killed.append(number_of(sink))
                os.kill(killed[-1], signal.SIGKILL)
                assert until(lambda: sink.trouble() is not None)
                assert sink.trouble() == ("the writer process has ended (killed by signal 9); starting another")
        assert sink.flush(SOON)
        assert until(lambda: sink.trouble() is None)  # the last kill may have come after the last commit
        assert (sink.backlog(), sink.refused()) == (0, 0)
        assert sink.tally.snapshot() == pytest.approx(summed(told))
        assert len({*killed, number_of(sink)}) == 7
    assert calls.counters(store) == pytest.approx(summed(told))
    assert (rows(store)["call"], rows(store)["fact"], rows(store)["open_call"]) == (300, 3600, 0)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["database: not available; buffering outcomes", "database: available again"] * 6


def test_a_group_committed_by_a_scribe_that_died_before_it_could_say_so_is_neither_repeated_nor_forgotten(
    sqlite_store: Database,
) -> None:
    told = of_calls(2)
    sink = Writer(sqlite_store, group_time=seconds(0.5))
    sink.offer(told[0])
    assert sink.flush(SOON)
    with sqlite_store.writing() as connection:  # the scribe cannot; what is committed here is as if it had
        number, token = connection.exec_driver_sql("SELECT batch, token FROM writer").one()
        for item in told[1:]:
            sink.offer(item)
        assert until(lambda: "locked" in (sink.trouble() or ""))
        assert sink.process_id is not None
        os.kill(sink.process_id, signal.SIGKILL)
        assert until(lambda: "ended" in (sink.trouble() or ""))
        write_batch(connection, BatchId(number + 1, token), told[1:], RING)
    assert sink.flush(SOON)
    assert sink.tally.snapshot() == pytest.approx(summed(told))
    sink.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, START, START + seconds(2)),)))
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"], rows(sqlite_store)["gap"]) == (0, 24, 1)
    assert calls.counters(sqlite_store) == pytest.approx(sink.tally.snapshot())


def test_a_scribe_killed_while_closing_has_a_successor_that_stores_what_it_left(sqlite_store: Database) -> None:
    told = of_calls(2)
    sink = Writer(sqlite_store)
    with locked(sqlite_store):
        for item in told:
            sink.offer(item)
        assert until(lambda: sink.trouble() is not None)
        assert sink.process_id is not None
        os.kill(sink.process_id, signal.SIGKILL)
        assert until(lambda: "ended" in (sink.trouble() or ""))
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"]) == (0, 24)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_postgresql_ends_is_made_anew_with_the_right_to_write(url: str) -> None:
    store, told = upgrade(url), of_calls(4)
    with database(store) as sink:
        for item in told[:24]:
            sink.offer(item)
        assert sink.flush(SOON)
        ends_all = f"SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED} WHERE id = 1"
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            assert other.execute(ends_all.encode()).fetchall() == [(True,)]
        for item in told[24:]:
            sink.offer(item)
        assert sink.flush(SOON)
        assert sink.tally.snapshot() == pytest.approx(summed(told))
    assert rows(store)["fact"] == 48
    store.close()


# Signals that a whole group of processes gets.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_scribe_writes_on_when_the_whole_group_is_told_to_end(
    sqlite_store: Database, number: signal.Signals
) -> None:
    with database(sqlite_store) as sink:
        before = number_of(sink)
        first, *rest = of_calls(1)
        sink.offer(first)
        assert sink.flush(SOON)  # the process has set its signal handlers
        os.kill(before, number)
        for item in rest:
            sink.offer(item)
        assert sink.flush(SOON)
        assert sink.process_id == before
    assert rows(sqlite_store)["fact"] == 12


def test_a_scribe_ends_with_its_writer(sqlite_store: Database) -> None:
    with database(sqlite_store) as sink:
        number = number_of(sink)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


# One writes at a time.


def test_a_second_callmon_is_refused_while_the_first_may_write_and_has_its_turn_afterwards(
    store: Database,
) -> None:
    told = of_calls(2)
    with database(store) as first:
        with pytest.raises(StoreError) as refusal:
            Writer(store, patience=seconds(24))  # a process must start within that to be refused
        session = r" \(session \d+ of role \w+, application callmon, from 127\.0\.0\.1\)"
        assert re.subn(session, "", str(refusal.value)) == (
            f"the database cannot be written: another callmon writes to {store}: "
            "stop it, or give this callmon its own database",
            int(store.engine.dialect.name == "postgresql"),
        )
        for item in told:
            first.offer(item)
        assert first.flush(SOON)
    with database(store) as second:
        assert second.tally.snapshot() == pytest.approx(summed(told))


OFFERING = """
import sys, time
from tests.support.store_fixtures import of_calls, until
from callmon.store.writer.writer import Writer
from callmon.store.database import open_store

sink = Writer(open_store(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
for item in of_calls(40):
    sink.offer(item)
until(lambda: sink.trouble() is not None)  # all was sent, and the database is locked
print("offered", flush=True)
time.sleep(60)
"""


def test_whoever_comes_next_waits_for_the_scribe_of_a_killed_program_and_reads_what_it_wrote(
    sqlite_store: Database,
) -> None:
    opened: list[Writer] = []
    opening = threading.Thread(target=lambda: opened.append(Writer(sqlite_store)))
    with subprocess.Popen(
        [sys.executable, "-c", OFFERING, str(sqlite_store.url)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == b"open\n"
        with locked(sqlite_store):
            program.stdin.write(b"\n")
            program.stdin.flush()
            assert program.stdout.readline() == b"offered\n"
            program.kill()
            opening.start()
            time.sleep(2 * BUSY_SECONDS)  # longer than the attempt that is under way
            assert opened == []
    opening.join()
    (sink,) = opened
    assert sink.tally.snapshot() == pytest.approx(summed(of_calls(40)))
    sink.close()
    assert rows(sqlite_store)["call"] == 40


# Secrets.


def test_neither_password_nor_secret_is_in_the_scribes_command_line_or_environment(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLMON_TORONTO_SECRET", "sesame")
    monkeypatch.setenv("PGAPPNAME", "ours")
    with_password = Database(store.url.set(password="sesame") if store.path is None else store.url)
    with database(with_password) as sink:
        place = Path(f"/proc/{number_of(sink)}")
        told = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
    with_password.close()
    assert (told.count(b"sesame"), told.count(b"PGAPPNAME=ours")) == (0, 1)


# The listener's process is killed.

PROGRAM = """
import sys, time
from tests.support.store_fixtures import RING, answered_call, outcomes
from callmon.store.writer.writer import Writer
from callmon.store.database import open_store
from datetime import timedelta

sink = Writer(open_store(sys.argv[1], RING), timedelta(milliseconds=20))
number = int(sys.argv[2])
while True:
    for item in outcomes(answered_call(number)):
        sink.offer(item)
    number += 1
    if number % 50 == 0:
        sink.flush(10)
        figures = sink.tally.snapshot().items()
        print(number, sum(v for k, v in figures if k[0] == "callmon_calls_total"), flush=True)
    time.sleep(0.0005)
"""


def killed_at_random(url: str, first: int) -> tuple[int, float]:
    """A program writes calls until it is killed. What it last said: the calls it knew to be stored, the figure."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert program.stdout is not None
    said = [program.stdout.readline()]
    time.sleep(random.uniform(0, 0.3))
    program.send_signal(signal.SIGKILL)
    said += program.stdout.readlines()
    program.wait()
    program.stdout.close()
    complete = [line.split() for line in said if line.endswith("\n")]
    return int(complete[-1][0]), float(complete[-1][1])


def test_kill_9_loses_nothing_committed_and_figures_and_rows_stay_one(url: str) -> None:
    settled = upgrade(url)
    rebuild.ensure_rollups(settled, TORONTO)
    settled.close()
    first = 0
    for _ in range(3):
        known, shown = killed_at_random(url, first)
        store = open_store(url, RING)
        with database(store):  # whoever writes next waits for the scribe that was left
            pass
        stored = sorted(
            int(call.call.partition(".")[2])
            for _, call in calls.stream_calls(store, START, START + seconds(10**9))
        )
        figures = calls.counters(store)
        counted = sum(v for k, v in figures.items() if k[0] == "callmon_calls_total")
        assert counted == len(stored) == len(set(stored))
        assert set(range(first, known)) - set(stored) == set()
        assert shown <= counted
        assert set(figures.values()) - {0.0} != set()
        unfinished = calls.open_calls(store, EXCHANGE, numbers=True)
        for call, begun in unfinished.items():
            told = answered_call(int(call.partition(".")[2]))
            assert begun.facts == tuple(told[: len(begun.facts)])
        assert len(unfinished) <= 1
        assert [x for x in rebuild.rollup_differences(store, TORONTO) if x] == []
        assert {name for name, found in rows(store).items() if found} == written(unfinished)
        first = 100_000 + max(stored)
        store.close()


def written(unfinished: object) -> set[str]:
    """The tables that have rows here: nobody looked at a number, no gap, heartbeat or obligation was offered."""
    kept = {
        "fact",
        "call",
        "finding",
        "number",
        "number_key",
        "counter",
        "writer",
        "mark",
        "rollup",
        "rollup_state",
    }
    return {*kept, "open_call"} if unfinished else kept
