"""The queues of reports and questions: who waits for whom, what is refused, what ends, what is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from callmon.config.settings import Settings, example_text, parse
from callmon.store.database import Database
from callmon.web import jobs as module
from callmon.web.jobs import BusyError, Job, Jobs
from tests.support.store_fixtures import upgrade


class Work(msgspec.Struct, frozen=True):
    """Takes so many seconds."""

    name: str
    seconds: float
    is_report: ClassVar[bool] = False

    @property
    def subject(self) -> str:
        return self.name

    def make(
        self, _store: Database, _settings: Settings, progress: Callable[[float], None]
    ) -> Sequence[tuple[Path, bytes]]:
        progress(0.5)
        time.sleep(self.seconds)
        return [(Path("made"), self.name.encode())]


class Question(Work, frozen=True):
    pass


class Report(Work, frozen=True):
    is_report: ClassVar[bool] = True


LONG = 300.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/callmon.db"
    upgrade(url).close()
    return parse(example_text().replace("sqlite:///callmon.db", url))


@pytest.fixture
async def jobs() -> AsyncIterator[Jobs]:
    made = Jobs()
    yield made
    made.close()
    for job in made._jobs.values():
        await job.result()


def start(jobs: Jobs, settings: Settings, who: str, *seconds: float, kind: Any = Question) -> list[Job[Any]]:
    started = []
    for place, length in enumerate(seconds):
        with suppress(BusyError):
            started.append(jobs.start(settings, kind(f"{who} {place}", length), who))
    return started


async def is_so(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not so():  # noqa: ASYNC110  # a process decides
            await asyncio.sleep(0.01)


async def test_a_report_is_made_while_eight_people_ask_as_much_as_they_may(settings: Settings, jobs: Jobs) -> None:
    asked = [job for n in range(8) for job in start(jobs, settings, f"viewer {n}", LONG, LONG, LONG)]
    await is_so(lambda: any(job.progress for job in asked))
    (report,) = start(jobs, settings, "manager", 0.0, kind=Report)
    assert (len(asked), jobs.jobs_before(report), jobs.jobs_before(asked[1])) == (module.MOST, 0, 2)
    await report.result()
    assert (report.files, any(job.is_done for job in asked)) == ([("made", b"manager 0")], False)


async def test_a_question_that_runs_pauses_until_no_report_is_left(settings: Settings, jobs: Jobs) -> None:
    (question,) = start(jobs, settings, "viewer", LONG)
    await is_so(lambda: question.progress > 0)
    (report,) = start(jobs, settings, "manager", LONG, kind=Report)
    await is_so(lambda: report.progress > 0)
    assert state_of(question) == "T"
    report.cancel()
    await report.result()
    assert state_of(question) != "T"


def state_of(job: Job[Any]) -> str:
    assert job._process is not None
    return Path(f"/proc/{job._process.pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_one_person_has_two_jobs_at_a_time(settings: Settings, jobs: Jobs) -> None:
    assert len(start(jobs, settings, "viewer", LONG, LONG, LONG)) == 2
    assert len(start(jobs, settings, "another", LONG, LONG, LONG)) == 2
    assert len(start(jobs, settings, "viewer", LONG, LONG, LONG, kind=Report)) == 2


async def test_a_finished_file_is_dropped_by_its_own_peoples_jobs_alone(settings: Settings, jobs: Jobs) -> None:
    (report,) = start(jobs, settings, "manager", 0.0, kind=Report)
    await report.result()
    for kind in (Question, Report):
        for n in range(module.MOST + 2):
            (other,) = start(jobs, settings, f"viewer {n % 2} {kind.__name__} {n}", 0.0, kind=kind)
            other.cancel()
            await other.result()
    assert jobs.get(report.name, Report) is report


async def test_a_question_that_nobody_waits_for_ends_and_a_report_does_not(
    settings: Settings, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    (question,) = start(jobs, settings, "viewer", LONG)
    (report,) = start(jobs, settings, "viewer", LONG, kind=Report)
    own = jobs.start(settings, Question("callmon's own", LONG))
    await question.result()
    assert (question.files, question.failure is None) == ([], False)
    assert (report.is_done, own.is_done) == (False, False)


async def test_a_question_lasts_while_somebody_asks_for_it(settings: Settings, jobs: Jobs) -> None:
    (question,) = start(jobs, settings, "viewer", LONG)
    await is_so(lambda: question._waited_for is not None)
    before = question._waited_for.when() if question._waited_for else None
    assert jobs.start(settings, question.request, "another") is question
    after = question._waited_for.when() if question._waited_for else None
    assert before is not None
    assert after is not None
    assert (after > before, question.people) == (True, {"viewer", "another"})
