"""The outbox: every outcome goes through its file, which is whole, encrypted, bounded, read at the next start."""

from __future__ import annotations

import errno
import logging
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from callmon.core.facts import Fact
from callmon.core.outcome import Outcome
from callmon.errors import StoreError
from callmon.store.database import Database, open_store, upgrade
from callmon.store.encryption import KeyMissingError, KeyRing
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.writer.appender import Appender
from callmon.store.writer.outbox import DRAIN_SECONDS, Outbox, OutboxEntry, decode_items, encode_item
from callmon.store.writer.outbox_file import head_of
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.store.writer.writer import Writer
from tests.store.test_store_trouble import locked
from tests.support.daemon_process import free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import (
    CALLER,
    RING,
    SOON,
    facts_on,
    of_calls,
    rows,
    seconds,
    stored_facts,
    summed,
    until,
    wrote,
)

MIB = 1 << 20
FRAMES = [encode_item(word) for word in ("first", "second " * 100, "third")]


def outbox_in(folder: Path, most: int = MIB, ring: KeyRing = RING) -> Outbox:
    return Outbox(folder / "waiting", ring, most)


def items_of(outbox: Outbox) -> list[tuple[int, int, bytes]]:
    """The uncommitted records: number, count of outcomes, and its items without the array's five bytes."""
    return [(entry.number, entry.outcomes, outbox.read(entry)[5:]) for entry in outbox.entries]


def kept(folder: Path, ring: KeyRing = RING) -> list[tuple[int, int, bytes]]:
    """What the next daemon finds."""
    outbox = outbox_in(folder, ring=ring)
    found = items_of(outbox)
    outbox.close()
    return found


def begun(folder: Path, number: int = 6, token: str = "token", most: int = MIB, after: str = "") -> Outbox:
    outbox = outbox_in(folder, most)
    outbox.begin_term(number, after, token)
    return outbox


def three(folder: Path) -> Outbox:
    outbox = begun(folder)
    assert outbox.append(FRAMES[:1], 0.0)
    assert outbox.append([FRAMES[1]] * 20, 0.0)
    assert outbox.append([FRAMES[2]] * 3, 0.0)
    return outbox


THREE = [(7, 1, FRAMES[0]), (8, 20, FRAMES[1] * 20), (9, 3, FRAMES[2] * 3)]


def left_by_earlier(folder: Path, *records: list[Outcome], number: int = 0, after: str = "") -> None:
    """An earlier daemon appended these records and ended."""
    outbox = begun(folder, number, "before", after=after)
    for items in records:
        assert outbox.append([encode_item(item) for item in items], 0.0)
    outbox.close()


def test_appended_records_are_found_in_order_by_the_next_daemon(tmp_path: Path) -> None:
    three(tmp_path).close()
    assert kept(tmp_path) == THREE
    again = outbox_in(tmp_path)
    assert (again.token, again.size) == ("token", (tmp_path / "waiting").stat().st_size)
    assert (again.truncate(8), items_of(again), again.size > 0) == (21, THREE[2:], True)
    assert (again.truncate(9), again.size) == (3, 0)
    again.close()
    assert (kept(tmp_path), (tmp_path / "waiting").stat().st_size) == ([], 0)


def test_only_its_owner_may_read_the_file_and_nothing_is_in_clear(tmp_path: Path) -> None:
    left_by_earlier(tmp_path, of_calls(1))
    data = (tmp_path / "waiting").read_bytes()
    assert stat.S_IMODE((tmp_path / "waiting").stat().st_mode) == 0o600
    assert [data.count(text) for text in (CALLER.encode(), b"5550101", b"before", b"Arrived", b"general")] == [
        0
    ] * 5
    assert kept(tmp_path)[0][2].count(CALLER.encode()) == 2  # its arrival, and its account


