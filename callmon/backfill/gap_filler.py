"""After each gap the daemon reads the exchange's diary (CEL) by itself, in a thread, and fills in what it tells.

    a gap is over, or a call ended of which a part was not heard ─▶ its time is noted ─▶ `wait` ─▶ a thread reads
    that time's rows and fills in ─▶ the figures on /metrics follow

What it finds owed, and calls out to whoever waits for one, are read by `daemon/commands.py` like what people do by
hand.

Where no source is configured, nothing is done. Trouble is told and tried again: what was noted stays noted. So it
is while another callmon writes to this database: that one fills in its own gaps, and ours when we take its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from callmon.ami.mailboxes import Growth
from callmon.backfill.job import Backfill, Window
from callmon.backfill.source import rows
from callmon.config.settings import Settings
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import Figures
from callmon.errors import CallmonError
from callmon.store.database import Store

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_WAIT = 5.0, 600.0
MOST = 1000  # times of one exchange; beyond, one from the first to the last


class Refills:
    """All exchanges' gaps. A sink of outcomes, and a task for as long as the daemon lives."""

    name = "refill"

    def __init__(
        self,
        settings: Callable[[], Settings],
        store: Store,
        added: Callable[[Figures], None],
        stands_by: Callable[[], bool],
        grown: Callable[[str], Mapping[str, Sequence[Growth]]] = lambda exchange: {},
    ) -> None:
        self._settings, self._store, self._added = settings, store, added
        self._stands_by, self._grown = stands_by, grown
        self._windows: dict[str, list[Window]] = {}
        self._since: dict[str, datetime] = {}
        self._noted = asyncio.Event()

    def offer(self, outcome: Outcome) -> bool:
        """Takes note of what was unheard."""
        if not outcome.gaps and not outcome.calls:  # as most
            return True
        exchange = self._settings().exchanges.get(outcome.exchange)
        if exchange is None or not exchange.cel.is_on:
            return True
        for gap in outcome.gaps:
            self._note(outcome.exchange, (gap.start, gap.end))
        for call in outcome.calls:
            if call.heard == "partly" and call.arrived is not None:
                self._note(outcome.exchange, (call.arrived, call.ended or datetime.now(UTC)))
        return True

    def has_room(self) -> bool:
        return True

    def backlog(self) -> int:
        """Times whose rows are still to be read."""
        return sum(map(len, self._windows.values()))

    def waiting(self) -> dict[str, datetime]:
        """By exchange, since when its times wait for their rows."""
        return dict(self._since)

    def _note(self, exchange: str, window: Window) -> None:
        self._since.setdefault(exchange, datetime.now(UTC))
        windows = self._windows.setdefault(exchange, [])
        windows.append(window)
        if len(windows) > MOST:
            begins, ends = zip(*windows, strict=True)
            windows[:] = [(min(begins), max(ends))]
        self._noted.set()

    async def run(self) -> None:
        pause = 0.0
        while True:
            await self._noted.wait()
            exchanges = self._settings().exchanges
            waits = [exchanges[name].cel.wait.total_seconds() for name in self._windows if name in exchanges]
            await asyncio.sleep(max(pause, *waits, 0.0))
            if self._stands_by():
                pause = FIRST_PAUSE
                continue
            self._noted.clear()
            noted, self._windows = self._windows, {}
            tried = [await self._try(name, windows) for name, windows in noted.items()]
            self._since = {name: at for name, at in self._since.items() if name in self._windows}
            pause = 0.0 if all(tried) else min(2 * max(pause, FIRST_PAUSE), LONGEST_WAIT)

    async def _try(self, exchange: str, windows: list[Window]) -> bool:
        if exchange not in self._settings().exchanges or not self._settings().exchanges[exchange].cel.is_on:
            return True
        try:
            await asyncio.to_thread(self._fill, self._settings(), exchange, windows)
        except CallmonError as error:
            log.warning("gaps are not filled yet", extra={"exchange": exchange, "why": str(error)})
            for window in windows:
                self._note(exchange, window)
            return False
        except Exception:  # a bug of ours must not end the daemon; these times are left as they are
            log.exception("a mistake of callmon's own while filling gaps", extra={"exchange": exchange})
        return True

    def _fill(self, settings: Settings, exchange: str, windows: list[Window]) -> None:
        work = Backfill(settings, self._store, exchange, self._grown(exchange))
        found = rows(settings.exchanges[exchange].cel, exchange, work.reader(), work.zone, windows)
        changed = 0
        for filled in work.run(found, windows):
            changed += len(filled.changes)
            self._added(filled.added)
        log.info("CEL was read", extra={"exchange": exchange, "rows": work.rows, "calls_changed": changed})
        for sentence in work.bad.sentences("CEL"):
            log.warning(sentence, extra={"exchange": exchange})
