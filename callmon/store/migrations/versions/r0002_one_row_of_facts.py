"""The facts of a call become one row: of `fact` when it has ended, of `open_call` while it is in progress.

Before, each fact was a row. The facts are converted in batches, and the log shows the progress. The space of
the old rows is free for new ones. The months of PostgreSQL's `fact` are kept.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from alembic import op
from sqlalchemy import Connection

from callmon.store.fact_packing import pack_facts

revision = "0002"
down_revision = "0001"

log = logging.getLogger(__name__)

BATCH = 20_000  # facts
SAID_EVERY = 100_000  # calls
KEY = '"call" VARCHAR NOT NULL, exchange VARCHAR NOT NULL'
OPEN = f'CREATE TABLE open_call ({KEY}, n BIGINT NOT NULL, data TEXT NOT NULL, PRIMARY KEY ("call", exchange))'
FACT = f"CREATE TABLE fact ({KEY}, n BIGINT NOT NULL, at BIGINT, data {{}} NOT NULL{{}})"
SQLITE = (
    "ALTER TABLE fact RENAME TO fact_0001",
    FACT.format("BLOB", ', PRIMARY KEY ("call", exchange, n)') + " WITHOUT ROWID",
    "DROP TABLE open_call",
    f"{OPEN} WITHOUT ROWID",
)
POSTGRESQL = (
    "ALTER TABLE fact RENAME TO fact_0001",
    "ALTER INDEX ix_fact_call RENAME TO ix_fact_call_0001",
    FACT.format("BYTEA", "") + " PARTITION BY RANGE (at)",
    'CREATE INDEX ix_fact_call ON fact ("call", exchange, n)',
    "DROP TABLE open_call",
    OPEN,
)
MONTHS = (
    "SELECT relname, pg_get_expr(relpartbound, pg_class.oid)"
    " FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid WHERE inhparent = 'fact'::regclass"
)
Key = tuple[str, str]  # call, exchange
Fact = tuple[str, str, int, int | None, str]  # call, exchange, n, at, data


def upgrade() -> None:
    convert(op.get_bind())


def convert(connection: Connection, batch: int = BATCH) -> None:
    """Converts both tables in the current transaction, about `batch` facts at a time."""
    in_progress = {
        (row[0], row[1]) for row in connection.exec_driver_sql('SELECT "call", exchange FROM open_call')
    }
    _make_tables(connection)
    done = 0
    for calls in _calls(connection, batch):
        _insert(connection, "fact", [_ended(*call) for call in calls if call[0] not in in_progress])
        still_open = [(*key, facts[0][2], _joined(facts)) for key, facts in calls if key in in_progress]
        _insert(connection, "open_call", still_open)
        if done // SAID_EVERY < (done + len(calls)) // SAID_EVERY:
            log.info("database: upgrading", extra={"calls": done + len(calls)})
        done += len(calls)
    connection.exec_driver_sql("DROP TABLE fact_0001")


def _make_tables(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        _execute(connection, SQLITE)
        return
    months = connection.exec_driver_sql(MONTHS).all()
    _execute(connection, (f"ALTER TABLE {name} RENAME TO {name}_0001" for name, _ in months))
    _execute(connection, POSTGRESQL)
    _execute(connection, (f"CREATE TABLE {name} PARTITION OF fact {bound}" for name, bound in months))


def _ended(key: Key, facts: list[Fact]) -> tuple[Any, ...]:
    at = next((fact[3] for fact in reversed(facts) if fact[3] is not None), None)
    return (*key, facts[-1][2], at, pack_facts(_joined(facts)))


def _joined(facts: list[Fact]) -> str:
    return f"[{','.join(fact[4] for fact in facts)}]"


def _execute(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement)


def _calls(connection: Connection, batch: int) -> Iterator[list[tuple[Key, list[Fact]]]]:
    """All calls with their facts, in batches of whole calls."""
    sign = "?" if connection.dialect.name == "sqlite" else "%s"
    question = (
        f'SELECT "call", exchange, n, at, data FROM fact_0001 WHERE ("call", exchange) > ({sign}, {sign})'
        f' ORDER BY "call", exchange, n LIMIT {sign}'
    )
    after, most = ("", ""), batch
    while True:
        rows: Sequence[Any] = connection.exec_driver_sql(question, (*after, most)).all()
        calls = [(key, [tuple(row) for row in facts]) for key, facts in groupby(rows, itemgetter(0, 1))]
        is_last = len(rows) < most
        if not is_last:
            calls.pop()  # the rest of this call may follow
        if calls:
            yield calls
            after, most = calls[-1][0], batch
        elif not is_last:
            most *= 2  # the facts of one call alone
        if is_last:
            return


def _insert(connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        sign = "?" if connection.dialect.name == "sqlite" else "%s"
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join([sign] * len(rows[0]))})", rows)
