"""Reads the contacts of the other pairs in the same PostgreSQL (`store.pairs`): a callback counts in every pair.

    another pair's writer ─▶ table contact ─▶ PairReader ─▶ Monitor.record_contacts ─▶ ledger
                        └─ NOTIFY ─────────────▲ it reads that pair at once; every pair each second, without it too

A verdict at a due time waits until the other pairs have stored what they heard until then. It is unknown when a
pair stores nothing for `SILENT_SECONDS`, or has a gap. A contact that is read later corrects it.

At the start, after a take-over and after a reload, the contacts with the numbers of all known obligations are
read again: the ledger ignores what it has applied. Refuses: to write.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic

import msgspec

from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.callbacks.obligation import Obligation
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.verdicts import Gap
from callmon.daemon.tasks import Act
from callmon.errors import Sentence, StoreError
from callmon.store.database import Database
from callmon.store.notices import ContactNotices
from callmon.store.pairs import contacts as queries
from callmon.store.view import View

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
GATHER_SECONDS = 0.05  # after a notice: any role of the database can send notices
SILENT_SECONDS = 60.0  # longer than a take-over, or a restart of the other pair
GONE_AFTER = timedelta(days=7)  # an exchange without a heartbeat for so long is no longer configured


class _Pair:
    """One other pair: how far it was read, and until when each of its exchanges was heard."""

    def __init__(self, schema: str, tables: Database, now: datetime) -> None:
        self.schema, self.tables = schema, tables
        self.index: ObligationIndex | None = None  # whose obligations all its contacts so far were applied to
        self.last = 0
        self.heard: dict[str, tuple[datetime, float]] = {schema: (now, monotonic())}
        self.gaps: set[Gap] = set()
        self.trouble = ""

    def read(self, store: Database, tokens: Iterable[str] | None) -> tuple[queries.PairReading, list[Obligation]]:
        """The contacts after the last one; with `tokens`, first those with these numbers. Blocks."""
        earlier, last = list[Contact](), self.last
        if tokens is not None:
            queries.refuse_another_key(store, self.tables)
            earlier, last = queries.contacts_of(self.tables, tokens)
        read = queries.contacts_after(self.tables, last)
        found = [self._named(contact) for contact in (*earlier, *read.contacts)]
        return read._replace(contacts=found), queries.settled_after(store, found)

    def _named(self, contact: Contact) -> Contact:
        """The contact with its pair's name before those of its exchange and phone: other pairs may use these."""
        exchange, phone = (f"{self.schema}/{name}" for name in (contact.exchange, contact.phone))
        return msgspec.structs.replace(contact, exchange=exchange, phone=phone)

    def note(self, heard: dict[str, datetime], now: datetime) -> None:
        """Keep until when each exchange was heard, and when that last advanced."""
        clock = monotonic()
        known = {f"{self.schema}/{name}": at for name, at in heard.items() if now - at < GONE_AFTER}
        if known:
            same = {name: was for name, was in self.heard.items() if was[0] == known.get(name)}
            self.heard = {name: (at, clock) for name, at in known.items()} | same


class PairReader:
    """Applies other pairs' contacts to the monitor. `run` is a task for the daemon's lifetime."""

    def __init__(
        self,
        schemas: Iterable[str],
        store: Database,
        monitor: Callable[[], Monitor],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._monitor = monitor
        self._now = now
        self._pairs = [_Pair(schema, store.seen_as(View(schema=schema)), now()) for schema in schemas]

    def heard(self) -> dict[str, datetime]:
        """Until when all contacts were read, by exchange. A talk that may become a callback is not yet one."""
        least = self._monitor().ledger.rules.talked_for
        return {name: at - least for pair in self._pairs for name, (at, _) in pair.heard.items()}

    def silent(self) -> list[str]:
        """The exchanges whose contacts have not been stored, or not been read, for `SILENT_SECONDS`."""
        limit = monotonic() - SILENT_SECONDS
        return [name for pair in self._pairs for name, (_, since) in pair.heard.items() if since < limit]

    def remarks(self) -> list[str]:
        troubled = (pair for pair in self._pairs if pair.trouble)
        return [Sentence("pair {name}: {why}", name=pair.schema, why=pair.trouble) for pair in troubled]

    async def run(self, do: Callable[[Act], None]) -> None:
        changed, due = set[str](), monotonic()
        async with ContactNotices(self._store) as notices:
            while self._pairs:
                if monotonic() >= due:
                    await self.read(do)
                    due = monotonic() + EVERY_SECONDS
                else:
                    for pair in (pair for pair in self._pairs if pair.schema in changed):
                        await self._read(pair, do)
                changed = await notices.wait(max(0.0, due - monotonic()))
                await asyncio.sleep(GATHER_SECONDS)

    async def read(self, do: Callable[[Act], None]) -> None:
        """Read each pair once. `do` receives what was read as a function of the monitor."""
        for pair in self._pairs:
            await self._read(pair, do)

    async def _read(self, pair: _Pair, do: Callable[[Act], None]) -> None:
        index = self._monitor().ledger.index
        is_new = pair.index is not index
        tokens = sorted(set(_tokens(index))) if is_new else None
        try:
            read, settled = await asyncio.to_thread(pair.read, self._store, tokens)
        except StoreError as error:
            why = error.sentences[0]
            if pair.trouble != why:
                log.warning("pair: cannot be read", extra={"pair": pair.schema, "why": why})
            pair.trouble = why
            return
        if pair.trouble:
            log.info("pair: read again", extra={"pair": pair.schema})
        pair.trouble = ""
        pair.index = index
        pair.last = read.last
        gaps = set(read.gaps) - (set() if is_new else pair.gaps)
        pair.gaps = set(read.gaps)
        do(partial(_apply, pair=pair.schema, read=read, settled=settled, gaps=gaps))
        pair.note(read.heard, self._now())


def _tokens(index: ObligationIndex) -> Iterator[str]:
    for obligation in index:
        yield from filter(None, (obligation.token, obligation.other))


def _apply(
    monitor: Monitor, pair: str, read: queries.PairReading, settled: list[Obligation], gaps: set[Gap]
) -> list[Outcome]:
    for gap in sorted(gaps, key=lambda gap: gap.end):
        monitor.ledger.gap(f"{pair}/{gap.exchange}", gap.start, gap.end)
    return monitor.record_contacts(read.contacts, settled)
