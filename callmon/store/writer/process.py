"""The writer process (`WriterProcess`): ``python -m callmon.store.writer.process``, started by `supervisor.py`.

    opening ──▶ acquiring lock ──▶ writing ──committed──▶ next batch
                    ▲    │          │   ▲
                another has it   failed  back-off (0.1 s … 5 s)
                                    ▼   │
                                  retrying ──closing, or the daemon is gone──▶ exit

Commits batches in order, each in one transaction, and reports each commit. If the daemon is gone (its end of the
socket closes, however it ended), the writer process still commits everything it has received. Therefore a thread
of its own reads the socket as fast as data comes.

Several instances may share a database (`lease.py`). A writer process that finds another one writing reports it,
drops its batches and waits for the lease. The daemon still has those batches and compares them with the database.

Refuses: to end by a signal that a whole process group gets (`spawn.py` blocks them). It ends when its socket does.
"""

import gc
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from queue import SimpleQueue
from threading import Event, Thread

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from callmon.core.outcome import Heartbeat
from callmon.errors import StoreError
from callmon.logs import set_up
from callmon.store.database import Database, parse_url, reason
from callmon.store.encryption import KeyRing
from callmon.store.queries import calls
from callmon.store.tables import partitions
from callmon.store.writer import lease
from callmon.store.writer import messages as wire
from callmon.store.writer.transaction import (
    AlreadyCommitted,
    BatchId,
    LostLeaseError,
    may_pass,
    write_batch,
    write_bisecting,
)
from callmon.store.writer.write_lock import LockTakenError, WriteLock

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# How long the writer process retries after the daemon is gone, since nothing else could retry. A daemon that
# starts meanwhile waits longer than this (`writer.PATIENCE`).
ALONE_SECONDS = 20.0
PIECE = 1 << 18
MONTHS_EVERY = 6 * 3600.0  # seconds


