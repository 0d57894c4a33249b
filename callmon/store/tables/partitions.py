"""The partitions of `fact` on PostgreSQL: one per month (UTC), and a default for all other rows.

    fact_2026_11   at from the first of November to the first of December
    fact_default   without a time, or of a month without a partition

The leader creates partitions in advance (`ahead`). If rows of a month are in `fact_default` already, that
month stays there.

Refuses: every other table, and SQLite, which has no partitions.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callmon.store.tables import microseconds

AHEAD = 2  # months after this one
PATIENCE = "500ms"


def create_ahead(connection: Connection, now: datetime) -> None:
    """Creates the missing partitions of this month and the next AHEAD months.

    Does not wait for readers: after PATIENCE it raises the database's error, and the leader retries later.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        create_partitions(connection, now, _first(now.year, now.month + AHEAD))


def create_partitions(connection: Connection, first: datetime, last: datetime) -> None:
    """Creates the missing partitions of all months from `first` to `last`."""
    have = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relname LIKE 'fact%'")))
    for begin, end in _months(first, last):
        name = f"fact_{begin:%Y_%m}"
        if name not in have:
            _make(connection, name, microseconds(begin), microseconds(end))


def _make(connection: Connection, name: str, begin: int, end: int) -> None:
    statement = f"CREATE TABLE {name} PARTITION OF fact FOR VALUES FROM ({begin}) TO ({end})"
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if "default partition" not in str(error.orig):  # rows of that month are in the default partition already
            raise


def _months(first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    begin = _first(first.year, first.month)
    while begin <= last:
        end = _first(begin.year, begin.month + 1)
        yield begin, end
        begin = end


def _first(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)
