"""One monitored exchange in the daemon: its connection, task, recorder, and since when it is unheard."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from callmon.ami import events as e
from callmon.ami.connection import ExchangeClient
from callmon.ami.flight_recorder import FlightRecorder
from callmon.core.monitor import Monitor
from callmon.sinks.snapshot import ExchangeStatus

FAULT_SECONDS = 5.0  # between an internal error in an exchange's task and its next connection


async def always_listening(exchange: ExchangeClient, fault: Callable[[], None]) -> None:
    """The task of one exchange. An internal error ends this connection only; `fault` reports it."""
    while True:
        try:
            await exchange.listen()
        except Exception:
            fault()
        await asyncio.sleep(FAULT_SECONDS)


class ExchangeTask:
    """One monitored exchange. `unheard_since` is monotonic seconds, None while the exchange is received."""

    def __init__(self, exchange: ExchangeClient, recorder: FlightRecorder, task: asyncio.Task[None]) -> None:
        self.exchange, self.recorder, self.task = exchange, recorder, task
        self.last_event: datetime | None = None
        self.unheard_since: float | None = monotonic()

    def record_events(self, events: Sequence[e.Event], monitor: Monitor) -> None:
        """Update the state after `events` have been passed to the monitor."""
        last = events[-1]
        if type(last) is e.ConnectionLost:
            self.unheard_since = self.unheard_since or monotonic()
            return
        self.last_event = last.at or self.last_event
        if self.unheard_since is not None and not monitor.exchanges[self.exchange.name].tracker.state.is_unheard:
            self.unheard_since = None

    def status(self, monitor: Monitor) -> ExchangeStatus:
        crowd = monitor.exchanges[self.exchange.name].tracker.state.limit
        exchange, link, since = self.exchange, self.exchange.link, self.unheard_since
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
            monitor.exchanges[exchange.name].tracker.state.ghosts_closed,
            crowd.is_full,
        )


def unheard_exchanges(watched: Mapping[str, ExchangeTask], least: timedelta) -> list[str]:
    """The exchanges unheard for at least `least`: a callback may have been made meanwhile."""
    now, since = monotonic(), {name: one.unheard_since for name, one in watched.items()}
    return [name for name, at in since.items() if at is not None and now - at >= least.total_seconds()]
