"""The tables that a new database gets, statement by statement, on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Dialect, create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from callmon.store.database import Database
from callmon.store.tables import FACT, METADATA, creation

BEFORE = Path(__file__).parents[1] / "data" / "tables"
DIALECTS: dict[str, Dialect] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}


def definitions(name: str) -> str:
    """What creates the tables: each table with its indexes, in the order of their names, and the first rows."""
    dialect, found = DIALECTS[name], list[str]()
    for table in METADATA.sorted_tables:
        if table is FACT and name == "postgresql":
            found += creation.PARTITIONED
            continue
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        parts = [CreateTable(table), *map(CreateIndex, indexes)]
        found += [str(part.compile(dialect=dialect)) for part in parts]
    return "".join(f"{statement};\n" for statement in (*found, *creation.FIRST_ROWS))


@pytest.mark.parametrize("name", DIALECTS)
def test_the_tables_are_defined_as_in_revision_0005_byte_by_byte(name: str) -> None:
    assert definitions(name) == (BEFORE / f"{name}.sql").read_text(encoding="utf-8")


def test_a_new_file_has_the_tables_of_the_definitions(sqlite_store: Database) -> None:
    with sqlite_store.reading() as connection:
        found = schema_of(connection)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        for statement in definitions("sqlite").removesuffix(";\n").split(";\n"):
            connection.exec_driver_sql(statement)
        expected = schema_of(connection)
    assert found == expected


def schema_of(connection: Connection) -> list[tuple[str, str]]:
    """The tables and indexes of a SQLite database but Alembic's: their names and statements."""
    question = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY name"
    )
    return [(name, sql) for name, sql in connection.exec_driver_sql(question)]
