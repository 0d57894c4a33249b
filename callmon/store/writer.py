"""The one thread that writes to the database, in groups of about a tenth of a second.

The listener offers outcomes and never waits. What cannot be written waits here, in order, and is tried again
with back-off, whole groups in whole transactions: nothing is dropped, doubled or reordered. What the database
refuses for itself (an outcome that no retry could store) is set aside alone, counted and told in the log.

    gathering ──offer──▶ writing ──committed──▶ gathering
                          │   ▲
                     failed   back-off (0.1 s … 5 s)
                          ▼   │
                         waiting ──close──▶ over, what waits is lost and told

Figures are published after the commit that made them true.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callmon.errors import StoreError
from callmon.figures import Figures
from callmon.findings import Outcome
from callmon.store.engine import Store, reason
from callmon.store.group import AlreadyWritten, Stamp, write
from callmon.store.rows import Heartbeat
from callmon.store.tally import Tally

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0

Item = Outcome | Heartbeat


class Writer:
    """Owns the thread. `offer`, `offer_heartbeat` belong to the listener's thread; the rest to any."""

    def __init__(
        self,
        store: Store,
        tally: Tally,
        group_time: timedelta = timedelta(milliseconds=100),
        max_waiting: int = 100_000,
        max_group: int = 5_000,
    ) -> None:
        self._store = store
        self._tally = tally
        self._group_seconds = group_time.total_seconds()
        self._max_waiting, self._max_group = max_waiting, max_group
        # SimpleQueue: its put() takes no lock that a loop could wait for.
        self._queue: SimpleQueue[tuple[float, Item] | Event] = SimpleQueue()
        self._hurry, self._closing = Event(), Event()
        # Two counters, each changed by one thread only: the difference is what waits.
        self._offered = self._done = 0
        self._oldest: float | None = None
        self._trouble: str | None = None
        self._refused = 0
        self._number = _last_number(store)
        self._token = secrets.token_hex(8)
        self._unanswered: Figures | None = None
        self._thread = Thread(target=self._run, name="callmon-store", daemon=True)
        self._thread.start()

    def offer(self, outcome: Outcome) -> bool:
        """Takes the outcome, always; False: enough waits here, read no further until `has_room()`."""
        self._put(outcome)
        return self.has_room()

    def offer_heartbeat(self, exchange: str, at: datetime) -> None:
        """Says that all the exchange said until `at` was offered; stored no sooner than that is."""
        self._put(Heartbeat(exchange, at))

    def _put(self, item: Item) -> None:
        self._offered += 1
        self._queue.put((monotonic(), item))

    def has_room(self) -> bool:
        return self.backlog() < self._max_waiting

    def backlog(self) -> int:
        return self._offered - self._done

    def refused(self) -> int:
        """How many outcomes were set aside because the database would never take them."""
        return self._refused

    def behind_for(self) -> timedelta:
        """How long the oldest outcome that is not committed has waited."""
        oldest = self._oldest
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def trouble(self) -> str | None:
        """Why outcomes wait, for a person; None while all is well."""
        return self._trouble if self._thread.is_alive() else "the thread that writes has ended"

    def flush(self, timeout: float) -> bool:
        """Blocks until what was offered before is committed; False when time ran out."""
        committed = Event()
        self._queue.put(committed)
        self._hurry.set()
        return committed.wait(timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Blocks until the thread has ended. Tries once more to write what waits; what fails is told."""
        self._closing.set()
        self.flush(0)
        self._thread.join(timeout)
        if waiting := self.backlog():
            log.error("closed with outcomes not stored", extra={"waiting": waiting, "why": self._trouble})

    # From here on: the writer's own thread.

    def _run(self) -> None:
        while True:
            items, flushes = self._gather()
            written = not items or self._deliver(items)
            if not written:
                return
            for flushed in flushes:
                flushed.set()
            if self._closing.is_set() and self._queue.empty():
                return

    def _gather(self) -> tuple[list[Item], list[Event]]:
        """Waits for a first item, then a moment for its companions. A flush ends the group."""
        first = self._queue.get()
        items: list[Item] = []
        flushes: list[Event] = []
        self._sort(first, items, flushes)
        if not flushes and self._queue.qsize() < self._max_group:
            self._hurry.wait(self._group_seconds)
        while len(items) < self._max_group and not flushes:
            try:
                self._sort(self._queue.get_nowait(), items, flushes)
            except Empty:
                break
        self._hurry.clear()
        return items, flushes

    def _sort(self, got: tuple[float, Item] | Event, items: list[Item], flushes: list[Event]) -> None:
        if isinstance(got, Event):
            flushes.append(got)
            return
        if not items:
            self._oldest = got[0]
        items.append(got[1])

    def _deliver(self, items: list[Item]) -> bool:
        """Writes the group, however long it takes; False when closing ended the attempts."""
        wait = FIRST_WAIT
        while True:
            try:
                self._write(items)
            except (DataError, IntegrityError) as error:
                return self._divide(items, error)
            except (DBAPIError, PoolTimeout, StoreError, OSError) as error:
                self._failed(error)
            except Exception as error:  # what cannot be made into rows: a mistake of ours, in one outcome
                return self._divide(items, error)
            else:
                self._succeeded(len(items))
                return True
            if self._closing.wait(wait):
                return False
            wait = min(2 * wait, LONGEST_WAIT)

    def _write(self, items: list[Item]) -> None:
        stamp = Stamp(self._number + 1, self._token)
        try:
            with self._store.writing() as connection:
                added = write(connection, stamp, items)
                self._unanswered = added
        except AlreadyWritten:
            added = self._unanswered or {}
        self._store.check_in_place()  # else it was written where nobody will read it
        self._number = stamp.number
        self._tally.add(added)

    def _divide(self, items: list[Item], error: Exception) -> bool:
        """One outcome of the group can never be stored: find it by halves and set it aside."""
        if len(items) > 1:
            middle = len(items) // 2
            return self._deliver(items[:middle]) and self._deliver(items[middle:])
        self._refused += 1
        self._done += 1
        # Not the error's text: it may quote a value.
        log.error("an outcome was set aside", extra={"fault": type(error).__name__, "of": _named(items[0])})
        return True

    def _failed(self, error: Exception) -> None:
        why = f"the database cannot be written: {reason(error)}"
        if why != self._trouble:
            log.error("outcomes wait", extra={"why": why, "waiting": self.backlog()})
        self._trouble = why
        self._store.find_again()

    def _succeeded(self, count: int) -> None:
        self._done += count
        self._oldest = None
        if self._trouble is not None:
            log.warning("the database takes outcomes again", extra={"waiting": self.backlog()})
            self._trouble = None


def _last_number(store: Store) -> int:
    with store.reading() as connection:
        found: int = connection.exec_driver_sql("SELECT batch FROM writer WHERE id = 1").scalar_one()
        return found


def _named(item: Item) -> str:
    if isinstance(item, Heartbeat):
        return f"heartbeat of {item.exchange}"
    calls: Iterable[str] = sorted({fact.call for fact in item.facts} | {call.call for call in item.calls})
    return f"{item.exchange} {' '.join(calls)}"
