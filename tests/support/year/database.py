"""The year in a database: its calls and callbacks, and an exchange that was received throughout."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from callmon.config.settings import Settings
from callmon.store.database import Database
from tests.support.year import obligations, rows, stories

SINCE, LATER = datetime(2023, 12, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
Gap = tuple[datetime, datetime]


def fill_year(
    store: Database, given: Settings, calls: int, owings: int = 0, seeds: tuple[int, int] = (7, 11),
    gaps: Iterable[Gap] = (),
) -> None:  # fmt: skip
    """So many calls and callbacks (`seeds`: theirs), received from SINCE to LATER except in these gaps."""
    owings_of_year = obligations.owings(owings, given, seeds[1])
    rows.stored(store, given, stories.calls(calls, seeds[0]), owings_of_year)
    rows.listened(store, SINCE, LATER, gaps)
