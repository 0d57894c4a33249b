"""A time in which an exchange was unheard: had it stopped, and since when does it work again? Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class Heard(NamedTuple):
    """The gap that a listing ended.

    `stopped`: whether the exchange had stopped in it; None when it did not say since when it is up. `booted`: when
    it came up again. `away`: callmon itself did not run when the gap began.
    """

    start: datetime
    end: datetime
    stopped: bool | None = None
    booted: datetime | None = None
    away: bool = False


class Absence:
    """The gap under way."""

    def __init__(self) -> None:
        self.stopped_at: datetime | None = None  # the exchange said that it goes down
        self.away = False
        self._booted: datetime | None = None

    def uptime(self, at: datetime | None, uptime: timedelta) -> None:
        """At login it tells for how long it has been up."""
        self._booted = None if at is None else at - uptime

    def over(self, start: datetime, end: datetime, stopped_for_sure: bool) -> Heard:
        """It is heard again."""
        stopped = True if stopped_for_sure else None if self._booted is None else False
        return Heard(start, end, stopped, self._booted if stopped else None, self.away)
