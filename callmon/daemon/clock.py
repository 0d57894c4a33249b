"""The current time by the exchanges' clocks, which deadlines follow even when the host's clock is set. Pure.

The time of an exchange is the last that it reported plus the monotonic time since. Of several exchanges the
earliest time counts, so that nothing is reported overdue too early. Until an exchange has reported a time, the
host's clock serves.

When an exchange's clock and the host's differ by more than `MOST_SKEW`, either may be wrong. Deadlines then use
the earlier of the two, so that nothing falls due by one wrong clock.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

MOST_SKEW = timedelta(minutes=1)


class ExchangeTime:
    """Extrapolates each exchange's time. `monotonic` is seconds of the host's monotonic clock."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[datetime, float]] = {}

    def set_time(self, exchange: str, at: datetime, monotonic: float) -> None:
        self._told[exchange] = (at, monotonic)

    def keep(self, exchanges: Collection[str]) -> None:
        """Drop the exchanges that are not in `exchanges`."""
        self._told = {name: told for name, told in self._told.items() if name in exchanges}

    def now(self, ours: datetime, monotonic: float) -> datetime:
        """The earliest time of the exchanges; `ours`, the host's time, when no exchange has reported one."""
        return min(self._times(monotonic).values(), default=ours)

    def for_deadlines(self, ours: datetime, monotonic: float) -> datetime:
        """The time up to which obligations may fall due."""
        now = self.now(ours, monotonic)
        return ours if now - ours > MOST_SKEW else now

    def unbelieved(self, ours: datetime, monotonic: float) -> list[str]:
        """The exchanges whose clock differs from the host's by more than `MOST_SKEW`."""
        return [name for name, at in self._times(monotonic).items() if abs(at - ours) > MOST_SKEW]

    def _times(self, monotonic: float) -> dict[str, datetime]:
        return {name: at + timedelta(seconds=monotonic - since) for name, (at, since) in self._told.items()}
