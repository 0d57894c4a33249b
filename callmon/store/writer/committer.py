"""The committer: a thread that reads the outbox after the database's last number and commits record by record.

    acquiring ──lock, state of the database──▶ open ──record──▶ one transaction ──▶ truncate, publish its counters
        ▲  └─── it is not the outbox's: gained ─┘  ▲                  │
        └──────── another instance writes          └── failed: retried after 0.1 s … 5 s

A commit whose answer was lost is found by its number: no record is committed twice (`transaction.py`). Counters
are published only after their commit. Several instances may share a database: an idle leader renews its lease each
second (`write_lock.py`).

Refuses: to end because of an error. It is logged, and the same record is tried again.
"""

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Condition, Lock, Thread
from time import monotonic
from types import MappingProxyType

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from callmon.core.statistics.counters import Figure, Figures, add_figure
from callmon.errors import Sentence, StoreError
from callmon.store.database import Database, cause
from callmon.store.queries import calls
from callmon.store.tables import creation
from callmon.store.writer.appender import Appender
from callmon.store.writer.leadership import DatabaseState, Heard, Leadership
from callmon.store.writer.outbox import Outbox, OutboxEntry, OutboxError, decode_items
from callmon.store.writer.transaction import AlreadyCommitted, BatchId, LostLeaseError, may_pass, write_batch
from callmon.store.writer.write_lock import ASK_SECONDS, RENEW_SECONDS, LockTakenError, WriteLock

NOTHING: Mapping[Figure, float] = MappingProxyType({})


class CommittedCounters:
    """The committed counters. One thread adds, any thread reads."""

    def __init__(self, figures: Mapping[Figure, float] = NOTHING) -> None:
        self._figures = dict(figures)
        self._lock = Lock()  # held for one copy or one batch at most: a reader never sees half of a batch

    def add_figures(self, figures: Mapping[Figure, float]) -> None:
        with self._lock:
            for figure, amount in figures.items():
                add_figure(self._figures, figure, amount)

    def replace(self, figures: Mapping[Figure, float]) -> None:
        """Sets the counters to those in the database, which include commits of other programs."""
        with self._lock:
            self._figures = dict(figures)

    def snapshot(self) -> Figures:
        with self._lock:
            return self._figures.copy()


log = logging.getLogger(__name__)

DAMAGE = ("malformed", "file is not a database")  # in SQLite's words
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds
MONTHS_EVERY = 6 * 3600.0  # seconds


