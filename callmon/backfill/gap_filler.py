"""Gap filler: after each measurement gap, the daemon reads the exchange's CEL in a thread and runs a backfill.

    a gap ends, or a call ends that was received in part ─▶ its time span is queued ─▶ `wait` ─▶ a thread reads
    the CEL rows of that span and runs the backfill ─▶ the counters on /metrics are updated

Obligations and outbound calls that the backfill finds become commands. `daemon/tasks.py` reads them like manual
commands.

Without a configured source, nothing is done. Errors are logged and the backfill is retried; pending time spans
stay queued. A standby keeps its time spans queued as well: the leader fills its own gaps. The standby fills the
queued spans after a takeover.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.job import Backfill, Window
from callmon.backfill.source import rows
from callmon.config.settings import Settings
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import Figures
from callmon.errors import CallmonError
from callmon.store.database import Database

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_WAIT = 5.0, 600.0
MOST = 1000  # time spans of one exchange; above this they are merged into one


class GapFiller:
    """The queue of time spans of all exchanges: a sink of outcomes, and a task of the daemon."""

    name = "refill"

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Database,
        added: Callable[[Figures], None],
        stands_by: Callable[[], bool],
        grown: Callable[[str], Mapping[str, Sequence[MailboxGrowth]]] = lambda exchange: {},
    ) -> None:
        self._settings, self._store, self._added = settings, store, added
        self._stands_by, self._grown = stands_by, grown
        self._windows: dict[str, list[Window]] = {}
        self._since: dict[str, datetime] = {}
        self._is_queued = asyncio.Event()

    def offer(self, outcome: Outcome) -> bool:
        """Queues the time spans of gaps and of calls that were received in part. Always returns True."""
        if not outcome.gaps and not outcome.calls:  # most outcomes
            return True
        if not self._has_source(outcome.exchange):
            return True
        for gap in outcome.gaps:
            self._queue(outcome.exchange, (gap.start, gap.end))
        for call in outcome.calls:
            if call.heard == "partly" and call.arrived is not None:
                self._queue(outcome.exchange, (call.arrived, call.ended or datetime.now(UTC)))
        return True

    def _has_source(self, exchange: str) -> bool:
        known = self._settings().exchanges.get(exchange)
        return known is not None and known.cel.is_on

    def has_room(self) -> bool:
        return True

    def backlog(self) -> int:
        """The number of queued time spans."""
        return sum(map(len, self._windows.values()))

    def waiting(self) -> dict[str, datetime]:
        """By exchange, the time since which a span has been queued."""
        return dict(self._since)

    def _queue(self, exchange: str, window: Window) -> None:
        self._since.setdefault(exchange, datetime.now(UTC))
        windows = self._windows.setdefault(exchange, [])
        windows.append(window)
        if len(windows) > MOST:
            begins, ends = zip(*windows, strict=True)
            windows[:] = [(min(begins), max(ends))]
        self._is_queued.set()

    async def run(self) -> None:
        pause = 0.0
        while True:
            await self._is_queued.wait()
            exchanges = self._settings().exchanges
            waits = [exchanges[name].cel.wait.total_seconds() for name in self._windows if name in exchanges]
            await asyncio.sleep(max(pause, *waits, 0.0))
            if self._stands_by():
                pause = FIRST_PAUSE
                continue
            self._is_queued.clear()
            queued, self._windows = self._windows, {}
            tried = [await self._try(name, windows) for name, windows in queued.items()]
            self._since = {name: at for name, at in self._since.items() if name in self._windows}
            pause = 0.0 if all(tried) else min(2 * max(pause, FIRST_PAUSE), LONGEST_WAIT)

    async def _try(self, exchange: str, windows: list[Window]) -> bool:
        if not self._has_source(exchange):
            return True
        try:
            await asyncio.to_thread(self._fill, self._settings(), exchange, windows)
        except CallmonError as error:
            log.warning("backfill: failed; retrying", extra={"exchange": exchange, "why": str(error)})
            for window in windows:
                self._queue(exchange, window)
            return False
        except Exception:  # an internal error must not end the daemon; these spans are not retried
            log.exception("backfill: internal error; continuing", extra={"exchange": exchange})
        return True

    def _fill(self, settings: Settings, exchange: str, windows: list[Window]) -> None:
        work = Backfill(settings, self._store, exchange, self._grown(exchange))
        found = rows(settings.exchanges[exchange].cel, exchange, work.reader(), windows)
        changed = 0
        for filled in work.run(found, windows):
            changed += len(filled.changes)
            self._added(filled.added)
        log.info("backfill: CEL read", extra={"exchange": exchange, "rows": work.rows, "calls_changed": changed})
        for sentence in work.bad.sentences():
            log.warning(sentence, extra={"exchange": exchange})
