"""The database as a sink: each outcome in it exactly once, with the figures that it adds.

Never drops: while the database is away outcomes wait in memory, and `offer` says when to stop reading.
"""

from __future__ import annotations

from datetime import timedelta

from callmon.store.engine import Store
from callmon.store.tally import Tally
from callmon.store.writer import PATIENCE, Writer


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
    ) -> None:
        self.tally = Tally()
        super().__init__(store, self.tally, group_time, max_waiting, patience, is_shared)
