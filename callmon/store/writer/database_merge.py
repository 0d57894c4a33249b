"""The database as a sink: each outcome in it exactly once, with the figures that it adds.

Never drops: while the database is away outcomes wait in the journal, and when that is full in memory; `offer` says
when to stop reading.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from callmon.config.settings import Settings
from callmon.store import opening
from callmon.store.database import Store
from callmon.store.writer.committed import Tally
from callmon.store.writer.outbox import Journal
from callmon.store.writer.writer import PATIENCE, Writer


class Database(Writer):
    """Satisfies `Sink`, and can be flushed and closed.

    `tally` holds what is committed: it carries on from what the database says.
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
        self.tally = Tally()
        super().__init__(store, self.tally, group_time, max_waiting, patience, is_shared, journal)

    @classmethod
    def of(cls, settings: Settings, store: Store) -> Self:
        """As it is configured. On PostgreSQL another callmon may lead."""
        told, is_shared = settings.store, store.path is None
        journal = opening.journal(settings, store)
        return cls(store, told.write_every, told.max_waiting, is_shared=is_shared, journal=journal)
