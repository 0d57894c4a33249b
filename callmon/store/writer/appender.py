"""The appender: a thread that appends the offered items to the outbox, every 100 ms or 5,000 items.

Only this thread waits for the outbox's disk: neither the event loop nor the committing thread appends. It appends
nothing between two terms of the outbox. Then the items stay in `waiting`, which is a standby's buffer.

Refuses: to access the database.
"""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from callmon.store.writer.outbox import DRAIN_SECONDS, MAX_BATCH, Outbox

TRY_AGAIN = 5.0  # seconds


class Appender:
    """The thread. `waiting`: the encoded items to append. `appended` is called after each record.

    Only the event loop appends to `waiting`, with `wake()` at the first and at the MAX_BATCHth item. That is
    atomic and waits for no other thread.
    """

    def __init__(self, outbox: Outbox, seconds: float, appended: Callable[[], None]) -> None:
        self._outbox, self._seconds, self._appended = outbox, seconds, appended
        self.waiting: list[bytes] = []
        self.since: float | None = None  # monotonic: the first of `waiting` was offered
        self.is_ended = self.is_closing = self._is_abandoned = self._is_hurried = False
        self._refused_at: float | None = None  # monotonic: the outbox took no more
        self._wakes = SimpleQueue[None]()
        self.thread = Thread(target=self._run, name="callmon-outbox", daemon=True)

    def wake(self) -> None:
        self._wakes.put(None)

    def hurry(self) -> None:
        """Appends the items at once."""
        self._is_hurried = True
        self.wake()

    def committed(self) -> None:
        """A record is committed. An outbox that took no more may take one now."""
        if self._refused_at is not None and not self._outbox.entries:
            self._refused_at = 0.0
            self.wake()

    def close(self) -> None:
        """Appends the items, as far as the outbox takes them, and ends."""
        self.is_closing = True
        self.wake()

    def abandon(self) -> None:
        """Ends after one more attempt: nothing is committed any more."""
        self.is_closing = self._is_abandoned = True
        self._refused_at = None
        self.wake()

    def _run(self) -> None:
        try:
            while not self._is_over():
                with suppress(Empty):
                    self._wakes.get(timeout=self._due_in())
                if not self._can_append:
                    self.since, self._is_hurried = None, False
                elif self.since is None:
                    self.since = monotonic()
                if self._due_in() == 0.0:
                    self._append()
        finally:
            self.is_ended = True
            self._appended()

    def _is_over(self) -> bool:
        is_refused = self._is_abandoned and self._refused_at is not None
        return self.is_closing and (is_refused or not self._can_append)

    @property
    def _can_append(self) -> bool:
        return bool(self.waiting) and self._outbox.number is not None

    def _due_in(self) -> float | None:
        """Seconds until the next append; None: not before `wake`."""
        if not self._can_append:
            return None
        if self._refused_at is not None:
            seconds = TRY_AGAIN if self._outbox.trouble is not None else DRAIN_SECONDS
            return max(0.0, self._refused_at + seconds - monotonic())
        if self._is_hurried or self.is_closing or self.since is None or len(self.waiting) >= MAX_BATCH:
            return 0.0
        return max(0.0, self.since + self._seconds - monotonic())

    def _append(self) -> None:
        if not self._outbox.append(self.waiting, self.since or monotonic()):
            self._refused_at = monotonic()
            if self._outbox.entries:
                return
        self._refused_at = None
        self.since = monotonic() if self.waiting else None
        self._appended()
