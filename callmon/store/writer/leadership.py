"""The leadership state (`Leadership`), as the supervisor knows it: leader, standby, or gained and not yet leading.

    leader ──another writes──▶ standby ──writer process has the lock──▶ gained ──`become_leader`──▶ leader
                                  ▲                                        │
                                  └───────── another was faster ───────────┘

The event-loop thread calls `become_leader`. The supervisor thread calls all other methods. Any thread may read.

Refuses: all I/O.
"""

from math import inf
from threading import Lock
from time import monotonic

from callmon.store.writer import lease, messages, standby_buffer


class Leadership:
    """The leadership state. `waiting` is the supervisor's buffer of encoded items.

    Without a shared database the leadership has no time limit.
    """

    def __init__(self, is_shared: bool, waiting: list[bytes]) -> None:
        self.is_shared, self._waiting = is_shared, waiting
        self.is_standby = False  # another instance writes, or `become_leader` has not been applied yet
        # The write lock is acquired; which items are missing in the database is not known yet.
        self.gained: messages.DatabaseState | None = None
        self.heard: standby_buffer.Heard = {}  # by exchange: received and committed by the leader until then
        self.holder = ""  # the database session that holds the lease instead of this instance, for an operator
        self.leads_until = 0.0  # monotonic: until then the server guarantees that only this instance writes
        self._keep_alive_at = 0.0
        self._fewer: int | None = None  # `become_leader` was called: how many items it dropped from the buffer
        self._keeping = Lock()

    def become_leader(self, missing: list[bytes]) -> None:
        """Replaces the buffer by `missing`, the items that the database lacks.

        Call after `gained`, from the event-loop thread.
        """
        with self._keeping:
            self._fewer = len(self._waiting) - len(missing)
            self._waiting[:] = missing

    @property
    def is_gained(self) -> bool:
        """Whether the write lock is acquired and `become_leader` is still to be called."""
        return self.gained is not None and self._fewer is None

    @property
    def has_nothing_to_write(self) -> bool:
        """Whether the buffer holds only what a standby buffers."""
        return self.is_standby and self._fewer is None

    def stand_by(self, unanswered: list[bytes], heard: standby_buffer.Heard, holder: str = "") -> int:
        """Becomes a standby: another instance writes. Returns how many items the buffer drops.

        `unanswered` has the items sent and not confirmed; they go to the beginning of the buffer.
        """
        with self._keeping:
            self._waiting[:0] = unanswered
            done = standby_buffer.drop_committed(self._waiting, heard) + (self._fewer or 0)
            self._fewer = None
        self.lose_lock()
        self.is_standby, self.heard, self.holder = True, heard, holder
        return done

    def begun(self) -> tuple[int, messages.DatabaseState | None] | None:
        """After `become_leader`, once: the number of dropped items and the state of the database.

        The state is None when the write lock was lost before. Returns None when `become_leader` was not called.
        """
        if self._fewer is None:
            return None
        fewer, state = self._fewer, self.gained
        self.is_standby = state is None  # first: another thread reads `has_nothing_to_write`
        self._fewer = self.gained = None
        return fewer, state

    def hold(self) -> None:
        """Removes the time limit of the leadership, if the database is not shared."""
        if not self.is_shared:
            self.leads_until = inf

    def held(self, at: float) -> None:
        self.leads_until = max(self.leads_until, at + lease.HOLDS_SECONDS)

    def lose_lock(self) -> None:
        """The write lock is lost, or the writer process that held it has ended."""
        self.gained, self.leads_until, self._keep_alive_at = None, 0.0, 0.0

    def keep_alive_due(self, is_open: bool) -> float:
        """When (monotonic seconds) the next `KeepAlive` is due; infinity while there is no lease to renew."""
        return self._keep_alive_at if self.is_shared and (is_open or self.gained is not None) else inf

    def keep_alive(self) -> messages.KeepAlive:
        now = monotonic()
        self._keep_alive_at = now + lease.RENEW_SECONDS
        return messages.KeepAlive(now)
