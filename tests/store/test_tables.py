"""The tables that a new database gets, statement by statement, on SQLite and on PostgreSQL."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, Dialect, create_engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from callmon.store import creation
from callmon.store.database import Database
from callmon.store.tables import CALL, FACT, METADATA
from callmon.store.tables.calls import FindingRow
from callmon.store.tables.columns import EPOCH, StoredRow, row_from, row_of, table_of
from tests.support.store_fixtures import POSTGRESQL

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
        made = [str(part.compile(dialect=dialect)) for part in parts]
        if table is CALL and name == "postgresql":
            made[-1] = creation.TEST_CALLS
        found += made
    return "".join(f"{statement};\n" for statement in (*found, *creation.FIRST_ROWS))


@pytest.mark.parametrize("name", DIALECTS)
def test_the_tables_are_defined_as_in_revision_0008_byte_by_byte(name: str) -> None:
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


@pytest.mark.parametrize("url", [POSTGRESQL], indirect=True)
def test_a_new_postgresql_has_the_tables_of_the_definitions(store: Database) -> None:
    with store.writing() as connection:
        found = structure_of(connection, "public")
        connection.exec_driver_sql("CREATE SCHEMA before")
        connection.exec_driver_sql("SET LOCAL search_path TO before")
        for statement in (BEFORE / "postgresql.sql").read_text(encoding="utf-8").split(";\n")[:-1]:
            connection.exec_driver_sql(statement)
        expected = structure_of(connection, "before")
    assert found == expected


def structure_of(connection: Connection, schema: str) -> list[str]:
    """The columns and indexes in a schema of PostgreSQL, but Alembic's."""
    questions = (
        "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable, column_default)"
        " FROM information_schema.columns WHERE table_schema = %s AND table_name <> 'alembic_version' ORDER BY 1",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND tablename <> 'alembic_version' ORDER BY 1",
    )
    rows = [row for one in questions for (row,) in connection.exec_driver_sql(one, (schema,))]
    return [row.replace(f"{schema}.", "") for row in rows]


def schema_of(connection: Connection) -> list[tuple[str, str]]:
    """The tables and indexes of a SQLite database but Alembic's: their names and statements."""
    question = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'alembic_version' ORDER BY name"
    )
    return [(name, sql) for name, sql in connection.exec_driver_sql(question)]


def test_each_table_is_one_class_that_says_what_a_row_is() -> None:
    classes = StoredRow.__subclasses__()
    assert sorted(table_of(row).name for row in classes) == sorted(METADATA.tables)
    assert [row.__name__ for row in classes if not vars(row).get("__doc__")] == []


# Rows of named columns.

FINDING = {
    "call": "1.1", "exchange": "toronto", "standard": "reach_a_person", "at": 5, "line": "general",
    "language": "fr",
    "in_hours": True, "verdict": "met", "reason_key": "reached", "number": None, "cause": None,
}  # fmt: skip


def test_a_row_has_its_columns_in_the_order_of_the_table() -> None:
    given = dict(reversed(FINDING.items()))
    row = row_of(FindingRow)(**given)
    assert (type(row), row) == (tuple, tuple(FINDING.values()))
    assert [*FINDING] == table_of(FindingRow).columns.keys()


@pytest.mark.parametrize("column", FINDING)
def test_a_row_without_a_column_is_a_type_error(column: str) -> None:
    with pytest.raises(TypeError, match=f"missing 1 required keyword-only argument: '{column}'"):
        row_of(FindingRow)(**{name: value for name, value in FINDING.items() if name != column})


def test_a_row_with_a_misspelt_column_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'in_hour'"):
        row_of(FindingRow)(**FINDING, in_hour=True)


def test_a_row_from_an_object_has_its_attributes_and_what_is_given() -> None:
    finding = SimpleNamespace(**FINDING | {"at": EPOCH + timedelta(microseconds=5), "exchange": "another"})
    assert row_from(FindingRow, "exchange")(finding, exchange="toronto") == tuple(FINDING.values())


def test_a_row_from_an_object_without_a_time_has_none() -> None:
    finding = SimpleNamespace(**FINDING | {"at": None})
    assert row_from(FindingRow)(finding) == tuple((FINDING | {"at": None}).values())


def test_a_given_column_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(AssertionError):
        row_from(FindingRow, "exchang")