class Committer:
    """The thread, with the appender before it. Any thread may read its attributes.

    `done`: outcomes that are committed, or that another instance has committed. `number`: of the last batch in the
    database.
    """

    def __init__(
        self, store: Database, outbox: Outbox, counters: CommittedCounters, seconds: float, is_shared: bool
    ) -> None:
        self._store = Database(store.url, store.ring)  # of its own: a failure drops all connections
        self._outbox, self._counters = outbox, counters
        self._token = outbox.token or secrets.token_hex(8)
        self.appender = Appender(outbox, seconds, self.notify)
        self.leadership = Leadership(is_shared, self.appender.waiting, outbox)
        self._lock = WriteLock(self._store, is_shared)
        self._number = 0
        self._unpublished: tuple[Figures, list[tuple[str, str]]] = ({}, [])
        self._renew_at = self._months_made = 0.0
        self._wait = 0.0  # seconds until the next attempt, after one that failed
        self._is_closing = self._has_given_up = False
        self.done = self.rejected = 0
        self.trouble: str | None = None
        self.trouble_since = 0.0  # monotonic
        self.is_open = False
        self.changed = Condition()  # notified when an attribute or the outbox changes
        self.thread = Thread(target=self._run, name="callmon-store", daemon=True)

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        """Commits all items and ends. It ends after an attempt that fails; the rest stays in the outbox."""
        self._is_closing = True
        self.notify()

    def _run(self) -> None:
        try:
            while not self._is_over():
                pause = self._try()
                if self._is_closing and not self.leadership.is_decided:
                    self.appender.close()
                with self.changed:
                    self.changed.wait_for(self._is_due, pause)
        finally:
            self.appender.abandon()
            self.appender.thread.join()
            self._lock.close()
            self._store.close()
            self._outbox.close()
            self.notify()

    def _is_over(self) -> bool:
        if not self._is_closing:
            return False
        is_empty = self.appender.is_ended and not self._outbox.entries
        return self._has_given_up or is_empty or self.leadership.has_nothing_to_write

    def _is_due(self) -> bool:
        """Whether there is something to do before the pause is over."""
        if self._wait:
            return self._is_closing
        is_record_due = self.is_open and bool(self._outbox.entries)
        is_close_due = self._is_closing and not self.appender.is_closing
        return is_record_due or is_close_due or self.leadership.is_decided or self._is_over()

    def _try(self) -> float | None:
        """The next action. Returns for how many seconds nothing is due; None: until a record is appended."""
        is_last = self._is_closing
        try:
            pause = self._act()
        except (LockTakenError, LostLeaseError) as error:
            if self.leadership.is_shared:
                self._stand_by({})
                return 0.0
            self._failed(error)
        except Exception as error:  # not only the database's: also a mistake of callmon must not end the thread
            self._failed(error)
        else:
            self._wait = 0.0
            return pause
        self._has_given_up = is_last
        return self._wait

    def _act(self) -> float | None:
        leadership = self.leadership
        if (decided := leadership.decided()) is not None:
            self._token = secrets.token_hex(8)
            if not self.appender.waiting:
                self._outbox.empty()
            self._begin(decided)
        if not self.is_open and leadership.gained is None:
            return self._acquire()
        if self.is_open and self._outbox.entries:
            self._commit(self._outbox.entries[0])
            return 0.0
        if not leadership.is_shared:
            return None
        if monotonic() >= self._renew_at:
            self._renew()
        return max(0.0, self._renew_at - monotonic())

    def _failed(self, error: Exception) -> None:
        why = cause(error)
        if not isinstance(error, OutboxError):
            why = Sentence("the database cannot be written: {why}", why=why)
            self._lock.drop_connection()
        if not may_pass(error):
            log.error("database: internal error; retrying", exc_info=error)
        self._wait = min(2 * self._wait, LONGEST_WAIT) or FIRST_WAIT
        if why != self.trouble:
            what = "retrying" if self._outbox.number is None else "buffering outcomes"
            waiting = self._backlog()
            log.error("database: not available; %s", what, extra={"why": why, "waiting": waiting})
        self._set_trouble(why)

    def _set_trouble(self, why: str | None) -> None:
        if self.trouble is not None and why is None:
            log.warning("database: available again", extra={"waiting": self._backlog()})
        if why is not None and self.trouble is None:
            self.trouble_since = monotonic()
        self.trouble = why
        self.notify()

    @property
    def is_damaged(self) -> bool:
        """Whether the trouble is a damaged SQLite file."""
        return self.trouble is not None and any(sign in self.trouble for sign in DAMAGE)

    def _backlog(self) -> int:
        return sum(entry.outcomes for entry in [*self._outbox.entries]) + len(self.appender.waiting)

    # The lock, and the terms of the outbox.

    def _acquire(self) -> float:
        """Acquires the write lock. Resumes if no other program has written since; else sets `gained`."""
        try:
            with self._lock.writing() as connection:
                state = DatabaseState(*_last(connection), calls.counters_of(connection))
        except LockTakenError:
            if not self.leadership.is_shared:
                raise
            self._stand_by(self._lock.heard(), self._lock.holder)
            return ASK_SECONDS
        self._make_months()
        self._number = state.number
        if not self.leadership.is_standby and self._outbox.follows(state.number, state.token):
            self._begin(state)
        else:
            # Also without sharing, the outbox of an earlier daemon may belong to another state of the database.
            self._stand_by({})
            self.leadership.gained = state
        self._set_trouble(None)
        return 0.0

    def _stand_by(self, heard: Heard, holder: str = "") -> None:
        done, lost = self.leadership.stand_by(heard, holder)
        self.is_open = False
        self.done += done + lost
        self.rejected += lost
        self._set_trouble(None)

    def _begin(self, state: DatabaseState) -> None:
        """Continues the outbox after the database's last number."""
        self._outbox.begin_term(state.number, state.token, self._token)
        self._counters.replace(state.figures)
        self._unpublished = {}, []
        if state.token == self._token:
            self.done += self._outbox.truncate(state.number)
        if not self.leadership.is_shared:
            self.leadership.renewed(monotonic())
        self.is_open = True
        self.appender.wake()
        self.notify()

    def _renew(self) -> None:
        """Renews the lease. Raises LostLeaseError when another program has written since."""
        began = monotonic()
        with self._lock.writing() as connection:
            number, token = _last(connection)
        if token != self._token and number != self._number:
            raise LostLeaseError("another program has written to this database meanwhile")
        self._renewed(began)
        self._set_trouble(None)

    def _renewed(self, began: float) -> None:
        self.leadership.renewed(began)
        self._renew_at = began + RENEW_SECONDS

    def _make_months(self) -> None:
        """Creates the next months of PostgreSQL's `fact`. A failure is retried later; nothing is lost."""
        self._months_made = monotonic()
        if self._store.path is not None:
            return
        with suppress(DBAPIError, StoreError, LockTakenError), self._store.writing() as connection:
            creation.create_ahead(connection, datetime.now(UTC))

    # Records.

    def _commit(self, entry: OutboxEntry) -> None:
        """Commits a record once, publishes its counters, and truncates the outbox behind it."""
        if monotonic() - self._months_made > MONTHS_EVERY:
            self._make_months()
        began, items = monotonic(), self._outbox.read(entry)
        with suppress(AlreadyCommitted):
            self._write(BatchId(entry.number, self._token), items)
        self._number = entry.number
        self._renewed(began)  # a commit also confirms the lease
        self._store.check_in_place()  # otherwise the batch went to a file that is no longer the database
        (figures, rejected), self._unpublished = self._unpublished, ({}, [])
        self._counters.add_figures(figures)
        for fault, of in rejected:
            # Without the error's text, which may quote a value.
            log.error("database: an outcome was skipped", extra={"fault": fault, "of": of})
        self.rejected += len(rejected)
        self.done += self._outbox.truncate(entry.number)
        self.appender.committed()
        self._set_trouble(None)

    def _write(self, batch_id: BatchId, encoded: bytes) -> None:
        items = decode_items(encoded)
        with self._lock.writing() as connection:
            self._unpublished = write_batch(connection, batch_id, items, self._store.ring)


def _last(connection: Connection) -> tuple[int, str]:
    """The number and the token of the last committed batch."""
    number, token = connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one()
    return number, token
