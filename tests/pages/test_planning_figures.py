"""The figures of the questions for /metrics: what a worker process answers each half-hour, while they are on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from callmon.config.settings import Settings
from callmon.core.replay.needs import count_needs
from callmon.core.snapshot import PlanningStatus
from callmon.core.statistics.period import midnight
from callmon.features.questions.worker import PlanningTask, planning_status
from callmon.store.queries.contacts import read_contacts
from tests.support.fact_builder import TORONTO
from tests.support.pages_app import Pages
from tests.support.questions_site import DATES, questions_site

NOON = midnight(DATES[40], TORONTO) + timedelta(hours=12)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with questions_site(tmp_path_factory.mktemp("planning")) as found:
        yield found


def figures(site: Pages, now: datetime, questions: tuple[str, ...] = ()) -> PlanningStatus:
    runtime = site.daemon.runtime
    was = runtime.settings
    configuration = was.configuration.model_copy(update={"questions": questions})
    runtime.settings = Settings(configuration, was.source)

    try:
        return asyncio.run(PlanningTask(runtime).update(now))
    finally:
        runtime.settings = was


def test_the_counter_is_the_needs_of_the_month_that_are_over(site: Pages) -> None:
    found, month = figures(site, NOON, ("needs",)).needs, midnight(DATES[40].replace(day=1), TORONTO)
    lines = {line.name for line in site.daemon.runtime.settings.lines() if line.service == "general_inquiries"}
    until = NOON - timedelta(days=1)
    with site.store.reading() as connection:
        counted = count_needs(read_contacts(connection, month, until, lines), month, until)
    assert counted.needs > 100
    assert {result: n for (service, result), n in found.items() if service == "general_inquiries"} == {
        "met_at_first": counted.met_at_first,
        "met_later": counted.met - counted.met_at_first,
        "not_met": counted.needs - counted.met,
    }
    assert sum(n for (service, _), n in found.items() if service == "poci") == 0


def test_a_month_is_counted_to_its_end_before_the_next_one_begins(site: Pages) -> None:
    first = midnight(datetime(2025, 12, 2, tzinfo=UTC).date(), TORONTO)
    whole, next_one = (sum(figures(site, first + timedelta(hours=n), ("needs",)).needs.values()) for n in (0, 1))
    assert (whole > 300, next_one) == (True, 0)


def test_no_worker_is_asked_a_question_that_is_off(site: Pages) -> None:
    assert figures(site, NOON) == PlanningStatus()


def test_a_question_that_is_refused_has_no_figure() -> None:
    assert planning_status({"refused": "no"}) == PlanningStatus()
