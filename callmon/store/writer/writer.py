"""The database as the daemon's sink (`Writer`), with the thread that commits what is in the outbox.

    unknown ──write lock, the outbox follows──▶ open ──record──▶ one transaction ──▶ truncate, publish counters
       └─ it does not ─▶ gained ─become_leader─▶ │ ▲                 └── failed: again after 0.1 s … 1 s
                            └─write lock─ standby ◀┘ another instance writes

A standby holds in memory what it would have written. When it gains the write lock, the daemon compares that with
the database, and `become_leader` begins a term with what is missing. Records are committed in order, those that
wait in one transaction, which is retried as a whole. Before each retry the last batch is read again, so a commit
whose answer was lost is found by its number. Counters are published after their commit.

Refuses: to block or to raise in `offer`; to end because of an error, which is logged and retried.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import inf
from queue import Empty, SimpleQueue
from threading import Condition, Event, Thread
from time import monotonic

from sqlalchemy.exc import DBAPIError

from callmon.core.outcome import Heartbeat, Item
from callmon.core.statistics.counters import Figures
from callmon.errors import Sentence, StoreError
from callmon.store import creation
from callmon.store.database import PUT_BACK, Database, cause, is_damage
from callmon.store.queries import calls
from callmon.store.writer import outbox, transaction
from callmon.store.writer.appender import Appender, drop_committed
from callmon.store.writer.committed import CommittedCounters
from callmon.store.writer.outbox import MAX_BATCH, Outbox, OutboxEntry, StoredOutcome
from callmon.store.writer.transaction import BatchId, Deliveries, Rejected, write_batch
from callmon.store.writer.write_lock import ASK_SECONDS, HOLDS_SECONDS, RENEW_SECONDS, LockTakenError, WriteLock

log = logging.getLogger(__name__)

# A lock that another daemon just held may be free only after some seconds (`write_lock.py`).
PATIENCE = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = 0.1, 1.0  # seconds
MOST_LOGGED = 10  # reasons of one trouble
MONTHS_EVERY = 6 * 3600.0  # seconds

DatabaseState = tuple[BatchId, Figures]  # the last committed batch, and all counters after that commit


class Writer:
    """The database as a sink. Only the event-loop thread calls `offer` and `become_leader`.

    `counters`: the committed counters. `outbox`: the outbox, to read its state; None without a file. `done`:
    outcomes that are committed, here or by another instance. `stands_by`: another instance writes, or
    `become_leader` is to be called: then `gained` is the database's state. `heard`: by exchange, until when the
    leader committed all events. `holder`: the session that holds the lease.

    The constructor blocks until this program alone may write and the outbox of an earlier daemon is committed, or
    until `stands_by`: another instance writes (`is_shared`), or that outbox belongs to another state of the
    database. Raises StoreError without progress within `patience`; at once for a damaged file.
    """

    name = "database"

    def __init__(
        self,
        store: Database,
        group_time: timedelta = timedelta(milliseconds=100),
        max_waiting: int = 100_000,
        patience: timedelta = PATIENCE,
        is_shared: bool = False,
        outbox: Outbox | None = None,
        deliveries: Deliveries | None = None,
    ) -> None:
        self._deliveries = deliveries
        self.max_waiting, self.path = max_waiting, store.path
        self.counters = CommittedCounters({})
        self._store = Database(store.url, store.ring)  # of its own: a failure drops all connections
        self._is_shared, self._lock = is_shared, WriteLock(self._store)
        self._outbox = outbox or Outbox(None, store.ring)
        self.outbox = None if self._outbox.path is None else self._outbox
        self._token = self._outbox.token or secrets.token_hex(8)
        self._appender = Appender(self._outbox, group_time.total_seconds(), self._wake)
        # The role.
        self.stands_by = self._is_open = False
        self.gained: DatabaseState | None = None
        self.heard: Mapping[str, datetime] = {}
        self.holder = ""
        self._leads_until = 0.0  # monotonic: until then the server guarantees that only this instance writes
        # Only one thread changes each counter; the difference of the first two is the backlog.
        self._offered, self.done = self._outbox.outcomes, 0
        self._refused, self._rejected = self._outbox.damaged, 0
        # The committing thread.
        self._last: BatchId | None = None  # of the database, as this thread knows it; None: not known
        self._skipped: list[Rejected] = []  # of the last transaction
        self._months_at = 0.0  # monotonic
        self._wait = 0.0  # seconds until the next attempt, after one that failed
        self._trouble: str | None = None
        self._trouble_since: float | None = None  # monotonic
        self._logged: set[str] = set()  # the reasons of this trouble
        self._closing = Event()
        self._changed = Condition()
        self._wakes = SimpleQueue[None]()
        self.thread = Thread(target=self._run, name="callmon-store", daemon=True)
        self._appender.thread.start()
        self.thread.start()
        self._wait_until_open(patience.total_seconds())

    def _wait_until_open(self, patience: float) -> None:
        goal, before = self._offered, 0

        def is_ready() -> bool:
            return self.stands_by or (self._is_open and self.done >= goal)

        def is_damaged() -> bool:
            return is_damage(self._trouble or "")

        while not (self.wait_until(lambda: is_ready() or is_damaged(), patience) and is_ready()):
            if self.done == before or self._trouble is not None:
                why = self._trouble or Sentence("the database {store} did not answer in time", store=self._store)
                if is_damaged():
                    why = Sentence("{why}; {remedy}", why=why, remedy=PUT_BACK)
                self.close()
                raise StoreError(why)
            before = self.done

    def offer(self, outcome: Item) -> bool:
        """Accepts the outcome, always. False: the buffer is full; the daemon stops reading until `has_room()`.

        This is the store's whole cost in the event loop, a few hundred nanoseconds. Hence it makes few calls.
        """
        waiting = self._appender.waiting
        try:
            waiting.append(outbox.encode_item(outcome))
        except Exception as error:  # a lone surrogate, or an internal error, in one outcome
            self._refused += 1
            _log_skipped((type(error).__name__, transaction.item_label(outcome)))
            return self.has_room()
        self._offered = offered = self._offered + 1
        size = len(waiting)
        if size == 1 or size == MAX_BATCH:
            self._appender.wake()
        return offered - self.done - self._outbox.outcomes < self.max_waiting

    def has_room(self) -> bool:
        """Whether the memory has room. Outcomes in the outbox file take none."""
        return self.backlog() - self._outbox.outcomes < self.max_waiting

    def backlog(self) -> int:
        return self._offered - self.done

    def refused(self) -> int:
        """The number of outcomes skipped because they can never be stored."""
        return self._refused + self._rejected

    def behind_for(self) -> timedelta:
        """How long the oldest outcome has waited for its commit; on a standby, how long the trouble has lasted."""
        oldest = self._trouble_since
        if not self.stands_by:
            oldest = self._appender.since
            with suppress(IndexError):  # no uncommitted record, or another thread has just committed it
                oldest = self._outbox.entries[0].since
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def trouble(self) -> str | None:
        """Why outcomes are not committed, for an operator; None without trouble."""
        is_alive = self.thread.is_alive() and self._appender.thread.is_alive()
        return self._trouble if is_alive else "a thread of the writer has ended"

    def hurry(self) -> None:
        """Commits the offered outcomes without waiting for others."""
        self._appender.hurry()

    def flush(self, timeout: float) -> bool:
        """Blocks until all outcomes are committed; False after `timeout` (seconds). A standby does not block."""
        goal = self._offered
        self.hurry()
        return self.wait_until(lambda: self.done >= goal or self.stands_by, timeout)

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until `condition()`, evaluated after each commit and trouble; False after `timeout` (seconds)."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Tries once more to commit the backlog and ends, within `timeout` (seconds). Logs the rest."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._appender.hurry()
        self._wake()
        self.thread.join(timeout)
        left, why = self._outbox.outcomes, self._trouble
        if (waiting := self.backlog() - left) and not self.stands_by:
            log.error("database: closed with uncommitted outcomes", extra={"waiting": waiting, "why": why})
        if left:
            what = {"waiting": left, "why": why}
            log.warning("journal: outcomes stay buffered until the next start", extra=what)

    # The role, in a shared database.

    @property
    def leads(self) -> bool:
        """Whether this instance is the leader, as the database confirmed within the last seconds."""
        return self._is_open and monotonic() < self._leads_until

    def buffered(self) -> list[StoredOutcome | Heartbeat]:
        """The standby's buffer: all offered items that the database may lack, in order."""
        return [outbox.decode_item(item) for item in self._appender.waiting[:]]

    def become_leader(self, missing: Iterable[Item], gained: DatabaseState | None) -> None:
        """Replaces the buffer by the items that the database lacked when `gained` was the state gained.

        This instance leads unless another one may have written since: then the buffer is compared once more. Call
        immediately after the final read of `buffered`.
        """
        waiting, items = self._appender.waiting, [outbox.encode_item(item) for item in missing]
        with self._outbox.lock:
            self._offered += len(items) - len(waiting)
            waiting[:] = items
            if gained is not None and self.gained is gained:
                self._token = secrets.token_hex(8)
                self.gained = None
                self.stands_by = False
                self._begin(gained)
        self._wake()

    def _begin(self, state: DatabaseState) -> None:
        """Continues the outbox after the database's last batch."""
        last, figures = state
        self._outbox.begin_term(*last, self._token)
        self.counters.replace(figures)
        self._is_open = True
        self._appender.wake()

    def _stand_by(self, heard: Mapping[str, datetime], holder: str = "") -> None:
        """Becomes or stays a standby. The uncommitted records go back to the buffer."""
        with self._outbox.lock:
            waiting = self._appender.waiting
            lost = self._outbox.retire(waiting)
            self.done += lost + drop_committed(waiting, heard)
            self._outbox.forget(waiting)
            self.gained = None
            self._last = None
            self._skipped = []
            self.stands_by, self._is_open = True, False
        self._rejected += lost
        self._leads_until = 0.0
        self.heard = heard
        self.holder = holder
        self._set_trouble(None)

    # The committing thread.

    def _wake(self) -> None:
        self._wakes.put(None)

    def _run(self) -> None:
        try:
            while not self._is_over():
                is_last = self._closing.is_set()
                try:
                    pause = self._act()
                    self._wait = 0.0
                except Exception as error:  # also a mistake of callmon must not end the thread
                    pause = self._failed(error)
                if not self._wait:
                    with suppress(Empty):
                        self._wakes.get(timeout=pause)
                elif is_last:
                    break
                else:
                    self._closing.wait(self._wait)  # records that are appended meanwhile do not hasten it
        finally:
            self._appender.end()
            self._lock.close()
            self._store.close()
            self._outbox.close()
            self._set_trouble(self._trouble)

    def _is_over(self) -> bool:
        if not self._closing.is_set():
            return False
        return self.stands_by or self._is_empty() or not self._appender.thread.is_alive()

    def _is_empty(self) -> bool:
        return not self._appender.waiting and not self._outbox.entries  # in this order: items become an entry

    def _act(self) -> float | None:
        """The next action. Returns for how many seconds nothing is due; None: until a record is appended."""
        renew_in = self._leads_until - (HOLDS_SECONDS - RENEW_SECONDS) - monotonic()
        if not self._lock.is_held or renew_in <= 0:
            self._check()
        if not self._is_open:
            return ASK_SECONDS
        if self._outbox.entries:
            self._commit(self._outbox.first_entries(0 if self._wait else MAX_BATCH))
            return 0.0
        with self._outbox.lock:
            if self._is_empty():
                self._outbox.forget([])
        return max(0.0, renew_in) if self.path is None else None

    def _check(self) -> None:
        """Acquires or renews the write lock. Compares the database's last batch with the last one known here."""
        began = monotonic()
        with self._lock.writing() as connection:
            last = BatchId(*connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one())
            state = None if last == self._last else (last, calls.counters_of(connection))
        follows = not self.stands_by and self._outbox.follows(*last)
        if state is not None and not follows and self._is_open:
            raise LockTakenError
        self._renewed(began)
        if state is not None and follows:
            with self._outbox.lock:
                self._begin(state)
            self._publish(last)
        elif state is not None:
            # Also without sharing, the outbox of an earlier daemon may belong to another state of the database.
            self._stand_by({})
            self.gained = state
        self._last = last
        self._set_trouble(None)

    def _commit(self, entries: list[OutboxEntry]) -> None:
        """Commits records in one transaction, publishes their counters, and truncates the outbox behind them.

        Where a transaction takes longer than a record, the records would pile up if each had its own.
        """
        began, batch = monotonic(), BatchId(entries[-1].number, self._token)
        figures = self._write(batch, [self._outbox.read(entry) for entry in entries])
        self._store.check_in_place()  # otherwise the batch went to a file that is no longer the database
        self.counters.add_figures(figures)
        self._renewed(began)  # a commit also confirms the lease
        self._publish(batch)
        self._last = batch
        self._set_trouble(None)

    def _write(self, batch: BatchId, records: list[bytes]) -> Figures:
        items = [item for encoded in records for item in outbox.decode_items(encoded)]
        with self._lock.writing() as connection:
            figures, self._skipped = write_batch(
                connection, batch, items, self._store.ring, len(records), self._deliveries
            )
        return figures

    def _publish(self, last: BatchId) -> None:
        """The batches until `last` are known to be in the database, and their counters are in `counters`."""
        for rejected in self._skipped:
            _log_skipped(rejected)
        self._rejected += len(self._skipped)
        self._skipped = []
        self.done += self._outbox.truncate(last.number)
        if self._appender.is_refused and not self._outbox.entries:
            self._appender.wake()

    def _renewed(self, began: float) -> None:
        """The server confirmed the lock in a query that started after `began` (monotonic seconds)."""
        self._leads_until = began + HOLDS_SECONDS if self.path is None else inf
        if self.path is None and began >= self._months_at:
            # The next months of PostgreSQL's `fact`. A failure is retried later; nothing is lost.
            self._months_at = began + MONTHS_EVERY
            with suppress(DBAPIError, StoreError), self._store.writing() as connection:
                creation.create_ahead(connection, datetime.now(UTC))

    def _failed(self, error: Exception) -> float:
        """Returns how many seconds to pause when another instance leads; otherwise sets `_wait`."""
        if self._is_shared and isinstance(error, LockTakenError):
            self._wait = 0.0
            self._stand_by(error.heard, error.holder)
            return ASK_SECONDS
        why = cause(error)
        if not isinstance(error, outbox.OutboxError):
            why = Sentence("the database cannot be written: {why}", why=why)
            self._lock.drop_connection()
        if not transaction.may_pass(error):
            log.error("database: internal error; retrying", exc_info=error)
        self._wait = min(2 * self._wait, LONGEST_WAIT) or FIRST_WAIT
        if why not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(why)
            what = "retrying" if self._outbox.number is None else "buffering outcomes"
            log.error("database: not available; %s", what, extra={"why": why, "waiting": self.backlog()})
        self._set_trouble(why)
        return 0.0

    def _set_trouble(self, why: str | None) -> None:
        """Sets `trouble`, and evaluates what `wait_until` waits for."""
        if self._trouble is not None and why is None:
            log.warning("database: available again", extra={"waiting": self.backlog()})
            self._logged.clear()
        self._trouble, self._trouble_since = why, None if why is None else self._trouble_since or monotonic()
        with self._changed:
            self._changed.notify_all()


def _log_skipped(rejected: Rejected) -> None:
    fault, of = rejected  # without the error's text, which may quote a value
    log.error("database: an outcome was skipped", extra={"fault": fault, "of": of})
