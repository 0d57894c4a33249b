"""The parts that the daemon, its standby role and the restore at start share.

A reload replaces `settings` and `monitor`: read both from here each time. `snapshot` is what `/metrics`, the MQTT
topics and the pages show.

Refuses: to depend on any of these three.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

from callmon.ami.connection import ExchangeClient, Transport
from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.tasks import GapFiller, NightlyReconciliation
from callmon.config.settings import Settings
from callmon.core.calls.call import STATES, Wait
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.snapshot import (
    CallbackStatus,
    DaemonSnapshot,
    ExchangeStatus,
    LastReload,
    LineStatus,
    Sink,
    SinkStatus,
)
from callmon.core.standards.judged import judged_standards
from callmon.core.statistics.today import Today
from callmon.daemon import host_state
from callmon.daemon.exchanges import ExchangeTask, ExchangeTime
from callmon.daemon.host_state import ServiceStateTask
from callmon.daemon.pairs import PairReader
from callmon.daemon.tasks import CommandQueue, EverySecond
from callmon.daemon.worker import Worker
from callmon.feature import Feature, parts
from callmon.sinks.mqtt.sink import Mqtt
from callmon.sinks.traces.sink import Traces
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.queries import disruptions, obligations
from callmon.store.row_mapping import Rows
from callmon.store.tables import Row
from callmon.store.writer.outbox import open_outbox
from callmon.store.writer.writer import Writer

log = logging.getLogger(__name__)


class Runtime:
    """The shared state of one daemon. `exchange_tasks`: one for each exchange, by name."""

    def __init__(self, settings: Settings, store: Database, features: Sequence[Feature] = ()) -> None:
        self.settings, self.store = settings, store
        self.second = EverySecond()
        self.workers: tuple[Worker, ...] = tuple(made(self) for made in parts(features, "workers"))
        self.internal_errors = 0
        self.token = obligations.token_function(store)
        self.monitor = Monitor(settings, token=self.token)
        self.writer = Writer(
            store,
            settings.store.write_every,
            settings.store.max_waiting,
            is_shared=store.path is None,  # on PostgreSQL another instance may lead
            outbox=open_outbox(settings, store),
            deliveries=self._rows_of_workers,
        )
        self.today, self.outlooks = Today(settings.timezone), ServiceStateTask(store)
        self.mqtt = Mqtt(settings.mqtt, self.today)
        self.traces = Traces(lambda: self.settings.traces, store, self.leads)
        self.refills = GapFiller(
            lambda: self.settings,
            store,
            self.writer.counters.add_figures,
            self.stands_by,
            self._growth,
            self.traces.add,
        )
        self.nightly_reconciliation = NightlyReconciliation(
            lambda: self.settings, store, self.leads, self.refills.backlog
        )
        self.sinks = (self.writer, self.mqtt, self.refills, self.traces)
        self.exchange_tasks: dict[str, ExchangeTask] = {}
        self.commands = CommandQueue(store, self.token, self.writer.hurry)
        self.pairs = PairReader(settings.store.pairs, store, lambda: self.monitor)
        self.time = ExchangeTime()
        self.last_reload = LastReload(True, datetime.now(UTC))
        self._callbacks = CallbackStatus()

    def restore(self, now: datetime) -> dict[str, datetime]:
        """Restore all state before the exchanges are connected; returns until when each was received. Blocks.

        Calls that were in progress when callmon last ran are resumed from their stored facts.
        """
        settings = self.settings
        monitor = self.monitor
        store = self.store
        lines, begin = [line.name for line in settings.lines()], self.today.beginning(now)
        counts = queries.count_ended_calls(store, lines, begin, begin + timedelta(days=2))
        self.today.restore(self.today.local_day(now), *counts)
        self.outlooks.restore(settings, now)
        heard = queries.heartbeats(store)
        self.commands.restore()
        self.nightly_reconciliation.restore()
        disruptions.restore_disruptions(store, monitor, settings)
        obligations.restore_ledger(store, monitor.ledger, settings.exchanges, now)
        for name in settings.exchanges:
            calls = queries.open_calls(store, name, numbers=True)
            judged = {call: [finding.standard for finding in known.findings] for call, known in calls.items()}
            facts = {call: known.facts for call, known in calls.items()}
            monitor.restore(name, heard.get(name), facts, judged)
            self.today.resume(name, {call: known.findings for call, known in calls.items()})
            monitor.learn_phones(name, queries.phones_dialled(store, name, lines))
        return heard

    def reconfigure(self, settings: Settings, monitor: Monitor) -> None:
        """Replace the configuration, and the monitor by one that has adopted its state."""
        self.settings, self.monitor = settings, monitor
        self.today.keep(settings.exchanges)
        self.time.keep(settings.exchanges)
        self.today.timezone = settings.timezone
        self.mqtt.configure(settings.mqtt)
        self.traces.start_thread()

    def offer(self, work: Callable[[], list[Outcome]]) -> None:
        """Pass the outcomes of `work` to the sinks. An exception is logged and counted, never raised."""
        try:
            outcomes = work()
        except Exception:
            self.internal_errors += 1
            log.exception("daemon: internal error; continuing")
            return
        for outcome in outcomes:
            for sink in self.sinks:
                sink.offer(outcome)

    def _rows_of_workers(self, rows: Rows) -> list[Row]:
        """What the writer stores for the features. An internal error loses no outcome."""
        found: list[Row] = []
        for worker in self.workers:
            try:
                found += worker.stored_with(rows)
            except Exception:
                self.internal_errors += 1
                log.exception("%s: internal error; continuing", worker.name)
        return found

    def now(self) -> datetime:
        """The time by the exchanges' clocks: a step of the host's clock makes nothing due."""
        return self.time.now(datetime.now(UTC), monotonic())

    def snapshot(self) -> DaemonSnapshot:
        """The state now, in the event loop: gauges older than the counters beside them would contradict these."""
        now = self.now()
        monitor = self.monitor
        exchanges = self._connections()
        callbacks = self._callbacks = self._callbacks.updated(monitor.ledger.index)
        heard = tuple(exchange_task.status(monitor) for exchange_task in self.exchange_tasks.values())
        enabled, waits = judged_standards(self.settings, monitor.survey_heard), self._waits()
        clocks = datetime.now(UTC), monotonic()
        return DaemonSnapshot(
            at=now,
            lines=tuple(self._line_statuses(now, heard, enabled, waits, callbacks)),
            exchanges=heard,
            callbacks=callbacks,
            disruptions=monitor.disruptions.register.visible(),
            enabled=enabled,
            stores=self.writer.trouble() is None,
            leads=self.leads(),
            applied_command=self.commands.done,
            configured=tuple(self.settings.lines()),
            waits=waits,
            service_phones=monitor.service_phones(),
            calls_other=dict(monitor.others),
            internal_errors=self.internal_errors,
            last_reload=self.last_reload,
            last_calls=monitor.last_calls(),
            service=self.outlooks.status_at(now, self.settings, exchanges),
            host=host_state.host_status(exchanges, self.writer, self.outlooks.disks, *clocks),
            sinks=tuple(
                SinkStatus(x.name, x.backlog(), x.behind_for(), x.refused()) for x in self._sinks_in_use()
            ),
            backfill_waiting=dict(self.refills.waiting()),
            compared=tuple(self.nightly_reconciliation.compared),
            **{field: value for worker in self.workers for field, value in worker.snapshot_fields().items()},
        )

    def _line_statuses(
        self,
        now: datetime,
        heard: Sequence[ExchangeStatus],
        enabled: Mapping[str, bool],
        waits: Mapping[tuple[str, str], Wait],
        callbacks: CallbackStatus,
    ) -> Iterator[LineStatus]:
        """The status of each line. `Today` drops the days that are over."""
        self.today.drop_old_days(now)
        calls, phones = self.monitor.count_in_progress(), self.monitor.phones()
        judged = [standard for standard, is_judged in enabled.items() if is_judged]
        is_heard = bool(heard) and all(x.connected and x.unheard_for is None for x in heard)
        for line in self.settings.lines():
            name = line.name
            yield LineStatus(
                name=name,
                is_open=self.settings.calendar(line).is_open(now),
                is_heard=is_heard,
                states={state: calls.get((name, state), 0) for state in STATES},
                ringing=waits.get((name, "ringing")),
                queue=waits.get((name, "queue")),
                phones={state: count for (its, state), count in phones.items() if its == name},
                day=self.today.local_day(now).isoformat(),
                calls=self.today.outcomes(name, now),
                verdicts=self.today.verdicts(name, now, judged),
                callbacks=callbacks.by_line.get(name, (0, 0)),
            )

    def _sinks_in_use(self) -> tuple[Sink, ...]:
        mqtt = (self.mqtt,) if self.settings.mqtt.host is not None else ()
        return (self.writer, *mqtt, *((self.traces,) if self.traces.is_on else ()))

    def leads(self) -> bool:
        return self.writer.leads

    def stands_by(self) -> bool:
        return self.writer.stands_by

    def links(self) -> dict[str, Transport]:
        """The connection of each exchange that has one."""
        links = {name: exchange_task.exchange.link for name, exchange_task in self.exchange_tasks.items()}
        return {name: link for name, link in links.items() if link is not None}

    def _waits(self) -> Mapping[tuple[str, str], Wait]:
        times = {name: link.exchange_time() for name, link in self.links().items()}
        return self.monitor.waits({name: at for name, at in times.items() if at is not None})

    def _connections(self) -> dict[str, ExchangeClient]:
        return {name: exchange_task.exchange for name, exchange_task in self.exchange_tasks.items()}

    def _growth(self, exchange: str) -> Mapping[str, Sequence[MailboxGrowth]]:
        exchange_task = self.exchange_tasks.get(exchange)
        return (
            {}
            if exchange_task is None
            else {box: tuple(x) for box, x in exchange_task.exchange.mailboxes.grown.items()}
        )
