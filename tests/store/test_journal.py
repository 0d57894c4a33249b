"""The file in which outcomes wait: whole, sealed, bounded, and read again by whoever starts next."""

from __future__ import annotations

import errno
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.store.database import Database, open_store, upgrade
from callmon.store.encryption import KeyMissingError, KeyRing
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.writer import messages
from callmon.store.writer.outbox import Outbox, OutboxEntry, OutboxFullError
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.store.writer.writer import Writer
from tests.store.test_store_trouble import locked
from tests.support.daemon_process import free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import CALLER, RING, SOON, of_calls, rows, seconds, summed, until, wrote

MIB = 1 << 20
FRAMES = [b"first", b"second " * 100, b"third"]


def journal_in(folder: Path, most: int = MIB, ring: KeyRing = RING) -> Outbox:
    return Outbox(folder / "waiting", ring, most)


def kept(folder: Path, ring: KeyRing = RING) -> list[tuple[int, int, bytes]]:
    """What whoever starts next finds."""
    journal = journal_in(folder, ring=ring)
    found = [(entry.number, entry.outcomes, journal.frame(entry)) for entry in journal.found]
    journal.close()
    return found


def three(folder: Path) -> Outbox:
    journal = journal_in(folder)
    journal.append("token", [(7, 1, FRAMES[0]), (8, 20, FRAMES[1])])
    journal.append("token", [(9, 3, FRAMES[2])])
    return journal


def test_what_was_added_is_found_in_its_order_by_the_next_with_whose_it_is(tmp_path: Path) -> None:
    three(tmp_path).close()
    assert kept(tmp_path) == [(7, 1, FRAMES[0]), (8, 20, FRAMES[1]), (9, 3, FRAMES[2])]
    again = journal_in(tmp_path)
    assert (again.token, again.size) == ("token", (tmp_path / "waiting").stat().st_size)
    again.empty()
    again.close()
    assert (kept(tmp_path), (tmp_path / "waiting").stat().st_size) == ([], 0)


def test_only_its_owner_may_read_the_file_and_nothing_in_it_is_in_the_clear(tmp_path: Path) -> None:
    journal = journal_in(tmp_path)
    items = [messages.encode_item(item) for item in of_calls(1)]
    journal.append("token", [(1, len(items), messages.batch_frame(1, items))])
    journal.close()
    data = (tmp_path / "waiting").read_bytes()
    assert stat.S_IMODE((tmp_path / "waiting").stat().st_mode) == 0o600
    assert [data.count(text) for text in (CALLER.encode(), b"5550101", b"token", b"Arrived", b"general")] == [
        0
    ] * 5
    assert kept(tmp_path)[0][2].count(CALLER.encode()) == 2  # its arrival, and its account


