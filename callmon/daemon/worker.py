"""What a feature does in the daemon: a task, and what it adds to the snapshot, to /healthz and to a transaction.

The daemon makes the WORKERS of each feature and knows none of them. Refuses: to import a feature.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from callmon.store.row_mapping import Rows
from callmon.store.tables import Row


class Worker:
    """`run` is a task for the daemon's lifetime; `name` is the task's. None of the others may block."""

    name: str

    async def run(self) -> None:
        raise NotImplementedError

    def snapshot_fields(self) -> Mapping[str, Any]:
        """Its fields of the daemon's snapshot."""
        return {}

    def health_remarks(self) -> Sequence[str]:
        """What /healthz says of it."""
        return ()

    def stored_with(self, rows: Rows) -> Sequence[Row]:
        """What the writer stores in the transaction of these rows. An exception is logged and counted."""
        return ()
