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
from callmon.daemon.planning import PlanningTask, planning_status
from callmon.store.queries.contacts import read_contacts
from tests.support.fact_builder import TORONTO
from tests.support.pages_app import Pages
from tests.support.questions_site import DATES, questions_site

NOON = midnight(DATES[40], TORONTO) + timedelta(hours=12)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with questions_site(tmp_path_factory.mktemp("planning")) as found:
        yield found


def figures(
    site: Pages, now: datetime, questions: tuple[str, ...] = (), alert: float | None = None
) -> PlanningStatus:
    runtime = site.daemon.runtime
    was = runtime.settings
    configuration = was.configuration.model_copy(update={"questions": questions, "outlook_alert": alert})
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


def test_a_small_line_has_an_expected_number_and_no_chance(site: Pages) -> None:
    found = figures(site, NOON - timedelta(hours=1), ("outlook",))
    assert sorted(found.expected) == ["120", "30", "60"]
    assert (found.needs, found.chances) == ({}, {})
    assert found.announced == {
        (ahead, kind): 0 for ahead in ("30", "60", "120") for kind in ("did_not", "came_true")
    }


def test_no_worker_is_asked_a_question_that_is_off(site: Pages) -> None:
    assert figures(site, NOON, alert=0.7) == PlanningStatus()


def test_an_alert_has_a_limit_only_where_the_site_has_set_one(site: Pages) -> None:
    assert [figures(site, NOON, ("outlook",), limit).alert for limit in (None, 0.7)] == [None, 0.7]


def test_a_chance_is_a_figure_where_there_is_one() -> None:
    rows = [
        {"ahead": 30, "probability": 0.0, "volume": 21.5},
        {"ahead": 60, "probability": None, "volume": None},
    ]
    found = planning_status({"half_hours": rows, "record": {"30": {"told": 12, "came_true": 7}}})
    assert (found.chances, found.expected) == ({"30": 0.0}, {"30": 21.5})
    assert found.announced == {("30", "did_not"): 5, ("30", "came_true"): 7}
    assert planning_status({"refused": "no"}) == PlanningStatus()
