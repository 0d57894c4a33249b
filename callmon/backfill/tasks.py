"""The daemon's tasks that read an exchange's CEL in a thread: the gap filler and the nightly reconciliation.

    a gap ends, or a call ends that was received in part ─▶ its time span is queued ─▶ `wait` ─▶ a thread reads
    the CEL rows of that span and runs the backfill ─▶ the counters on /metrics are updated

    local midnight + AFTER_MIDNIGHT ─▶ the rows of the day before are read ─▶ compared ─▶ stored, exported

Obligations and outbound calls that the backfill finds become commands. `daemon/tasks.py` reads them like manual
commands.

Without a configured source, nothing is done. Errors are logged and retried. A standby keeps its time spans queued:
the leader fills its own gaps. The standby fills the queued spans after a takeover.

Only the leader reconciles, and changes no call. A day that cannot be read is retried until the next day. Calls
before callmon's first sign of the exchange are not compared.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.cel import extract
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill, Window, rows
from callmon.config.settings import Settings
from callmon.core.calls.call import Call
from callmon.core.outcome import Outcome
from callmon.core.reconciliation import ArrivedCall, LastComparison, Reconciliation, compare
from callmon.core.statistics.counters import Figures
from callmon.core.statistics.period import midnight
from callmon.errors import CallmonError, ConfigError, Sentence
from callmon.store.database import Database
from callmon.store.queries import calls, reconciliations

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
        filled: Callable[[str, Iterable[Call]], None] = lambda exchange, calls: None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._added = added
        self._stands_by, self._grown = stands_by, grown
        self._filled = filled
        self._windows: dict[str, list[Window]] = {}
        self._since: dict[str, datetime] = {}
        self._is_queued = asyncio.Event()

    def offer(self, outcome: Outcome) -> bool:
        """Queues the time spans of gaps and of calls that were received in part. Always returns True."""
        if not (outcome.gaps or outcome.calls) or not self._has_source(outcome.exchange):
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
            self._filled(exchange, await asyncio.to_thread(self._fill, self._settings(), exchange, windows))
        except CallmonError as error:
            log.warning("backfill: failed; retrying", extra={"exchange": exchange, "why": str(error)})
            for window in windows:
                self._queue(exchange, window)
            return False
        except Exception:  # an internal error must not end the daemon; these spans are not retried
            log.exception("backfill: internal error; continuing", extra={"exchange": exchange})
        return True

    def _fill(self, settings: Settings, exchange: str, windows: list[Window]) -> list[Call]:
        work = Backfill(settings, self._store, exchange, self._grown(exchange))
        found = rows(settings.exchanges[exchange].cel, exchange, work.reader(), windows)
        changed: list[Call] = []
        for filled in work.run(found, windows):
            changed += [change.call for change in filled.changes]
            self._added(filled.added)
        fields = {"exchange": exchange, "rows": work.rows, "calls_changed": len(changed)}
        log.info("backfill: CEL read", extra=fields)
        for sentence in work.bad.sentences():
            log.warning(sentence, extra={"exchange": exchange})
        return changed


# Reconciliation.

AFTER_MIDNIGHT = timedelta(minutes=10)  # gaps before midnight are filled by then
LOOKS = 60.0  # seconds between two checks of the time
PAUSE = timedelta(minutes=30)  # before a retry of a day that could not be reconciled


def span(settings: Settings, day: date) -> tuple[datetime, datetime]:
    """The day from midnight to midnight in the site's time zone, in UTC."""
    return midnight(day, settings.timezone), midnight(day + timedelta(days=1), settings.timezone)


def refuse_without_cel(settings: Settings, exchange: str) -> None:
    """Raises ConfigError if the exchange has no CEL source."""
    if not settings.exchanges[exchange].cel.is_on:
        raise ConfigError(
            Sentence(
                "No CEL is configured to compare with; add {table} with its file or url.",
                table=f"[exchanges.{exchange}.cel]",
            )
        )


def reconcile(
    settings: Settings, store: Database, exchange: str, day: date, since: datetime | None = None
) -> Reconciliation:
    """Compares one day of one exchange (from `since` on) and stores the result.

    Raises ConfigError without a source, and StoreError.
    """
    refuse_without_cel(settings, exchange)
    cel = settings.exchanges[exchange].cel
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
        self._settings = settings
        self._store = store
        self._leads = leads
        self._gaps = gaps
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
