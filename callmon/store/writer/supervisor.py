"""The supervisor: a thread that batches outcomes for the writer process and reads its answers.

    buffering ──100 ms or 5,000 items──▶ sent ──Committed──▶ released; its counters are published
        ▲                                 │
      offer                    the writer process ended: a new one is started (0.1 s … 5 s), reports
                               the state of the database, and gets the uncommitted batches again

Several instances may share a database (`lease.py`). While another one writes, the supervisor buffers outcomes
until the leader is known to have committed them (`standby_buffer.py`). When this instance gains the lease,
`become_leader` sets which of them the database lacks.

    standby ──DatabaseState──▶ gained ──become_leader──▶ open ──FollowerState──▶ standby

Every batch has a number and stays in the outbox until the writer process confirms the commit (`outbox.py`). A
writer process that died may have committed its last batch without confirming it. The next one reads the last
number from the database. So each batch is committed exactly once. Counters are published only after the commit.

Refuses: to access the database, which only the writer process does.
"""

import logging
import selectors
import socket
from collections import deque
from contextlib import suppress
from math import inf
from threading import Condition, Thread
from time import monotonic

from callmon.errors import StoreError
from callmon.store.writer import messages, standby_buffer
from callmon.store.writer.committed import CommittedCounters
from callmon.store.writer.leadership import Leadership
from callmon.store.writer.outbox import TRY_AGAIN, Outbox, PendingBatch, PendingBatches
from callmon.store.writer.spawn import WriterHandle, exit_reason

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
MAX_BATCH = 5_000
PIECE = 1 << 18


