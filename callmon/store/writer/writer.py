"""The database as the daemon's sink (`Writer`): outcomes are encoded at once and go through the outbox.

A record that cannot be committed is retried in order, with back-off, as one whole transaction: nothing is dropped,
doubled or reordered. An outcome that the database rejects is skipped alone, counted and logged. The next daemon
finds the outcomes that this one left in the outbox, and commits them before it starts.

Refuses: to block or to raise in `offer`.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from time import monotonic

from callmon.core.outcome import Heartbeat, Item
from callmon.errors import Sentence, StoreError
from callmon.store.database import PUT_BACK, Database
from callmon.store.writer.committer import CommittedCounters, Committer
from callmon.store.writer.leadership import DatabaseState
from callmon.store.writer.outbox import MAX_BATCH, Outbox, StoredOutcome, decode_item, encode_item, item_label

log = logging.getLogger(__name__)

# A lock that another daemon just held may be free only after some seconds (`write_lock.py`).
PATIENCE = timedelta(seconds=60)


class Writer:
    """The database as a sink. `tally` holds the committed counters, beginning with those of the database.

    `leadership` tells, on a standby, until when the leader received events, and which session holds the lease.

    Call `offer` and `offer_heartbeat` from the event-loop thread only; any thread may call the rest.

    The constructor blocks until this program alone may write and `tally` has the database's counters, or until
    `stands_by`. It is a standby when another instance writes (`is_shared`), or when an earlier daemon's outbox
    belongs to another state of the database. Raises StoreError without progress within `patience`.
    """

    name = "database"

    def __init__(
        self,
        store: Database,
        group_time: timedelta = timedelta(milliseconds=100),
        max_waiting: int = 100_000,
        patience: timedelta = PATIENCE,
        is_shared: bool = False,
        journal: Outbox | None = None,
    ) -> None:
        self.max_waiting, self.path = max_waiting, store.path
        self.tally = CommittedCounters()
        self._is_closed = False
        self._outbox = journal or Outbox(None, store.ring)
        # Only one thread changes each counter; their difference is the backlog.
        self._offered = self._outbox.outcomes
        self._refused = 0
        self._committer = Committer(store, self._outbox, self.tally, group_time.total_seconds(), is_shared)
        self._appender, self.leadership = self._committer.appender, self._committer.leadership
        self._appender.thread.start()
        self._committer.thread.start()
        self._wait_until_open(store, patience.total_seconds())

    def _wait_until_open(self, store: Database, patience: float) -> None:
        """Blocks until the writer is ready and the outbox of an earlier daemon is committed.

        It waits on while each `patience` (seconds) sees progress. Raises StoreError; at once for a file that
        is damaged, which no waiting repairs.
        """
        committer, goal, before = self._committer, self._offered, 0

        def is_ready() -> bool:
            return self.stands_by or (committer.is_open and committer.done >= goal)

        while not (self.wait_until(lambda: is_ready() or committer.is_damaged, patience) and is_ready()):
            if committer.done == before or committer.trouble is not None:
                why = committer.trouble or Sentence("the database {store} did not answer in time", store=store)
                if committer.is_damaged:
                    why = Sentence("{why}; {remedy}", why=why, remedy=PUT_BACK)
                self.close()
                raise StoreError(why)
            before = committer.done

    def offer(self, outcome: Item) -> bool:
        """Accepts the outcome, always. False: the buffer is full; the daemon stops reading until `has_room()`.

        This is the store's whole cost in the event loop, a few hundred nanoseconds. Hence it makes few calls.
        """
        waiting = self._appender.waiting
        try:
            waiting.append(encode_item(outcome))
        except Exception as error:  # a lone surrogate, or an internal error, in one outcome
            return self._reject(outcome, error)
        self._offered = offered = self._offered + 1
        size = len(waiting)
        if size == 1 or size == MAX_BATCH:
            self._appender.wake()
        return offered - self._committer.done - self._outbox.outcomes < self.max_waiting

    def _reject(self, outcome: Item, error: Exception) -> bool:
        self._refused += 1
        log.error(
            "database: an outcome was skipped", extra={"fault": type(error).__name__, "of": item_label(outcome)}
        )
        return self.has_room()

    # A shared database.

    @property
    def leads(self) -> bool:
        """Whether this instance is the leader, as the database confirmed within the last seconds."""
        return self._committer.is_open and monotonic() < self.leadership.leads_until

    @property
    def stands_by(self) -> bool:
        """Whether this instance is a standby: another one writes, or `become_leader` is still to be applied."""
        return self.leadership.is_standby

    @property
    def gained(self) -> DatabaseState | None:
        """The state of the database when the write lock was gained, while `become_leader` is still to be called.

        The daemon passes to it the items of `buffered` that the database lacks; they are committed then.
        """
        return self.leadership.undecided

    def buffered(self) -> list[StoredOutcome | Heartbeat]:
        """The standby's buffer: all offered items that the database may lack, in order."""
        return [decode_item(item) for item in self._appender.waiting[:]]

    def become_leader(self, missing: Iterable[Item], gained: DatabaseState | None) -> None:
        """Sets the items to write as the new leader. `gained`: as it was before the stored state was read.

        If another instance may have written since, this one stays a standby with these items in its buffer. Call
        from the event-loop thread, immediately after the final read of `buffered`.
        """
        self._offered += self.leadership.become_leader([encode_item(item) for item in missing], gained)
        self._committer.notify()

    def offer_heartbeat(self, exchange: str, at: datetime) -> None:
        """Offers a heartbeat: all events of the exchange until `at` were offered. It is committed after them."""
        self.offer(Heartbeat(exchange, at))

    def has_room(self) -> bool:
        """Whether the memory has room. Outcomes in the outbox file take none."""
        return self.backlog() - self._outbox.outcomes < self.max_waiting

    def backlog(self) -> int:
        return self._offered - self._committer.done

    def refused(self) -> int:
        """The number of outcomes skipped because they can never be stored."""
        return self._refused + self._committer.rejected

    def behind_for(self) -> timedelta:
        """How long the oldest outcome has waited for its commit.

        A standby's buffer does not count, only for how long its database has been unavailable.
        """
        if self.stands_by:
            oldest = self._committer.trouble_since if self._committer.trouble is not None else None
        else:
            oldest = self._outbox.since or self._appender.since
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def journal(self) -> Outbox | None:
        """The outbox, to read its state; None without a file."""
        return None if self._outbox.path is None else self._outbox

    def trouble(self) -> str | None:
        """Why outcomes are not committed, for an operator; None without trouble."""
        threads = (self._appender.thread, self._committer.thread)
        if all(thread.is_alive() for thread in threads):
            return self._committer.trouble
        return "a thread of the writer has ended"

    def flush(self, timeout: float) -> bool:
        """Blocks until all outcomes are committed; False after `timeout` (seconds). A standby does not block."""
        goal = self._offered
        self._appender.hurry()
        return self.wait_until(
            lambda: self._committer.done >= goal or self.leadership.has_nothing_to_write, timeout
        )

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until `condition()`, which is evaluated after each commit and trouble; False after `timeout`
        (seconds).
        """
        with self._committer.changed:
            return self._committer.changed.wait_for(condition, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Blocks until the writer's threads have ended, at most `timeout` seconds.

        They try once more to commit the backlog. What remains is logged.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._committer.close()
        self._committer.thread.join(timeout)
        left, why = self._outbox.outcomes, self._committer.trouble
        if (waiting := self.backlog() - left) and not self.stands_by:
            log.error("database: closed with uncommitted outcomes", extra={"waiting": waiting, "why": why})
        if left:
            log.warning(
                "journal: outcomes stay buffered until the next start", extra={"waiting": left, "why": why}
            )
