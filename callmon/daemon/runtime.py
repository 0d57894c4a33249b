"""The parts that the daemon, its standby role and the restore at start share.

A reload replaces `settings` and `monitor`: read both from here each time. Satisfies `web.snapshot.Told` and
`sinks.metrics.exposition.Gauges`: every method below `now` is read at a scrape, or once a second.

Refuses: to depend on any of these three.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic

from callmon.ami.connection import ExchangeClient
from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.gap_filler import GapFiller
from callmon.backfill.reconcile import NightlyReconciliation
from callmon.config.settings import Settings
from callmon.core import assembly
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.calls.call import Wait
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.today import Today
from callmon.daemon import host_state
from callmon.daemon.clock import ExchangeTime
from callmon.daemon.commands import CommandQueue
from callmon.daemon.exchanges import ExchangeTask
from callmon.daemon.service_state import ServiceStateTask
from callmon.sinks.metrics.backfill_gauges import BackfillStatus
from callmon.sinks.metrics.exposition import ExchangeStatus, Service
from callmon.sinks.metrics.host_gauges import HostStatus
from callmon.sinks.metrics.service_gauges import ServiceStatus
from callmon.sinks.mqtt.sink import Mqtt
from callmon.store.database import Database
from callmon.store.queries import obligations
from callmon.store.writer.writer import Writer

log = logging.getLogger(__name__)


class Runtime:
    """The shared state of one daemon. `watched` holds the exchanges that the daemon connects to, by name."""

    def __init__(self, settings: Settings, store: Database) -> None:
        self.settings, self.store = settings, store
        self.token = obligations.token_function(store)
        self.monitor = assembly.monitor(settings, token=self.token)
        self.database = Writer.from_settings(settings, store)
        self.today, self.outlooks = Today(settings.timezone), ServiceStateTask(store)
        self.mqtt = Mqtt(settings.mqtt, self.today)
        self.refills = GapFiller(
            lambda: self.settings, store, self.database.tally.add, self.stands_by, self._growth
        )
        self.nights = NightlyReconciliation(lambda: self.settings, store, self.leads, self.refills.backlog)
        self.sinks = (self.database, self.mqtt, self.refills)
        self.watched: dict[str, ExchangeTask] = {}
        self.hands = CommandQueue(store, self.token)
        self.time = ExchangeTime()
        self.internal_errors = 0
        self._connect_mqtt()

    def adopt(self, settings: Settings, monitor: Monitor) -> None:
        """Replace the configuration, and the monitor by one that has adopted its state."""
        self.settings, self.monitor = settings, monitor
        self.today.keep(settings.exchanges)
        self.time.keep(settings.exchanges)
        self.today.timezone = settings.timezone
        self._connect_mqtt()
        self.mqtt.configure(settings.mqtt)

    def _connect_mqtt(self) -> None:
        self.mqtt.obligations, self.mqtt.disruptions = self.owed(), self.monitor.disruptions.book

    def offer(self, work: Callable[[], list[Outcome]]) -> None:
        """Pass the outcomes of `work` to the sinks. An exception is logged and counted, never raised."""
        try:
            outcomes = work()
        except Exception:
            self.internal_errors += 1
            log.exception("internal error; continuing")
            return
        for outcome in outcomes:
            for sink in self.sinks:
                sink.offer(outcome)

    def now(self) -> datetime:
        """The time by the exchanges' clocks: a step of the host's clock makes nothing due."""
        return self.time.now(datetime.now(UTC), monotonic())

    def in_progress(self) -> Mapping[tuple[str, str], int]:
        return self.monitor.count_in_progress()

    def phones(self) -> Mapping[tuple[str, str], int]:
        return self.monitor.phones()

    def service_phones(self) -> Mapping[tuple[tuple[str, str], str], int]:
        return self.monitor.service_phones()

    def calls_other(self) -> Mapping[str, int]:
        return self.monitor.others

    def enabled(self) -> Mapping[str, bool]:
        return self.monitor.enabled()

    def faults(self) -> int:
        return self.internal_errors

    def business_hours(self) -> Mapping[str, bool]:
        now = self.now()
        return {line.name: self.settings.calendar(line).is_open(now) for line in self.settings.lines()}

    def owed(self) -> ObligationIndex:
        return self.monitor.ledger.shelf

    def service(self) -> Service:
        return Service(self.monitor.disruptions.book, self.monitor.last_calls())

    def outlook(self) -> ServiceStatus:
        told = self.outlooks.at(self.now(), self.settings, self._connections())
        return told._replace(waits=self.waits(), upkeep=self.upkeep())

    def upkeep(self) -> HostStatus:
        clocks = datetime.now(UTC), monotonic()
        return host_state.host_status(self._connections(), self.database, self.outlooks.disks, *clocks)

    def diary(self) -> BackfillStatus:
        return BackfillStatus(self.refills.waiting(), self.nights.compared)

    def exchanges(self) -> Sequence[ExchangeStatus]:
        return [watched.state(self.monitor) for watched in self.watched.values()]

    def leads(self) -> bool:
        return self.database.leads

    def stands_by(self) -> bool:
        return self.database.stands_by

    def waits(self) -> Mapping[tuple[str, str], Wait]:
        links = {name: watched.exchange.link for name, watched in self.watched.items()}
        told = {name: link.exchange_time() for name, link in links.items() if link is not None}
        return self.monitor.waits({name: at for name, at in told.items() if at is not None})

    def _connections(self) -> dict[str, ExchangeClient]:
        return {name: watched.exchange for name, watched in self.watched.items()}

    def _growth(self, exchange: str) -> Mapping[str, Sequence[MailboxGrowth]]:
        watched = self.watched.get(exchange)
        return {} if watched is None else {box: tuple(x) for box, x in watched.exchange.boxes.grown.items()}