class Deadline:
    """When to give up retrying: never, until `by` sets a time."""

    def __init__(self) -> None:
        self._told = Event()
        self._end = inf

    def by(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._told.set()

    @property
    def is_told(self) -> bool:
        return self._told.is_set()

    def wait_to_retry(self, seconds: float) -> bool:
        """Waits before the next attempt, at most until the time set by `by`; False: that time is over."""
        if self._told.is_set():
            time.sleep(min(seconds, max(0.0, self._end - time.monotonic())))
            return time.monotonic() < self._end
        self._told.wait(seconds)
        return True


class WriterProcess:
    """Commits the batches of one daemon. `send` sends a message to the daemon."""

    def __init__(
        self,
        store: Database,
        token: str,
        send: Callable[[wire.FromWriter], None],
        deadline: Deadline,
        is_shared: bool = False,
    ) -> None:
        self._store, self._token, self._send, self._deadline = store, token, send, deadline
        self._is_shared, self._is_waiting = is_shared, False
        self._lock = WriteLock(store, is_shared)
        self._in_trouble: str | None = None
        self._months_made = 0.0
        self._unanswered = wire.Committed(0, {})
        self._number = 0  # of the last batch in the database, of any instance
        self.is_out_of_date = False  # incoming batches are stale until `Resync`

    def acquire_lock(self) -> bool:
        """Acquires the write lock (`WriteLock`), however long it takes, and reports the state of the database.

        False when leaving ended the attempts.
        """
        while self._until_done(self._state_or_wait):
            if not self._is_waiting:
                self._make_months()
                return True
            if self._deadline.is_told or not self._deadline.wait_to_retry(lease.ASK_SECONDS):
                return False
        return False

    def handle(self, message: wire.ToWriter) -> bool:
        """Handles a message after the opening; False when leaving ended the attempts to commit it."""
        match message:
            case wire.Resync():
                self.is_out_of_date = False
            case wire.Batch() if not self.is_out_of_date:
                return self.commit(message)
            case wire.KeepAlive(at):
                return self._while_ours(lambda: self._held(at))
        return True

    def commit(self, group: wire.Batch) -> bool:
        """Commits the batch, however long it takes, and reports it; False when leaving ended the attempts."""
        if time.monotonic() - self._months_made > MONTHS_EVERY:
            self._make_months()
        return self._while_ours(lambda: self._commit_batch(group))

    def _make_months(self) -> None:
        """Creates the next monthly partitions of PostgreSQL's `fact`.

        A failure is retried later; nothing is lost meanwhile.
        """
        self._months_made = time.monotonic()
        if self._store.path is not None:
            return
        with suppress(DBAPIError, StoreError, LockTakenError), self._store.writing() as connection:
            partitions.create_ahead(connection, datetime.now(UTC))

    def close(self) -> None:
        self._lock.close()

    def _while_ours(self, attempt: Callable[[], wire.FromWriter]) -> bool:
        try:
            return self._until_done(attempt)
        except (LockTakenError, LostLeaseError):
            self.is_out_of_date = True
            self._send(wire.FollowerState({}))
            return self.acquire_lock()

    def _until_done(self, attempt: Callable[[], wire.FromWriter]) -> bool:
        wait = FIRST_WAIT
        while True:
            try:
                done = attempt()
            except Exception as error:
                if not may_pass(error) or (self._is_shared and isinstance(error, LockTakenError | LostLeaseError)):
                    raise
                self._failed(error)
            else:
                self._in_trouble = None
                self._send(done)
                return True
            if not self._deadline.wait_to_retry(wait):
                return False
            wait = min(2 * wait, LONGEST_WAIT)

    def _failed(self, error: Exception) -> None:
        why = f"the database cannot be written: {reason(error)}"
        if why != self._in_trouble:
            self._send(wire.Trouble(why))
        self._in_trouble = why
        self._lock.drop_connections()

    def _state_or_wait(self) -> wire.FromWriter:
        self._is_waiting = False
        try:
            return self._database_state()
        except LockTakenError:
            if not self._is_shared:
                raise
            self._is_waiting = True
            return wire.FollowerState(self._lock.heard(), self._lock.holder)

    def _database_state(self) -> wire.DatabaseState:
        with self._lock.writing() as connection:
            self._number, token = self._last(connection)
            return wire.DatabaseState(self._number, token, calls.counters_of(connection))

    def _held(self, at: float) -> wire.LeaseRenewed:
        """Confirms the lease, also when it had to be acquired again.

        Raises LostLeaseError when another program has written since.
        """
        with self._lock.writing() as connection:
            number, token = self._last(connection)
        if token != self._token and number != self._number:
            raise LostLeaseError("another program has written to this database meanwhile")
        return wire.LeaseRenewed(at)

    @staticmethod
    def _last(connection: Connection) -> tuple[int, str]:
        number, token = connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one()
        return number, token

    def _commit_batch(self, group: wire.Batch) -> wire.Committed:
        began = time.monotonic()
        with suppress(AlreadyCommitted):
            self._commit(BatchId(group.number, self._token), wire.decode_items(group.items))
        self._number = group.number
        if self._is_shared:  # a commit also confirms the lease; a `KeepAlive` would wait behind the batches
            self._send(wire.LeaseRenewed(began))
        self._store.check_in_place()  # otherwise the batch went to a file that is no longer the database
        return self._unanswered

    def _commit(self, batch_id: BatchId, items: list[wire.StoredOutcome | Heartbeat]) -> None:
        try:
            with self._lock.writing() as connection:
                added = write_batch(connection, batch_id, items, self._store.ring)
                self._unanswered = wire.Committed(batch_id.number, added)
        except AlreadyCommitted:
            raise
        except Exception as error:
            if may_pass(error):
                raise
            with self._lock.writing() as connection:
                added, rejected = write_bisecting(connection, batch_id, items, self._store.ring)
                self._unanswered = wire.Committed(batch_id.number, added, tuple(rejected))


class SocketReader:
    """The thread that reads all messages, so that none stays in a socket whose other end may die."""

    def __init__(self, end: socket.socket, deadline: Deadline) -> None:
        self._end, self._deadline = end, deadline
        self.queue: SimpleQueue[wire.ToWriter | None] = SimpleQueue()
        self.is_closing = self._has_work = False
        Thread(target=self._run, name="reader", daemon=True).start()

    def _run(self) -> None:
        try:
            with suppress(OSError):  # a reset is the same as an end of file
                self._read()
        finally:
            # After `CloseRequest` there is one more attempt. Otherwise the daemon is gone and cannot retry.
            self._deadline.by(ALONE_SECONDS if self._has_work and not self.is_closing else 0.0)
            self.queue.put(None)

    def _read(self) -> None:
        frames = wire.Frames()
        while piece := self._end.recv(PIECE):
            for message in map(wire.decode_to_writer, frames.receive(piece)):
                self._has_work = self._has_work or isinstance(message, wire.Batch)
                self.is_closing = self.is_closing or isinstance(message, wire.CloseRequest)
                self.queue.put(message)

    def messages(self) -> Iterator[wire.ToWriter]:
        while (message := self.queue.get()) is not None:
            yield message


def serve(end: socket.socket) -> None:
    """Runs the writer process from `OpenRequest` to the last batch."""

    def send(message: wire.FromWriter) -> None:
        with suppress(OSError):  # the daemon is gone: the batches are committed all the same
            end.sendall(wire.frame(message))

    deadline = Deadline()
    reader = SocketReader(end, deadline)
    opening = reader.queue.get()
    if not isinstance(opening, wire.OpenRequest):
        return
    store = Database(parse_url(opening.url), KeyRing(opening.keys))
    writer = WriterProcess(store, opening.token, send, deadline, opening.is_shared)
    try:
        lost = _write_all(writer, reader) if writer.acquire_lock() else 0
    finally:
        writer.close()
        store.close()
    if lost and not reader.is_closing:  # otherwise the daemon knows and logs it
        log.error("writer: outcomes are lost: the daemon has ended and no retry is left", extra={"lost": lost})


def _write_all(writer: WriterProcess, reader: SocketReader) -> int:
    """Commits all batches. Returns how many outcomes could not be committed before leaving."""
    messages = reader.messages()
    for message in messages:
        if not writer.handle(message):
            return 0 if writer.is_out_of_date else sum(map(_count, (message, *messages)))
    return 0


def _count(message: wire.ToWriter) -> int:
    return message.count if isinstance(message, wire.Batch) else 0


def main() -> None:
    set_up(*map(int, sys.argv[1:]))
    # A batch is thousands of objects that are all freed after the commit: searching them for cycles is useless.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    with socket.socket(fileno=0) as end:
        serve(end)


if __name__ == "__main__":
    main()
