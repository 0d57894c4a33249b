"""The daemon is killed, or its connection, or another program writes: nothing is lost or doubled."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from callmon.errors import StoreError
from callmon.store.database import Database, open_store, upgrade
from callmon.store.queries import calls
from callmon.store.rollups import rebuild
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.write_lock import IS_NAMED
from callmon.store.writer.writer import Writer
from tests.support.fact_builder import TORONTO
from tests.support.store_fixtures import (
    EXCHANGE,
    RING,
    SOON,
    START,
    answered_call,
    database,
    of_calls,
    rows,
    seconds,
    summed,
)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_postgresql_ends_is_made_anew_with_its_right(url: str) -> None:
    store, reported = upgrade(url), of_calls(4)
    with database(store) as sink:
        for item in reported[:24]:
            sink.offer(item)
        assert sink.flush(SOON)
        ends_all = f"SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED} WHERE id = 1"
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            assert other.execute(ends_all.encode()).fetchall() == [(True,)]
        for item in reported[24:]:
            sink.offer(item)
        assert sink.flush(SOON)
        assert sink.counters.snapshot() == pytest.approx(summed(reported))
    assert rows(store)["fact"] == 48
    store.close()


# One writes at a time.


def test_a_second_callmon_waits_while_the_first_may_write(store: Database) -> None:
    reported = of_calls(2)
    with database(store) as first:
        with pytest.raises(StoreError) as refusal:
            Writer(store, patience=seconds(1))
        session = r" \(session \d+ of role \w+, application callmon, from 127\.0\.0\.1\)"
        assert re.subn(session, "", str(refusal.value)) == (
            f"the database cannot be written: another callmon writes to {store}: "
            "stop it, or give this callmon its own database",
            int(store.engine.dialect.name == "postgresql"),
        )
        for item in reported:
            first.offer(item)
        assert first.flush(SOON)
    with database(store) as second:
        assert second.counters.snapshot() == pytest.approx(summed(reported))


# The daemon is killed.

PROGRAM = """
import sys, time
from tests.support.store_fixtures import RING, answered_call, outcomes
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.writer import Writer
from callmon.store.database import open_store
from datetime import timedelta
from pathlib import Path

outbox = Outbox(Path(sys.argv[3]), RING, 1 << 24)
sink = Writer(open_store(sys.argv[1], RING), timedelta(milliseconds=20), outbox=outbox)
number = int(sys.argv[2])
while True:
    for item in outcomes(answered_call(number)):
        sink.offer(item)
    number += 1
    if sys.argv[4] == "amid a call":
        for item in outcomes(answered_call(number))[:7]:
            sink.offer(item)
    if number % 50 == 0 or sys.argv[4] == "amid a call":
        sink.flush(120)
        figures = sink.counters.snapshot().items()
        print(number, sum(v for k, v in figures if k[0] == "callmon_calls_total"), flush=True)
    if sys.argv[4] == "amid a call":
        time.sleep(600)
    time.sleep(0.0005)
"""


def killed(url: str, first: int, outbox: Path, when: str) -> tuple[int, float]:
    """A program writes calls until it is killed. What it last said: the calls it knew to be stored, the figure."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(first), str(outbox), when],
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


def test_kill_9_loses_nothing_committed_and_figures_and_rows_stay_one(url: str, tmp_path: Path) -> None:
    settled = upgrade(url)
    rebuild.ensure_rollups(settled, TORONTO)
    settled.close()
    first = 0
    for when in ("at random", "at random", "amid a call"):
        known, shown = killed(url, first, tmp_path / "waiting", when)
        store = open_store(url, RING)
        outbox = Outbox(tmp_path / "waiting", RING, 1 << 24)
        Writer(store, outbox=outbox).close(SOON)  # it acquires the write lock that the killed daemon had
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
            reported = answered_call(int(call.partition(".")[2]))
            assert begun.facts == tuple(reported[: 7 if when == "amid a call" else len(begun.facts)])
        assert len(unfinished) in ([1] if when == "amid a call" else [0, 1])
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
