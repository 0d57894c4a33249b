"""Two pairs in one PostgreSQL, and a database of one callmon that heard all of their calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from callmon.config.settings import Settings
from callmon.store import tables
from callmon.store.database import Database, open_store, upgrade
from callmon.store.pairs.open import open_to_read
from tests.support import year
from tests.support.store_fixtures import RING
from tests.support.year import rows as year_rows
from tests.support.year.database import fill_year

SINCE, UNTIL = datetime(2023, 12, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
PAIRS = {"west": "toronto", "east": "ottawa"}  # schema → its exchange
MOVED = ("call", "finding", "fact", "obligation", "gap")


class TwoPairs(NamedTuple):
    """`whole`: of one callmon. `over`: the settings of both pairs together, by a database of their own."""

    whole: Database
    over: Settings
    server: Database

    def opened(self) -> Database:
        return open_to_read(self.over.store, RING)

    def pair(self, schema: str) -> Database:
        return open_store(in_schema(self.server, schema), RING)

    def sql(self, statement: str) -> None:
        with self.server.writing() as connection:
            connection.exec_driver_sql(statement)


def in_schema(store: Database, schema: str) -> str:
    url = store.url.update_query_dict({"options": f"-csearch_path={schema}"})
    return url.render_as_string(hide_password=False)


def two_pairs(store: Database, calls: int = 600, more: str = "") -> TwoPairs:
    """`store`: an empty database, which becomes that of one callmon."""
    settings = year.settings()
    fill_year(store, settings, calls, calls // 8)
    with store.writing() as connection:
        for table in ("call", "finding", "fact", "obligation"):
            also = ", data = replace(data, '\"toronto\"', '\"ottawa\"')" if table == "obligation" else ""
            connection.exec_driver_sql(
                f'UPDATE "{table}" SET exchange = \'ottawa\'{also} WHERE hashtext("call") %% 2 <> 0'
            )
        connection.exec_driver_sql("INSERT INTO gap SELECT 'ottawa', began, ended FROM gap")
        connection.exec_driver_sql("INSERT INTO heartbeat SELECT 'ottawa', heard FROM heartbeat")
        for schema in (*PAIRS, "province"):
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    year_rows.roll_up(store, settings)
    for schema, exchange in PAIRS.items():
        pair = upgrade(in_schema(store, schema), RING)
        with pair.writing() as connection:
            for table in (*MOVED, "heartbeat"):
                names = ", ".join(f'"{column.name}"' for column in tables.METADATA.tables[table].columns)
                connection.exec_driver_sql(
                    f'INSERT INTO "{table}" ({names}) SELECT {names} FROM public."{table}" '
                    f"WHERE exchange = '{exchange}'"
                )
        year_rows.roll_up(pair, settings)
        pair.close()
    url = in_schema(store, "province")
    upgrade(url, RING).close()
    over = year.settings(url, more).configuration
    over = over.model_copy(update={"store": over.store.model_copy(update={"over": tuple(PAIRS)})})
    return TwoPairs(store, Settings(over), store)