def test_a_power_cut_at_any_byte_loses_no_record_that_was_acknowledged(tmp_path: Path) -> None:
    """The file is cut at every byte, also in the middle of a record; and the next daemon goes on after it."""
    outbox, reported = begun(tmp_path), [(7, 1, b"first"), (8, 2, b"secondsecond"), (9, 1, b"third")]
    for _, count, items in reported:
        assert outbox.append([items[: len(items) // count]] * count, 0.0)
    outbox.close()
    path = tmp_path / "waiting"
    whole, ends = path.read_bytes(), [entry.place + entry.length for entry in entries_of(path)]
    assert ends[-1] == len(whole)
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        acknowledged = reported[: sum(end <= size for end in ends)]
        again = outbox_in(tmp_path)
        assert items_of(again) == acknowledged
        again.begin_term(6, "", "token")
        assert again.append([b"and on"], 0.0)
        again.close()
        assert kept(tmp_path) == [*acknowledged, (7 + len(acknowledged), 1, b"and on")]


def entries_of(path: Path) -> list[OutboxEntry]:
    outbox = Outbox(path, RING, MIB)
    outbox.close()
    return [*outbox.entries]


@pytest.mark.parametrize("filler", [b"\0" * 4096, b"\xff" * 4096])
def test_a_block_that_the_disk_never_got_is_no_record(tmp_path: Path, filler: bytes) -> None:
    """After a power cut a file may be longer than what was written into it."""
    three(tmp_path).close()
    with (tmp_path / "waiting").open("ab") as file:
        file.write(filler)
    assert [number for number, _, _ in kept(tmp_path)] == [7, 8, 9]


@pytest.mark.parametrize("count", [16, 64])
def test_a_record_whose_last_bytes_the_disk_never_got_is_cut_off(tmp_path: Path, count: int) -> None:
    """After a power cut the file may have its whole length, and zeros in it."""
    three(tmp_path).close()
    path = tmp_path / "waiting"
    path.write_bytes(path.read_bytes()[:-count] + bytes(count))
    assert kept(tmp_path) == THREE[:2]
    assert path.stat().st_size == entries_of(path)[-1].place + entries_of(path)[-1].length


@given(data=st.binary(max_size=300))
def test_other_bytes_yield_nothing_and_another_programs_file_stays(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "waiting").write_bytes(data)
    try:
        assert kept(folder) == []
    except StoreError:
        assert (folder / "waiting").read_bytes() == data


@pytest.mark.parametrize("data", [b"x", b"root:x:0:0\n", b'[store]\nurl = "sqlite:///callmon.db"\n' * 100])
def test_an_outbox_at_another_programs_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "waiting").write_bytes(data)
    with pytest.raises(StoreError) as reported:
        outbox_in(tmp_path)
    assert str(reported.value) == (
        f"the file {tmp_path / 'waiting'} in store.journal is no journal of callmon: name another file there"
    )
    assert (tmp_path / "waiting").read_bytes() == data


def test_one_changed_bit_at_any_byte_loses_one_record_and_is_reported(tmp_path: Path) -> None:
    outbox = begun(tmp_path)
    for name in (b"first", b"second", b"third"):
        assert outbox.append([name], 0.0)
    outbox.close()
    path, wanted = tmp_path / "waiting", [(7, 1, b"first"), (8, 1, b"second"), (9, 1, b"third")]
    whole, ends = path.read_bytes(), [entry.place + entry.length for entry in entries_of(path)]
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        damaged = path.read_bytes()
        lost = next(n for n, end in enumerate(ends) if at < end)
        again = outbox_in(tmp_path)
        assert ([x for x in items_of(again) if x[1]], again.damaged) == (wanted[:lost] + wanted[lost + 1 :], 1)
        assert [x.number for x in again.entries] == [[8, 9], [7, 8, 9], [7, 8]][lost]  # none is skipped in between
        again.close()
        copy = tmp_path / "waiting-damaged"
        assert (copy.read_bytes(), stat.S_IMODE(copy.stat().st_mode)) == (damaged, 0o600)
        copy.unlink()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_of_three_records_with_one_changed_bit_two_are_stored(tmp_path: Path, store: Database, lost: int) -> None:
    outcomes = of_calls(3)
    third = len(outcomes) // 3
    left_by_earlier(tmp_path, outcomes[:third], outcomes[third : 2 * third], outcomes[2 * third : 3 * third])
    path = tmp_path / "waiting"
    entry, data = entries_of(path)[lost], bytearray(path.read_bytes())
    data[entry.place + 5] ^= 4
    path.write_bytes(data)
    sink = Writer(store, seconds(0.01), outbox=outbox_in(tmp_path))
    assert sink.refused() == 1
    if lost:
        assert until(lambda: sink.done == 2 * third)
        with store.reading() as connection:
            assert connection.execute(text("SELECT batch FROM writer")).scalar() == (3 if lost == 1 else 2)
    else:  # it does not follow what is stored: the daemon compares it, call by call
        assert (sink.stands_by, len(sink.buffered())) == (True, 2 * third)
    sink.close()


def test_a_record_beyond_the_limit_waits_in_memory_until_the_commit(tmp_path: Path) -> None:
    outbox = begun(tmp_path, 0, most=800)
    assert [outbox.append([b"x" * 300], 0.0) for _ in range(3)] == [True, True, False]
    assert outbox.trouble == f"the journal {tmp_path / 'waiting'} is full (0 MiB)"
    assert (outbox.truncate(1), outbox.append([b"x" * 300], 0.0)) == (1, False)
    assert (outbox.truncate(2), outbox.append([b"y" * 900], 0.0)) == (1, True)
    assert (outbox.outcomes, items_of(outbox)) == (0, [(3, 1, b"y" * 900)])
    assert not outbox.append([b"z" * 900], 0.0)
    assert (outbox.truncate(3), outbox.append([b"x"], 0.0), outbox.trouble) == (1, True, None)
    outbox.close()
    assert kept(tmp_path) == [(4, 1, b"x")]


def test_a_long_file_with_little_uncommitted_is_emptied_before_it_grows(tmp_path: Path) -> None:
    outbox = begun(tmp_path, 0, most=64 * MIB)
    for number in range(1, 9):
        assert outbox.append([b"x" * (MIB // 2)], 0.0)
        outbox.truncate(number - 1)
    assert not outbox.append([b"x"], time.monotonic())
    assert (outbox.trouble, outbox.truncate(8), outbox.size) == (None, 1, 0)
    assert outbox.append([b"x"], 0.0)
    outbox.close()


def test_an_outcome_waits_at_most_a_second_until_such_a_file_is_emptied(tmp_path: Path) -> None:
    outbox = begun(tmp_path, 0, most=64 * MIB)
    for number in range(1, 9):
        assert outbox.append([b"x" * (MIB // 2)], 0.0)
        outbox.truncate(number - 1)
    appender = Appender(outbox, 0.01, lambda: None)
    appender.waiting.append(FRAMES[0])
    appender.hurry()
    assert appender._append_due() == DRAIN_SECONDS
    assert (appender.waiting, outbox.trouble) == ([FRAMES[0]], None)
    appender.thread.start()
    assert until(lambda: not appender.waiting)
    appender.end()
    assert items_of(outbox)[-1] == (9, 1, FRAMES[0])
    outbox.close()


def test_a_single_outcome_is_appended_in_time_a_streams_each_half_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1_000.0
    monkeypatch.setattr("callmon.store.writer.appender.monotonic", lambda: clock)
    appender = Appender(begun(tmp_path, 0), 0.1, lambda: None)
    dues = []
    for frame, quiet in zip(FRAMES, (0.0, 0.0, 10.0), strict=True):
        clock += quiet
        appender.waiting.append(frame)
        dues.append(due := appender._append_due() or 0.0)
        clock += due + 0.001
        appender._append_due()
        assert appender.waiting == []
    assert dues == pytest.approx([0.1, 0.5, 0.1])


@contextmanager
def slow_disk(outbox: Outbox, waiting: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While the disk does not end an append of another thread."""
    began, goes_on, sync = threading.Event(), threading.Event(), os.fdatasync

    def hang(file: int) -> None:
        began.set()
        goes_on.wait(SOON)
        sync(file)

    monkeypatch.setattr(os, "fdatasync", hang)
    thread = threading.Thread(target=outbox.append, args=(waiting, 0.0))
    thread.start()
    assert began.wait(SOON)
    yield
    goes_on.set()
    thread.join()
    monkeypatch.undo()


def test_a_record_committed_on_a_slow_disk_delays_and_cuts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, waiting = begun(tmp_path), [FRAMES[1]]
    assert outbox.append([FRAMES[0]], 0.0)
    with slow_disk(outbox, waiting, monkeypatch):
        assert (outbox.truncate(7), len(outbox.entries), waiting) == (1, 0, [FRAMES[1]])
    assert (items_of(outbox), waiting) == ([(8, 1, FRAMES[1])], [])
    outbox.close()
    assert kept(tmp_path) == [
        (7, 1, FRAMES[0]),
        (8, 1, FRAMES[1]),
    ]  # the database has 7


def test_items_that_a_standby_finished_too_late_stay_in_its_buffer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, waiting = begun(tmp_path), [FRAMES[1]]
    assert outbox.append([FRAMES[0]], 0.0)
    with slow_disk(outbox, waiting, monkeypatch):
        assert (outbox.retire(waiting), waiting) == (0, FRAMES[:2])
    assert (items_of(outbox), waiting) == ([], FRAMES[:2])
    outbox.begin_term(11, "other", "next")
    assert outbox.append(waiting, 0.0)
    assert (items_of(outbox), waiting) == ([(12, 2, FRAMES[0] + FRAMES[1])], [])
    outbox.close()
    assert kept(tmp_path) == [(12, 2, FRAMES[0] + FRAMES[1])]


def test_records_of_an_earlier_term_are_superseded_by_the_next_terms(tmp_path: Path) -> None:
    """A new leader has compared them with the database: it appends what is missing there, under a new token."""
    three(tmp_path).close()
    outbox = outbox_in(tmp_path)
    outbox.retire([])
    assert (len(outbox.entries), outbox.outcomes, outbox.number) == (0, 0, None)
    outbox.close()
    assert kept(tmp_path) == THREE  # a daemon that is killed now has lost nothing
    outbox = outbox_in(tmp_path)
    outbox.retire([])
    outbox.begin_term(3, "other", "next")
    assert outbox.append([b"missing"], 0.0)
    outbox.close()
    assert kept(tmp_path) == [(4, 1, b"missing")]


def test_with_another_key_it_says_which_is_missing_and_keeps_what_is_there(tmp_path: Path) -> None:
    three(tmp_path).close()
    before = (tmp_path / "waiting").read_bytes()
    with pytest.raises(KeyMissingError) as reported:
        outbox_in(tmp_path, ring=KeyRing([bytes(32)]))
    assert str(reported.value) == (
        f"numbers are encrypted with the key {RING.name}, which the key file lacks: "
        "restore that key's line below the newest"
    )
    assert (tmp_path / "waiting").read_bytes() == before
    assert [n for n, _, _ in kept(tmp_path, KeyRing([bytes(32), bytes(range(32))]))] == [7, 8, 9]


def test_an_outbox_of_another_version_stays_and_the_remedy_is_given(tmp_path: Path) -> None:
    encrypted = RING.encrypt_bytes(msgspec.msgpack.encode(["token", [[7, 1, b"a frame"]]]))
    (tmp_path / "waiting").write_bytes(head_of(encrypted) + encrypted)
    before = (tmp_path / "waiting").read_bytes()
    with pytest.raises(StoreError) as reported:
        outbox_in(tmp_path)
    assert str(reported.value) == (
        f"the journal {tmp_path / 'waiting'} was written by another version of callmon: run that version until "
        "the journal is empty"
    )
    assert (tmp_path / "waiting").read_bytes() == before


def test_two_programs_cannot_use_one_file(tmp_path: Path) -> None:
    first = outbox_in(tmp_path)
    with pytest.raises(BlockingIOError):
        outbox_in(tmp_path)
    first.close()
    outbox_in(tmp_path).close()


def test_a_disk_that_is_full_leaves_what_was_there_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox, write_at = three(tmp_path), os.pwrite
    size = outbox.size

    def half(file: int, data: bytes, place: int) -> int:
        write_at(file, bytes(data[:5]), place)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", half)
    assert not outbox.append([b"more"], 0.0)
    assert outbox.trouble == f"the journal {tmp_path / 'waiting'} cannot be written (No space left on device)"
    monkeypatch.undo()
    assert (outbox.size, (tmp_path / "waiting").stat().st_size) == (size, size)
    outbox.close()
    assert [number for number, _, _ in kept(tmp_path)] == [7, 8, 9]


# With a database.


def writing(store: Database, folder: Path, max_waiting: int = 100_000, most: int = MIB) -> Writer:
    return Writer(store, seconds(0.01), max_waiting, outbox=outbox_in(folder, most))


def test_while_the_database_is_locked_outcomes_wait_in_the_outbox(sqlite_store: Database, tmp_path: Path) -> None:
    reported = of_calls(40)
    sink = writing(sqlite_store, tmp_path, max_waiting=100)
    with locked(sqlite_store):
        for item in reported:
            sink.offer(item)
        assert until(lambda: (sink.outbox or pytest.fail("none")).outcomes == len(reported))
        assert (sink.backlog(), sink.has_room()) == (len(reported), True)
        outbox = sink.outbox
        assert outbox is not None
        assert outbox.size == (tmp_path / "waiting").stat().st_size > 0
    assert sink.flush(SOON)
    assert sink.counters.snapshot() == pytest.approx(summed(reported))
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"], (tmp_path / "waiting").stat().st_size) == (0, 480, 0)
    assert queries.counters(sqlite_store) == pytest.approx(summed(reported))


def test_each_outcome_is_on_disk_before_the_database_has_it(
    sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The invariant: what the database lacks stands in the outbox after the database's last number."""
    reported: list[Outcome] = []
    synced: list[tuple[int, int, list[Fact]]] = []
    sync = os.fdatasync

    def count(file: int) -> None:
        sync(file)
        with sqlite_store.reading() as connection:  # one state: the committing thread goes on meanwhile
            (number,) = connection.exec_driver_sql("SELECT batch FROM writer").one()
            stored = len(facts_on(connection))
        synced.append((number, stored, [fact for items in read_beside(tmp_path, number) for fact in items]))

    monkeypatch.setattr(os, "fdatasync", count)
    sink = writing(sqlite_store, tmp_path)
    for item in of_calls(1000):  # as many as make some records, however slow the disk is
        if len(synced) > 5:
            break
        sink.offer(item)
        reported.append(item)
        time.sleep(0.001)
    assert sink.flush(SOON)
    sink.close(SOON)
    facts = [fact for item in reported for fact in item.facts]
    assert len(synced) > 5
    for _, stored, waiting in synced:
        assert waiting == facts[stored : stored + len(waiting)]
        assert waiting != []
    assert (rows(sqlite_store)["fact"], (tmp_path / "waiting").stat().st_size) == (len(facts), 0)


def read_beside(folder: Path, number: int) -> list[list[Fact]]:
    """The facts of the records after this number, by a reader that takes no lock."""
    copy = folder / "copy"
    copy.write_bytes((folder / "waiting").read_bytes())
    outbox = Outbox(copy, RING, MIB)
    outbox.truncate(number)
    found = [decode_items(outbox.read(entry)) for entry in outbox.entries]
    outbox.close()
    return [[fact for item in items if isinstance(item, Outcome) for fact in item.facts] for items in found]


def test_a_full_outbox_leaves_the_rest_in_memory_and_reading_pauses(
    sqlite_store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reported = of_calls(60)
    sink = writing(sqlite_store, tmp_path, max_waiting=100, most=20_000)
    with locked(sqlite_store):
        for item in reported:
            sink.offer(item)
            time.sleep(0.0005)  # in many groups
        assert until(lambda: (sink.outbox or pytest.fail("none")).trouble is not None)
        outbox = sink.outbox
        assert outbox is not None
        assert outbox.trouble == f"the journal {tmp_path / 'waiting'} is full (0 MiB)"
        assert (0 < outbox.size <= 20_000, 0 < outbox.outcomes < len(reported), sink.has_room()) == (
            True,
            True,
            False,
        )
    assert sink.flush(SOON)
    sink.close(SOON)
    assert (sink.backlog(), rows(sqlite_store)["fact"]) == (0, 720)
    assert queries.counters(sqlite_store) == pytest.approx(summed(reported))
    # Told again where the lock let some be written meanwhile.
    assert {r.getMessage() for r in caplog.records if "memory" in r.getMessage()} == {
        "journal: not writable; buffering outcomes in memory only"
    }


def test_what_waits_at_the_end_is_written_by_the_next_at_its_start(
    store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reported = of_calls(8)
    sink = writing(store, tmp_path)
    with store.writing() as connection:
        lock = "LOCK TABLE writer" if store.path is None else "UPDATE writer SET id = 1"
        connection.exec_driver_sql(lock)
        for item in reported:
            sink.offer(item)
        assert until(lambda: (sink.outbox or pytest.fail("none")).outcomes == len(reported))
        sink.close(2.0)
    said = [r.getMessage() for r in caplog.records if "next start" in r.getMessage()]
    assert said == ["journal: outcomes stay buffered until the next start"]
    assert until(lambda: not sink.thread.is_alive())
    again = writing(store, tmp_path)
    assert (again.backlog(), rows(store)["fact"]) == (0, 96)
    assert again.counters.snapshot() == pytest.approx(summed(reported))
    more = of_calls(9)[96:]
    for item in more:
        again.offer(item)
    again.close(SOON)
    assert (again.backlog(), rows(store)["call"]) == (0, 9)
    assert queries.counters(store) == pytest.approx(summed([*reported, *more]))


def test_a_record_whose_commit_was_never_answered_is_not_written_again(
    sqlite_store: Database, tmp_path: Path
) -> None:
    reported = of_calls(2)
    left_by_earlier(tmp_path, reported[:12], reported[12:])
    with sqlite_store.writing() as connection:
        write_batch(connection, BatchId(1, "before"), reported[:12], RING)
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
sink = Writer(store, timedelta(milliseconds=10), outbox=Outbox(Path(sys.argv[2]), RING, 1 << 24))
number = int(sys.argv[3])
print("open", flush=True)
while True:
    for item in outcomes(answered_call(number)):
        sink.offer(item)
    number += 1
    print(number, (sink.outbox or 0).outcomes, flush=True)
    time.sleep(0.004)
"""


def test_a_killed_daemons_outbox_stores_each_of_its_outcomes_once(tmp_path: Path) -> None:
    """Three lives, each killed while the database is locked; nothing is closed."""
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
        assert child.stdout.readline() == "open\n"
        with locked(store):
            began = time.monotonic()
            while journaled < 100 or time.monotonic() - began < pause:
                number, journaled = map(int, child.stdout.readline().split())
            child.kill()
            child.wait()
            child.stdout.close()
        number += 1_000  # what was still in memory is of other calls
        journaled = 0
        held = outbox_in(tmp_path, 1 << 24)
        with store.reading() as connection:
            (last,) = connection.exec_driver_sql("SELECT batch FROM writer").one()
        held.truncate(last)  # these are committed, and were to be cut off the file
        count = held.outcomes
        held.close()
        assert count >= 100
        before = rows(store)["fact"]
        sink = Writer(open_store(url, RING), seconds(0.01), outbox=outbox_in(tmp_path, 1 << 24))
        sink.close(SOON)
        assert rows(store)["fact"] - before == count
    stored = stored_facts(store)
    assert len(stored) == len(set(stored))
    calls = rows(store)["call"]
    counted = sum(n for figure, n in queries.counters(store).items() if figure[0] == "callmon_calls_total")
    assert counted == calls > 0


def test_an_outbox_that_follows_nothing_stored_is_left_to_compare(sqlite_store: Database, tmp_path: Path) -> None:
    """A copy of the database put back: nothing is written before somebody has looked what is there."""
    reported = of_calls(1)
    left_by_earlier(tmp_path, reported, number=40)
    sink = writing(sqlite_store, tmp_path)
    assert until(lambda: sink.gained is not None)
    assert ([item.facts for item in sink.buffered()], rows(sqlite_store)["fact"]) == (
        [i.facts for i in reported],
        0,
    )
    sink.become_leader(sink.buffered()[:12], sink.gained)
    assert sink.flush(SOON)
    assert (rows(sqlite_store)["fact"], sink.leads, sink.backlog()) == (12, True, 0)
    sink.close(SOON)


def test_an_instance_that_compared_with_an_old_state_does_not_lead(sqlite_store: Database, tmp_path: Path) -> None:
    left_by_earlier(tmp_path, of_calls(1), number=40)
    sink = writing(sqlite_store, tmp_path)
    assert until(lambda: sink.gained is not None)
    assert sink.gained is not None
    last, figures = sink.gained
    sink.become_leader(sink.buffered(), (last, figures))
    assert (sink.leads, sink.stands_by, sink.gained is None) == (False, True, False)
    sink.close(SOON)


def test_a_right_number_after_another_batch_is_left_to_be_compared(sqlite_store: Database, tmp_path: Path) -> None:
    """A copy of the database put back, in which another program has written as many batches since."""
    reported = of_calls(1)
    wrote(sqlite_store, *reported)
    left_by_earlier(tmp_path, reported, number=1, after="of the lost database")
    sink = writing(sqlite_store, tmp_path)
    assert (sink.stands_by, len(sink.buffered()), rows(sqlite_store)["fact"]) == (True, 12, 12)
    sink.close(SOON)


def test_1200_records_of_an_earlier_daemon_commit_before_ready(
    sqlite_store: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    reported = of_calls(100)
    left_by_earlier(tmp_path, *([item] for item in reported))
    sink = writing(sqlite_store, tmp_path)
    sink.close(SOON)
    assert (rows(sqlite_store)["fact"], sink.backlog(), caplog.records) == (1200, 0, [])


def test_callmon_compares_such_an_outbox_and_writes_the_missing_once(tmp_path: Path) -> None:
    """Of two calls in it one is stored already. And once more, when the same file is put back."""
    callmon, reported = WarmCallmon(tmp_path, free_port(), "secret"), of_calls(2)
    place = tmp_path / "callmon.db-waiting"
    run(callmon)
    store = open_with_keys(callmon.settings())
    outbox = Outbox(place, store.ring, MIB)
    outbox.begin_term(40, "", "before")
    assert outbox.append([encode_item(item) for item in reported], 0.0)
    outbox.close()
    copy = place.read_bytes()
    wrote(store, *reported[:12])
    for _ in range(2):
        run(callmon)
        assert place.stat().st_size == 0
        assert (rows(store)["fact"], rows(store)["call"], rows(store)["open_call"]) == (24, 2, 0)
        assert queries.counters(store) == pytest.approx(summed(reported))
        place.write_bytes(copy)
    store.close()


def run(callmon: WarmCallmon) -> None:
    """From its start until it has ended."""
    callmon.start(until_heard=False)
    assert until(lambda: callmon.get("/")[0] == 200), callmon.log.read_text()
    assert callmon.stop() == 0
