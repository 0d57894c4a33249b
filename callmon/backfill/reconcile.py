"""Nightly reconciliation: compares the stored calls of the previous day with the exchange's CEL.

    local midnight + AFTER_MIDNIGHT ─▶ that day's rows are read ─▶ compared ─▶ stored, exported

A backfill (`gap_filler.py`, `callmon backfill`) adds missing calls. Only the leader reconciles. A day that cannot
be read is retried until the next day. Calls before callmon's first sign of the exchange are not compared. Blocks,
except `NightlyReconciliation`.

Refuses: to change a call.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta

from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill
from callmon.backfill.source import rows
from callmon.config.settings import Settings
from callmon.core.facts import Arrived
from callmon.core.reconciliation import ArrivedCall, LastComparison, Reconciliation, compare
from callmon.errors import CallmonError, ConfigError
from callmon.store.database import Database
from callmon.store.queries import reconciliations

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = timedelta(minutes=10)  # gaps before midnight are filled by then
LOOKS = 60.0  # seconds between two checks of the time
PAUSE = timedelta(minutes=30)  # before a retry after an error


def span(settings: Settings, day: date) -> tuple[datetime, datetime]:
    """The day from midnight to midnight in the site's time zone, in UTC."""
    begin, end = (datetime.combine(x, time(), settings.timezone) for x in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


def reconcile(
    settings: Settings, store: Database, exchange: str, day: date, since: datetime | None = None
) -> Reconciliation:
    """Compares one day of one exchange (from `since` on) and stores the result.

    Raises ConfigError without a source, and StoreError.
    """
    cel = settings.exchanges[exchange].cel
    if not cel.is_on:
        raise ConfigError(
            f"There is nothing to compare with: add [exchanges.{exchange}.cel] with a file or url, where the "
            "exchange keeps its diary."
        )
    begin, end = span(settings, day)
    begin = max(begin, since or begin)
    work = Backfill(settings, store, exchange)
    found = rows(cel, exchange, work.reader(), work.zone, [(begin, end)])
    logged, mentioned = _logged(work, found, begin, end)
    kept = reconciliations.arrived_calls(store, exchange, begin, end)
    known = reconciliations.known(store, exchange, logged)
    names = [line.name for line in settings.lines()]
    one = compare(exchange, day, names, logged, mentioned, kept, known)
    reconciliations.store_reconciliation(store, one, datetime.now(UTC))
    return one


def _logged(
    work: Backfill, found: Iterable[CelRow], begin: datetime, end: datetime
) -> tuple[dict[str, ArrivedCall], set[str]]:
    """Ended inbound calls on public lines that arrived in [begin, end), and all call ids in the rows."""
    logged: dict[str, ArrivedCall] = {}
    mentioned: set[str] = set()
    for part in extract.stretches(found):
        mentioned.update(row.linkedid for row in part)
        for call, facts in work.told(part).items():
            first = facts[0]
            if not isinstance(first, Arrived) or first.line is None or first.direction != "inbound":
                continue
            if first.at is not None and begin <= first.at < end:
                logged[call] = ArrivedCall(call, first.line, first.at)
    return logged, mentioned


class NightlyReconciliation:
    """The daemon's task that reconciles all exchanges. `compared`: the latest results, for the metrics."""

    def __init__(
        self, settings: Callable[[], Settings], store: Database, leads: Callable[[], bool], gaps: Callable[[], int]
    ) -> None:
        self._settings, self._store, self._leads, self._gaps = settings, store, leads, gaps
        self._not_before: dict[tuple[str, date], datetime] = {}
        self.compared: list[LastComparison] = []

    def restore(self) -> None:
        """Reads the latest results from the database."""
        self.compared = reconciliations.latest_comparisons(self._store, self._settings().exchanges)

    async def run(self) -> None:
        while True:
            await self.look(datetime.now(UTC))
            await asyncio.sleep(LOOKS)

    async def look(self, now: datetime) -> None:
        """Reconciles the previous day of each exchange with a CEL source, if due.

        Does nothing on a standby, or while gaps are queued for a backfill.
        """
        settings = self._settings()
        yesterday = (now.astimezone(settings.timezone) - AFTER_MIDNIGHT).date() - timedelta(days=1)
        if not self._leads() or self._gaps():
            return
        done = {one.exchange: one.day for one in self.compared}
        for name, exchange in settings.exchanges.items():
            is_due = exchange.cel.is_on and done.get(name, date.min) < yesterday
            if is_due and self._not_before.get((name, yesterday), now) <= now:
                await self._try(settings, name, yesterday, now)

    async def _try(self, settings: Settings, exchange: str, day: date, now: datetime) -> None:
        try:
            one = await asyncio.to_thread(self._reconcile, settings, exchange, day)
            self.compared = await asyncio.to_thread(
                reconciliations.latest_comparisons, self._store, settings.exchanges
            )
        except CallmonError as error:
            self._not_before = {**self._not_before, (exchange, day): now + PAUSE}
            log.warning("a day is not reconciled yet", extra={"exchange": exchange, "why": str(error)})
            return
        except Exception:  # an internal error must not end the daemon
            self._not_before = {**self._not_before, (exchange, day): now + PAUSE}
            log.exception("a mistake of callmon's own while reconciling", extra={"exchange": exchange})
            return
        if one is None:
            self._not_before = {**self._not_before, (exchange, day): now + PAUSE}
            return
        told = {"exchange": exchange, "day": day.isoformat(), "calls": sum(x.exchange for x in one.lines)}
        told |= {f"only_{side}": len(one.only(side)) for side in ("exchange", "callmon")}
        log.info("a day was reconciled", extra=told)

    def _reconcile(self, settings: Settings, exchange: str, day: date) -> Reconciliation | None:
        """Reconciles from the exchange's first call or gap on; None if there is none before the day's end."""
        since = reconciliations.first_sign(self._store, exchange)
        if since is None or since >= span(settings, day)[1]:
            return None
        return reconcile(settings, self._store, exchange, day, since)
