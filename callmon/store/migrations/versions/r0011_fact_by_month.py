"""On PostgreSQL `fact` is kept by month, so that dropping old months is one statement. SQLite is left as it is.

What bears no time, or one of a month that has no partition, goes to `fact_default`: nothing can be lost. The key
of a call's facts is an index now: a partitioned table's own key would have to hold the time, which may be unknown.
"""

from __future__ import annotations

from alembic import op

from callmon.store.tables.partitions import PARTITIONED, make

revision = "r0011"
down_revision = "r0009"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE fact RENAME TO fact_before")
    op.execute("ALTER TABLE fact_before DROP CONSTRAINT fact_pkey")
    for statement in PARTITIONED:
        op.execute(statement)
    make(connection, *connection.exec_driver_sql("SELECT min(at), max(at) FROM fact_before").one())
    op.execute(
        'INSERT INTO fact ("call", exchange, n, at, kind, data) '
        'SELECT "call", exchange, n, at, kind, data FROM fact_before'
    )
    op.execute("DROP TABLE fact_before")
