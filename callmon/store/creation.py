"""Creates all tables of a new database, as they are now. A later change of a table is also a revision of alembic.

On PostgreSQL `fact` is partitioned by month (UTC), so that one statement drops an old month:

    fact_2026_11   at from the first of November to the first of December
    fact_default   without a time, or of a month without a partition

There an index replaces the primary key of a call's facts. The primary key of a partitioned table must contain the
time, which may be unknown. The leader creates partitions in advance (`create_ahead`). If rows of a month are in
`fact_default` already, that month stays there. The condition of `ix_call_test` is written otherwise there too.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from callmon.store.migrations import HEAD
from callmon.store.tables import FACT, METADATA, microseconds

PARTITIONED = (
    'CREATE TABLE fact ("call" VARCHAR NOT NULL, exchange VARCHAR NOT NULL, n BIGINT NOT NULL, at BIGINT, '
    "data BYTEA NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE fact_default PARTITION OF fact DEFAULT",
    'CREATE INDEX ix_fact_call ON fact ("call", exchange, n)',
)
TEST_CALLS = "CREATE INDEX ix_call_test ON call (line, arrived) WHERE is_test"
REVISION = (  # as Alembic creates it
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t"
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)",
    f"INSERT INTO alembic_version (version_num) VALUES ('{HEAD}')",
)
FIRST_ROWS = (
    "INSERT INTO writer (id, batch, token) VALUES (1, 0, '')",
    "INSERT INTO mark (name, value) VALUES ('hand', 0), ('disruption_hand', 0)",
    "INSERT INTO rollup_state (id, zone, version, until) VALUES (1, '', 0, 0)",
)


def create_tables(connection: Connection) -> None:
    """Creates the tables with their first rows and their revision, in the current transaction."""
    is_postgresql = connection.dialect.name == "postgresql"
    plain = [table for table in METADATA.sorted_tables if table is not FACT or not is_postgresql]
    METADATA.create_all(connection, plain, checkfirst=False)
    for statement in (*((*PARTITIONED, TEST_CALLS) if is_postgresql else ()), *FIRST_ROWS, *REVISION):
        connection.exec_driver_sql(statement)


AHEAD = 2  # months after this one
PATIENCE = "500ms"


def create_ahead(connection: Connection, now: datetime) -> None:
    """Creates the missing partitions of this month and the next AHEAD months, on PostgreSQL.

    Does not wait for readers: after PATIENCE it raises the database's error, and the leader retries later.
    """
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}'")
    have = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relname LIKE 'fact%'")))
    for month in range(now.month, now.month + AHEAD + 1):
        begin, end = _first(now.year, month), _first(now.year, month + 1)
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


def _first(year: int, month: int) -> datetime:
    return datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC)
