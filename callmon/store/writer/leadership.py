"""The leadership state: leader, standby, or gained and not yet leading. And the standby's buffer.

    leader ──another writes──▶ standby ──write lock acquired──▶ gained ──`become_leader`──▶ leader
                                  ▲                               │
                                  └────── another was faster ─────┘

A standby buffers the outcomes that it would have written, in memory and in their order. Among them are heartbeats:
all items of its exchange before a heartbeat were received until its time. Items before a heartbeat that the
leader has committed a later heartbeat of, by `MARGIN`, are in the database. They are dropped.

The event-loop thread calls `become_leader`. The committing thread calls all other methods. Any thread may read.

Refuses: all I/O.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple

import msgspec

from callmon.core.outcome import Heartbeat
from callmon.core.statistics.counters import Figures
from callmon.store.writer.outbox import Outbox
from callmon.store.writer.write_lock import HOLDS_SECONDS

Heard = Mapping[str, datetime]

# Two instances emit outcomes that follow from time alone up to a second apart, and their clocks may differ.
MARGIN = timedelta(seconds=3)


class DatabaseState(NamedTuple):
    """The last committed batch, the token of its term, and all counters after that commit."""

    number: int
    token: str
    figures: Figures


class Leadership:
    """The leadership state. `waiting`: the items that are offered and not in the outbox; a standby's buffer.

    Without a shared database the leadership has no time limit.
    """

    def __init__(self, is_shared: bool, waiting: list[bytes], outbox: Outbox) -> None:
        self.is_shared, self._waiting, self._outbox = is_shared, waiting, outbox
        self.is_standby = False  # another instance writes, or `become_leader` has not been applied yet
        # The write lock is acquired; which items are missing in the database is not known yet.
        self.gained: DatabaseState | None = None
        self.heard: Heard = {}  # by exchange: received and committed by the leader until then
        self.holder = ""  # the database session that holds the lease instead of this instance, for an operator
        self.leads_until = 0.0  # monotonic: until then the server guarantees that only this instance writes
        self._retired: set[bytes] = set()  # buffered items that are still in the outbox file
        self.is_decided = False  # `become_leader` was called and is not applied yet

    def become_leader(self, missing: list[bytes], gained: DatabaseState | None) -> int:
        """Replaces the buffer by `missing`, the items that the database lacked when `gained` was the state gained.

        This instance leads unless another one may have written since: then the buffer is compared once more. Call
        from the event-loop thread. Returns how many more items the buffer has.
        """
        with self._outbox.lock:
            more = len(missing) - len(self._waiting)
            self._waiting[:] = missing
            self.is_decided = gained is not None and self.gained is gained
        return more

    @property
    def undecided(self) -> DatabaseState | None:
        """The state gained, as long as the write lock is held and `become_leader` is still to be called."""
        return None if self.is_decided else self.gained

    @property
    def has_nothing_to_write(self) -> bool:
        """Whether the buffer holds only what a standby buffers."""
        return self.is_standby and not self.is_decided

    def stand_by(self, heard: Heard, holder: str = "") -> tuple[int, int]:
        """Becomes or stays a standby: another instance writes. The uncommitted records go back to the buffer.

        Returns how many items the buffer drops, and how many outcomes of the outbox are lost.
        """
        with self._outbox.lock:
            items, lost = self._outbox.retire()
            self._waiting[:0] = items
            self._retired.update(items)
            done = drop_committed(self._waiting, heard)
            self.gained, self.is_decided = None, False
            self._retired.intersection_update(self._waiting if self._retired else ())
            if not self._retired:
                self._outbox.empty()
        self.leads_until = 0.0
        self.is_standby, self.heard, self.holder = True, heard, holder
        return done, lost

    def decided(self) -> DatabaseState | None:
        """The state of the database, after `become_leader`, once: this instance leads from now on."""
        if not self.is_decided or self.gained is None:
            return None
        state, self.gained = self.gained, None
        self.is_standby = self.is_decided = False
        self._retired.clear()
        return state

    def renewed(self, at: float) -> None:
        """The server confirmed the lease. The query started after `at` (monotonic seconds)."""
        self.leads_until = max(self.leads_until, at + HOLDS_SECONDS) if self.is_shared else inf


class _OfExchange(msgspec.Struct):
    exchange: str


_item = msgspec.msgpack.Decoder(Heartbeat | _OfExchange).decode


def drop_committed(waiting: list[bytes], heard: Heard) -> int:
    """Drops the items that the database has, by `heard` of each exchange. Returns how many it dropped.

    Another thread may append meanwhile: one atomic step of the interpreter replaces the beginning of the list.
    """
    if not heard:
        return 0
    items = waiting[:]
    said = [_item(item) for item in items]
    last: dict[str, int] = {}  # by exchange: the last heartbeat that the database has passed
    for n, item in enumerate(said):
        until = heard.get(item.exchange)
        if isinstance(item, Heartbeat) and until is not None and item.at + MARGIN <= until:
            last[item.exchange] = n
    left = [item for n, item in enumerate(items) if n > last.get(said[n].exchange, -1)]
    waiting[: len(items)] = left
    return len(items) - len(left)
