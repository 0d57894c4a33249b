"""What time it is, by the exchanges: deadlines run on their clock, whatever is done to ours. Pure.

An exchange's time is the last that it told, and the monotonic time since. Of several the one that is least far on
decides: nothing is called overdue too early. Before any was heard there is only our own clock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta


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
        return min([at + timedelta(seconds=monotonic - since) for at, since in self._told.values()], default=ours)
