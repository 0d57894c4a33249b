"""One monitored exchange in the daemon: its connection, task, recorder, and since when it is unheard.

And the current time by the exchanges' clocks, which deadlines follow even when the host's clock is set. The time
of an exchange is the last that it reported plus the monotonic time since. Of several exchanges the earliest time
counts, so that nothing is reported overdue too early. Until an exchange has reported a time, the host's serves.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf
from time import monotonic

from callmon.ami import events as e
from callmon.ami.connection import ExchangeClient
from callmon.ami.flight_recorder import FlightRecorder
from callmon.core.monitor import Monitor
from callmon.core.snapshot import ExchangeStatus

MOST_FAULTS, FAULTS_SECONDS = 20, 60.0  # internal errors in so many seconds; more end the connection
FAULT_SECONDS = 5.0  # between an internal error in an exchange's task and its next connection


async def always_listening(exchange: ExchangeClient, fault: Callable[[], None]) -> None:
    """The task of one exchange. An internal error ends this connection only; `fault` reports it."""
    while True:
        try:
            await exchange.listen()
        except Exception:
            fault()
        await asyncio.sleep(FAULT_SECONDS)


class FaultLimit:
    """The internal errors that an exchange's events cause: which are logged, and when they are too many."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}  # by kind, of which there are as many as types of events
        self._unlogged: dict[str, int] = {}
        self._recent: deque[float] = deque(maxlen=MOST_FAULTS)

    def count_to_log(self, kind: str, now: float) -> int:
        """How many errors of this kind a line of the log stands for; 0 for no line. `now`: monotonic seconds."""
        self._recent.append(now)
        count = self._unlogged[kind] = self._unlogged.get(kind, 0) + 1
        if now - self._logged.get(kind, -inf) < FAULTS_SECONDS:
            return 0
        self._logged[kind] = now
        del self._unlogged[kind]
        return count

    def is_flood(self, now: float) -> bool:
        """Whether the last `MOST_FAULTS` errors fell within `FAULTS_SECONDS`; they are then forgotten."""
        if len(self._recent) < MOST_FAULTS or now - self._recent[0] >= FAULTS_SECONDS:
            return False
        self._recent.clear()
        return True


class ExchangeTask:
    """One monitored exchange. `unheard_since` is monotonic seconds, None while the exchange is received."""

    def __init__(self, exchange: ExchangeClient, recorder: FlightRecorder, task: asyncio.Task[None]) -> None:
        self.exchange = exchange
        self.recorder = recorder
        self.task = task
        self.faults = FaultLimit()
        self.last_event: datetime | None = None
        self.unheard_since: float | None = monotonic()

    def record_events(self, events: Sequence[e.Event], monitor: Monitor) -> bool:
        """Update the state after `events` have been passed to the monitor. True: they ended a gap."""
        last = events[-1]
        if type(last) is e.ConnectionLost:
            self.unheard_since = self.unheard_since or monotonic()
            return False
        self.last_event = last.at or self.last_event
        if self.unheard_since is None or monitor.exchanges[self.exchange.name].tracker.state.is_unheard:
            return False
        self.unheard_since = None
        return True

    def status(self, monitor: Monitor) -> ExchangeStatus:
        state = monitor.exchanges[self.exchange.name].tracker.state
        crowd = state.limit
        exchange = self.exchange
        link = self.exchange.link
        since = self.unheard_since
        received = exchange.events + (link.session.received if link else 0)
        dropped = exchange.dropped + (link.session.framer.dropped if link else 0)
        unusable = exchange.unusable + (link.session.unusable if link else 0)
        return ExchangeStatus(
            exchange.name,
            exchange.is_connected and since is None,
            received,
            self.last_event,
            None if since is None else timedelta(seconds=monotonic() - since),
            {"too_large": dropped, "not_understood": unusable, "too_many_channels": crowd.given_up},
            state.ghosts_closed,
            crowd.is_full,
            state.ringback_missed and not state.ringback_heard,
            exchange.was_connected,
        )


def unheard_exchanges(exchange_tasks: Mapping[str, ExchangeTask], least: timedelta) -> list[str]:
    """The exchanges unheard for at least `least`: a callback may have been made meanwhile."""
    now, since = monotonic(), {name: task.unheard_since for name, task in exchange_tasks.items()}
    return [name for name, at in since.items() if at is not None and now - at >= least.total_seconds()]


# When an exchange's clock and the host's differ by more, either may be wrong. Deadlines then use the earlier of
# the two, so that nothing falls due by one wrong clock.
MOST_CLOCK_DIFFERENCE = timedelta(minutes=1)


class ExchangeTime:
    """Extrapolates each exchange's time. `monotonic` is seconds of the host's monotonic clock."""

    def __init__(self) -> None:
        self._reported: dict[str, tuple[datetime, float]] = {}

    def set_time(self, exchange: str, at: datetime, monotonic: float) -> None:
        self._reported[exchange] = (at, monotonic)

    def keep(self, exchanges: Collection[str]) -> None:
        """Drop the exchanges that are not in `exchanges`."""
        self._reported = {name: x for name, x in self._reported.items() if name in exchanges}

    def now(self, ours: datetime, monotonic: float) -> datetime:
        """The earliest time of the exchanges; `ours`, the host's time, when no exchange has reported one."""
        return min(self._times(monotonic).values(), default=ours)

    def for_deadlines(self, ours: datetime, monotonic: float) -> datetime:
        """The time up to which obligations may fall due."""
        now = self.now(ours, monotonic)
        return ours if now - ours > MOST_CLOCK_DIFFERENCE else now

    def unbelieved(self, ours: datetime, monotonic: float) -> list[str]:
        """The exchanges whose clock differs from the host's by more than `MOST_CLOCK_DIFFERENCE`."""
        return [name for name, at in self._times(monotonic).items() if abs(at - ours) > MOST_CLOCK_DIFFERENCE]

    def _times(self, monotonic: float) -> dict[str, datetime]:
        return {name: at + timedelta(seconds=monotonic - since) for name, (at, since) in self._reported.items()}
