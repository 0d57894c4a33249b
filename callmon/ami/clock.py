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
        self._reported: tuple[datetime, float] | None = None  # the exchange's last time, and when it arrived
        self._event: datetime | None = None  # the time of the last event
        self._ponged: tuple[datetime, float, float] | None = None  # last Ping reply: time, when asked, answered

    def is_odd(self, reported: datetime, now: float) -> bool:
        """Whether an event with the time `reported` suggests that the exchange's clock was set."""
        if self._event is not None and reported < self._event - LEAST_STEP:
            return True
        if self._ponged is None:
            return False
        ponged, sent, _ = self._ponged
        return reported - ponged > timedelta(seconds=now - sent) + LEAST_STEP

    def record_time(self, reported: datetime, now: float) -> None:
        self._reported, self._event = (reported, now), reported

    def ponged(self, reported: datetime, sent: float, now: float) -> timedelta:
        """Record a Ping reply; the exchange read its clock since `sent`. Returns by how much the clock was set."""
        by = self._step(reported, sent, now)
        self._reported, self._ponged = (reported, now), (reported, sent, now)
        if by:
            self._event = None
        return by

    def _step(self, reported: datetime, sent: float, now: float) -> timedelta:
        if self._ponged is None:
            return NO_STEP
        before, sent_before, answered_before = self._ponged
        if reported == before:  # a time that stands still is from a simulated exchange, not from a clock
            return NO_STEP
        passed = reported - before
        least, most = timedelta(seconds=sent - answered_before), timedelta(seconds=now - sent_before)
        if least - LEAST_STEP <= passed <= most + LEAST_STEP:
            return NO_STEP
        return passed - (least + most) / 2

    def time(self, now: float) -> datetime | None:
        """The exchange's own time at `now`; None before the exchange has reported any."""
        if self._reported is None:
            return None
        reported, at = self._reported
        return reported + timedelta(seconds=now - at)

    @property
    def last(self) -> datetime | None:
        """The exchange's last reported time: of an event, or of a Ping reply. None before the first."""
        return self._reported[0] if self._reported is not None else None

    def skew(self, wall: datetime, now: float) -> float | None:
        """Seconds by which the exchange's clock is ahead of the host's time `wall`; None before a Ping reply."""
        if self._ponged is None:
            return None
        reported, sent, answered = self._ponged
        return (reported - wall).total_seconds() + now - (sent + answered) / 2
