"""Creates all tables of a new database, as they are now. A later change of a table is also a revision of alembic.

On PostgreSQL `fact` is partitioned by month (`partitions.py`), so that one statement drops an old month. There an
index replaces the primary key of a call's facts. The primary key of a partitioned table must contain the time,
which may be unknown.
"""

from sqlalchemy import Connection

from callmon.store.tables import FACT, METADATA

PARTITIONED = (
    'CREATE TABLE fact ("call" VARCHAR NOT NULL, exchange VARCHAR NOT NULL, n BIGINT NOT NULL, at BIGINT, '
    "kind VARCHAR NOT NULL, data TEXT NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE fact_default PARTITION OF fact DEFAULT",
    'CREATE INDEX ix_fact_call ON fact ("call", exchange, n)',
)
FIRST_ROWS = (
    "INSERT INTO writer (id, batch, token) VALUES (1, 0, '')",
    "INSERT INTO mark (name, value) VALUES ('hand', 0), ('disruption_hand', 0)",
    "INSERT INTO rollup_state (id, zone, version, until) VALUES (1, '', 0, 0)",
)


def create_tables(connection: Connection) -> None:
    """Creates the tables with their first rows, in the current transaction."""
    is_partitioned = connection.dialect.name == "postgresql"
    plain = [table for table in METADATA.sorted_tables if table is not FACT or not is_partitioned]
    METADATA.create_all(connection, plain, checkfirst=False)
    for statement in (*(PARTITIONED if is_partitioned else ()), *FIRST_ROWS):
        connection.exec_driver_sql(statement)
