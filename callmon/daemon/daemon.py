"""The daemon: wiring, signals, the only clock and the only timer.

    exchanges ─ events ─▶ hear ─▶ monitor ─ outcome ─▶ sinks
                                     ▲
    one timer, each second ──────────┘ (tick, heartbeat, watchdog)

SIGTERM and SIGINT stop it after all that was heard is stored; SIGHUP takes over a changed configuration
without losing a call, or refuses it with the reason. A bug in the core is caught here and nowhere else: the
last minutes of the exchange's bytes are written down, it is counted, and the daemon listens on.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from callmon import __version__
from callmon.ami import events as e
from callmon.ami.connection import Exchange
from callmon.ami.flight_recorder import FlightRecorder
from callmon.ami.mailboxes import Growth
from callmon.ami.recording import public_numbers
from callmon.backfill.gap_filler import Refills
from callmon.backfill.reconcile import Nights
from callmon.config.settings import Settings, load, refuse_what_needs_a_restart
from callmon.core import assembly
from callmon.core.callbacks.index import Shelf
from callmon.core.calls.call import Wait
from callmon.core.outcome import Outcome
from callmon.core.standards import ALL_STANDARDS
from callmon.core.statistics.counters import survey_was_heard
from callmon.core.statistics.today import Today
from callmon.daemon import host_state
from callmon.daemon import restore as restoring
from callmon.daemon.clock import ExchangeTime
from callmon.daemon.commands import Hands
from callmon.daemon.exchanges import Watched, always_listening, silent
from callmon.daemon.rollup_task import roll_up
from callmon.daemon.sd_notify import notify
from callmon.daemon.service_state import Outlooks
from callmon.daemon.standby import Standby
from callmon.errors import ConfigError
from callmon.sinks import Sink, line_status
from callmon.sinks.metrics.backfill_gauges import Diary
from callmon.sinks.metrics.exposition import ExchangeState, Metrics, Service
from callmon.sinks.metrics.host_gauges import Upkeep
from callmon.sinks.metrics.service_gauges import Outlook
from callmon.sinks.mqtt.sink import Mqtt
from callmon.store.database import Store
from callmon.store.queries import obligations
from callmon.store.writer.database_merge import Database
from callmon.web.app import app
from callmon.web.auth.service import Access
from callmon.web.context import Site
from callmon.web.health import remarks, troubles
from callmon.web.server import Server, listening

log = logging.getLogger(__name__)

FLUSH_SECONDS = 30.0
BROKER_SECONDS = 2.0


class Daemon:
    """Everything that runs. `run` returns when it was asked to stop."""

    def __init__(self, settings: Settings, store: Store, path: Path | None = None) -> None:
        self.settings = settings
        self._path = path
        self._store = store
        self._token = obligations.token(store)
        self.monitor = assembly.monitor(settings, token=self._token)
        self.database = Database.of(settings, store)
        self.today, self.outlooks = Today(settings.timezone), Outlooks(store)
        self.mqtt = Mqtt(settings.mqtt, self.today)
        self.mqtt.obligations, self.mqtt.disruptions = self.owed(), self.monitor.disruptions.book
        self.refills = Refills(lambda: self.settings, store, self.database.tally.add, self.stands_by, self._grown)
        self.nights = Nights(lambda: self.settings, store, self.leads, self.refills.backlog)
        self._sinks = (self.database, self.mqtt, self.refills)
        self.metrics = Metrics(
            self.database.tally,
            self,
            self._in_use(),
            settings.lines(),
            ALL_STANDARDS,
            settings.exchanges,
            __version__,
            settings.minimum_sample,
        )
        self.monitor.survey_heard = survey_was_heard(self.database.tally.snapshot())
        self.watched: dict[str, Watched] = {}
        self._faults = 0
        self._heard: dict[str, datetime] = {}  # until when, by the exchange's own clock
        self._time = ExchangeTime()
        self.hands = Hands(store, self._token)
        self.standby, self._soundness = Standby(self, store), host_state.Soundness(store)
        self.site = Site(self, store)
        self._stop = asyncio.Event()
        self.address = ""

    async def run(self) -> None:
        """Listen, judge, store and show, until SIGTERM, SIGINT or `stop`."""
        try:
            await self._run()
        finally:
            await asyncio.to_thread(self.database.close)

    async def _run(self) -> None:
        await self.standby.replay()
        await asyncio.to_thread(self.restore)
        wire = listening(self.settings.web.listen)
        access = Access(self.settings.web.access, self._store)
        await access.prepare()
        pages = app(self.metrics, self.troubles, self.remarks, self.standby.role, self.site, access)
        server = Server(pages, access.settings.proxy.addresses)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            web = tasks.create_task(server.serve([wire]), name="web")
            for name in self.settings.exchanges:
                self._watch(name)
            timer = tasks.create_task(self._each_second(), name="timer")
            hands = tasks.create_task(
                self.hands.run(lambda act: self.offer(partial(act, self.monitor))), name="by hand"
            )
            outlooks = tasks.create_task(self.outlooks.run(lambda: self.settings, self.database), name="outlooks")
            succession = tasks.create_task(self.standby.run(), name="standby")
            refill = tasks.create_task(self.refills.run(), name="refill")
            rolling = tasks.create_task(roll_up(self._store), name="roll-ups")
            nights = tasks.create_task(self.nights.run(), name="nights")
            soundness = tasks.create_task(self._soundness.run(), name="soundness")
            self.tell_board(self.now())
            self._broker = tasks.create_task(self.mqtt.run(), name="mqtt")
            self._ready(wire)
            await self._stop.wait()
            await self._close(
                server, [web, timer, hands, outlooks, succession, refill, rolling, nights, soundness]
            )

    def restore(self) -> None:
        """What was stored before: calls in progress, obligations, today's figures. Blocks."""
        restored = restoring.restore(self, self._store, datetime.now(UTC))
        self._heard = {name: at for name, at in restored.items() if name in self.settings.exchanges}

    def stop(self) -> None:
        self._stop.set()

    def now(self) -> datetime:
        """The time, by the exchanges: a step of our own clock makes nothing due."""
        return self._time.now(datetime.now(UTC), monotonic())

    def hear(self, name: str, events: Sequence[e.Event]) -> None:
        """The heart: each event to the monitor, each outcome to the sinks."""
        watched = self.watched[name]
        room = True
        for event in events:
            try:
                outcome = self.monitor.feed(name, event)
            except Exception:  # a bug of ours: written down, counted, and we listen on
                self._fault(watched, type(event).__name__)
                continue
            if outcome is not None:
                for sink in self._sinks:
                    room = sink.offer(outcome) and room
        watched.note(events, self.monitor)
        if not room:
            self._pause()

    # What /metrics and /healthz ask.

    def in_progress(self) -> Mapping[tuple[str, str], int]:
        return self.monitor.in_progress()

    def phones(self) -> Mapping[tuple[str, str], int]:
        return self.monitor.phones()

    def service_phones(self) -> Mapping[tuple[tuple[str, str], str], int]:
        return self.monitor.service_phones()

    def calls_other(self) -> Mapping[str, int]:
        return self.monitor.others

    def enabled(self) -> Mapping[str, bool]:
        return self.monitor.enabled()

    def faults(self) -> int:
        return self._faults

    def business_hours(self) -> Mapping[str, bool]:
        now = self.now()
        return {line.name: self.settings.calendar(line).is_open(now) for line in self.settings.lines()}

    def owed(self) -> Shelf:
        return self.monitor.ledger.shelf

    def service(self) -> Service:
        return Service(self.monitor.disruptions.book, self.monitor.last_calls())

    def outlook(self) -> Outlook:
        heard = {name: watched.exchange for name, watched in self.watched.items()}
        told = self.outlooks.at(self.now(), self.settings, heard)
        return told._replace(waits=self.waits(), upkeep=self._upkeep())

    def _upkeep(self) -> Upkeep:
        heard = {name: watched.exchange for name, watched in self.watched.items()}
        return host_state.upkeep(heard, self.database, self.outlooks.disks, datetime.now(UTC), monotonic())

    def diary(self) -> Diary:
        return Diary(self.refills.waiting(), self.nights.compared)

    def exchanges(self) -> Sequence[ExchangeState]:
        return [watched.state(self.monitor) for watched in self.watched.values()]

    def troubles(self) -> list[str]:
        health = self.settings.health
        found = troubles(self.exchanges(), [self.database], health.unheard_after, health.behind_after)
        found += [*self.standby.troubles(health.behind_after), *self._soundness.troubles()]
        return [*found, *host_state.journal_troubles(self.database)]

    def remarks(self) -> list[str]:
        seen = host_state.remarks(self._upkeep().skews, self.database, self.settings.store.journal_limit > 0)
        return [*remarks([self.mqtt]), *self.standby.remarks(), *seen]

    def leads(self) -> bool:
        return self.database.leads

    def stands_by(self) -> bool:
        return self.database.stands_by

    def waits(self) -> Mapping[tuple[str, str], Wait]:
        links = {name: watched.exchange.link for name, watched in self.watched.items()}
        told = {name: link.exchange_time() for name, link in links.items() if link is not None}
        return self.monitor.waits({name: at for name, at in told.items() if at is not None})

    def _grown(self, exchange: str) -> Mapping[str, Sequence[Growth]]:
        watched = self.watched.get(exchange)
        return {} if watched is None else {box: tuple(x) for box, x in watched.exchange.boxes.grown.items()}

    def tell_board(self, now: datetime) -> None:
        names = [line.name for line in self.settings.lines()]
        self.mqtt.look(lambda callbacks: line_status.lines(self, self.today, names, callbacks, now))
        self.site.look(now)

    def _in_use(self) -> list[Sink]:
        return [self.database, self.mqtt] if self.mqtt.is_on else [self.database]

    # Beginning, going on, ending.

    def _watch(self, name: str) -> None:
        recorder = FlightRecorder(keep=public_numbers(self.settings.lines(), self.settings.region))
        exchange = Exchange(
            name,
            self.settings.exchanges[name],
            lambda events: self.hear(name, events),
            recorder.heard,
        )
        self.outlooks.furnish(exchange, self.settings)
        listen = always_listening(exchange, lambda: self._connection_fault(name))
        task = self._tasks.create_task(listen, name=f"exchange {name}")
        self.watched[name] = Watched(exchange, recorder, task)

    def _connection_fault(self, name: str) -> None:
        """An internal error has ended the connection to an exchange: a gap, until it is heard again."""
        self._fault(self.watched[name], "connection")
        self.hear(name, [e.ConnectionLost(None)])

    def _ready(self, wire: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        host, port = wire.getsockname()[:2]
        self.address = f"http://{host}:{port}"
        gc.collect()
        gc.freeze()  # what is here now stays: no collection need look at it again
        notify("READY=1")
        log.info("callmon listens", extra={"pages": self.address, "version": __version__})

    async def _each_second(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for name, watched in self.watched.items():
                self._heartbeat(name, watched)
            self.offer(self._tick)
            if all(sink.has_room() for sink in self._sinks):
                self._go_on()
            self.tell_board(self.now())
            notify("WATCHDOG=1")

    def offer(self, work: Callable[[], list[Outcome]]) -> None:
        """What time, or a person, leads to; a bug of ours is written down, counted, and we go on."""
        try:
            outcomes = work()
        except Exception:
            self._faults += 1
            log.exception("a mistake of callmon's own; it goes on")
            return
        for outcome in outcomes:
            for sink in self._sinks:
                sink.offer(outcome)

    def _tick(self) -> list[Outcome]:
        clocks = datetime.now(UTC), monotonic()
        self.monitor.ledger.unbelieved = self._time.unbelieved(*clocks)
        unheard = silent(self.watched, self.settings.rules.talked_for)
        return self.monitor.tick(self._time.for_deadlines(*clocks), self._heard, unheard)

    def _heartbeat(self, name: str, watched: Watched) -> None:
        """All that was heard until now has been offered: the database may say so, after it."""
        link = watched.exchange.link
        if link is None or not watched.exchange.is_connected or self.monitor.is_unheard(name):
            return
        heard = link.heard_until()
        if heard is not None:
            self._heard[name] = heard
            self._time.told(name, heard, link.session.last_heard)
            self.database.offer_heartbeat(name, heard)

    async def _close(self, server: Server, tasks: list[asyncio.Task[None]]) -> None:
        """Hear no more, store what was heard, and go."""
        notify("STOPPING=1")
        for name, watched in self.watched.items():
            self._heartbeat(name, watched)
            watched.task.cancel()
        self.site.close()
        server.should_exit = True
        for task in tasks[1:]:
            task.cancel()
        await self.standby.finish()
        await self._leave_broker()
        stored = await asyncio.to_thread(self.database.flush, FLUSH_SECONDS)
        log.info("callmon stops", extra={"all_stored": "yes" if stored else "no"})

    async def _leave_broker(self) -> None:
        """Goodbye, in short: a broker that does not answer is left without."""
        self.mqtt.end()
        await asyncio.wait([self._broker], timeout=BROKER_SECONDS)
        self._broker.cancel()

    def _fault(self, watched: Watched, event: str) -> None:
        self._faults += 1
        log.exception(
            "a mistake of callmon's own; it listens on",
            extra={"exchange": watched.exchange.name, "event": event},
        )
        with contextlib.suppress(OSError):
            watched.recorder.dump_fault(watched.exchange.name, datetime.now(UTC))

    def _pause(self) -> None:
        for watched in self.watched.values():
            if watched.exchange.link is not None:
                watched.exchange.link.pause()

    def _go_on(self) -> None:
        for watched in self.watched.values():
            if watched.exchange.link is not None:
                watched.exchange.link.go_on()

    # A changed configuration (SIGHUP).

    def reload(self) -> None:
        """Take over the configuration file as it is now, or refuse it with the reason."""
        if self._path is None:
            return
        try:
            changed = load(self._path)
            refuse_what_needs_a_restart(self.settings, changed)
            monitor = assembly.monitor(changed, token=self._token)
        except ConfigError as error:
            for sentence in error.sentences:
                log.error("configuration refused: %s", sentence)
            return
        monitor.adopt(self.monitor)
        before, self.settings, self.monitor = self.settings, changed, monitor
        self.metrics.configure(changed.lines(), ALL_STANDARDS, changed.exchanges, changed.minimum_sample)
        self._rewatch(before)
        self.today.keep(changed.exchanges)
        self._time.keep(changed.exchanges)
        self.today.timezone = changed.timezone
        self.mqtt.obligations, self.mqtt.disruptions = self.owed(), self.monitor.disruptions.book
        self.mqtt.configure(changed.mqtt)
        self.metrics.watch(self._in_use())
        log.info("configuration taken over")

    def _rewatch(self, before: Settings) -> None:
        """Exchanges that are reached another way now are connected anew; the others are heard on without a gap."""
        for name, told in before.exchanges.items():
            now = self.settings.exchanges.get(name)
            if now is None or not now.is_reached_as(told):
                self.watched.pop(name).task.cancel()
        for name in self.settings.exchanges:
            if name not in self.watched:
                self._watch(name)
            self.outlooks.furnish(self.watched[name].exchange, self.settings)
