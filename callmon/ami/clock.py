"""The exchange's clock, as far as it has told it: by the Timestamps of its events, and by its answers to Ping.

Between two words of it our monotonic clock tells how much time went by: so no step of our own clock is seen here.
Pure: no I/O; `now` is always the monotonic time in seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from callmon.ami.events import Event


class Clock:
    """One connection's."""

    def __init__(self) -> None:
        self._told: tuple[Event, float] | None = None  # what told the exchange's time last, and when
        self._ponged: tuple[datetime, float] | None = None

    def read(self, event: Event, now: float) -> None:
        """The last event of those that came together."""
        self._told = (event, now)

    def ponged(self, told: datetime, asked: float, now: float) -> None:
        """The exchange read its clock at some moment between question and answer."""
        self._told = (Event(told), now)
        self._ponged = (told, (asked + now) / 2)

    def time(self, now: float) -> datetime | None:
        """The exchange's own time; None before it told any."""
        if self._told is None:
            return None
        event, at = self._told
        told = event.at
        return None if told is None else told + timedelta(seconds=now - at)

    def skew(self, wall: datetime, now: float) -> float | None:
        """Seconds that it is ahead of our own clock, which says `wall`; None before it answered a Ping."""
        if self._ponged is None:
            return None
        told, at = self._ponged
        return (told - wall).total_seconds() + now - at
