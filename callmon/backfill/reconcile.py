"""Nightly reconciliation: compares the stored calls of the previous day with the exchange's CEL.

    local midnight + AFTER_MIDNIGHT ─▶ that day's rows are read ─▶ compared ─▶ stored, exported

A backfill (`gap_filler.py`, `callmon backfill`) adds missing calls. Only the leader reconciles. A day that cannot
be read is retried until the next day. Calls before callmon's first sign of the exchange are not compared. Blocks,
except `NightlyReconciliation`.

Refuses: to change a call.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill
from callmon.backfill.source import rows
from callmon.config.settings import Settings
from callmon.core.reconciliation import ArrivedCall, LastComparison, Reconciliation, compare
from callmon.core.statistics.period import midnight
from callmon.errors import CallmonError, ConfigError
from callmon.store.database import Database
from callmon.store.queries import calls, reconciliations

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = timedelta(minutes=10)  # gaps before midnight are filled by then
LOOKS = 60.0  # seconds between two checks of the time
PAUSE = timedelta(minutes=30)  # before a retry of a day that could not be reconciled


def span(settings: Settings, day: date) -> tuple[datetime, datetime]:
    """The day from midnight to midnight in the site's time zone, in UTC."""
    return midnight(day, settings.timezone), midnight(day + timedelta(days=1), settings.timezone)


def reconcile(
    settings: Settings, store: Database, exchange: str, day: date, since: datetime | None = None
) -> Reconciliation:
    """Compares one day of one exchange (from `since` on) and stores the result.

    Raises ConfigError without a source, and StoreError.
    """
    cel = settings.exchanges[exchange].cel
    if not cel.is_on:
        raise ConfigError(
            f"No CEL is configured to compare with; add [exchanges.{exchange}.cel] with its file or url."
        )
    begin, end = span(settings, day)
    begin = max(begin, since or begin)
    work = Backfill(settings, store, exchange)
    found = rows(cel, exchange, work.reader(), [(begin, end)])
    logged, mentioned = _logged(work, found, begin, end)
    kept = reconciliations.arrived_calls(store, exchange, begin, end)
    known = calls.names_with_facts(store, exchange, logged)
    names = [line.name for line in settings.lines()]
    found_day = compare(exchange, day, names, logged, mentioned, kept, known)
    reconciliations.store_reconciliation(store, found_day, datetime.now(UTC))
    return found_day


def _logged(
    work: Backfill, found: Iterable[CelRow], begin: datetime, end: datetime
) -> tuple[dict[str, ArrivedCall], set[str]]:
    """Ended inbound calls on public lines that arrived in [begin, end), and all call ids in the rows."""
    logged: dict[str, ArrivedCall] = {}
    mentioned: set[str] = set()
    for part in extract.stretches(found):
        mentioned.update(row.linkedid for row in part)
        for call, facts in work.calls_of(part).items():
            first = extract.arrival(facts)
            if first.line is None or first.direction != "inbound" or first.at is None:
                continue
            if begin <= first.at < end:
                logged[call] = ArrivedCall(call, first.line, first.at)
    return logged, mentioned


class NightlyReconciliation:
    """The daemon's task that reconciles all exchanges. `compared`: the latest results, for the metrics."""

    def __init__(
        self, settings: Callable[[], Settings], store: Database, leads: Callable[[], bool], gaps: Callable[[], int]
    ) -> None:
        self._settings, self._store, self._leads, self._gaps = settings, store, leads, gaps
        self._next: dict[str, tuple[date, datetime]] = {}  # by exchange: the day, and its next attempt
        self.compared: list[LastComparison] = []

    def restore(self) -> None:
        """Reads the latest results from the database."""
        self.compared = reconciliations.latest_comparisons(self._store, self._settings().exchanges)

    async def run(self) -> None:
        while True:
            await self.reconcile_if_due(datetime.now(UTC))
            await asyncio.sleep(LOOKS)

    async def reconcile_if_due(self, now: datetime) -> None:
        """Reconciles the previous day of each exchange with a CEL source, if due.

        Does nothing on a standby, or while gaps are queued for a backfill.
        """
        settings = self._settings()
        yesterday = (now.astimezone(settings.timezone) - AFTER_MIDNIGHT).date() - timedelta(days=1)
        if not self._leads() or self._gaps():
            return
        done = {last.exchange: last.day for last in self.compared}
        for name, exchange in settings.exchanges.items():
            is_due = exchange.cel.is_on and done.get(name, date.min) < yesterday
            day, at = self._next.get(name, (yesterday, now))
            if is_due and (day != yesterday or at <= now):
                self._next[name] = yesterday, now + PAUSE
                await self._try(settings, name, yesterday)

    async def _try(self, settings: Settings, exchange: str, day: date) -> None:
        try:
            found = await asyncio.to_thread(self._reconcile, settings, exchange, day)
            if found is None:
                return
            self.compared = await asyncio.to_thread(
                reconciliations.latest_comparisons, self._store, settings.exchanges
            )
        except CallmonError as error:
            log.warning("reconcile: failed; retrying", extra={"exchange": exchange, "why": str(error)})
            return
        except Exception:  # an internal error must not end the daemon
            log.exception("reconcile: internal error; continuing", extra={"exchange": exchange})
            return
        fields = {"exchange": exchange, "day": day.isoformat(), "calls": sum(x.exchange for x in found.lines)}
        fields |= {f"only_{side}": len(found.only(side)) for side in ("exchange", "callmon")}
        log.info("reconcile: a day was compared", extra=fields)

    def _reconcile(self, settings: Settings, exchange: str, day: date) -> Reconciliation | None:
        """Reconciles from the exchange's first call or gap on; None if there is none before the day's end."""
        since = reconciliations.first_sign(self._store, exchange)
        if since is None or since >= span(settings, day)[1]:
            return None
        return reconcile(settings, self._store, exchange, day, since)
