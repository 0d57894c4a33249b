"""What time it is, by the exchanges: deadlines run on their clock, whatever is done to ours. Pure.

An exchange's time is the last that it told, and the monotonic time since. Of several exchanges the earliest time
counts: nothing is called overdue too early. Before any exchange was heard there is only our own clock.

A clock that differs from ours by more than `MOST_SKEW` is not believed: which of the two is wrong is not known.
Deadlines then go by the earlier of the two, so that nothing falls due by one wrong clock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

MOST_SKEW = timedelta(minutes=1)


class ExchangeTime:
    """`monotonic` is always in seconds, of a clock that nobody sets."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[datetime, float]] = {}

    def told(self, exchange: str, at: datetime, monotonic: float) -> None:
        self._told[exchange] = (at, monotonic)

    def keep(self, exchanges: Collection[str]) -> None:
        """Others are not listened to any more."""
        self._told = {name: told for name, told in self._told.items() if name in exchanges}

    def now(self, ours: datetime, monotonic: float) -> datetime:
        """`ours`: what our own clock says."""
        return min(self._times(monotonic).values(), default=ours)

    def for_deadlines(self, ours: datetime, monotonic: float) -> datetime:
        """The time up to which something may fall due."""
        now = self.now(ours, monotonic)
        return ours if now - ours > MOST_SKEW else now

    def unbelieved(self, ours: datetime, monotonic: float) -> list[str]:
        """The exchanges whose clock differs from ours by more than `MOST_SKEW`."""
        return [name for name, at in self._times(monotonic).items() if abs(at - ours) > MOST_SKEW]

    def _times(self, monotonic: float) -> dict[str, datetime]:
        return {name: at + timedelta(seconds=monotonic - since) for name, (at, since) in self._told.items()}
