"""Where the listener puts outcomes: encoded at once, gathered into groups of about a tenth of a second, and
written by a process of its own, so that the listener shares neither interpreter nor processor with the database.

    offer ─ bytes ─▶ courier (a thread) ─ groups ─▶ scribe (a process) ─ one transaction each ─▶ database
                        │   ◀── what was committed, and the figures that it added ──┘
                        └─ groups that the database does not take ─▶ a file (`outbox.py`), and back in their order

The listener offers outcomes and never waits. What cannot be written waits, in order, and is tried again with
back-off, whole groups in whole transactions: nothing is dropped, doubled or reordered. What can never be stored
is set aside alone, counted and told in the log. Figures are published after the commit that made them true.

Where several callmons share a database (PostgreSQL; `lease.py`), one writes. Another keeps what it would have
written as long as it may be missing there, and writes that when it is its turn.

When this process is killed, the scribe writes what it was sent, and ends; when the scribe is killed, another
takes its place. When the database is away meanwhile, the next callmon finds in the journal what was told until
then, and writes it before it begins.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Self

from callmon.config.settings import Settings
from callmon.core.outcome import Heartbeat, Item
from callmon.errors import StoreError
from callmon.store.database import Store
from callmon.store.writer import messages
from callmon.store.writer.committed import Tally
from callmon.store.writer.messages import encode_item
from callmon.store.writer.outbox import Journal, journal
from callmon.store.writer.supervisor import MAX_GROUP, Courier
from callmon.store.writer.transaction import named

log = logging.getLogger(__name__)

# A killed callmon's scribe may still be writing (`scribe.ALONE_SECONDS`): what it adds must be read.
PATIENCE = timedelta(seconds=60)


class Journaled(NamedTuple):
    """What is in the journal. Bytes, and outcomes that are not in memory; why no more can be put there, if so."""

    path: Path
    size: int
    most: int
    outcomes: int
    trouble: str | None


class Writer:
    """The database as a sink: `tally` holds what is committed, and carries on from what the database says.

    `offer`, `offer_heartbeat` belong to the listener's thread; the rest to any.

    Blocks until this program alone may write and `tally` holds what the database says; or (`is_shared`) until
    another is known to write. Raises StoreError when that is not within `patience`.
    """

    name = "database"

    def __init__(
        self,
        store: Store,
        group_time: timedelta = timedelta(milliseconds=100),
        max_waiting: int = 100_000,
        patience: timedelta = PATIENCE,
        is_shared: bool = False,
        journal: Journal | None = None,
    ) -> None:
        self.max_waiting, self.path = max_waiting, store.path
        self.tally = Tally()
        self._is_closed = False
        url = store.url.render_as_string(hide_password=False)
        token = (journal and journal.token) or secrets.token_hex(8)
        opening = messages.Opening(url, token, store.ring.raw, is_shared)
        # Each counter is changed by one thread only: the difference is what waits.
        self._offered = sum(entry.outcomes for entry in journal.found) if journal else 0
        self._refused = 0
        self._courier = Courier(opening, self.tally, group_time.total_seconds(), journal)
        self._wait_until_open(store, patience.total_seconds())

    @classmethod
    def of(cls, settings: Settings, store: Store) -> Self:
        """As it is configured. On PostgreSQL another callmon may lead."""
        told, is_shared = settings.store, store.path is None
        return cls(
            store, told.write_every, told.max_waiting, is_shared=is_shared, journal=journal(settings, store)
        )

    def _wait_until_open(self, store: Store, patience: float) -> None:
        """And until what an earlier callmon left in the journal is written, as long as that goes on."""
        courier, goal, before = self._courier, self._offered, 0
        while not self.wait(lambda: self._is_ready(goal), patience):
            if courier.done == before or courier.trouble is not None:
                why = courier.trouble or f"the database {store} did not answer in time"
                self.close()
                raise StoreError(why)
            before = courier.done

    def _is_ready(self, goal: int) -> bool:
        return self.stands_by or (self._courier.is_open and self._courier.done >= goal)

    def offer(self, outcome: Item) -> bool:
        """Takes the outcome, always; False: enough waits here, read no further until `has_room()`.

        All that the store costs the listener is here, a few hundred nanoseconds: hence no call more than needed.
        """
        courier = self._courier
        waiting = courier.waiting
        try:
            waiting.append(encode_item(outcome))
        except Exception as error:  # half a letter (a lone surrogate), or a mistake of ours, in one outcome
            return self._set_aside(outcome, error)
        self._offered = offered = self._offered + 1
        size = len(waiting)
        if size == 1 or size == MAX_GROUP:
            courier.wake()
        return offered - courier.done - courier.pending.journaled < self.max_waiting

    def _set_aside(self, outcome: Item, error: Exception) -> bool:
        self._refused += 1
        log.error("an outcome was set aside", extra={"fault": type(error).__name__, "of": named(outcome)})
        return self.has_room()

    # Where several callmons share the database.

    @property
    def leads(self) -> bool:
        """Whether this callmon is the one that writes, by the database's word of a moment ago."""
        return self._courier.is_open and monotonic() < self._courier.turn.leads_until

    @property
    def stands_by(self) -> bool:
        """Another writes, and this one would in its place."""
        return self._courier.turn.is_standby

    def heard_by_other(self) -> Mapping[str, datetime]:
        """While this one stands by: until when each exchange was heard with all that it said stored."""
        return self._courier.turn.heard

    @property
    def holder(self) -> str:
        """While this one stands by: the database's session that has the right to write; empty when it is ours."""
        return self._courier.turn.holder

    @property
    def is_gained(self) -> bool:
        """It is our turn: what of `kept` is not in the database is to be told (`lead`), and then written."""
        return self._courier.turn.is_gained

    def kept(self) -> list[messages.Told | Heartbeat]:
        """All that was offered and may be missing in the database, in its order."""
        return [messages.item_of(item) for item in self._courier.waiting[:]]

    def lead(self, missing: Iterable[Item]) -> None:
        """To be called in the listener's thread, right after `kept` was asked for the last time."""
        self._courier.lead([encode_item(item) for item in missing])

    def offer_heartbeat(self, exchange: str, at: datetime) -> None:
        """Says that all the exchange said until `at` was offered; stored no sooner than that is."""
        self.offer(Heartbeat(exchange, at))

    def has_room(self) -> bool:
        """Whether memory has: what is in the journal takes none."""
        return self.backlog() - self._courier.pending.journaled < self.max_waiting

    def backlog(self) -> int:
        return self._offered - self._courier.done

    def refused(self) -> int:
        """How many outcomes were set aside because they could never be stored."""
        return self._refused + self._courier.set_aside

    def behind_for(self) -> timedelta:
        """How long the oldest outcome has waited to be committed; what is kept while another writes does not."""
        oldest = self._courier.oldest
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def journal(self) -> Journaled | None:
        """How the journal is; None without one."""
        pending = self._courier.pending
        if (journal := pending.journal) is None:
            return None
        return Journaled(journal.path, journal.size, journal.most, pending.journaled, pending.trouble)

    def trouble(self) -> str | None:
        """Why outcomes wait, for a person; None while all is well."""
        return self._courier.trouble if self._courier.thread.is_alive() else "the thread that stores has ended"

    @property
    def scribe(self) -> int | None:
        """The number of the process that writes now; None while there is none."""
        return self._courier.scribe

    def flush(self, timeout: float) -> bool:
        """Blocks until what was offered before is committed; False when time ran out. Not while another writes."""
        courier, goal = self._courier, self._offered
        courier.hurry()
        return self.wait(lambda: courier.done >= goal or courier.turn.has_nothing_to_write, timeout)

    def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Blocks until `condition()`, which is asked after each commit and trouble; False when time ran out."""
        with self._courier.changed:
            return self._courier.changed.wait_for(condition, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Blocks until the scribe has ended. It tries once more to write what waits; what fails is told."""
        if self._is_closed:
            return
        self._is_closed = True
        self._courier.close()
        self._courier.thread.join(timeout)
        left, why = self._courier.pending.journaled, self._courier.trouble
        if (waiting := self.backlog() - left) and not self.stands_by:
            log.error("closed with outcomes not stored", extra={"waiting": waiting, "why": why})
        if left:
            log.warning("outcomes wait in the journal for the next start", extra={"waiting": left, "why": why})
