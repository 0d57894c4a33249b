"""The daemon's task that mails the reports."""

from collections.abc import Mapping
from typing import Any

from callmon.daemon.runtime import Runtime
from callmon.daemon.worker import Worker
from callmon.features.months.mail.timer import ReportMailer


class MailWorker(Worker):
    name = "report mail"

    def __init__(self, daemon: Runtime) -> None:
        self._mailer = ReportMailer(lambda: daemon.settings, daemon.store, daemon.leads)

    async def run(self) -> None:
        await self._mailer.run()

    def snapshot_fields(self) -> Mapping[str, Any]:
        return {"reports_unsent": dict(self._mailer.unsent)}


WORKERS = (MailWorker,)
