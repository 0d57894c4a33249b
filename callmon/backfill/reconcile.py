"""Each night: are all the calls here that the exchange's own diary (CEL) has of the day before?

    midnight, by the ministry's clock, and a while ─▶ that day's rows are read ─▶ compared ─▶ stored, shown

Nothing is changed by it: what is missing, a backfill brings (`gap_filler.py`, `callmon backfill`). Who stands by
leaves it to whoever leads. A day that could not be read is tried again until the next; what came before callmon
first heard the exchange is not held against it. Blocks, but for `Nights`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta

from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import Row
from callmon.backfill.job import Backfill
from callmon.backfill.source import rows
from callmon.config.settings import Settings
from callmon.core.facts import Arrived
from callmon.core.reconciliation import Compared, Counted, Reconciliation, compare
from callmon.errors import CallmonError, ConfigError
from callmon.store.database import Store
from callmon.store.queries import reconciliations

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = timedelta(minutes=10)  # gaps before it are filled by then
LOOKS = 60.0  # seconds between two looks at the clock
PAUSE = timedelta(minutes=30)  # after trouble


def span(settings: Settings, day: date) -> tuple[datetime, datetime]:
    """From its midnight to the next, by the ministry's clock."""
    begin, end = (datetime.combine(x, time(), settings.timezone) for x in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


def reconcile(
    settings: Settings, store: Store, exchange: str, day: date, since: datetime | None = None
) -> Reconciliation:
    """That day of that exchange (from `since` on), compared and stored. Raises ConfigError without a source,
    StoreError.
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
    kept = reconciliations.kept(store, exchange, begin, end)
    known = reconciliations.known(store, exchange, logged)
    names = [line.name for line in settings.lines()]
    one = compare(exchange, day, names, logged, mentioned, kept, known)
    reconciliations.write(store, one, datetime.now(UTC))
    return one


def _logged(
    work: Backfill, found: Iterable[Row], begin: datetime, end: datetime
) -> tuple[dict[str, Counted], set[str]]:
    """The calls on public lines that arrived then and are over, and every id of a call that the rows name."""
    logged: dict[str, Counted] = {}
    mentioned: set[str] = set()
    for part in extract.stretches(found):
        mentioned.update(row.linkedid for row in part)
        for call, facts in work.told(part).items():
            first = facts[0]
            if not isinstance(first, Arrived) or first.line is None or first.direction != "inbound":
                continue
            if first.at is not None and begin <= first.at < end:
                logged[call] = Counted(call, first.line, first.at)
    return logged, mentioned


class Nights:
    """All exchanges' days: a task for as long as the daemon lives. `compared` is what the metrics show."""

    def __init__(
        self, settings: Callable[[], Settings], store: Store, leads: Callable[[], bool], gaps: Callable[[], int]
    ) -> None:
        self._settings, self._store, self._leads, self._gaps = settings, store, leads, gaps
        self._not_before: dict[tuple[str, date], datetime] = {}
        self.compared: list[Compared] = []

    def restore(self) -> None:
        """What was found before callmon stopped."""
        self.compared = reconciliations.latest(self._store, self._settings().exchanges)

    async def run(self) -> None:
        while True:
            await self.look(datetime.now(UTC))
            await asyncio.sleep(LOOKS)

    async def look(self, now: datetime) -> None:
        """Reconcile what is due now: yesterday, of each exchange whose diary can be read."""
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
            self.compared = await asyncio.to_thread(reconciliations.latest, self._store, settings.exchanges)
        except CallmonError as error:
            self._not_before = {**self._not_before, (exchange, day): now + PAUSE}
            log.warning("a day is not reconciled yet", extra={"exchange": exchange, "why": str(error)})
            return
        except Exception:  # a bug of ours must not end the daemon
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
        """From callmon's first sign of life on; None when it was not there yet."""
        since = reconciliations.first_sign(self._store, exchange)
        if since is None or since >= span(settings, day)[1]:
            return None
        return reconcile(settings, self._store, exchange, day, since)