@given(size=st.integers(0, 1_200))
def test_wherever_the_file_is_cut_off_what_was_whole_before_is_found_and_writing_goes_on(
    tmp_path_factory: pytest.TempPathFactory, size: int
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = three(folder)
    ends = [entry.place + entry.length for entry in journal_entries(whole)]
    os.truncate(folder / "waiting", min(size, ends[-1]))
    left = sum(end <= size for end in ends)
    again = journal_in(folder)
    again.append("token", [(7 + left, 1, b"and on")])
    again.close()
    before = [(7, 1, FRAMES[0]), (8, 20, FRAMES[1]), (9, 3, FRAMES[2])][:left]
    assert kept(folder) == [*before, (7 + left, 1, b"and on")]


def journal_entries(journal: Outbox) -> list[OutboxEntry]:
    """After it is closed, as the next finds them."""
    path = journal.path
    journal.close()
    again = Outbox(path, RING, MIB)
    again.close()
    return again.found


@pytest.mark.parametrize("filler", [b"\0" * 4096, b"\xff" * 4096])
def test_a_block_that_the_disk_never_got_is_no_record(tmp_path: Path, filler: bytes) -> None:
    """After a power cut a file may be longer than what was written into it."""
    three(tmp_path).close()
    with (tmp_path / "waiting").open("ab") as file:
        file.write(filler)
    assert [number for number, _, _ in kept(tmp_path)] == [7, 8, 9]


@given(data=st.binary(max_size=300))
def test_no_bytes_make_it_raise_or_give_what_was_never_written(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "waiting").write_bytes(data)
    assert kept(folder) == []


def test_a_group_that_would_not_fit_below_the_limit_is_not_written_and_those_before_it_are(tmp_path: Path) -> None:
    journal = journal_in(tmp_path, most=1_000)
    groups = [(n, 1, b"x" * 300) for n in (1, 2, 3, 4)]
    assert [entry.number for entry in journal.append("token", groups)] == [1, 2]
    with pytest.raises(OutboxFullError):
        journal.append("token", groups[2:])
    journal.close()
    assert [number for number, _, _ in kept(tmp_path)] == [1, 2]


def test_with_another_key_it_says_which_is_missing_and_keeps_what_is_there(tmp_path: Path) -> None:
    three(tmp_path).close()
    before = (tmp_path / "waiting").read_bytes()
    with pytest.raises(KeyMissingError) as told:
        journal_in(tmp_path, ring=KeyRing([bytes(32)]))
    assert str(told.value) == (
        f"numbers are encrypted with the key {RING.name}, which the key file lacks: "
        "restore that key's line below the newest"
    )
    assert (tmp_path / "waiting").read_bytes() == before
    assert [n for n, _, _ in kept(tmp_path, KeyRing([bytes(32), bytes(range(32))]))] == [7, 8, 9]


def test_two_programs_cannot_use_one_file(tmp_path: Path) -> None:
    first = journal_in(tmp_path)
    with pytest.raises(BlockingIOError):
        journal_in(tmp_path)
    first.close()
    journal_in(tmp_path).close()


def test_a_disk_that_is_full_leaves_what_was_there_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, write_at = three(tmp_path), os.pwrite
    size = journal.size

    def half(file: int, data: bytes, place: int) -> int:
        write_at(file, bytes(data[:5]), place)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(OSError, match="No space left"):
        journal.append("token", [(10, 1, b"more")])
    monkeypatch.undo()
    assert (journal.size, (tmp_path / "waiting").stat().st_size) == (size, size)
    journal.close()
    assert [number for number, _, _ in kept(tmp_path)] == [7, 8, 9]


# With a database.


def writing(store: Database, folder: Path, max_waiting: int = 100_000, most: int = MIB) -> Writer:
    return Writer(store, seconds(0.01), max_waiting, journal=journal_in(folder, most))


def test_while_the_database_is_locked_outcomes_wait_in_the_journal_and_take_no_room_in_memory(
    sqlite_store: Database, tmp_path: Path
) -> None:
    told = of_calls(40)
    sink = writing(sqlite_store, tmp_path, max_waiting=100)
    with locked(sqlite_store):
        for item in told:
            sink.offer(item)
        assert until(lambda: (sink.journal() or pytest.fail("none")).outcomes == len(told))
        assert (sink.backlog(), sink.has_room()) == (len(told), True)
        journal = sink.journal()
        assert journal is not None
        assert journal.size == (tmp_path / "waiting").stat().st_size > 0
    assert sink.flush(SOON)
    assert sink.tally.snapshot() == pytest.approx(summed(told))
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"], (tmp_path / "waiting").stat().st_size) == (0, 480, 0)
    assert queries.counters(sqlite_store) == pytest.approx(summed(told))


def test_a_database_that_is_well_never_uses_it(sqlite_store: Database, tmp_path: Path) -> None:
    sink = writing(sqlite_store, tmp_path)
    began = (tmp_path / "waiting").stat().st_mtime_ns
    for item in of_calls(20):
        sink.offer(item)
    assert sink.flush(SOON)
    sink.close(SOON)
    assert (tmp_path / "waiting").stat().st_mtime_ns == began


def test_a_journal_that_is_full_leaves_the_rest_in_memory_and_then_no_more_is_to_be_read(
    sqlite_store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = of_calls(60)
    sink = writing(sqlite_store, tmp_path, max_waiting=100, most=20_000)
    with locked(sqlite_store):
        for item in told:
            sink.offer(item)
            time.sleep(0.0005)  # in many groups
        assert until(lambda: (sink.journal() or pytest.fail("none")).trouble is not None)
        journal = sink.journal()
        assert journal is not None
        assert journal.trouble == f"the journal {tmp_path / 'waiting'} is full (0 MiB)"
        assert (0 < journal.size <= 20_000, 0 < journal.outcomes < len(told), sink.has_room()) == (
            True,
            True,
            False,
        )
    assert sink.flush(SOON)
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"]) == (0, 720)
    assert queries.counters(sqlite_store) == pytest.approx(summed(told))
    # Told again where the lock let some be written meanwhile.
    assert {r.getMessage() for r in caplog.records if "memory" in r.getMessage()} == {
        "journal: not writable; buffering outcomes in memory only"
    }


def test_what_waits_when_callmon_is_told_to_end_is_written_by_the_next_before_it_begins(
    store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = of_calls(8)
    sink = writing(store, tmp_path)
    with store.writing() as connection:
        lock = "LOCK TABLE writer" if store.path is None else "UPDATE writer SET id = 1"
        connection.exec_driver_sql(lock)
        for item in told:
            sink.offer(item)
        assert until(lambda: (sink.journal() or pytest.fail("none")).outcomes == len(told))
        if sink.process_id is not None:
            os.kill(sink.process_id, signal.SIGKILL)
        sink.close(2.0)
    said = [r.getMessage() for r in caplog.records if "next start" in r.getMessage()]
    assert said == ["journal: outcomes stay buffered until the next start"]
    assert until(lambda: not sink._supervisor.thread.is_alive())
    again = writing(store, tmp_path)
    assert (again.backlog(), rows(store)["fact"]) == (0, 96)
    assert again.tally.snapshot() == pytest.approx(summed(told))
    more = of_calls(9)[96:]
    for item in more:
        again.offer(item)
    again.close(SOON)
    assert (again.backlog(), rows(store)["call"]) == (0, 9)
    assert queries.counters(store) == pytest.approx(summed([*told, *more]))


def test_a_group_that_was_committed_though_nobody_was_told_is_not_written_again(
    sqlite_store: Database, tmp_path: Path
) -> None:
    told = of_calls(2)
    journal = journal_in(tmp_path)
    for number, some in ((1, told[:12]), (2, told[12:])):
        items = [messages.encode_item(item) for item in some]
        journal.append("before", [(number, len(items), messages.batch_frame(number, items))])
    journal.close()
    with sqlite_store.writing() as connection:
        write_batch(connection, BatchId(1, "before"), told[:12], RING)
    sink = writing(sqlite_store, tmp_path)
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"], rows(sqlite_store)["call"]) == (0, 24, 2)
    assert (tmp_path / "waiting").stat().st_size == 0


WRITES_FOR_EVER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from callmon.store.writer.writer import Writer
from callmon.store.database import open_store
from callmon.store.writer.outbox import Outbox
from tests.support.store_fixtures import RING, answered_call, outcomes
store = open_store(sys.argv[1], RING)
sink = Writer(store, timedelta(milliseconds=10), journal=Outbox(Path(sys.argv[2]), RING, 1 << 24))
print(sink.process_id, flush=True)
number = int(sys.argv[3])
while True:
    for item in outcomes(answered_call(number)):
        sink.offer(item)
    number += 1
    print(number, (sink.journal() or 0).outcomes, flush=True)
    time.sleep(0.004)
"""


def test_daemon_and_scribe_killed_while_it_holds_outcomes_what_it_holds_is_stored_once(
    tmp_path: Path,
) -> None:
    """Three lives, each killed with its scribe while the database is locked; nobody closes anything."""
    url = f"sqlite:///{tmp_path}/callmon.db"
    store = upgrade(url, RING)
    number, journaled = 0, 0
    for pause in (0.0, 0.3, 0.9):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITES_FOR_EVER, url, str(tmp_path / "waiting"), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        scribe = int(child.stdout.readline())
        with locked(store):
            began = time.monotonic()
            while journaled < 100 or time.monotonic() - began < pause:
                number, journaled = map(int, child.stdout.readline().split())
            for pid in (child.pid, scribe):
                os.kill(pid, signal.SIGKILL)
            child.wait()
            child.stdout.close()
        number += 1_000  # what was still in memory is of other calls
        journaled = 0
        held = journal_in(tmp_path, 1 << 24)
        count = sum(entry.outcomes for entry in held.found)
        held.close()
        assert count >= 100
        before = rows(store)["fact"]
        sink = Writer(open_store(url, RING), seconds(0.01), journal=journal_in(tmp_path, 1 << 24))
        sink.close(SOON)
        assert rows(store)["fact"] - before == count
    with store.reading() as connection:
        doubled = connection.exec_driver_sql(
            "SELECT data, count(*) FROM fact GROUP BY 1 HAVING count(*) > 1"
        ).all()
    assert doubled == []
    calls = rows(store)["call"]
    counted = sum(n for figure, n in queries.counters(store).items() if figure[0] == "callmon_calls_total")
    assert counted == calls > 0


def test_of_a_journal_that_does_not_follow_what_is_stored_all_is_left_to_be_compared(
    sqlite_store: Database, tmp_path: Path
) -> None:
    """A copy of the database put back: nothing is written before somebody has looked what is there."""
    told = of_calls(1)
    journal = journal_in(tmp_path)
    items = [messages.encode_item(item) for item in told]
    journal.append("before", [(41, len(items), messages.batch_frame(41, items))])
    journal.close()
    sink = writing(sqlite_store, tmp_path)
    assert until(lambda: sink.is_gained)
    assert ([item.facts for item in sink.buffered()], rows(sqlite_store)["fact"]) == ([i.facts for i in told], 0)
    sink.become_leader(sink.buffered()[:12])
    assert sink.flush(SOON)
    assert (rows(sqlite_store)["fact"], sink.leads, sink.backlog()) == (12, True, 0)
    sink.close(SOON)


def test_what_is_in_it_can_be_read_from_a_full_journal_a_few_groups_at_a_time(
    sqlite_store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    told = of_calls(100)
    journal = journal_in(tmp_path)
    for number, item in enumerate(told, 1):
        journal.append("before", [(number, 1, messages.batch_frame(number, [messages.encode_item(item)]))])
    journal.close()
    sink = writing(sqlite_store, tmp_path)
    sink.close(SOON)
    assert (rows(sqlite_store)["fact"], sink.backlog(), caplog.records) == (1200, 0, [])


def test_callmon_compares_such_a_journal_call_by_call_and_writes_what_is_missing_once(tmp_path: Path) -> None:
    """Of two calls in it one is stored already. And once more, when the same file is put back."""
    callmon, told = WarmCallmon(tmp_path, free_port(), "secret"), of_calls(2)
    place = tmp_path / "callmon.db-waiting"
    run(callmon)
    store = open_with_keys(callmon.settings())
    items = [messages.encode_item(item) for item in told]
    journal = Outbox(place, store.ring, MIB)
    journal.append("before", [(41, len(items), messages.batch_frame(41, items))])
    journal.close()
    copy = place.read_bytes()
    wrote(store, *told[:12])
    for _ in range(2):
        run(callmon)
        assert place.stat().st_size == 0
        assert (rows(store)["fact"], rows(store)["call"], rows(store)["open_call"]) == (24, 2, 0)
        assert queries.counters(store) == pytest.approx(summed(told))
        place.write_bytes(copy)
    store.close()


def run(callmon: WarmCallmon) -> None:
    """From its start until it has ended."""
    callmon.start(until_heard=False)
    assert until(lambda: callmon.get("/")[0] == 200), callmon.log.read_text()
    assert callmon.stop() == 0
