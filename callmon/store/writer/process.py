"""The writer process (`Scribe`): ``python -m callmon.store.writer.process``, started by `supervisor.py`.

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

from __future__ import annotations

import gc
import logging
import socket
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
from callmon.store.database import Store, parse_url, reason
from callmon.store.encryption import Ring
from callmon.store.queries import calls
from callmon.store.tables import partitions
from callmon.store.writer import lease
from callmon.store.writer import messages as wire
from callmon.store.writer.transaction import (
    AlreadyWritten,
    OustedError,
    Stamp,
    may_pass,
    write,
    write_by_halves,
)
from callmon.store.writer.write_lock import Pen, TakenError

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# How long the writer process retries after the daemon is gone, since nothing else could retry. A daemon that
# starts meanwhile waits longer than this (`writer.PATIENCE`).
ALONE_SECONDS = 20.0
PIECE = 1 << 18
MONTHS_EVERY = 6 * 3600.0  # seconds


class Leave:
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

    def wait(self, seconds: float) -> bool:
        """Waits before the next attempt, at most until the time set by `by`; False: that time is over."""
        if self._told.is_set():
            time.sleep(min(seconds, max(0.0, self._end - time.monotonic())))
            return time.monotonic() < self._end
        self._told.wait(seconds)
        return True


class Scribe:
    """Commits the batches of one daemon. `tell` sends a message to the daemon."""

    def __init__(
        self,
        store: Store,
        token: str,
        tell: Callable[[wire.FromScribe], None],
        leave: Leave,
        is_shared: bool = False,
    ) -> None:
        self._store, self._token, self._tell, self._leave = store, token, tell, leave
        self._is_shared, self._is_waiting = is_shared, False
        self._pen = Pen(store, is_shared)
        self._in_trouble: str | None = None
        self._months_made = 0.0
        self._unanswered = wire.Stored(0, {})
        self._number = 0  # of the last batch in the database, of any instance
        self.is_out_of_date = False  # incoming batches are stale until `Anew`

    def open(self) -> bool:
        """Acquires the write lock (`Pen`), however long it takes, and reports the state of the database.

        False when leaving ended the attempts.
        """
        while self._until_done(self._stand_or_wait):
            if not self._is_waiting:
                self._make_months()
                return True
            if self._leave.is_told or not self._leave.wait(lease.ASK_SECONDS):
                return False
        return False

    def take(self, message: wire.ToScribe) -> bool:
        """Handles a message after the opening; False when leaving ended the attempts to commit it."""
        match message:
            case wire.Anew():
                self.is_out_of_date = False
            case wire.Group() if not self.is_out_of_date:
                return self.write(message)
            case wire.Beat(at):
                return self._while_ours(lambda: self._held(at))
        return True

    def write(self, group: wire.Group) -> bool:
        """Commits the batch, however long it takes, and reports it; False when leaving ended the attempts."""
        if time.monotonic() - self._months_made > MONTHS_EVERY:
            self._make_months()
        return self._while_ours(lambda: self._store_group(group))

    def _make_months(self) -> None:
        """Creates the next monthly partitions of PostgreSQL's `fact`.

        A failure is retried later; nothing is lost meanwhile.
        """
        self._months_made = time.monotonic()
        if self._store.path is not None:
            return
        with suppress(DBAPIError, StoreError, TakenError), self._store.writing() as connection:
            partitions.ahead(connection, datetime.now(UTC))

    def close(self) -> None:
        self._pen.close()

    def _while_ours(self, attempt: Callable[[], wire.FromScribe]) -> bool:
        try:
            return self._until_done(attempt)
        except (TakenError, OustedError):
            self.is_out_of_date = True
            self._tell(wire.Waits({}))
            return self.open()

    def _until_done(self, attempt: Callable[[], wire.FromScribe]) -> bool:
        wait = FIRST_WAIT
        while True:
            try:
                done = attempt()
            except Exception as error:
                if not may_pass(error) or (self._is_shared and isinstance(error, TakenError | OustedError)):
                    raise
                self._failed(error)
            else:
                self._in_trouble = None
                self._tell(done)
                return True
            if not self._leave.wait(wait):
                return False
            wait = min(2 * wait, LONGEST_WAIT)

    def _failed(self, error: Exception) -> None:
        why = f"the database cannot be written: {reason(error)}"
        if why != self._in_trouble:
            self._tell(wire.Trouble(why))
        self._in_trouble = why
        self._pen.put_down()

    def _stand_or_wait(self) -> wire.FromScribe:
        self._is_waiting = False
        try:
            return self._stand()
        except TakenError:
            if not self._is_shared:
                raise
            self._is_waiting = True
            return wire.Waits(self._pen.heard(), self._pen.holder)

    def _stand(self) -> wire.Standing:
        with self._pen.writing() as connection:
            self._number, token = self._last(connection)
            return wire.Standing(self._number, token, calls.counters_of(connection))

    def _held(self, at: float) -> wire.Held:
        """Confirms the lease, also when it had to be acquired again.

        Raises OustedError when another program has written since.
        """
        with self._pen.writing() as connection:
            number, token = self._last(connection)
        if token != self._token and number != self._number:
            raise OustedError("another program has written to this database since")
        return wire.Held(at)

    @staticmethod
    def _last(connection: Connection) -> tuple[int, str]:
        number, token = connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one()
        return number, token

    def _store_group(self, group: wire.Group) -> wire.Stored:
        began = time.monotonic()
        with suppress(AlreadyWritten):
            self._commit(Stamp(group.number, self._token), wire.items_of(group.items))
        self._number = group.number
        if self._is_shared:  # a commit also confirms the lease; a `Beat` would wait behind the batches
            self._tell(wire.Held(began))
        self._store.check_in_place()  # otherwise the batch went to a file that is no longer the database
        return self._unanswered

    def _commit(self, stamp: Stamp, items: list[wire.Told | Heartbeat]) -> None:
        try:
            with self._pen.writing() as connection:
                added = write(connection, stamp, items, self._store.ring)
                self._unanswered = wire.Stored(stamp.number, added)
        except AlreadyWritten:
            raise
        except Exception as error:
            if may_pass(error):
                raise
            with self._pen.writing() as connection:
                added, set_aside = write_by_halves(connection, stamp, items, self._store.ring)
                self._unanswered = wire.Stored(stamp.number, added, tuple(set_aside))


class Reader:
    """The thread that reads all messages, so that none stays in a socket whose other end may die."""

    def __init__(self, end: socket.socket, leave: Leave) -> None:
        self._end, self._leave = end, leave
        self.queue: SimpleQueue[wire.ToScribe | None] = SimpleQueue()
        self.is_closing = self._has_work = False
        Thread(target=self._run, name="reader", daemon=True).start()

    def _run(self) -> None:
        try:
            with suppress(OSError):  # a reset is the same as an end of file
                self._read()
        finally:
            # After `Closing` there is one more attempt. Otherwise the daemon is gone and cannot retry.
            self._leave.by(ALONE_SECONDS if self._has_work and not self.is_closing else 0.0)
            self.queue.put(None)

    def _read(self) -> None:
        frames = wire.Frames()
        while piece := self._end.recv(PIECE):
            for message in map(wire.to_scribe, frames.receive(piece)):
                self._has_work = self._has_work or isinstance(message, wire.Group)
                self.is_closing = self.is_closing or isinstance(message, wire.Closing)
                self.queue.put(message)

    def messages(self) -> Iterator[wire.ToScribe]:
        while (message := self.queue.get()) is not None:
            yield message


def serve(end: socket.socket) -> None:
    """Runs the writer process from `Opening` to the last batch."""

    def tell(message: wire.FromScribe) -> None:
        with suppress(OSError):  # the daemon is gone: the batches are committed all the same
            end.sendall(wire.frame(message))

    leave = Leave()
    reader = Reader(end, leave)
    opening = reader.queue.get()
    if not isinstance(opening, wire.Opening):
        return
    store = Store(parse_url(opening.url), Ring(opening.keys))
    scribe = Scribe(store, opening.token, tell, leave, opening.is_shared)
    try:
        lost = _write_all(scribe, reader) if scribe.open() else 0
    finally:
        scribe.close()
        store.close()
    if lost and not reader.is_closing:  # otherwise the daemon knows and logs it
        log.error("outcomes are lost: nobody is left who could try again", extra={"lost": lost})


def _write_all(scribe: Scribe, reader: Reader) -> int:
    """Commits all batches. Returns how many outcomes could not be committed before leaving."""
    messages = reader.messages()
    for message in messages:
        if not scribe.take(message):
            return 0 if scribe.is_out_of_date else sum(map(_count, (message, *messages)))
    return 0


def _count(message: wire.ToScribe) -> int:
    return message.count if isinstance(message, wire.Group) else 0


def main() -> None:
    set_up()
    # A batch is thousands of objects that are all freed after the commit: searching them for cycles is useless.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    with socket.socket(fileno=0) as end:
        serve(end)


if __name__ == "__main__":
    main()
