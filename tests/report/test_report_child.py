"""A report that the daemon is asked for is made in a process of its own: followed, bounded, ended."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from callmon.config.settings import Settings
from callmon.core.statistics import period
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.store.database import Database, upgrade
from callmon.web.jobs import Job, JobFailure
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year.database import fill_year


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Settings]]:
    """A small year in a database that a child can find."""
    url = f"sqlite:///{tmp_path_factory.mktemp('child')}/callmon.db"
    settings = year.settings(url=url)
    store = upgrade(url)
    fill_year(store, settings, 300, seeds=(3, 11))
    yield store, settings
    store.close()


async def made(settings: Settings, report_request: ReportRequest, **bounds: float) -> Job[ReportRequest]:
    process = Job(settings, report_request, asyncio.Semaphore(), **bounds)  # type: ignore[arg-type]
    assert await process.result()
    return process


async def test_it_is_the_report_that_the_command_writes(site: tuple[Database, Settings]) -> None:
    store, settings = site
    process = await made(settings, ReportRequest("2024-05", "csv"))
    report = gathered(store, settings, period.month("2024-05", TORONTO), datetime.now(UTC))
    expected = [(path.name, data) for path, data in files(report, settings, ReportRequest("", "csv"))]
    assert (process.files, process.failure, process.progress) == (expected, None, 1.0)
    assert [name for name, _ in process.files] == [
        "callmon-2024-05-fr.csv", "callmon-2024-05-fr-dictionnaire.csv",
        "callmon-2024-05-en.csv", "callmon-2024-05-en-dictionary.csv",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("report_request", "trouble"),
    [
        (ReportRequest("2099-01"), "2099-01 has not begun yet; give a month that has."),
        (ReportRequest("May"), "May: a month is written as 2026-10."),
        (
            ReportRequest("2024-05", "odt"),
            "odt, None: a report is one of csv, xlsx, html, pdf, json, in fr or en.",
        ),
    ],
)
async def test_what_cannot_be_made_is_a_sentence(
    site: tuple[Database, Settings], report_request: ReportRequest, trouble: str
) -> None:
    process = await made(site[1], report_request)
    assert (process.files, process.failure) == ([], JobFailure("order", trouble))


async def test_without_a_database_the_sentence_says_so(tmp_path: Path) -> None:
    settings = year.settings(url=f"sqlite:///{tmp_path}/none.db")
    process = await made(settings, ReportRequest("2024-05"))
    assert process.failure == JobFailure(
        "database",
        f"there is no database at {tmp_path}/none.db: correct store.url, or make a new one with "
        "`callmon db upgrade`",
    )


async def test_a_database_that_ends_in_mid_report_is_reported_as_such(tmp_path: Path) -> None:
    store = upgrade(f"sqlite:///{tmp_path}/a.db")
    with store.writing() as connection:
        connection.execute(text("DROP TABLE obligation"))
    store.close()
    process = await made(year.settings(url=f"sqlite:///{tmp_path}/a.db"), ReportRequest("2024-05"))
    assert (process.files, process.failure) == ([], JobFailure("database", "no such table: obligation"))


async def test_what_the_page_does_not_say_is_in_the_log(
    site: tuple[Database, Settings], caplog: pytest.LogCaptureFixture
) -> None:
    await made(site[1], ReportRequest("2099-01"))
    assert caplog.messages == ["job: 2099-01 failed: 2099-01 has not begun yet; give a month that has."]


async def test_a_process_that_cannot_be_started_is_a_trouble_and_no_empty_report(
    site: tuple[Database, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    process = await made(site[1], ReportRequest("2024-05"))
    assert (process.files, process.failure) == (
        [], JobFailure("ended", "the process cannot start: No such file or directory"),
    )  # fmt: skip


async def test_it_is_ended_when_its_time_is_over(site: tuple[Database, Settings]) -> None:
    process = await made(site[1], ReportRequest("2024-05", "pdf"), seconds=0.01)
    assert process.failure == JobFailure("long", "it was not made within 0 s; the command may take longer", 0)
    assert children() == set()


async def test_it_gets_no_more_memory_than_it_may_have(site: tuple[Database, Settings]) -> None:
    process = await made(site[1], ReportRequest("2024-05"), megabytes=90, seconds=60)
    assert process.files == []
    assert process.failure is not None


async def test_to_cancel_the_task_ends_the_process(site: tuple[Database, Settings]) -> None:
    process = Job(site[1], ReportRequest("2024-05", "pdf"), asyncio.Semaphore())
    await until(lambda: process.progress > 0)
    assert len(children()) == 1
    process.cancel()
    assert await process.result()
    assert (children(), process.files) == (set(), [])


async def test_one_waits_for_the_other_where_one_may_be_made_at_once(site: tuple[Database, Settings]) -> None:
    turn = asyncio.Semaphore(1)
    both = [Job(site[1], ReportRequest("2024-05", "json"), turn) for _ in range(2)]
    most = 0
    while not all(process.is_done for process in both):
        most = max(most, len(children()))
        await asyncio.sleep(0.01)
    assert most == 1
    assert both[0].files == both[1].files


async def test_the_databases_password_is_in_no_command_line(tmp_path: Path) -> None:
    url = "postgresql+psycopg://callmon:sesame@127.0.0.1:1/callmon"
    settings = year.settings(url=url)
    process = Job(settings, ReportRequest("2024-05"), asyncio.Semaphore())
    await until(lambda: bool(children()))
    lines = [command_line(pid) for pid in children()]
    assert await process.result()
    assert [b"sesame" in line for line in lines] == [False]
    assert "sesame" not in str(process.failure)


def children() -> set[int]:
    """The processes that are ours and make a report."""
    ours = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in ours if b"callmon.web.jobs" in command_line(int(pid))}


def command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


async def until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110 - nothing tells us of what another process does
        await asyncio.sleep(0.005)
