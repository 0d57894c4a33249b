"""The thread that appends the offered items to the outbox: only this thread waits for the outbox's disk.

Refuses: to access the database.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

import msgspec

from callmon.core.outcome import Heartbeat
from callmon.store.writer.outbox import DRAIN_SECONDS, MAX_BATCH, Outbox

# Two instances emit outcomes that follow from time alone up to a second apart, and their clocks may differ.
MARGIN = timedelta(seconds=3)
# A commit costs as much as the rows of ten calls: the next record rests so many times `seconds`, 0.4 s at most.
REST, LONGEST_REST = 4, 0.4


class Appender:
    """The thread: `seconds` after an item, or at MAX_BATCH items, it makes a record, and calls `appended`.

    In a stream of items it makes a record every `seconds` plus a rest.

    Between two terms of the outbox the items stay in `waiting`, a standby's buffer. Only the event loop appends to
    it, with `wake()` at the first and at the MAX_BATCHth item: that is atomic and waits for no other thread.
    """

    def __init__(self, outbox: Outbox, seconds: float, appended: Callable[[], None]) -> None:
        self._outbox = outbox
        self._seconds = seconds
        self._appended = appended
        self._rest = min(REST * seconds, LONGEST_REST)
        self.waiting: list[bytes] = []
        self.since: float | None = None  # monotonic: the first of `waiting` was offered
        self._appended_at = 0.0  # monotonic: the last record
        self.is_refused = False  # the outbox takes no more until its records are committed
        self._is_hurried = self._is_ending = False
        self._wakes = SimpleQueue[None]()
        self.thread = Thread(target=self._run, name="callmon-outbox", daemon=True)

    def wake(self) -> None:
        self._wakes.put(None)

    def hurry(self) -> None:
        """Appends the items at once."""
        self._is_hurried = True
        self.wake()

    def end(self) -> None:
        """Blocks until the thread has appended the items, as far as the outbox takes them at once, and ended."""
        self._is_ending = True
        self.wake()
        self.thread.join()

    def _run(self) -> None:
        pause: float | None = None
        while not (self._is_ending and (pause is None or self.is_refused)):
            with suppress(Empty):
                self._wakes.get(timeout=pause)
            pause = self._append_due()

    def _append_due(self) -> float | None:
        """Appends what is due. Returns the seconds until the next append; None: not before `wake`."""
        if not self.waiting or self._outbox.number is None:
            self.since, self._is_hurried = None, self._is_hurried and bool(self.waiting)
            return None
        self.since = self.since or monotonic()
        due_in = max(self.since, self._appended_at + self._rest) + self._seconds - monotonic()
        if due_in > 0 and not self._is_hurried and not self._is_ending and len(self.waiting) < MAX_BATCH:
            return due_in
        self.is_refused = not self._outbox.append(self.waiting, self.since)
        if self.is_refused:
            return DRAIN_SECONDS
        self.since, self._appended_at = None, monotonic()
        self._appended()
        return 0.0


class _OfExchange(msgspec.Struct):
    exchange: str


_decode = msgspec.msgpack.Decoder(Heartbeat | _OfExchange).decode


def drop_committed(waiting: list[bytes], heard: Mapping[str, datetime]) -> int:
    """Drops a standby's items before a heartbeat that the leader's last (`heard`, by exchange) passed by MARGIN.

    All items of an exchange before its heartbeat were received until its time. Returns how many are dropped.
    Another thread may append meanwhile: one atomic step of the interpreter replaces the beginning of the list.
    """
    if not heard:
        return 0
    items = waiting[:]
    said = [_decode(item) for item in items]
    last: dict[str, int] = {}  # by exchange: the last heartbeat that the database has passed
    for n, item in enumerate(said):
        until = heard.get(item.exchange)
        if isinstance(item, Heartbeat) and until is not None and item.at + MARGIN <= until:
            last[item.exchange] = n
    left = [item for n, item in enumerate(items) if n > last.get(said[n].exchange, -1)]
    waiting[: len(items)] = left
    return len(items) - len(left)
