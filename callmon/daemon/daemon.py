"""The daemon: wiring, signals, the only clock and the only timer.

    exchanges ─ events ─▶ on_events ─▶ monitor ─ outcome ─▶ sinks
                                          ▲
    one timer, each second ───────────────┘ (tick, heartbeat, watchdog)

On SIGTERM and SIGINT the daemon stores all received outcomes, then stops. On SIGHUP the daemon applies a changed
configuration without losing a call, or refuses it with the reason. An exception while the core handles an event is
caught here: the daemon dumps the last minutes of the exchange's bytes, counts the fault and continues.
(`Runtime.offer` catches exceptions of the timer and of commands.)
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from callmon import __version__
from callmon.ami import events as e
from callmon.ami.connection import ExchangeClient
from callmon.ami.flight_recorder import FlightRecorder
from callmon.ami.recording import public_numbers
from callmon.config.settings import Settings, load, refuse_what_needs_a_restart
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.snapshot import LastReload
from callmon.core.standards.judged import judged_standards
from callmon.core.statistics.counters import survey_was_heard
from callmon.daemon import host_state
from callmon.daemon.exchanges import ExchangeTask, always_listening, unheard_exchanges
from callmon.daemon.runtime import Runtime
from callmon.daemon.standby import Standby
from callmon.daemon.tasks import roll_up
from callmon.errors import ConfigError
from callmon.feature import Feature
from callmon.logs import Seldom
from callmon.sinks.metrics.exposition import Metrics
from callmon.store.database import Database
from callmon.threads import BlockingThreads, share_one_heap
from callmon.web.app import WebApplication
from callmon.web.auth.service import AccessService
from callmon.web.context import PageContext
from callmon.web.entries import entries
from callmon.web.health import remarks, troubles
from callmon.web.protection import Protection
from callmon.web.server import Server, listening

log = logging.getLogger(__name__)

# A stop takes 20 s at most, whatever a peer does: these, `LAST_SECONDS` of the threads and 2 s of the web server.
FLUSH_SECONDS = 6.0
CLOSE_SECONDS = 3.0
TAKE_OVER_SECONDS = 3.0
BROKER_SECONDS = 2.0
THREADS = 16  # for work that blocks; each task of the daemon has one call at a time
LOOK_SECONDS = 0.1
# Asterisk gives an event its time before it sends the event: the answer to a Ping may overtake it.
SENT_AFTER = timedelta(seconds=0.2)


class Daemon:
    """All tasks of one process, with these features. `run` returns after a stop was requested."""

    def __init__(
        self,
        settings: Settings,
        store: Database,
        features: Sequence[Feature],
        path: Path | None = None,
        access: AccessService | None = None,
    ) -> None:
        self._path, self._store = path, store
        self._access = access or AccessService(settings.web.access, store)
        self.runtime = Runtime(settings, store, features)
        self.runtime.monitor.survey_heard = survey_was_heard(self.runtime.writer.counters.snapshot())
        self.metrics = Metrics(
            self.runtime.writer.counters,
            self.runtime,
            settings.lines(),
            self._judged(),
            settings.exchanges,
            settings.minimum_sample,
            settings.web.series == "slim",
            self.runtime.traces.exemplars,
        )
        self._heard: dict[str, datetime] = {}  # received until, by exchange, on the exchange's own clock
        self._beaten: dict[str, datetime] = {}  # the same, of the last heartbeat offered
        self.standby, self._file_check = Standby(self.runtime, self.publish_status), host_state.FileCheck(store)
        self.page_context = PageContext(
            lambda: self.runtime.settings,
            self.runtime.snapshot,
            store,
            partial(entries, features),
        )
        self.page_context.damaged = self._file_check.hasten
        self.page_context.outdated = self.publish_status
        self.protection = Protection(settings.web.config_file)
        self._flooded = Seldom(log, "daemon: too many internal errors in an exchange's events; connecting again")
        self._stop = asyncio.Event()
        self.address = ""

    async def run(self) -> None:
        """Receive, judge, store and publish until SIGTERM, SIGINT or `stop`."""
        share_one_heap()
        asyncio.get_running_loop().set_default_executor(BlockingThreads(THREADS, "daemon"))
        try:
            await self._run()
        finally:
            self.runtime.writer.close(CLOSE_SECONDS)  # no task of the loop is left

    async def _run(self) -> None:
        self.protection.apply(self.protection.read())
        await self.standby.replay()
        await asyncio.to_thread(self.restore)
        runtime = self.runtime
        wire = listening(runtime.settings.web.listen)
        access = self._access
        await access.prepare()
        reload = self.reload if runtime.settings.web.reload else None
        read = self.metrics, self.troubles, self.remarks, self.standby.role
        served = WebApplication(*read, self.page_context, access, reload, users=self.protection.users)
        server = Server(served.asgi(), access.settings.proxy.addresses, lambda: self.protection.context)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(server.serve([wire]), name="web")
            for name in runtime.settings.exchanges:
                self._connect_exchange(name)
            second = runtime.second
            background = {
                "timer": self._tick_every_second(),
                "contacts": self._tick_at_contacts(second.next),
                "commands": runtime.commands.run(lambda act: runtime.offer(partial(act, runtime.monitor))),
                "pairs": runtime.pairs.run(lambda act: runtime.offer(partial(act, runtime.monitor))),
                "service state": runtime.outlooks.run(lambda: runtime.settings, runtime.writer),
                "standby": self.standby.run(second.next),
                "gap filler": runtime.refills.run(),
                "roll-ups": roll_up(self._store, self._file_check.hasten),
                "reconciliation": runtime.nightly_reconciliation.run(),
                "file check": self._file_check.run(),
                "certificate": self.protection.run(second.next),
                **{worker.name: worker.run() for worker in runtime.workers},
            }
            running = [tasks.create_task(work, name=name) for name, work in background.items()]
            self.publish_status()
            self._broker = tasks.create_task(runtime.mqtt.run(), name="mqtt")
            runtime.traces.start_thread()
            self._ready(wire)
            await self._stop.wait()
            await self._close(server, running)

    def _judged(self) -> list[str]:
        """The standards that give verdicts."""
        runtime = self.runtime
        standards = judged_standards(runtime.settings, runtime.monitor.survey_heard)
        return [name for name, is_judged in standards.items() if is_judged]

    def restore(self) -> None:
        """Restore the stored state: calls in progress, obligations, today's figures. Blocks."""
        restored = self.runtime.restore(datetime.now(UTC))
        self._heard = {name: at for name, at in restored.items() if name in self.runtime.settings.exchanges}

    def stop(self) -> None:
        self._stop.set()

    def on_events(self, name: str, events: Sequence[e.Event]) -> None:
        """Pass each event to the monitor and each outcome to the sinks. Reading pauses when a sink has no room."""
        runtime, exchange_task = self.runtime, self.runtime.exchange_tasks[name]
        room = True
        for event in events:
            try:
                outcome = runtime.monitor.feed(name, event)
            except Exception:  # a bug in the core: dumped, counted, and the daemon continues
                if self._fault(exchange_task, type(event).__name__):
                    break
                continue
            if outcome is not None:
                for sink in runtime.sinks:
                    room = sink.offer(outcome) and room
        if exchange_task.record_events(events, runtime.monitor):
            runtime.offer(self._tick)  # ends the disruption of the gap: no snapshot has both
        if not room:
            for link in runtime.links().values():
                link.pause()

    # Read by /healthz.

    def troubles(self) -> list[str]:
        runtime, health = self.runtime, self.runtime.settings.health
        exchanges = runtime.snapshot().exchanges
        found = troubles(exchanges, [runtime.writer], health.unheard_after, health.behind_after)
        found += [*self.standby.standby_troubles(health.behind_after), *self._file_check.troubles()]
        return [*found, *host_state.outbox_troubles(runtime.writer)]

    def remarks(self) -> list[str]:
        runtime = self.runtime
        is_wanted = runtime.settings.store.journal_limit > 0
        snapshot = runtime.snapshot()
        seen = host_state.host_remarks(snapshot.host.skews, runtime.writer, is_wanted)
        others = [*runtime.pairs.remarks(), *self.standby.standby_remarks()]
        others += [remark for worker in runtime.workers for remark in worker.health_remarks()]
        others += self._file_check.remarks()
        return [*remarks(snapshot.exchanges, [runtime.mqtt, runtime.traces]), *others, *seen]

    def publish_status(self) -> None:
        """Take a snapshot, and show it to the broker and the pages. An exception is logged and counted."""
        try:
            snapshot = self.runtime.snapshot()
        except Exception:
            self.runtime.internal_errors += 1
            log.exception("daemon: internal error in a snapshot; continuing")
            return
        self.runtime.mqtt.publish_snapshot(snapshot)
        self.page_context.update(snapshot)

    # Start, timer, shutdown.

    def _connect_exchange(self, name: str) -> None:
        settings = self.runtime.settings
        recorder = FlightRecorder(keep=public_numbers(settings.lines(), settings.region))
        exchange = ExchangeClient(
            name, settings.exchanges[name], lambda events: self.on_events(name, events), recorder.record_bytes
        )
        exchange.was_connected = name in self._heard
        self.runtime.outlooks.furnish(exchange, settings)
        listen = always_listening(exchange, lambda: self._connection_fault(name))
        task = self._tasks.create_task(listen, name=f"exchange {name}")
        self.runtime.exchange_tasks[name] = ExchangeTask(exchange, recorder, task)

    def _connection_fault(self, name: str) -> None:
        """An internal error has ended the connection to an exchange: a gap begins, until the next listing."""
        self._fault(self.runtime.exchange_tasks[name], "connection")
        self.on_events(name, [e.ConnectionLost(None)])

    def _ready(self, wire: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        host, port = wire.getsockname()[:2]
        self.address = f"{'http' if self.protection.context is None else 'https'}://{host}:{port}"
        gc.collect()
        gc.freeze()  # the objects of the start stay: the garbage collector need not scan them again
        notify("READY=1")
        log.info("daemon: listening", extra={"pages": self.address, "version": __version__})

    async def _tick_every_second(self) -> None:
        runtime = self.runtime
        while True:
            await asyncio.sleep(1.0)
            self._beat()
            if runtime.writer.has_room():  # the only sink that can be full
                for link in runtime.links().values():
                    link.go_on()
            if runtime.mqtt.is_on or self.page_context.live.clients:
                self.publish_status()
            runtime.commands.look()
            runtime.second.pulse()
            notify("WATCHDOG=1")

    async def _tick_at_contacts(self, next_second: Callable[[], Awaitable[None]]) -> None:
        """Tick as soon as an outbound call has lasted long enough for a contact, also on a quiet exchange."""
        contacts: dict[str, datetime] = {}
        while True:
            await (asyncio.sleep(LOOK_SECONDS) if contacts else next_second())
            contacts = self.runtime.monitor.ledger.next_contacts()
            heard = [self._is_heard(name, at + SENT_AFTER) for name, at in contacts.items()]  # asks each exchange
            if any(heard):
                self._beat()

    def _is_heard(self, name: str, until: datetime) -> bool:
        """Whether all events until then were received. If not, and it is past, the exchange is asked by a Ping."""
        link = self.runtime.links().get(name)
        now = None if link is None or self.runtime.exchange_tasks[name].unheard_since else link.exchange_time()
        if link is None or now is None or now < until:
            return False
        heard = link.heard_until()
        if heard is None or heard < until:
            link.hasten_ping()
            return False
        return True

    def _beat(self) -> None:
        for name, exchange_task in self.runtime.exchange_tasks.items():
            self._heartbeat(name, exchange_task)
        self.runtime.offer(self._tick)

    def _tick(self) -> list[Outcome]:
        runtime, clocks = self.runtime, (datetime.now(UTC), monotonic())
        runtime.monitor.ledger.unbelieved = runtime.time.unbelieved(*clocks)
        silent = (
            unheard_exchanges(runtime.exchange_tasks, runtime.settings.rules.talked_for) + runtime.pairs.silent()
        )
        heard = self._heard | runtime.pairs.heard()
        return runtime.monitor.tick(runtime.time.for_deadlines(*clocks), heard, silent)

    def _heartbeat(self, name: str, exchange_task: ExchangeTask) -> None:
        """Offer a heartbeat: all events received until now have been offered, and are stored before it."""
        link = exchange_task.exchange.link
        if (
            link is None
            or not exchange_task.exchange.is_connected
            or self.runtime.monitor.exchanges[name].tracker.state.is_unheard
        ):
            return
        heard, now = link.heard_until(), link.exchange_time()
        if heard is not None and now is not None:
            self._heard[name] = heard
            self.runtime.time.set_time(name, now, monotonic())
            self.runtime.offer(lambda: self.runtime.monitor.requested_hangups(name))
            if self._beaten.get(name) != heard:  # a quiet exchange tells the time with each Ping
                self._beaten[name] = heard
                self.runtime.writer.offer(Heartbeat(name, heard))

    async def _close(self, server: Server, tasks: list[asyncio.Task[None]]) -> None:
        """Disconnect from the exchanges, store all received outcomes (`FLUSH_SECONDS` at most), and stop."""
        notify("STOPPING=1")
        for name, exchange_task in self.runtime.exchange_tasks.items():
            self._heartbeat(name, exchange_task)
            exchange_task.task.cancel()
        self.page_context.close()
        server.stop()
        for task in tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TAKE_OVER_SECONDS):
                await self.standby.finish()
        await self._leave_broker()
        stored = await asyncio.to_thread(self.runtime.writer.flush, FLUSH_SECONDS)
        log.info("daemon: stopping", extra={"all_stored": "yes" if stored else "no"})

    async def _leave_broker(self) -> None:
        """End the MQTT sink. A broker that does not answer within `BROKER_SECONDS` is abandoned."""
        self.runtime.mqtt.end()
        await asyncio.wait([self._broker], timeout=BROKER_SECONDS)
        self._broker.cancel()

    def _fault(self, exchange_task: ExchangeTask, event: str) -> bool:
        """Count an error; log and record the first of its kind in a minute. True: the connection was ended."""
        self.runtime.internal_errors += 1
        name, now = exchange_task.exchange.name, monotonic()
        if count := exchange_task.faults.count_to_log(event, now):
            extra = {"exchange": name, "event": event, "count": count}
            log.exception("daemon: internal error in an event; continuing", extra=extra)
            with contextlib.suppress(OSError):
                exchange_task.recorder.dump_fault(name, datetime.now(UTC))
        link = exchange_task.exchange.link
        if link is None or not exchange_task.faults.is_flood(now):
            return False
        self._flooded(exchange=name)
        link.close()
        return True

    # A changed configuration (SIGHUP).

    def reload(self) -> list[str]:
        """Apply the configuration file as it is now, or refuse it: log and return the reasons."""
        if self._path is None:
            return ["This callmon runs without a configuration file."]
        try:
            changed = load(self._path)
            refuse_what_needs_a_restart(self.runtime.settings, changed)
            monitor = Monitor(changed, token=self.runtime.token)
            protected = self.protection.read()
        except ConfigError as error:
            for sentence in error.sentences:
                log.error("configuration: refused: %s", sentence)
            self.runtime.last_reload = self.runtime.last_reload._replace(succeeded=False)
            return list(error.sentences)
        self.protection.apply(protected)
        monitor.adopt(self.runtime.monitor)
        before = self.runtime.settings
        self.runtime.reconfigure(changed, monitor)
        self.runtime.last_reload = LastReload(True, datetime.now(UTC))
        self.metrics.configure(changed.lines(), self._judged(), changed.exchanges, changed.minimum_sample)
        self._reconnect_changed(before)
        self.publish_status()
        log.info("configuration: applied")
        return []

    def _reconnect_changed(self, before: Settings) -> None:
        """Reconnect the exchanges whose connection settings changed. The others stay connected, without a gap."""
        runtime = self.runtime
        for name, earlier in before.exchanges.items():
            now = runtime.settings.exchanges.get(name)
            if now is None or not now.is_reached_as(earlier):
                runtime.exchange_tasks.pop(name).task.cancel()
        for name in runtime.settings.exchanges:
            if name not in runtime.exchange_tasks:
                self._connect_exchange(name)
            runtime.outlooks.furnish(runtime.exchange_tasks[name].exchange, runtime.settings)


def notify(state: str) -> None:
    """Notify systemd: `READY=1`, `WATCHDOG=1` …, see sd_notify(3). Without `NOTIFY_SOCKET` nothing is sent."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
        try:
            wire.sendto(state.encode(), address)
        except OSError:  # no receiver: the daemon runs on without systemd
            return
