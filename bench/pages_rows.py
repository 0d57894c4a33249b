"""What is in the databases of `pages`: a month of so many calls, and of what came of them.

A sample that callmon judged, and copies of its rows under other names, each a little later. The copies have no
account of their own, so that ten million fit on a disk: the pages that are measured read rows. One callback comes
to a hundred calls, and most are over; the disruptions are of an hour and of two days in mid-month.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random

from sqlalchemy import Connection, text

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.disruptions.disruption import Disruption
from callmon.store import tables
from callmon.store.database import upgrade
from callmon.store.row_mapping import row_of_disruption
from tests.support import year
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

SAMPLE, OWED = 5_000, 100
FIRST = datetime(2024, 3, 1, 5, tzinfo=UTC)
DAYS = 31
LATER = 1_000_003  # microseconds from one copy of a call to the next
HOUR = timedelta(hours=1)
DISRUPTED = tuple(
    Disruption(
        id=f"d-{hours}", source="exchange", exchange=year.EXCHANGE, what="", lines=tuple(year.LINES),
        began=FIRST + timedelta(days=13, hours=10), ended=FIRST + timedelta(days=13, hours=10 + hours), how="over",
    )
    for hours in (1, 48)
)  # fmt: skip


def fill(settings: Settings, calls: int) -> None:
    """A month of so many calls."""
    store = upgrade(settings.store.url)
    year_rows.stored(store, settings, sample(), year_owing.owings(OWED, settings))
    with store.writing() as connection:
        connection.execute(text("CREATE TEMP TABLE n (n BIGINT PRIMARY KEY)"))
        copies = [{"n": n + 1} for n in range(calls // SAMPLE - 1)]
        if copies:
            connection.execute(text("INSERT INTO n VALUES (:n)"), copies)
        moments = dict.fromkeys(("arrived", "answered", "ended"), MOVED)
        _copy(connection, "call", {"call": NAMED, **moments, "data": "''"})
        _copy(connection, "finding", {"call": NAMED, "at": MOVED}, "s.standard = 'answer_by_third_ring'")
        _copy(
            connection, "obligation", {"id": "s.id || '-' || n.n", "call": NAMED, "opened": MOVED}, "NOT s.is_live"
        )
    year_rows.put_rows(store, "disruption", [row_of_disruption(one) for one in DISRUPTED])
    if store.path is None:
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))  # as its own upkeep does
    store.close()


NAMED, MOVED = "s.call || '-' || n.n", f"s.{{}} + n.n * {LATER}"


def _copy(connection: Connection, table: str, new: dict[str, str], only: str = "TRUE") -> None:
    """Each row so often again, with what is new in it."""
    names = tables.METADATA.tables[table].c.keys()
    given = ", ".join(new.get(name, f's."{name}"').format(name) for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    chosen = f'SELECT {given} FROM "{table}" s CROSS JOIN n WHERE {only}'
    connection.execute(text(f'INSERT INTO "{table}" ({listed}) {chosen}'))


def sample() -> Iterator[tuple[list[f.Fact], year.YearTruth]]:
    """The calls that callmon judges: the same, however many copies there are."""
    return year_stories.calls(SAMPLE, seed=3, at=_in_march)


@cache
def call_names() -> list[str]:
    return [facts[0].call for facts, _ in sample()]


@cache
def owed_names() -> list[str]:
    return [one.id for one, _, _ in year_owing.owings(OWED, year.settings())]


def _in_march(random: Random) -> datetime:
    return FIRST + timedelta(seconds=random.uniform(0, DAYS * 86_400 - 7200))
