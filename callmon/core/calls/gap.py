"""A gap in reception of one exchange: whether it stopped meanwhile, and since when it runs again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class ClosedGap(NamedTuple):
    """A gap that a listing ended.

    `stopped`: whether the exchange stopped during the gap; None if it did not report its uptime. `booted`: when it
    started again. `away`: callmon itself did not run when the gap began.
    """

    start: datetime
    end: datetime
    stopped: bool | None = None
    booted: datetime | None = None
    away: bool = False


class GapTracker:
    """The current gap."""

    def __init__(self) -> None:
        self.stopped_at: datetime | None = None  # the exchange announced its shutdown
        self.away = False
        self._booted: datetime | None = None

    def uptime(self, at: datetime | None, uptime: timedelta) -> None:
        """Record the uptime that the exchange reports at login."""
        self._booted = None if at is None else at - uptime

    def over(self, start: datetime, end: datetime, stopped_for_sure: bool) -> ClosedGap:
        """Return the gap: events are received again."""
        stopped = True if stopped_for_sure else None if self._booted is None else False
        return ClosedGap(start, end, stopped, self._booted if stopped else None, self.away)
