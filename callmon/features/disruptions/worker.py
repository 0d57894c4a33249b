"""The daemon's task that keeps the public notice current."""

from collections.abc import Sequence

from callmon.daemon.runtime import Runtime
from callmon.daemon.worker import Worker
from callmon.features.disruptions.notice.folder import NoticePublisher


class NoticeWorker(Worker):
    name = "public notice"

    def __init__(self, daemon: Runtime) -> None:
        self._daemon = daemon
        self._publisher = NoticePublisher(lambda: daemon.settings, daemon.stands_by)

    async def run(self) -> None:
        await self._publisher.run(self._daemon.snapshot, self._daemon.second.next)

    def health_remarks(self) -> Sequence[str]:
        return self._publisher.troubles()


WORKERS = (NoticeWorker,)
