"""The daemon's task that delivers events, and the events that are stored with their outcomes.

Without a webhook nothing else of this feature is imported: the task waits for the first, at the start or after a
reload.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from callmon.daemon.runtime import Runtime
from callmon.daemon.worker import Worker
from callmon.store.queries.months import is_final_month
from callmon.store.row_mapping import Rows
from callmon.store.tables import Row

if TYPE_CHECKING:
    from callmon.features.webhooks.delivery import Deliverer


class WebhookWorker(Worker):
    name = "webhooks"

    def __init__(self, daemon: Runtime) -> None:
        self._daemon = daemon
        self._deliverer: Deliverer | None = None

    async def run(self) -> None:
        daemon = self._daemon
        while not daemon.settings.webhooks:
            await daemon.second.next()
        from callmon.features.webhooks.delivery import Deliverer  # not without a webhook

        self._deliverer = Deliverer(lambda: daemon.settings, daemon.store, daemon.leads, is_final_month)
        await self._deliverer.run()

    def snapshot_fields(self) -> Mapping[str, Any]:
        return {} if self._deliverer is None else {"webhooks": self._deliverer.counts}

    def stored_with(self, rows: Rows) -> Sequence[Row]:
        settings = self._daemon.settings
        if not settings.webhooks:
            return ()
        from callmon.features.webhooks.events import deliveries  # not without a webhook

        return deliveries(rows, settings, datetime.now(UTC))


WORKERS = (WebhookWorker,)
