"""How a report and what goes with it are asked of the database: at one moment, and by indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from callmon.core.disruptions.disruption import Disruption
from callmon.core.reconciliation import Difference, LineDay, Reconciliation
from callmon.core.statistics import period
from callmon.features.months import queries as reports
from callmon.features.months.request import gathered
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.queries import reconciliations
from callmon.store.row_mapping import row_of_disruption
from tests.support import year
from tests.support.store_fixtures import plans
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
MAY = period.month("2024-05", TORONTO)


def put_disruption(store: Database, name: str) -> None:
    """An hour of the tenth."""
    began = datetime(2024, 5, 10, 15, tzinfo=UTC)
    one = Disruption(
        id=name, what=name, source="trunk", exchange=year.EXCHANGE, lines=("tty",), began=began,
        ended=began + timedelta(hours=1),
    )  # fmt: skip
    year_rows.put_rows(store, "disruption", [row_of_disruption(one)])


def test_a_disruption_written_while_the_report_is_read_is_not_in_it(store: Database) -> None:
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    put_disruption(store, "before")

    def meanwhile(_: int) -> Callable[[], None]:
        put_disruption(store, "meanwhile")
        return lambda: None

    made = gathered(store, year.settings(), MAY, LATER, compare=False, progress=meanwhile)
    assert made.figure("disruptions").value == 1
    assert gathered(store, year.settings(), MAY, LATER, compare=False).figure("disruptions").value == 2


def put_day(store: Database, day: int, *, calls: int, differ: bool = False) -> None:
    """A day of May, compared with the exchange's own records."""
    at = datetime(2024, 5, day, 16, tzinfo=UTC)
    counts = (LineDay("general", calls, calls - differ), LineDay("tty", 0, 0))
    differences = (Difference("exchange", "1715000000.1", "general", at),) if differ else ()
    one = Reconciliation(year.EXCHANGE, at.date(), counts, differences)
    reconciliations.store_reconciliation(store, one, LATER)


def test_a_gap_without_a_call_is_known_once_its_day_was_compared(store: Database) -> None:
    gaps = [(datetime(2024, 5, day, 6, tzinfo=UTC), datetime(2024, 5, day, 8, tzinfo=UTC)) for day in range(7, 11)]
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER, gaps)

    def known() -> tuple[Any, ...]:
        made = gathered(store, year.settings(), MAY, LATER, compare=False)
        return made.figure("unheard_hours", "toronto").value, made.figure("unheard_known_hours", "toronto").value

    assert known() == (8, None)  # no day was compared
    put_day(store, 7, calls=12)
    assert known() == (8, 2)
    put_day(store, 8, calls=12, differ=True)  # a call is missing: perhaps that of the gap
    put_day(store, 9, calls=0)  # perhaps no records were kept that day
    assert known() == (8, 2)
    put_day(store, 8, calls=12)  # compared again, after a backfill
    assert known() == (8, 4)


def test_sampled_calls_and_each_lines_last_call_are_found_by_indexes(sqlite_store: Database) -> None:
    settings = year.settings()
    calls, _ = year_rows.stored(sqlite_store, settings, year_stories.calls(300), iter(()))
    with plans(sqlite_store) as reported:
        last = queries.last_calls(sqlite_store)
        assert queries.last_calls(sqlite_store, tests=True) == {}
        with sqlite_store.snapshot() as connection:
            names = reports.call_names(connection, MAY.begin, MAY.end)
    assert [x for x in reported if x.startswith("SCAN")] == []
    if sqlite3.sqlite_version_info >= (3, 41):  # that of Debian 12 takes the index of all calls of a line
        assert [x for x in reported if "ix_call_test" in x] != []
    assert len(reported) > 10
    assert last == {line: max(x.arrived for x in calls if x.line == line) for line in {x.line for x in calls}}
    assert sorted(names) == sorted((x.name, year.EXCHANGE) for x in calls if x.local.month == 5)
