"""The supervisor (`Courier`): a thread that batches outcomes for the writer process and reads its answers.

    buffering ──100 ms or 5,000 items──▶ sent ──Stored──▶ released; its counters are published
        ▲                                 │
      offer                    the writer process ended: a new one is started (0.1 s … 5 s), reports
                               the state of the database, and gets the uncommitted batches again

Several instances may share a database (`lease.py`). While another one writes, the supervisor buffers outcomes
until the leader is known to have committed them (`standby_buffer.py`). When this instance gains the lease, `lead`
sets which of them the database lacks.

    standby ──Standing──▶ gained ──lead──▶ open ──Waits──▶ standby

Every batch has a number and stays in the outbox until the writer process confirms the commit (`outbox.py`). A
writer process that died may have committed its last batch without confirming it. The next one reads the last
number from the database. So each batch is committed exactly once. Counters are published only after the commit.

Refuses: to access the database, which only the writer process does.
"""

from __future__ import annotations

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
from callmon.store.writer.committed import Tally
from callmon.store.writer.leadership import Turn
from callmon.store.writer.outbox import TRY_AGAIN, Journal, Pending, Sent
from callmon.store.writer.spawn import Child, told

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
MAX_GROUP = 5_000
PIECE = 1 << 18


class Courier:
    """The supervisor: owns the thread and the writer process. `waiting` is the buffer of encoded items."""

    def __init__(
        self, opening: messages.Opening, tally: Tally, group_seconds: float, journal: Journal | None = None
    ) -> None:
        self._opening, self._tally = opening, tally
        self._group_seconds = group_seconds
        # Never replaced. Only the event loop appends, with wake() at the first and at the MAX_GROUPth item. Only
        # this thread deletes, from the beginning. Each is atomic: neither thread waits for the other.
        self.waiting: list[bytes] = []
        self.turn = Turn(opening.is_shared, self.waiting)
        self.pending = Pending(journal, opening.token)
        self._is_new = True  # the state of the database is not known yet
        self._post_at = 0.0  # monotonic; the journal could not be read and is retried then
        self._outgoing: deque[memoryview] = deque()
        self._frames = messages.Frames()
        self._number: int | None = None  # of the last batch; None until the database was read
        self._since: float | None = None
        self._hurry = self._closing = False
        self._child: Child | None = None
        self._is_stuck = False  # the writer process runs and cannot write to the database
        self._has_said_goodbye = self._has_given_up = False
        self._start_at, self._wait = 0.0, FIRST_WAIT
        self._knock, self._door = socket.socketpair()
        for end in (self._knock, self._door):
            end.setblocking(False)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._knock, selectors.EVENT_READ)
        # Read by other threads.
        self.done = self.set_aside = 0
        self.oldest: float | None = None
        self.trouble: str | None = None
        self.changed = Condition()  # notified when `done`, `trouble`, `is_open` or `turn.gained` changes
        self.is_open = False
        self.thread = Thread(target=self._run, name="callmon-store", daemon=True)
        self.thread.start()

    def hurry(self) -> None:
        """Sends the buffered items at once."""
        self._hurry = True
        self.wake()

    def close(self) -> None:
        """Sends the buffered items and ends; the thread ends when the writer process has ended."""
        self._closing = True
        self.wake()

    def lead(self, missing: list[bytes]) -> None:
        """Sets the buffered items that the database lacks. For the event-loop thread, after `turn.gained`."""
        self.turn.lead(missing)
        self.wake()

    @property
    def scribe(self) -> int | None:
        """The process ID of the writer process; None while there is none."""
        return child.pid if (child := self._child) else None

    def wake(self) -> None:
        with suppress(OSError):  # the socket is full, so the thread wakes anyway, or it is closed
            self._door.send(b"\0")

    # From here on: only this thread.

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._start_when_due()
                self._lead_when_told()
                self._gather_when_due()
                self._beat_when_due()
                self._spill_when_due()
                self._post_when_due()
                self._say_goodbye_when_due()
                for key, what in self._ready.select(self._patience()):
                    self._attend(key.fileobj, what)
        finally:
            self._end()

    def _attend(self, end: object, what: int) -> None:
        if end is self._knock:
            self._knock.recv(4096)
            return
        if what & selectors.EVENT_WRITE:
            self._send()
        if what & selectors.EVENT_READ:
            self._receive()

    def _is_over(self) -> bool:
        if not self._closing or self._child is not None:
            return False
        return self._has_given_up or self._number is None or not (self.pending or self.waiting)

    def _end(self) -> None:
        self._leave_to_journal()
        for end in (self._knock, self._door, self._ready):
            end.close()
        if self._child is not None:  # an internal error ended this thread: the writer process commits what it has
            self._child.wire.close()
        with self.changed:
            self.changed.notify_all()

    def _leave_to_journal(self) -> None:
        """Writes uncommitted outcomes to the journal for the next start, but not a standby's."""
        while self.waiting and self._number is not None and not self.turn.is_standby:
            self._gather()
        self.pending.close()

    def _patience(self) -> float | None:
        """Seconds until the next timed action; None: there is none."""
        due = self._group_due() if self.waiting and self._number is not None else inf
        due = due if self._child is not None else min(due, self._start_at)
        due = min(due, self.turn.beat_due(self.is_open), self.pending.spill_due(self._is_away))
        due = min(due, self._post_at or inf)
        return None if due == inf else max(0.0, due - monotonic())

    # Batching and sending.

    def _group_due(self) -> float:
        at_once = self._hurry or self._closing or len(self.waiting) >= MAX_GROUP
        return 0.0 if at_once or self._since is None else self._since + self._group_seconds

    def _gather_when_due(self) -> None:
        if not self.waiting or self.turn.is_standby:
            self._hurry = False
            return
        if self._since is None:
            self._since = monotonic()
            self.oldest = self.pending.since or self._since
        if self._number is not None and monotonic() >= self._group_due():
            self._gather()

    def _gather(self) -> None:
        assert self._number is not None
        items = self.waiting[:MAX_GROUP]
        del self.waiting[: len(items)]
        self._number += 1
        frame = messages.group_frame(self._number, items)
        self.pending.add(Sent(self._number, len(items), self._since or monotonic(), frame))
        self._since = None

    @property
    def _is_away(self) -> bool:
        """Whether the database is unavailable now."""
        return not self.is_open or self._is_stuck

    def _spill_when_due(self) -> None:
        if monotonic() >= self.pending.spill_due(self._is_away):
            self.pending.spill()

    def _post_when_due(self) -> None:
        if not self.is_open or self._has_said_goodbye or monotonic() < self._post_at:
            return
        self._post_at = 0.0
        try:
            for frame in self.pending.to_post():
                self._post(frame)
        except StoreError as error:
            self._post_at = monotonic() + TRY_AGAIN
            self._wait_because(str(error))

    def _post(self, frame: bytes) -> None:
        self._outgoing.append(memoryview(frame))
        self._send()

    def _send(self) -> None:
        if self._child is None:
            return
        try:
            while self._outgoing:
                sent = self._child.wire.send(self._outgoing[0])
                rest = self._outgoing.popleft()[sent:]
                if rest:
                    self._outgoing.appendleft(rest)
        except BlockingIOError:
            pass
        except OSError:  # the writer process died; its earlier answers are still to be read
            self._outgoing.clear()
        if self._has_said_goodbye and not self._outgoing:
            with suppress(OSError):
                self._child.wire.shutdown(socket.SHUT_WR)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outgoing else 0)
        self._ready.modify(self._child.wire, wanted)

    def _say_goodbye_when_due(self) -> None:
        """Sends `Closing` when all batches are sent, or when the writer process cannot use the database."""
        if not self._closing or self._child is None or self._has_said_goodbye:
            return
        is_left = bool(self.waiting or (self.pending and not (self.is_open and self.pending.is_posted)))
        if not is_left or self._is_stuck or self._number is None:
            self._has_said_goodbye = True
            self._post(messages.frame(messages.Closing()))

    # The answers.

    def _receive(self) -> None:
        assert self._child is not None
        try:
            piece = self._child.wire.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._ended()
            return
        for body in self._frames.receive(piece):
            self._heed(messages.from_scribe(body))

    def _heed(self, message: messages.FromScribe) -> None:
        match message:
            case messages.Standing():
                self._stand(message)
            case messages.Waits(heard, holder):
                self._stand_by(heard, holder)
            case messages.Held(at):
                self.turn.held(at)
            case messages.Stored():
                self._stored(message)
            case messages.Trouble(why):
                self._is_stuck = True
                self._wait_because(why)

    # A shared database.

    def _stand(self, standing: messages.Standing) -> None:
        """Resumes if no other program has written since; else sets `turn.gained`, and `lead` must be called."""
        before, is_new, self._is_new = self._before(), self._is_new, False
        is_ours = before in (None, standing.number) or (
            standing.token == self._opening.token and standing.number >= (before or 0)
        )
        # Also without sharing, the journal of an earlier daemon may belong to another state of the database.
        if (is_ours and not self.turn.is_standby) or not (self.turn.is_shared or is_new):
            self._resume(standing)
            return
        self._stand_by({})
        with self.changed:
            self.turn.gained = standing
            self.changed.notify_all()

    def _before(self) -> int | None:
        """The number of the last batch that is known to be in the database."""
        return self._number if (numbers := self.pending.numbers) is None else numbers[0] - 1

    def _stand_by(self, heard: standby_buffer.Heard, holder: str = "") -> None:
        frames, lost = self.pending.take_back()
        self.set_aside += lost
        done = lost + self.turn.stand_by(standby_buffer.of_groups(frames), heard, holder)
        self._is_new = False
        self._number = self._since = self.oldest = None
        self._wait, self.is_open, self._is_stuck = FIRST_WAIT, False, False
        with self.changed:
            self.done += done
            self.trouble = None
            self.changed.notify_all()

    def _lead_when_told(self) -> None:
        if (begun := self.turn.begun()) is None:
            return
        with self.changed:
            self.done += begun[0]
        if begun[1] is not None:
            self._number = begun[1].number
            self._resume(begun[1])

    def _beat_when_due(self) -> None:
        """Sends the `Beat` that renews the lease. Without it another instance acquires the lease."""
        if self._child is not None and monotonic() >= self.turn.beat_due(self.is_open):
            self._post(messages.frame(self.turn.beat()))

    def _resume(self, standing: messages.Standing) -> None:
        """Releases the batches that the database has, and sends the others again, in order."""
        if self._number is None:
            self._number = max(standing.number, *(self.pending.numbers or (0,)))
        if standing.token == self._opening.token:
            self._forget(standing.number)
        # Else the database has no batch of this instance yet, or the writer process finds another program's.
        self._tally.replace(standing.figures)
        self.turn.hold()
        self._is_stuck = False
        self.pending.rewind()
        self._post(messages.frame(messages.Anew()))
        self.is_open = True
        self._set_trouble(None)

    def _stored(self, stored: messages.Stored) -> None:
        self._tally.add(stored.figures)
        for fault, of in stored.set_aside:
            # Without the error's text, which may quote a value.
            log.error("an outcome was set aside", extra={"fault": fault, "of": of})
        self.set_aside += len(stored.set_aside)
        self._wait, self._is_stuck = FIRST_WAIT, False
        self._set_trouble(None)
        self._forget(stored.number)

    def _forget(self, number: int) -> None:
        done = self.pending.forget(number)
        self.oldest = self.pending.since or self._since
        with self.changed:
            self.done += done
            self.changed.notify_all()

    def _set_trouble(self, why: str | None) -> None:
        if self.trouble is not None and why is None:
            log.warning("the database takes outcomes again", extra={"waiting": self._backlog()})
        with self.changed:
            self.trouble = why
            self.changed.notify_all()

    def _backlog(self) -> int:
        return self.pending.count + len(self.waiting)

    # Start and end of the writer process.

    def _start_when_due(self) -> None:
        if self._child is not None or monotonic() < self._start_at:
            return
        try:
            self._child = Child()
        except OSError as error:
            self._missing(f"the process that writes cannot be started: {error.strerror}")
            return
        self._ready.register(self._child.wire, selectors.EVENT_READ)
        self._post(messages.frame(self._opening))

    def _ended(self) -> None:
        status = self._lay_down()
        if not self._closing:
            self._missing(f"the process that writes has ended ({told(status)}), another is started")
        elif status == 0 or self._has_said_goodbye:  # otherwise it was killed before `Closing`: a new one may try
            self._has_given_up = True

    def _lay_down(self) -> int:
        """Releases a writer process that has closed its end; returns its exit status."""
        assert self._child is not None
        self._ready.unregister(self._child.wire)
        self._outgoing.clear()
        self._frames = messages.Frames()
        child, self._child = self._child, None
        self.is_open = self._is_stuck = False
        self.turn.end()
        return child.reap()

    def _missing(self, why: str) -> None:
        self._start_at = monotonic() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)
        self._wait_because(why)

    def _wait_because(self, why: str) -> None:
        if why != self.trouble:
            what = "the database is waited for" if self._number is None else "outcomes wait"
            log.error(what, extra={"why": why, "waiting": self._backlog()})
        if self.turn.is_standby:  # a standby's buffer is no trouble, but here its duration is unknown
            self.oldest = self.oldest or monotonic()
        self._set_trouble(why)
