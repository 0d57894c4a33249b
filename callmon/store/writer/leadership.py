"""Whose turn it is to write, as the courier knows it: ours, another's, or ours and not yet begun. No I/O.

    led ──another writes──▶ stands by ──the scribe has the right──▶ gained ──`lead`──▶ led
                                ▲                                      │
                                └────────── another was faster ────────┘

Two threads: the listener's calls `lead`, the courier's all else; others read.
"""

from __future__ import annotations

from math import inf
from threading import Lock
from time import monotonic

from callmon.store.writer import lease, messages, standby_buffer


class Turn:
    """`waiting` is the courier's list. Where callmons do not share a database it is always our turn."""

    def __init__(self, is_shared: bool, waiting: list[bytes]) -> None:
        self.is_shared, self._waiting = is_shared, waiting
        self.is_standby = False  # another writes, or we are about to
        self.gained: messages.Standing | None = None  # the right is ours, and what is missing there not known yet
        self.heard: standby_buffer.Heard = {}  # by the callmon that writes
        self.holder = ""  # the database's session that has the right instead of us, for a person
        self.leads_until = 0.0  # monotonic: by the server's word we alone may write
        self._beat_at = 0.0
        self._fewer: int | None = None  # `lead` was called: how many fewer wait now than were kept
        self._keeping = Lock()

    def lead(self, missing: list[bytes]) -> None:
        """After `gained`, by the listener's thread: of all that is kept only this is not in the database."""
        with self._keeping:
            self._fewer = len(self._waiting) - len(missing)
            self._waiting[:] = missing

    @property
    def is_gained(self) -> bool:
        """Whether `lead` is waited for."""
        return self.gained is not None and self._fewer is None

    @property
    def has_nothing_to_write(self) -> bool:
        """What waits is kept, and no more than that."""
        return self.is_standby and self._fewer is None

    def stand_by(self, unanswered: list[bytes], heard: standby_buffer.Heard, holder: str = "") -> int:
        """Another writes: keep what was on its way with the rest; how many need be kept no more."""
        with self._keeping:
            self._waiting[:0] = unanswered
            done = standby_buffer.forget(self._waiting, heard) + (self._fewer or 0)
            self._fewer = None
        self.end()
        self.is_standby, self.heard, self.holder = True, heard, holder
        return done

    def begun(self) -> tuple[int, messages.Standing | None] | None:
        """After `lead`, once: how many wait no more, and how the database stands; None for that: too late."""
        if self._fewer is None:
            return None
        fewer, standing = self._fewer, self.gained
        self.is_standby = standing is None  # first: `has_nothing_to_write` is asked by another thread
        self._fewer = self.gained = None
        return fewer, standing

    def hold(self) -> None:
        """Our turn, at once."""
        if not self.is_shared:
            self.leads_until = inf

    def held(self, at: float) -> None:
        self.leads_until = max(self.leads_until, at + lease.HOLDS_SECONDS)

    def end(self) -> None:
        """The right is lost, or whoever had it."""
        self.gained, self.leads_until, self._beat_at = None, 0.0, 0.0

    def beat_due(self, is_open: bool) -> float:
        """When the next word is to be said that we live: never, while there is no right to keep."""
        return self._beat_at if self.is_shared and (is_open or self.gained is not None) else inf

    def beat(self) -> messages.Beat:
        now = monotonic()
        self._beat_at = now + lease.BEAT_SECONDS
        return messages.Beat(now)
