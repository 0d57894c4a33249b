"""The exchange's clock, from the Timestamps of its events and of its replies to Ping.

Between two timestamps the host's monotonic clock measures the elapsed time. A step of the host's clock therefore
has no effect, and a step of the exchange's clock is detected.

An event is odd when it is later than the last Ping reply plus all the time since that Ping was sent. It is also
odd when it is more than `LEAST_STEP` older than the event before it. The session then sends a Ping at once, and
two replies decide. An event that only arrives late (reading was paused) is in order with those before it, and is
not odd.

Pure: no I/O; `now` is always the monotonic time in seconds.
"""

from datetime import datetime, timedelta

from callmon.ami.events import Event

# A smaller difference is jitter, or a clock that is being slewed.
LEAST_STEP = timedelta(seconds=1)
NO_STEP = timedelta(0)


class ClockStepped(Event, frozen=True, gc=False):
    """callmon's own event: the exchange's clock was set, by `by`. `at` is the time of the clock after the step."""

    by: timedelta


class Clock:
    """The exchange's clock during one connection."""

    def __init__(self) -> None:
        self._told: tuple[datetime, float] | None = None  # the exchange's last reported time, and when it arrived
        self._event: datetime | None = None  # the time of the last event
        self._ponged: tuple[datetime, float, float] | None = None  # last Ping reply: time, when asked, answered

    def is_odd(self, told: datetime, now: float) -> bool:
        """Whether an event with the time `told` suggests that the exchange's clock was set."""
        if self._event is not None and told < self._event - LEAST_STEP:
            return True
        if self._ponged is None:
            return False
        ponged, asked, _ = self._ponged
        return told - ponged > timedelta(seconds=now - asked) + LEAST_STEP

    def record_time(self, told: datetime, now: float) -> None:
        self._told, self._event = (told, now), told

    def ponged(self, told: datetime, asked: float, now: float) -> timedelta:
        """Record a Ping reply: the exchange read its clock at some moment since `asked`.

        Returns by how much the clock was set since the previous reply; zero for no step.
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
        if told == before:  # a time that stands still is from a simulated exchange, not from a clock
            return NO_STEP
        passed = told - before
        least, most = timedelta(seconds=asked - answered_before), timedelta(seconds=now - asked_before)
        if least - LEAST_STEP <= passed <= most + LEAST_STEP:
            return NO_STEP
        return passed - (least + most) / 2

    def time(self, now: float) -> datetime | None:
        """The exchange's own time at `now`; None before the exchange has reported any."""
        if self._told is None:
            return None
        told, at = self._told
        return told + timedelta(seconds=now - at)

    @property
    def last(self) -> datetime | None:
        """The exchange's last reported time: of an event, or of a Ping reply. None before the first."""
        return self._told[0] if self._told is not None else None

    def skew(self, wall: datetime, now: float) -> float | None:
        """Seconds by which the exchange's clock is ahead of the host's time `wall`; None before a Ping reply."""
        if self._ponged is None:
            return None
        told, asked, answered = self._ponged
        return (told - wall).total_seconds() + now - (asked + answered) / 2
