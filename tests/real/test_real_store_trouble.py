"""The database goes away under dozens of calls on a real Asterisk, and comes back: each call is stored once.

One exchange, one play of all situations, three callmons that hear it: one whose PostgreSQL is stopped for a
minute, one whose disk is full for as long, one whose disk is full too and that is ended without warning meanwhile.
What each must have stored is what callmon makes of the same bytes when nothing is amiss: they are replayed.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from callmon.store import key_file
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.folder import LabUnavailable
from tests.lab.listener import Event, Listener, value
from tests.lab.play import Playing
from tests.lab.postgres import Postgres
from tests.lab.sipp import at_once
from tests.lab.situations import SITUATIONS
from tests.real.test_real_kills import outcomes, whole
from tests.support.ami_builders import replayed
from tests.support.call_end import until_calls_are_over
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import public, reported

pytestmark = pytest.mark.lab

BEFORE, AWAY, KILLED_AFTER = 10.0, 60.0, 25.0
# Seconds: the outbox holds an outcome at most this long after its event.
KEPT_WITHIN = 1.5
DISK = "24m"


@dataclass
class HealthLog:
    """What /healthz said, each half second, and how much was in the outbox at most."""

    callmon: Callmon
    said: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    most: float = 0.0
    is_over: bool = False

    def look(self) -> None:
        while not self.is_over:
            status, body = self.callmon.health()
            if status:
                self.said.append((status, body))
                self.most = max(
                    self.most, self.callmon.figure("callmon_sink_journal_bytes", sink="database") or 0.0
                )
            time.sleep(0.5)

    def statuses(self) -> list[int]:
        """Each that differs from the one before, but for the start."""
        found = [status for status, _ in self.said]
        return [status for n, status in enumerate(found) if n == 0 or found[n - 1] != status]

    def troubles(self) -> set[str]:
        return {sentence for _, body in self.said for sentence in body.get("troubles", [])}


@dataclass
class Evening:
    """What is left of it all."""

    calls: list[Any]
    heard: list[Event]
    expected: dict[str, dict[str, Any]]  # public calls that ended, as they are without any trouble
    health_logs: dict[str, HealthLog]
    shown: dict[str, dict[Any, float]]
    killed: tuple[float, float]  # from when to when nobody listened, by the exchange's clock


class Disk:
    """A small file system in memory, which can be filled to its last byte."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __enter__(self) -> Disk:
        self.place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(self.place)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        if done.returncode:
            raise LabUnavailable(f"no tmpfs can be mounted: {done.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.place)], check=True, timeout=20)

    def fill(self) -> None:
        with suppress(OSError), (self.place / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"\0" * 4096):
                pass

    def free(self) -> None:
        (self.place / "ballast").unlink()


@pytest.fixture(scope="module")
def evening(lab: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    with ExitStack() as stack:
        place = tmp_path_factory.mktemp("trouble")
        exchange = stack.enter_context(Asterisk("22"))
        server = stack.enter_context(Postgres())
        disk = stack.enter_context(Disk(place / "disk"))
        stores = {
            "away": server.url,
            "full": f"sqlite:///{disk.place}/full.db",
            "killed": f"sqlite:///{disk.place}/it.db",
        }
        callmons = {name: begun(place / name, exchange, store) for name, store in stores.items()}
        witness = stack.enter_context(Listener(exchange.ami_port, "witness", exchange.secrets.witness))
        beside = stack.enter_context(Listener(exchange.ami_port, "callmon", exchange.secret))
        for callmon in callmons.values():
            stack.enter_context(callmon)
        health_logs = {name: HealthLog(callmon) for name, callmon in callmons.items()}
        looking = [threading.Thread(target=each.look, daemon=True) for each in health_logs.values()]
        for thread in looking:
            thread.start()
        with Playing(exchange, SITUATIONS) as playing:
            killed = trouble(server, disk, callmons["killed"])
            calls = playing.wait()
        time.sleep(8.0)
        until_calls_are_over(exchange, *callmons.values())
        for each in health_logs.values():
            each.is_over = True
        for thread in looking:
            thread.join(20)
        shown = {name: figures(callmon) for name, callmon in callmons.items()}
        assert [callmon.stop() for callmon in callmons.values()] == [0, 0, 0]
        said = replayed(beside.heard(), settings=callmons["away"].settings()).calls()
        expected = {call["call"]: call for call in said if call["line"] is not None and call["ended"] is not None}
        yield Evening(calls, witness.events(), expected, health_logs, shown, killed)


def begun(place: Path, exchange: Asterisk, store: str) -> Callmon:
    """The outbox is beside the configuration, not on the disk that fills."""
    place.mkdir()
    callmon = Callmon(place, exchange.ami_port, exchange.secret, store)
    written = callmon.config.read_text(encoding="utf-8")
    key_file.add_new_key(place / "number.key", date(2026, 11, 24))
    written = written.replace("[privacy]\n", f'[privacy]\nkey_file = "{place}/number.key"\n', 1)
    journal = f'[store]\njournal = "{place}/waiting"\n'
    callmon.config.write_text(written.replace("[store]\n", journal, 1), encoding="utf-8")
    return callmon


def trouble(server: Postgres, disk: Disk, victim: Callmon) -> tuple[float, float]:
    time.sleep(BEFORE)
    began = time.monotonic()
    disk.fill()
    server.halt()
    time.sleep(KILLED_AFTER)
    killed = time.time()
    victim.kill()
    time.sleep(max(0.0, began + AWAY - time.monotonic()))
    disk.free()
    server.start()
    victim.start(until_heard=False)
    victim.wait_until_heard()
    return killed, time.time()


def figures(callmon: Callmon) -> dict[Any, float]:
    return {key: n for key, n in callmon.figures().items() if key[0] == "callmon_calls_total"}


SAME = ("outcome", "rings", "answered_by", "transfers", "voicemail", "verdicts", "heard", "wait_seconds", "ended")


def wrong(callmon: Callmon, evening: Evening, calls: Collection[str]) -> list[tuple[str, str, Any, Any]]:
    """In what these calls are not stored as they must be; each once, with their figures."""
    settings = callmon.settings()
    store = open_with_keys(settings)
    known = [call for _, call in queries.stream_calls(store, *whole(store))]
    doubled = [call for call, count in Counter(call.call for call in known).items() if count > 1]
    assert (doubled, queries.open_calls(store, "toronto"), counter_differences(store)) == ([], {}, [])
    assert outcomes(evening.shown[callmon.place.name]) == dict(Counter(call.outcome for call in known))
    said = {call: reported(store, settings, call) or {} for call in calls}
    store.close()
    points = [
        (call, point, evening.expected[call][point], said[call].get(point)) for call in calls for point in SAME
    ]
    return [(call, point, must, is_so) for call, point, must, is_so in points if must != is_so]


def test_it_was_as_busy_as_it_is_meant_to_be(evening: Evening) -> None:
    by_sipp = [call for call in evening.calls if call.played_by == "sipp"]
    assert at_once(by_sipp) >= 40
    assert len(evening.expected) >= len(public(evening.calls))


@pytest.mark.parametrize("name", ["away", "full"])
def test_after_a_minute_without_a_database_every_call_is_stored_once(evening: Evening, name: str) -> None:
    health_log = evening.health_logs[name]
    assert wrong(health_log.callmon, evening, evening.expected) == []
    assert sum(evening.shown[name].values()) == len(evening.expected)
    assert (health_log.most > 0, (health_log.callmon.place / "waiting").stat().st_size) == (True, 0)


@pytest.mark.parametrize(
    ("name", "why"), [("away", "connection"), ("full", "the database cannot be written: database or disk is full")]
)
def test_healthz_says_that_outcomes_wait_and_why_and_recovers(evening: Evening, name: str, why: str) -> None:
    health_log = evening.health_logs[name]
    assert health_log.statuses() == [200, 503, 200]
    assert [sentence for sentence in health_log.troubles() if not sentence.startswith("database: ")] == []
    assert any(
        why in sentence for sentence in health_log.troubles()
    )  # when it is back, they wait without a reason
    remarks = {sentence for _, body in health_log.said for sentence in body["remarks"]}
    waiting = f"outcomes are buffered in the journal {health_log.callmon.place}/waiting"
    assert any(waiting in sentence for sentence in remarks)
    assert health_log.said[-1][1]["remarks"] == []


def test_what_the_outbox_held_when_callmon_was_killed_is_stored_once(evening: Evening) -> None:
    health_log = evening.health_logs["killed"]
    hangups = {
        value(event, "Uniqueid"): float(value(event, "Timestamp") or 0)
        for event in evening.heard
        if value(event, "Event") == "Hangup"
    }
    killed, _ = evening.killed
    before = [call for call in evening.expected if hangups[call] < killed - KEPT_WITHIN]
    during = [call for call in before if killed - KILLED_AFTER < hangups[call]]
    assert len(during) >= 10  # ended while nothing could be written
    assert wrong(health_log.callmon, evening, before) == []
    assert "cut off" not in health_log.callmon.log.read_text()