class WriterSupervisor:
    """The supervisor: owns the thread and the writer process. `waiting` is the buffer of encoded items."""

    def __init__(
        self, opening: messages.OpenRequest, counters: CommittedCounters, seconds: float, outbox: Outbox | None
    ) -> None:
        self._opening, self._counters, self._batch_seconds = opening, counters, seconds
        # Never replaced. Only the event loop appends, with wake() at the first and at the MAX_BATCHth item. Only
        # this thread deletes, from the beginning. Each is atomic: neither thread waits for the other.
        self.waiting: list[bytes] = []
        self.leadership = Leadership(opening.is_shared, self.waiting)
        self.pending = PendingBatches(outbox, opening.token)
        self._is_new = True  # the state of the database is not known yet
        self._read_outbox_at = 0.0  # monotonic; the journal could not be read and is retried then
        self._outgoing: deque[memoryview] = deque()
        self._frames = messages.Frames()
        self._number: int | None = None  # of the last batch; None until the database was read
        self._since: float | None = None
        self._hurry = self._closing = False
        self._process: WriterHandle | None = None
        self._is_stuck = False  # the writer process runs and cannot write to the database
        self._is_shutdown_sent = self._has_given_up = False
        self._start_at, self._wait = 0.0, FIRST_WAIT
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._wake_reader, selectors.EVENT_READ)
        # Read by other threads.
        self.done = self.rejected = 0
        self.oldest: float | None = None
        self.trouble: str | None = None
        self.changed = Condition()  # notified when `done`, `trouble`, `is_open` or `leadership.gained` changes
        self.is_open = False
        self.thread = Thread(target=self._run, name="callmon-store", daemon=True)
        self.thread.start()

    def hurry(self) -> None:
        self._hurry = True
        self.wake()

    def close(self) -> None:
        """Sends the buffered items and ends; the thread ends when the writer process has ended."""
        self._closing = True
        self.wake()

    def become_leader(self, missing: list[bytes]) -> None:
        """Sets the buffered items that the database lacks. For the event-loop thread, after `gained`."""
        self.leadership.become_leader(missing)
        self.wake()

    @property
    def process_id(self) -> int | None:
        """The process ID of the writer process; None while there is none."""
        return process.pid if (process := self._process) else None

    def wake(self) -> None:
        with suppress(OSError):  # the socket is full, so the thread wakes anyway, or it is closed
            self._wake_writer.send(b"\0")

    # From here on: only this thread.

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._start_when_due()
                self._lead_when_decided()
                self._make_batch_when_due()
                self._keep_alive_when_due()
                self._spill_when_due()
                self._send_batches_when_due()
                self._shut_down_when_due()
                for key, what in self._ready.select(self._seconds_to_next_action()):
                    self._handle_ready(key.fileobj, what)
        finally:
            self._end()

    def _handle_ready(self, end: object, what: int) -> None:
        if end is self._wake_reader:
            self._wake_reader.recv(4096)
            return
        if what & selectors.EVENT_WRITE:
            self._send()
        if what & selectors.EVENT_READ:
            self._receive()

    def _is_over(self) -> bool:
        if not self._closing or self._process is not None:
            return False
        return self._has_given_up or self._number is None or not (self.pending or self.waiting)

    def _end(self) -> None:
        self._leave_to_journal()
        for end in (self._wake_reader, self._wake_writer, self._ready):
            end.close()
        if (
            self._process is not None
        ):  # an internal error ended this thread: the writer process commits what it has
            self._process.wire.close()
        with self.changed:
            self.changed.notify_all()

    def _leave_to_journal(self) -> None:
        """Writes uncommitted outcomes to the journal for the next start, but not a standby's."""
        while self.waiting and self._number is not None and not self.leadership.is_standby:
            self._make_batch()
        self.pending.close()

    def _seconds_to_next_action(self) -> float | None:
        """Seconds until the next timed action; None: there is none."""
        due = self._batch_due() if self.waiting and self._number is not None else inf
        due = due if self._process is not None else min(due, self._start_at)
        due = min(due, self.leadership.keep_alive_due(self.is_open), self.pending.spill_due(self._is_away))
        due = min(due, self._read_outbox_at or inf)
        return None if due == inf else max(0.0, due - monotonic())

    # Batching and sending.

    def _batch_due(self) -> float:
        at_once = self._hurry or self._closing or len(self.waiting) >= MAX_BATCH
        return 0.0 if at_once or self._since is None else self._since + self._batch_seconds

    def _make_batch_when_due(self) -> None:
        if not self.waiting or self.leadership.is_standby:
            self._hurry = False
            return
        if self._since is None:
            self._since = monotonic()
            self.oldest = self.pending.since or self._since
        if self._number is not None and monotonic() >= self._batch_due():
            self._make_batch()

    def _make_batch(self) -> None:
        assert self._number is not None
        items = self.waiting[:MAX_BATCH]
        del self.waiting[: len(items)]
        self._number += 1
        frame = messages.batch_frame(self._number, items)
        self.pending.append(PendingBatch(self._number, len(items), self._since or monotonic(), frame))
        self._since = None

    @property
    def _is_away(self) -> bool:
        """Whether the database is unavailable now."""
        return not self.is_open or self._is_stuck

    def _spill_when_due(self) -> None:
        if monotonic() >= self.pending.spill_due(self._is_away):
            self.pending.spill()

    def _send_batches_when_due(self) -> None:
        if not self.is_open or self._is_shutdown_sent or monotonic() < self._read_outbox_at:
            return
        self._read_outbox_at = 0.0
        try:
            for frame in self.pending.frames_to_send():
                self._send_frame(frame)
        except StoreError as error:
            self._read_outbox_at = monotonic() + TRY_AGAIN
            self._wait_because(str(error))

    def _send_frame(self, frame: bytes) -> None:
        self._outgoing.append(memoryview(frame))
        self._send()

    def _send(self) -> None:
        if self._process is None:
            return
        try:
            while self._outgoing:
                sent = self._process.wire.send(self._outgoing[0])
                rest = self._outgoing.popleft()[sent:]
                if rest:
                    self._outgoing.appendleft(rest)
        except BlockingIOError:
            pass
        except OSError:  # the writer process died; its earlier answers are still to be read
            self._outgoing.clear()
        if self._is_shutdown_sent and not self._outgoing:
            with suppress(OSError):
                self._process.wire.shutdown(socket.SHUT_WR)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._ready.modify(self._process.wire, wanted)

    def _shut_down_when_due(self) -> None:
        """Sends `CloseRequest` when all batches are sent, or when the writer process cannot use the database."""
        if not self._closing or self._process is None or self._is_shutdown_sent:
            return
        is_left = bool(self.waiting or (self.pending and not (self.is_open and self.pending.are_all_sent)))
        if not is_left or self._is_stuck or self._number is None:
            self._is_shutdown_sent = True
            self._send_frame(messages.frame(messages.CloseRequest()))

    # The answers.

    def _receive(self) -> None:
        assert self._process is not None
        try:
            piece = self._process.wire.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._ended()
            return
        for body in self._frames.receive(piece):
            self._handle(messages.decode_from_writer(body))

    def _handle(self, message: messages.FromWriter) -> None:
        match message:
            case messages.DatabaseState():
                self._handle_database_state(message)
            case messages.FollowerState(heard, holder):
                self._stand_by(heard, holder)
            case messages.LeaseRenewed(at):
                self.leadership.held(at)
            case messages.Committed():
                self._stored(message)
            case messages.Trouble(why):
                self._is_stuck = True
                self._wait_because(why)

    # A shared database.

    def _handle_database_state(self, state: messages.DatabaseState) -> None:
        """Resumes if no other program has written since; else sets `gained`, and `become_leader` must follow."""
        before, is_new, self._is_new = self._before(), self._is_new, False
        is_ours = before in (None, state.number) or (
            state.token == self._opening.token and state.number >= (before or 0)
        )
        # Also without sharing, the journal of an earlier daemon may belong to another state of the database.
        if (is_ours and not self.leadership.is_standby) or not (self.leadership.is_shared or is_new):
            self._resume(state)
            return
        self._stand_by({})
        with self.changed:
            self.leadership.gained = state
            self.changed.notify_all()

    def _before(self) -> int | None:
        """The number of the last batch that is known to be in the database."""
        return self._number if (numbers := self.pending.numbers) is None else numbers[0] - 1

    def _stand_by(self, heard: standby_buffer.Heard, holder: str = "") -> None:
        frames, lost = self.pending.take_all()
        self.rejected += lost
        done = lost + self.leadership.stand_by(standby_buffer.items_of_frames(frames), heard, holder)
        self._is_new = False
        self._number = self._since = self.oldest = None
        self._wait, self.is_open, self._is_stuck = FIRST_WAIT, False, False
        with self.changed:
            self.done += done
            self.trouble = None
            self.changed.notify_all()

    def _lead_when_decided(self) -> None:
        if (begun := self.leadership.begun()) is None:
            return
        with self.changed:
            self.done += begun[0]
        if begun[1] is not None:
            self._number = begun[1].number
            self._resume(begun[1])

    def _keep_alive_when_due(self) -> None:
        """Sends the `KeepAlive` that renews the lease. Without it another instance acquires the lease."""
        if self._process is not None and monotonic() >= self.leadership.keep_alive_due(self.is_open):
            self._send_frame(messages.frame(self.leadership.keep_alive()))

    def _resume(self, state: messages.DatabaseState) -> None:
        """Releases the batches that the database has, and sends the others again, in order."""
        if self._number is None:
            self._number = max(state.number, *(self.pending.numbers or (0,)))
        if state.token == self._opening.token:
            self._forget(state.number)
        # Else the database has no batch of this instance yet, or the writer process finds another program's.
        self._counters.replace(state.figures)
        self.leadership.hold()
        self._is_stuck = False
        self.pending.rewind()
        self._send_frame(messages.frame(messages.Resync()))
        self.is_open = True
        self._set_trouble(None)

    def _stored(self, stored: messages.Committed) -> None:
        self._counters.add_figures(stored.figures)
        for fault, of in stored.rejected:
            # Without the error's text, which may quote a value.
            log.error("database: an outcome was skipped", extra={"fault": fault, "of": of})
        self.rejected += len(stored.rejected)
        self._wait, self._is_stuck = FIRST_WAIT, False
        self._set_trouble(None)
        self._forget(stored.number)

    def _forget(self, number: int) -> None:
        done = self.pending.release(number)
        self.oldest = self.pending.since or self._since
        with self.changed:
            self.done += done
            self.changed.notify_all()

    def _set_trouble(self, why: str | None) -> None:
        if self.trouble is not None and why is None:
            log.warning("database: available again", extra={"waiting": self._backlog()})
        with self.changed:
            self.trouble = why
            self.changed.notify_all()

    def _backlog(self) -> int:
        return self.pending.count + len(self.waiting)

    # Start and end of the writer process.

    def _start_when_due(self) -> None:
        if self._process is not None or monotonic() < self._start_at:
            return
        try:
            self._process = WriterHandle()
        except OSError as error:
            self._missing(f"the writer process cannot start: {error.strerror}")
        else:
            self._ready.register(self._process.wire, selectors.EVENT_READ)
            self._send_frame(messages.frame(self._opening))

    def _ended(self) -> None:
        status = self._release_process()
        if not self._closing:
            self._missing(f"the writer process has ended ({exit_reason(status)}); starting another")
        elif status == 0 or self._is_shutdown_sent:
            self._has_given_up = True  # otherwise it was killed before `CloseRequest`: a new one may try

    def _release_process(self) -> int:
        """Releases a writer process that has closed its end; returns its exit status."""
        assert self._process is not None
        self._ready.unregister(self._process.wire)
        self._outgoing.clear()
        self._frames = messages.Frames()
        process, self._process = self._process, None
        self.is_open = self._is_stuck = False
        self.leadership.lose_lock()
        return process.reap()

    def _missing(self, why: str) -> None:
        self._start_at = monotonic() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._wait_because(why)

    def _wait_because(self, why: str) -> None:
        if why != self.trouble:
            doing = "retrying" if self._number is None else "buffering outcomes"
            log.error("database: not available; %s", doing, extra={"why": why, "waiting": self._backlog()})
        if self.leadership.is_standby:  # a standby's buffer is no trouble, but here its duration is unknown
            self.oldest = self.oldest or monotonic()
        self._set_trouble(why)
