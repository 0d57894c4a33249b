"""The process that writes to the database: ``python -m callmon.store.scribe``, started by `courier.py`.

    opening ──▶ taking the pen ──▶ writing ──committed──▶ next group
                    ▲    │          │   ▲
                another has it   failed  back-off (0.1 s … 5 s)
                                    ▼   │
                                   waiting ──closing, or nobody listens──▶ over

Writes groups in their order, each in one transaction, and says what was committed. When whoever sends them is
gone (its end of the socket closes, however it ended), all that was received is still written; for that the
socket is read by a thread of its own, as fast as it comes.

Refuses to end by a signal that a whole group of processes gets (`courier.py` blocks them): it ends when its
socket does.
"""

from __future__ import annotations

import gc
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import inf
from queue import SimpleQueue
from threading import Event, Thread

from callmon.logs import set_up
from callmon.privacy.sealing import Ring
from callmon.store import queries, wire
from callmon.store.engine import Store, parse_url, reason
from callmon.store.group import AlreadyWritten, Stamp, may_pass, write, write_by_halves
from callmon.store.pen import Pen

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# How long what was received is tried when nobody is left who could try it again. A daemon that starts
# meanwhile waits for us a little longer (`writer.PATIENCE`).
ALONE_SECONDS = 20.0
PIECE = 1 << 18


class Leave:
    """When to give up: never, until `by` says so."""

    def __init__(self) -> None:
        self._told = Event()
        self._end = inf

    def by(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._told.set()

    def wait(self, seconds: float) -> bool:
        """Waits before another attempt, shorter when there is cause to hurry; False: there must be none."""
        if self._told.is_set():
            time.sleep(min(seconds, max(0.0, self._end - time.monotonic())))
            return time.monotonic() < self._end
        self._told.wait(seconds)
        return True


class Scribe:
    """Writes what it is given. `tell` sends what is to be said of it."""

    def __init__(self, store: Store, token: str, tell: Callable[[wire.FromScribe], None], leave: Leave) -> None:
        self._store, self._token, self._tell, self._leave = store, token, tell, leave
        self._pen = Pen(store)
        self._in_trouble: str | None = None
        self._unanswered = wire.Stored(0, {})

    def open(self) -> bool:
        """Takes the pen, however long it takes, and says how the database stands."""
        return self._until_done(self._stand)

    def write(self, group: wire.Group) -> bool:
        """Stores the group, however long it takes, and says so; False when leaving ended the attempts."""
        return self._until_done(lambda: self._store_group(group))

    def close(self) -> None:
        self._pen.close()

    def _until_done(self, attempt: Callable[[], wire.FromScribe]) -> bool:
        wait = FIRST_WAIT
        while True:
            try:
                done = attempt()
            except Exception as error:
                if not may_pass(error):
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

    def _stand(self) -> wire.Standing:
        with self._pen.writing() as connection:
            number, token = connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one()
            return wire.Standing(number, token, queries.counters_of(connection))

    def _store_group(self, group: wire.Group) -> wire.Stored:
        with suppress(AlreadyWritten):
            self._commit(Stamp(group.number, self._token), wire.items_of(group.items))
        self._store.check_in_place()  # else it was written where nobody will read it
        return self._unanswered

    def _commit(self, stamp: Stamp, items: list[wire.Told | wire.Heartbeat]) -> None:
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
    """The thread that takes what comes, so that nothing is left in a socket whose other end may die."""

    def __init__(self, end: socket.socket, leave: Leave) -> None:
        self._end, self._leave = end, leave
        self.queue: SimpleQueue[wire.ToScribe | None] = SimpleQueue()
        self.is_closing = self._has_work = False
        Thread(target=self._run, name="reader", daemon=True).start()

    def _run(self) -> None:
        try:
            with suppress(OSError):  # reset: as good as an end
                self._read()
        finally:
            # Told to close: one more attempt. Else nobody is there to try again what we drop.
            self._leave.by(ALONE_SECONDS if self._has_work and not self.is_closing else 0.0)
            self.queue.put(None)

    def _read(self) -> None:
        frames = wire.Frames()
        while piece := self._end.recv(PIECE):
            for message in map(wire.to_scribe, frames.receive(piece)):
                self._has_work = self._has_work or isinstance(message, wire.Group)
                self.is_closing = self.is_closing or isinstance(message, wire.Closing)
                self.queue.put(message)

    def groups(self) -> Iterator[wire.Group]:
        while (message := self.queue.get()) is not None:
            if isinstance(message, wire.Group):
                yield message


def serve(end: socket.socket) -> None:
    """From the opening to the last group."""

    def tell(message: wire.FromScribe) -> None:
        with suppress(OSError):  # nobody listens any more: what is to be written is written all the same
            end.sendall(wire.frame(message))

    leave = Leave()
    reader = Reader(end, leave)
    opening = reader.queue.get()
    if not isinstance(opening, wire.Opening):
        return
    store = Store(parse_url(opening.url), Ring(opening.keys))
    scribe = Scribe(store, opening.token, tell, leave)
    try:
        lost = _write_all(scribe, reader) if scribe.open() else 0
    finally:
        scribe.close()
        store.close()
    if lost and not reader.is_closing:  # else whoever sent them knows, and says so
        log.error("outcomes are lost: nobody is left who could try again", extra={"lost": lost})


def _write_all(scribe: Scribe, reader: Reader) -> int:
    """How many outcomes could not be written until it was time to leave."""
    groups = reader.groups()
    for group in groups:
        if not scribe.write(group):
            return group.count + sum(left.count for left in groups)
    return 0


def main() -> None:
    set_up()
    # A group is thousands of objects that all go when it is written: no need to search them for cycles.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    with socket.socket(fileno=0) as end:
        serve(end)


if __name__ == "__main__":
    main()
