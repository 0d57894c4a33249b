"""The daemon's task that keeps the figures of the questions for `/metrics`: needs met.

    each half-hour ─▶ a job (a worker process) ─▶ PlanningStatus ─▶ snapshot ─▶ /metrics

Refuses: a figure of a question that is switched off, and to compute in the daemon. A standby has none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from callmon.config.settings import Settings
from callmon.core.snapshot import PlanningStatus
from callmon.daemon.runtime import Runtime
from callmon.daemon.worker import Worker
from callmon.features.questions.job import ANSWER, QuestionRequest
from callmon.web.jobs import Jobs

log = logging.getLogger(__name__)

FIRST, AFTER = 60.0, 15.0  # seconds: from the daemon's start, and from the end of a half-hour
HALF_HOUR = 1800.0


class PlanningTask(Worker):
    """`run` keeps its figures up to date. Its jobs are its own: none of a page gives way to one."""

    name = "planning"

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._planning = PlanningStatus()

    async def run(self) -> None:
        await asyncio.sleep(FIRST)
        while True:
            now = datetime.now(UTC)
            try:
                self._planning = await self.update(now)
            except Exception:  # an internal error must not end the daemon
                self._planning = PlanningStatus()
                log.exception("planning: internal error; continuing")
            await asyncio.sleep(HALF_HOUR - now.timestamp() % HALF_HOUR + AFTER)

    def snapshot_fields(self) -> Mapping[str, Any]:
        return {"planning": self._planning}

    async def update(self, now: datetime) -> PlanningStatus:
        """The figures at `now`, of the questions that are on. What cannot be answered now is absent."""
        settings = self._runtime.settings
        on = settings.configuration.questions if self._runtime.leads() else ()
        found: dict[str, Any] = {}
        if "needs" in on:
            until = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
            given = {"until": until.isoformat()}
            found |= await self._answer(settings, QuestionRequest("needs met", settings.default_language, given))
        return planning_status(found)

    async def _answer(self, settings: Settings, question: QuestionRequest) -> dict[str, Any]:
        """The answer of a worker process; empty where it has none."""
        with closing(Jobs()) as jobs:
            job = jobs.start(settings, question)
            await job.result()
        answer: dict[str, Any] = msgspec.json.decode(dict(job.files)[ANSWER]) if job.files else {}
        return answer


def planning_status(answers: Mapping[str, Any]) -> PlanningStatus:
    """The figures of the answers."""
    return PlanningStatus(
        needs={
            (service, result): count
            for service, counts in answers.get("needs", {}).items()
            for result, count in counts.items()
        }
    )


WORKERS = (PlanningTask,)
