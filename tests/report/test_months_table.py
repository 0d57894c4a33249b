"""The page of the months: its figures are those of each month's report, its drawing breaks where no rate is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from callmon.core.statistics import period
from callmon.features.months.page import NARROW, SHOWN, month_row, share_line
from callmon.features.months.request import gathered
from callmon.store.database import Database, upgrade
from callmon.store.queries.months import month_counts
from callmon.store.rollups.rebuild import reset_rollups
from callmon.web.formatter import WebFormatter
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

CALLS = 3000
# A month before the first event, the year, a month without a call, a month of which nothing was received.
NAMES = ["2023-11", *(f"2024-{number:02}" for number in range(1, 13)), "2025-02", "2025-03"]
MARCH = datetime(2025, 3, 1, tzinfo=TORONTO), datetime(2025, 4, 1, tzinfo=TORONTO)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = upgrade(f"sqlite:///{tmp_path_factory.mktemp('months')}/callmon.db")
    settings = year.settings()
    fill_year(made, settings, CALLS, CALLS * 3 // 40, gaps=[MARCH])
    yield made
    made.close()


def rows(store: Database, now: datetime, names: list[str]) -> dict[str, dict[str, object]]:
    months = [period.month(name, TORONTO) for name in names]
    found = month_counts(store, TORONTO, months)
    assert found is not None
    formatter = WebFormatter(year.settings(), "en", now)
    return {x.name: month_row(x.first, y, formatter) for x, y in zip(months, found, strict=True)}


# On New Year's Day, with due times still to come; and when all is over.
@pytest.mark.parametrize("now", [datetime(2025, 1, 1, 15, tzinfo=UTC), LATER])
def test_every_figure_and_state_of_the_table_is_that_of_the_months_report(store: Database, now: datetime) -> None:
    names = [name for name in NAMES if period.month(name, TORONTO).begin < now]
    settings = year.settings()
    reported = {}
    expected = {}
    for name, row in rows(store, now, names).items():
        report = gathered(store, settings, period.month(name, TORONTO), now, compare=False)
        figures = {key: report.figure(figure) for key, figure in SHOWN.items()}
        state = "final" if report.is_final else "provisional" if report.month.end <= now else "running"
        expected[name] = (
            state if report.has_data else "no_data",
            report.figure("calls_offered").value or 0,
            {key: (x.numerator or 0, x.denominator or 0) for key, x in figures.items()},
        )
        reported[name] = row["state"], row["calls"], row["fractions"]
    assert reported == expected


def test_the_four_states_are_distinguished(store: Database) -> None:
    now = datetime(2025, 1, 1, 15, tzinfo=UTC)
    states = [row["state"] for row in rows(store, now, ["2024-06", "2024-12", "2025-01"]).values()]
    (unheard,) = rows(store, LATER, ["2025-03"]).values()
    assert [*states, unheard["state"]] == ["final", "provisional", "running", "no_data"]


def test_the_line_has_a_point_a_month_and_breaks_where_there_is_no_rate(store: Database) -> None:
    shown = list(rows(store, LATER, ["2024-11", "2024-12", "2025-02", "2024-01"]).values())
    runs = share_line(shown, *NARROW)  # type: ignore[arg-type]  # the rows of the table
    assert [len(run) for run in runs] == [2, 1]
    points = [point for run in runs for point in run]
    assert [share for _, _, share in points] == [
        row["rates"]["third"]
        for row in shown
        if row["rates"]["third"]  # type: ignore[index]
    ]
    assert [x for x, _, _ in points] == [84.5, 153.5, 291.5]
    heights = [y for _, y, _ in points]
    parts = [a / b for a, b in (row["fractions"]["third"] for row in shown) if b]  # type: ignore[index]
    assert sorted(range(3), key=heights.__getitem__) == sorted(range(3), key=lambda n: -parts[n])  # higher is more


def test_no_statement_reads_every_call_fact_or_verdict(store: Database) -> None:
    asked: list[tuple[str, Any]] = []
    with store.reading() as connection:
        engine = connection.engine

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert month_counts(store, TORONTO, [period.month(name, TORONTO) for name in ("2024-06", "2025-02")])
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert engine.url.database is not None
    with closing(sqlite3.connect(engine.url.database)) as raw:
        plans = [
            row[3]
            for statement, values in asked
            if statement.startswith("SELECT")
            for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    scanned = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert (len(asked) >= 10, scanned & {"call", "fact", "finding", "number", "ledger"}) == (True, set())


def test_while_the_roll_ups_are_rebuilt_there_is_no_figure(store: Database) -> None:
    month = period.month("2024-06", TORONTO)
    assert month_counts(store, TORONTO, [month]) is not None
    reset_rollups(store, TORONTO)
    assert month_counts(store, TORONTO, [month]) is None
