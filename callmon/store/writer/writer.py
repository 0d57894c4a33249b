"""The database as the daemon's sink: outcomes are encoded at once and batched for about a tenth of a second.

A process of its own commits the batches. So the event loop shares neither interpreter nor processor with the
database.

    offer ─ bytes ─▶ supervisor (thread) ─ batches ─▶ writer process ─ one transaction each ─▶ database
                        │   ◀── the commit, and the counters that it added ──┘
                        └─ batches while the database is unavailable ─▶ a file (`outbox.py`), and back in order

The event loop offers outcomes and never waits. A batch that cannot be committed is retried in order, with
back-off, as one whole transaction: nothing is dropped, doubled or reordered. An outcome that the database rejects
is skipped alone, counted and logged. Counters are published only after their commit.

Several instances may share a database (PostgreSQL; `lease.py`). The leader writes. A standby buffers the outcomes
that the leader may not have committed, and writes them when it becomes the leader.

If the daemon is killed, the writer process commits everything it has received and exits. If the writer process is
killed, the daemon starts a new one. If the daemon ends while the database is unavailable, the next daemon finds
the outcomes in the outbox and commits them before it starts.

Refuses: to block or to raise in `offer`.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Self

from callmon.config.settings import Settings
from callmon.core.outcome import Heartbeat, Item
from callmon.errors import StoreError
from callmon.store.database import Database
from callmon.store.writer import messages
from callmon.store.writer.committed import CommittedCounters
from callmon.store.writer.messages import encode_item
from callmon.store.writer.outbox import Outbox, open_outbox
from callmon.store.writer.supervisor import MAX_BATCH, WriterSupervisor
from callmon.store.writer.transaction import item_label

log = logging.getLogger(__name__)

# The writer process of a killed daemon may still commit for `process.ALONE_SECONDS`. Its counters must be read.
PATIENCE = timedelta(seconds=60)


class OutboxState(NamedTuple):
    """The state of the outbox file. `size`, `most`: bytes; `outcomes`: those in the file and not in memory.

    `trouble`: why the file takes no more; None: it does.
    """

    path: Path
    size: int
    most: int
    outcomes: int
    trouble: str | None


class Writer:
    """The database as a sink. `tally` holds the committed counters, beginning with those of the database.

    Call `offer` and `offer_heartbeat` from the event-loop thread only; any thread may call the rest.

    The constructor blocks until this program alone may write and `tally` has the database's counters, or until
    `stands_by`. It is a standby when another instance writes (`is_shared`), or when an earlier daemon's journal
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
        url = store.url.render_as_string(hide_password=False)
        token = (journal and journal.token) or secrets.token_hex(8)
        opening = messages.OpenRequest(url, token, store.ring.raw, is_shared)
        # Only one thread changes each counter; their difference is the backlog.
        self._offered = sum(entry.outcomes for entry in journal.found) if journal else 0
        self._refused = 0
        self._supervisor = WriterSupervisor(opening, self.tally, group_time.total_seconds(), journal)
        self._wait_until_open(store, patience.total_seconds())

    @classmethod
    def from_settings(cls, settings: Settings, store: Database) -> Self:
        """The writer of the settings. On PostgreSQL another instance may lead."""
        told, is_shared = settings.store, store.path is None
        return cls(
            store, told.write_every, told.max_waiting, is_shared=is_shared, journal=open_outbox(settings, store)
        )

    def _wait_until_open(self, store: Database, patience: float) -> None:
        """Blocks until the writer is ready and the journal of an earlier daemon is committed.

        It waits on for as long as each `patience` (seconds) sees progress. Raises StoreError.
        """
        supervisor, goal, before = self._supervisor, self._offered, 0
        while not self.wait_until(lambda: self._is_ready(goal), patience):
            if supervisor.done == before or supervisor.trouble is not None:
                why = supervisor.trouble or f"the database {store} did not answer in time"
                self.close()
                raise StoreError(why)
            before = supervisor.done

    def _is_ready(self, goal: int) -> bool:
        return self.stands_by or (self._supervisor.is_open and self._supervisor.done >= goal)

    def offer(self, outcome: Item) -> bool:
        """Accepts the outcome, always. False: the buffer is full; the daemon stops reading until `has_room()`.

        This is the store's whole cost in the event loop, a few hundred nanoseconds. Hence it makes few calls.
        """
        supervisor = self._supervisor
        waiting = supervisor.waiting
        try:
            waiting.append(encode_item(outcome))
        except Exception as error:  # a lone surrogate, or an internal error, in one outcome
            return self._reject(outcome, error)
        self._offered = offered = self._offered + 1
        size = len(waiting)
        if size == 1 or size == MAX_BATCH:
            supervisor.wake()
        return offered - supervisor.done - supervisor.pending.journaled < self.max_waiting

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
        return self._supervisor.is_open and monotonic() < self._supervisor.leadership.leads_until

    @property
    def stands_by(self) -> bool:
        """Whether this instance is a standby: another one writes, or `become_leader` is still to be applied."""
        return self._supervisor.leadership.is_standby

    def heard_by_other(self) -> Mapping[str, datetime]:
        """On a standby, by exchange: until when the leader received its events and committed all of them."""
        return self._supervisor.leadership.heard

    @property
    def holder(self) -> str:
        """On a standby: the database session that holds the lease. Empty when this instance holds it."""
        return self._supervisor.leadership.holder

    @property
    def is_gained(self) -> bool:
        """Whether the write lock is gained and `become_leader` is still to be called.

        The daemon passes to it the items of `buffered` that the database lacks; they are committed then.
        """
        return self._supervisor.leadership.is_gained

    def buffered(self) -> list[messages.StoredOutcome | Heartbeat]:
        """The standby's buffer: all offered items that the database may lack, in order."""
        return [messages.decode_item(item) for item in self._supervisor.waiting[:]]

    def become_leader(self, missing: Iterable[Item]) -> None:
        """Sets the items to write as the new leader.

        Call from the event-loop thread, immediately after the final read of `buffered`.
        """
        self._supervisor.become_leader([encode_item(item) for item in missing])

    def offer_heartbeat(self, exchange: str, at: datetime) -> None:
        """Offers a heartbeat: all events of the exchange until `at` were offered. It is committed after them."""
        self.offer(Heartbeat(exchange, at))

    def has_room(self) -> bool:
        """Whether the memory has room. Outcomes in the journal take none."""
        return self.backlog() - self._supervisor.pending.journaled < self.max_waiting

    def backlog(self) -> int:
        return self._offered - self._supervisor.done

    def refused(self) -> int:
        """The number of outcomes skipped because they can never be stored."""
        return self._refused + self._supervisor.rejected

    def behind_for(self) -> timedelta:
        """How long the oldest outcome has waited for its commit. A standby's buffer does not count."""
        oldest = self._supervisor.oldest
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def journal(self) -> OutboxState | None:
        """The state of the outbox file; None without one."""
        pending = self._supervisor.pending
        if (journal := pending.journal) is None:
            return None
        return OutboxState(journal.path, journal.size, journal.most, pending.journaled, pending.trouble)

    def trouble(self) -> str | None:
        """Why outcomes are not committed, for an operator; None without trouble."""
        return (
            self._supervisor.trouble if self._supervisor.thread.is_alive() else "the supervisor thread has ended"
        )

    @property
    def process_id(self) -> int | None:
        """The process ID of the writer process; None while there is none."""
        return self._supervisor.process_id

    def flush(self, timeout: float) -> bool:
        """Blocks until all offered outcomes are committed; False after `timeout` (seconds).

        On a standby it returns at once.
        """
        supervisor, goal = self._supervisor, self._offered
        supervisor.hurry()
        return self.wait_until(
            lambda: supervisor.done >= goal or supervisor.leadership.has_nothing_to_write, timeout
        )

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until `condition()`, which is evaluated after each commit and trouble; False after `timeout`
        (seconds).
        """
        with self._supervisor.changed:
            return self._supervisor.changed.wait_for(condition, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Blocks until the writer process has ended, at most `timeout` seconds.

        The writer process tries once more to commit the backlog. What remains is logged.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._supervisor.close()
        self._supervisor.thread.join(timeout)
        left, why = self._supervisor.pending.journaled, self._supervisor.trouble
        if (waiting := self.backlog() - left) and not self.stands_by:
            log.error("database: closed with uncommitted outcomes", extra={"waiting": waiting, "why": why})
        if left:
            log.warning(
                "journal: outcomes stay buffered until the next start", extra={"waiting": left, "why": why}
            )
