"""The exchange's clock, as far as it has told it: by the Timestamps of its events, and by its answers to Ping.

Between two words of it our monotonic clock tells how much time went by: so no step of our own clock is seen here,
and one of the exchange's is. An event is odd that is later than the answer to Ping and all the time since we
asked, or much older than the one before it. Then the exchange is asked at once, and what two answers say decides.
An event that only comes late (we had stopped reading) is in order with those before it, and not odd.

Pure: no I/O; `now` is always the monotonic time in seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from callmon.ami.events import Event

# Less is jitter, or a clock that is being led gently.
LEAST_STEP = timedelta(seconds=1)
NO_STEP = timedelta(0)


class ClockSet(Event, frozen=True, gc=False):
    """Ours, not Asterisk's: the exchange's clock was set, by so much. `at` is by the clock as it now is."""

    by: timedelta


class Clock:
    """One connection's."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None  # the exchange's time as it told it last, and when
        self._event: datetime | None = None  # the time of the last event
        self._ponged: tuple[datetime, float, float] | None = None  # Ping's: when asked, when answered

    def is_odd(self, told: datetime, now: float) -> bool:
        """Whether an event of this time says that the clock was set."""
        if self._event is not None and told < self._event - LEAST_STEP:
            return True
        if self._ponged is None:
            return False
        ponged, asked, _ = self._ponged
        return told - ponged > timedelta(seconds=now - asked) + LEAST_STEP

    def read(self, told: datetime, now: float) -> None:
        """The time of the last event that came."""
        self._told, self._event = (told, now), told

    def ponged(self, told: datetime, asked: float, now: float) -> timedelta:
        """An answer to Ping: the exchange read its clock at some moment since it was asked. Gives how far the
        clock was set since the answer before.
        """
        by = self._step(told, asked, now)
        self._told, self._ponged = (told, now), (told, asked, now)
        if by:
            self._event = None
        return by

    def _step(self, told: datetime, asked: float, now: float) -> timedelta:
        if self._ponged is None:
            return NO_STEP
        before, asked_before, answered_before = self._ponged
        if told == before:  # what stands still is no clock, but somebody's imitation of an exchange
            return NO_STEP
        passed = told - before
        least, most = timedelta(seconds=asked - answered_before), timedelta(seconds=now - asked_before)
        if least - LEAST_STEP <= passed <= most + LEAST_STEP:
            return NO_STEP
        return passed - (least + most) / 2

    def time(self, now: float) -> datetime | None:
        """The exchange's own time; None before it told any."""
        if self._told is None:
            return None
        told, at = self._told
        return told + timedelta(seconds=now - at)

    @property
    def last(self) -> datetime | None:
        """What it told last: the time of an event, or of an answer to Ping."""
        return self._told[0] if self._told is not None else None

    def skew(self, wall: datetime, now: float) -> float | None:
        """Seconds that it is ahead of our own clock, which says `wall`; None before it answered a Ping."""
        if self._ponged is None:
            return None
        told, asked, answered = self._ponged
        return (told - wall).total_seconds() + now - (asked + answered) / 2
