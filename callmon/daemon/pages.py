"""The pages over several pairs (`callmon pages`): what these have stored in one PostgreSQL, without an exchange.

    the pairs' tables ─ every EVERY_SECONDS ─▶ a snapshot from stored rows ─▶ the pages

A pair that cannot be read is named on each page and by /healthz. Without it no month is counted. An exchange whose
pair stores nothing for SILENT counts as unheard. Refuses: to show what only a pair's daemon knows, such as phones.
"""

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import STATES
from callmon.core.snapshot import CallbackStatus, DaemonSnapshot, ExchangeStatus, LineStatus
from callmon.core.standards.judged import judged_standards
from callmon.core.statistics.today import Today
from callmon.daemon.daemon import THREADS, notify
from callmon.daemon.pairs import GONE_AFTER, SILENT_SECONDS
from callmon.errors import Sentence, StoreError
from callmon.feature import Feature
from callmon.store.database import Database
from callmon.store.pairs.open import over, pair_troubles
from callmon.store.queries import calls as queries
from callmon.store.queries import disruptions, obligations
from callmon.threads import BlockingThreads
from callmon.web.app import WebApplication
from callmon.web.auth.service import AccessService
from callmon.web.context import PageContext
from callmon.web.entries import entries
from callmon.web.protection import Protection
from callmon.web.server import Server, listening

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
SILENT = timedelta(seconds=SILENT_SECONDS)


class PairsPages:
    """The server of the pages over all pairs. `store`: the database of its own, with accounts and signatures."""

    def __init__(
        self,
        settings: Settings,
        store: Database,
        features: Sequence[Feature],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._plain = store
        self._now = now
        self._callbacks = CallbackStatus()
        self._missing: dict[str, tuple[datetime, Sentence]] = {}  # by pair: since when, and why
        self.page_context = PageContext(
            lambda: settings,
            lambda: self._snapshot,
            store,
            partial(entries, features),
        )
        self._plain_reader = self.page_context.reader
        self.look()

    # What the pairs have stored.

    def look(self) -> None:
        """Look at the pairs, and make a snapshot of what they have stored. Blocks. Raises StoreError."""
        now, pairs = self._now(), self._settings.configuration.store.over
        troubles = pair_troubles(self._plain_reader, pairs)
        for why in (x for name, x in troubles.items() if name not in self._missing):
            log.warning("pages: %s", why)
        self._missing = {name: (self._missing.get(name, (now, why))[0], why) for name, why in troubles.items()}
        known = [name for name in pairs if name not in troubles]
        view = self.page_context.reader.view
        if view is None or view.pairs != tuple(known) or view.is_whole != (not troubles):
            self.page_context.reader = over(self._plain_reader, known, is_whole=not troubles)
            self.page_context.store = over(self._plain, known, is_whole=not troubles)
        self.page_context.notes = [why for _, why in self._missing.values()]
        self._snapshot = self.snapshot(now, self.page_context.reader) if known else DaemonSnapshot(now)

    def snapshot(self, now: datetime, reader: Database) -> DaemonSnapshot:
        """The state from stored rows. Phones, and how long a call rings, are not in them."""
        heard = {name: at for name, at in queries.heartbeats(reader).items() if now - at < GONE_AFTER}
        exchanges = [_exchange(name, at, now) for name, at in heard.items()]
        exchanges += [
            ExchangeStatus(name, False, 0, since, now - since) for name, (since, _) in self._missing.items()
        ]
        index = ObligationIndex()
        for obligation in obligations.live_obligations(reader):
            index.insert(obligation)
        self._callbacks = self._callbacks.updated(index)
        lines = self._lines(now, reader, heard, all(x.unheard_for is None for x in exchanges))
        live = [x for x in disruptions.live_disruptions(reader) if x.ended is None]
        shown = (now, lines, tuple(exchanges), self._callbacks, tuple(live), judged_standards(self._settings))
        return DaemonSnapshot(*shown)

    def _lines(
        self, now: datetime, reader: Database, exchanges: Mapping[str, datetime], is_heard: bool
    ) -> tuple[LineStatus, ...]:
        settings, today = self._settings, Today(self._settings.timezone)
        names, begin = settings.names("line"), today.beginning(now)
        counts = queries.count_ended_calls(reader, names, begin, begin + timedelta(days=2))
        today.restore(today.local_day(now), *counts)
        judged = {standard for _, standard, _ in counts[1]}
        states = _states(reader, exchanges)
        return tuple(
            LineStatus(
                name=line.name,
                is_open=settings.calendar(line).is_open(now),
                is_heard=is_heard,
                states={state: states[line.name, state] for state in STATES},
                ringing=None,
                queue=None,
                phones={},
                day=today.local_day(now).isoformat(),
                calls=today.outcomes(line.name, now),
                verdicts=today.verdicts(line.name, now, sorted(judged)),
                callbacks=self._callbacks.by_line.get(line.name, (0, 0)),
            )
            for line in settings.lines()
        )

    def why_missing(self) -> list[str]:
        return [why for _, why in self._missing.values()]

    # The server.

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        asyncio.get_running_loop().set_default_executor(BlockingThreads(THREADS, "pages"))
        settings = self._settings
        stop = asyncio.Event()
        protection = Protection(self._settings.web.config_file)
        protection.apply(protection.read())
        wire, access = listening(settings.web.listen), AccessService(settings.web.access, self._plain)
        await access.prepare()
        served = WebApplication(
            None, self.why_missing, page_context=self.page_context, access=access, users=protection.users
        )
        server = Server(served.asgi(), settings.web.access.proxy.addresses, lambda: protection.context)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([wire]), name="web")
            reading = [
                tasks.create_task(x)
                for x in (self._read_on(), protection.run(lambda: asyncio.sleep(EVERY_SECONDS)))
            ]
            notify("READY=1")
            log.info("pages: listening", extra={"pages": settings.web.listen})
            await stop.wait()
            self.page_context.close()
            server.stop()
            for task in reading:
                task.cancel()

    async def _read_on(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                await asyncio.to_thread(self.look)
            except StoreError as error:
                log.warning("pages: %s", error)
            self.page_context.update(self._snapshot)
            notify("WATCHDOG=1")


def _exchange(name: str, at: datetime, now: datetime) -> ExchangeStatus:
    """An exchange from which was heard until `at`."""
    silent = now - at
    return ExchangeStatus(name, silent < SILENT, 0, at, silent if silent >= SILENT else None)


def _states(reader: Database, exchanges: Mapping[str, datetime]) -> Counter[tuple[str, str]]:
    """The calls in progress by line and state."""
    found: Counter[tuple[str, str]] = Counter()
    for name in exchanges:
        for known in queries.open_calls(reader, name).values():
            first, *others = known.facts
            if isinstance(first, f.Arrived) and first.line is not None and not first.test:
                found[first.line, CallAccount(first).record_facts(others).current_state()] += 1
    return found
