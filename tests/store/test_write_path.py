"""The write path as a whole: wherever it is cut, each outcome is in the database and in the counters once."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.statistics.counters import Figures
from callmon.store.database import Database, upgrade
from callmon.store.queries import calls
from callmon.store.writer import writer
from callmon.store.writer.outbox import MAX_BATCH, Outbox, encode_item
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.store.writer.write_lock import IS_NAMED, LockTakenError
from callmon.store.writer.writer import Writer
from tests.store.test_store_trouble import locked
from tests.support.store_fixtures import EXCHANGE, RING, SOON, START, of_calls, rows, seconds, summed, until

OUTCOMES = of_calls(3)
FACTS = [item.facts for item in OUTCOMES]


def missing(store: Database, sink: Writer) -> list[Outcome]:
    """The items of its buffer that the database lacks: they are committed in their order."""
    stored = rows(store)["fact"]
    return [item for item in sink.buffered() if isinstance(item, Outcome) and FACTS.index(item.facts) >= stored]


def lead(store: Database, sink: Writer) -> None:
    """When its turn has come: what it lacks is committed by this one, and a heartbeat in any case."""
    assert until(lambda: sink.gained is not None)
    sink.become_leader(missing(store, sink), sink.gained)
    sink.offer(Heartbeat(EXCHANGE, START))
    assert sink.flush(SOON)


def end_leader(store: Database) -> None:
    """The server ends the session that holds the lease."""
    question = f"SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED} WHERE id = 1"
    with store.writing() as connection:
        assert connection.exec_driver_sql(question).all() == [(True,)]


# Where the first leader is cut off, in the life of a record.

Cut = Callable[[], None]


def in_the_append(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    append = first._outbox._write

    def written(record: Any) -> Any:
        cut()
        return append(record)

    patch.setattr(first._outbox, "_write", written)


def before_the_transaction(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    write = first._write

    def cut_off(*given: Any) -> Figures:
        cut()
        return write(*given)

    patch.setattr(first, "_write", cut_off)


def before_the_commit(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    write, token = writer.write_batch, first._token

    def cut_off(connection: Connection, batch_id: Any, *given: Any) -> Any:
        added = write(connection, batch_id, *given)
        if batch_id.token == token:
            cut()
        return added

    patch.setattr(writer, "write_batch", cut_off)


def after_the_commit(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    write = first._write

    def cut_off(*given: Any) -> Figures:
        added = write(*given)
        cut()
        return added

    patch.setattr(first, "_write", cut_off)


def with_the_answer_lost(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    write = first._write

    def cut_off(*given: Any) -> Figures:
        write(*given)
        cut()
        raise OperationalError("COMMIT", None, Exception("the connection was lost"))

    patch.setattr(first, "_write", cut_off)


def before_the_truncation(first: Writer, cut: Cut, patch: pytest.MonkeyPatch) -> None:
    truncate = first._outbox.truncate

    def cut_off(number: int) -> int:
        cut()
        return truncate(number)

    patch.setattr(first._outbox, "truncate", cut_off)


CUTS = (
    in_the_append,
    before_the_transaction,
    before_the_commit,
    after_the_commit,
    with_the_answer_lost,
    before_the_truncation,
)


@contextmanager
def host(store: Database, folder: Path, name: str) -> Iterator[Writer]:
    """A callmon with an outbox of its own."""
    sink = Writer(store, seconds(0.01), is_shared=True, outbox=Outbox(folder / name, RING, 1 << 20))
    try:
        yield sink
    finally:
        sink.close(SOON)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("place", CUTS)
def test_two_hosts_with_outboxes_write_and_count_each_outcome_once(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Callable[..., None]
) -> None:
    """The first hangs in the middle of a record until the second has led; then it goes on, and leads again."""
    hangs, goes_on = threading.Event(), threading.Event()

    def cut() -> None:
        if not hangs.is_set():
            end_leader(store)
            hangs.set()
            assert goes_on.wait(SOON)

    with host(store, tmp_path, "one") as first:
        assert until(lambda: first.leads)
        with host(store, tmp_path, "other") as second:
            for sink in (first, second):
                for item in OUTCOMES[:12]:
                    sink.offer(item)
            assert first.flush(SOON)
            place(first, cut, monkeypatch)
            for sink in (first, second):
                for item in OUTCOMES[12:24]:
                    sink.offer(item)
            assert hangs.wait(SOON)
            lead(store, second)
            assert (rows(store)["fact"], second.backlog()) == (24, 0)
            assert second.counters.snapshot() == pytest.approx(summed(OUTCOMES[:24])) == calls.counters(store)
            goes_on.set()
            assert until(lambda: first.stands_by)
            for sink in (first, second):
                for item in OUTCOMES[24:30]:
                    sink.offer(item)
            assert second.flush(SOON)
        for item in OUTCOMES[30:]:
            first.offer(item)
        lead(store, first)
        assert (rows(store)["fact"], rows(store)["call"], first.backlog()) == (36, 3, 0)
        assert first.counters.snapshot() == pytest.approx(summed(OUTCOMES)) == calls.counters(store)
    assert (tmp_path / "one").stat().st_size == 0


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_what_was_compared_before_another_instance_wrote_is_compared_again(store: Database) -> None:
    """The lease is lost while the stored state is read, and gained again when the other has written and gone."""
    sink = Writer(store, seconds(0.01), is_shared=True)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE writer SET batch = 1, token = 'another'")
    assert until(lambda: sink.gained is not None)
    for item in OUTCOMES[:24]:
        sink.offer(item)
    before, lacking = sink.gained, missing(store, sink)
    with store.writing() as connection:
        write_batch(connection, BatchId(2, "another"), OUTCOMES[:12], RING)
    assert until(lambda: sink.gained is not before and sink.gained is not None)
    sink.become_leader(lacking, before)
    assert (sink.stands_by, sink.leads, rows(store)["fact"], sink.backlog()) == (True, False, 12, 24)
    lead(store, sink)
    sink.close(SOON)
    assert (rows(store)["fact"], sink.backlog()) == (24, 0)
    assert sink.counters.snapshot() == pytest.approx(summed(OUTCOMES[:24])) == calls.counters(store)


@pytest.mark.parametrize("number", [1, 3])
def test_a_batch_that_does_not_follow_the_last_one_writes_nothing(store: Database, number: int) -> None:
    """A commit that its program believes lost may still happen: then the database has the batch already."""
    with store.writing() as connection:
        write_batch(connection, BatchId(1, "a term"), OUTCOMES[:12], RING)
    with pytest.raises(LockTakenError), store.writing() as connection:
        write_batch(connection, BatchId(number, "a term"), OUTCOMES[12:24], RING)
    assert (rows(store)["fact"], calls.counters(store)) == (12, pytest.approx(summed(OUTCOMES[:12])))


@pytest.mark.parametrize("seed", range(5))
def test_the_counters_are_those_of_the_outcomes_no_longer_waiting(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Though commits fail, or their answers are lost: a backlog of 0 means that all is counted."""
    chance = random.Random(seed)
    reported = of_calls(30)
    seen = list[tuple[int, Figures]]()
    sink = Writer(store, seconds(0.001), outbox=Outbox(tmp_path / "waiting", RING, 1 << 20))
    lock = sink._lock
    writing, notify = lock.writing, sink._set_trouble

    @contextmanager
    def faulty() -> Iterator[Connection]:
        fault = chance.choice(["", "", "failed", "answer lost"])
        with writing() as connection:
            yield connection
            if fault == "failed":
                raise OperationalError("COMMIT", None, Exception(fault))
        if fault:
            raise OperationalError("COMMIT", None, Exception(fault))

    def sampled(why: str | None) -> None:
        seen.append((sink.done, sink.counters.snapshot()))
        notify(why)

    monkeypatch.setattr(writer, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(writer, "LONGEST_WAIT", 0.002)
    monkeypatch.setattr(writer, "MAX_BATCH", 20)  # one or two records a transaction
    monkeypatch.setattr(lock, "writing", faulty)
    monkeypatch.setattr(sink, "_set_trouble", sampled)
    for n in range(0, len(reported), 10):
        for item in reported[n : n + 10]:
            sink.offer(item)
        assert until(lambda: not sink._appender.waiting)  # a record of their own
    assert sink.flush(SOON)
    monkeypatch.undo()
    assert (sink.backlog(), sink.counters.snapshot()) == (0, pytest.approx(summed(reported)))
    sink.close(SOON)
    assert len({done for done, _ in seen}) > 10
    assert [done for done, figures in seen if figures != pytest.approx(summed(reported[:done]))] == []
    assert (rows(store)["fact"], calls.counters(store)) == (360, pytest.approx(summed(reported)))


@pytest.mark.parametrize("committed", [0, 1, 2])
def test_a_power_cut_at_any_byte_keeps_each_acknowledged_outcome_once(tmp_path: Path, committed: int) -> None:
    """`committed` of three records are in the database already; the file is cut within and between records."""
    place, records = tmp_path / "waiting", [OUTCOMES[n : n + 12] for n in (0, 12, 24)]
    outbox = Outbox(place, RING, 1 << 20)
    outbox.begin_term(0, "", "before")
    for items in records:
        assert outbox.append([encode_item(item) for item in items], 0.0)
    ends = [entry.place + entry.length for entry in outbox.entries]
    outbox.close()
    whole = place.read_bytes()
    for size in sorted({cut + n for cut in (0, *ends) for n in (-1, 0, 1, 9, 400)} & {*range(len(whole) + 1)}):
        store = upgrade(f"sqlite:///{tmp_path}/{size}.db", RING)
        for number, items in enumerate(records[:committed], 1):
            with store.writing() as connection:
                write_batch(connection, BatchId(number, "before"), items, RING)
        place.write_bytes(whole[:size])
        acknowledged = max(committed, sum(end <= size for end in ends))
        sink = Writer(store, seconds(0.01), outbox=Outbox(place, RING, 1 << 20))
        for item in OUTCOMES[12 * acknowledged :]:
            sink.offer(item)
        sink.close(SOON)
        assert (rows(store)["fact"], rows(store)["call"], sink.backlog(), size) == (36, 3, 0, size)
        assert sink.counters.snapshot() == pytest.approx(summed(OUTCOMES)) == calls.counters(store)
        store.close()


def commits(store: Database) -> list[int]:
    """The batch that each commit of a writer reached, told by a trigger made by `told_of_commits`."""
    with store.reading() as connection:
        return [batch for (batch,) in connection.exec_driver_sql("SELECT batch FROM committed ORDER BY rowid")]


def told_of_commits(store: Database) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE committed (batch INTEGER)")
        connection.exec_driver_sql(
            "CREATE TRIGGER each_commit AFTER UPDATE OF batch ON writer BEGIN"
            " INSERT INTO committed VALUES (new.batch); END"
        )


@pytest.mark.parametrize(("most", "fewest", "commits_at_most"), [(MAX_BATCH, 1, 2), (25, 15, 29)])
def test_records_that_waited_for_a_slow_database_commit_together(
    sqlite_store: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    fewest: int,
    commits_at_most: int,
) -> None:
    """Thirty records of twelve outcomes wait behind another program's transaction."""
    reported = of_calls(30)
    monkeypatch.setattr(writer, "MAX_BATCH", most)
    told_of_commits(sqlite_store)
    sink = Writer(sqlite_store, seconds(0.001), outbox=Outbox(tmp_path / "waiting", RING, 1 << 20))
    with locked(sqlite_store):
        for n in range(0, len(reported), 12):
            for item in reported[n : n + 12]:
                sink.offer(item)
            assert until(lambda: not sink._appender.waiting)  # a record of their own
    assert sink.flush(SOON)
    sink.close(SOON)
    found = commits(sqlite_store)
    assert (found[-1] >= 30, found) == (True, sorted(set(found)))
    # The first may have been taken before the others were there.
    assert fewest <= len(found) <= commits_at_most
    assert (rows(sqlite_store)["fact"], calls.counters(sqlite_store)) == (360, pytest.approx(summed(reported)))
    assert sink.counters.snapshot() == pytest.approx(summed(reported))


def test_a_lost_answer_to_the_commit_of_several_writes_none_twice(
    sqlite_store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = of_calls(6)
    told_of_commits(sqlite_store)
    sink = Writer(sqlite_store, seconds(0.001), outbox=Outbox(tmp_path / "waiting", RING, 1 << 20))
    write, lost = sink._write, []

    def answer_lost(batch: BatchId, entries: Any) -> Any:
        figures = write(batch, entries)
        if not lost and len(entries) > 1:
            lost.append(batch.number)
            raise OperationalError("COMMIT", None, Exception("the connection was lost"))
        return figures

    monkeypatch.setattr(sink, "_write", answer_lost)
    with locked(sqlite_store):
        for n in range(0, len(reported), 12):
            for item in reported[n : n + 12]:
                sink.offer(item)
            assert until(lambda: not sink._appender.waiting)
    assert sink.flush(SOON)
    sink.close(SOON)
    assert (lost, sink.backlog()) == (commits(sqlite_store)[-1:], 0)
    assert calls.counters(sqlite_store) == sink.counters.snapshot() == pytest.approx(summed(reported))


def test_a_stack_dump_names_the_two_threads_of_a_writer(sqlite_store: Database) -> None:
    before = set(threading.enumerate())
    sink = Writer(sqlite_store)
    names = sorted(thread.name for thread in set(threading.enumerate()) - before)
    sink.close(SOON)
    assert names == ["callmon-outbox", "callmon-store"]
