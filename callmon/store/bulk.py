"""Many rows in one statement: INSERT and DELETE on SQLite, JSON or COPY on PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

from callmon.store.encryption import NO_KEYS, KeyRing
from callmon.store.tables import NUMBER_KEY, Row, row_of
from callmon.store.tables.calls import NumberKeyRow
from callmon.store.view import refuse_driver

# Below the limit of parameters per statement of both databases.
ASKED_AT_ONCE = 500
T = TypeVar("T")

_number_key_row = row_of(NumberKeyRow)
ADDING = "ON CONFLICT (figure) DO UPDATE SET value = counter.value + excluded.value"


def chunks(values: Iterable[T], size: int = ASKED_AT_ONCE) -> Iterator[list[T]]:
    """The values in lists of at most `size`: one for each statement or transaction."""
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some


class BulkWriter:
    """Statements for many rows on one connection.

    Measured on PostgreSQL: all rows as one JSON text take a tenth of the client's CPU of one statement per row.
    COPY takes two thirds of the server's time of JSON, but has no ON CONFLICT.
    """

    def __init__(self, connection: Connection, ring: KeyRing = NO_KEYS) -> None:
        refuse_driver(connection)
        self.connection, self.ring = connection, ring
        self._in_json = connection.dialect.name == "postgresql"
        self._sign = "%s" if self._in_json else "?"

    def execute(self, question: str, *parameters: Any) -> list[Row]:
        """Executes `question`, which has a ? for each parameter, by the driver alone. Returns its rows, if any."""
        with _driver_errors(self.connection, question) as driver:
            cursor = driver.execute(question.replace("?", self._sign), parameters)
            return cursor.fetchall() if cursor.description is not None else []

    def insert(self, table: Table, rows: Sequence[Row], on_conflict: str = "") -> None:
        if not rows:
            return
        if self._in_json and not on_conflict:
            self._copy(f'COPY "{table.name}" ({_names(table.columns)}) FROM STDIN (FORMAT BINARY)', table, rows)
        else:
            self._run(_insertion(table, on_conflict), [*table.columns], rows)

    def delete(self, table: Table, keys: Sequence[Row]) -> None:
        if keys:
            self._run(_deletion(table), [*table.primary_key.columns], keys)

    def _copy(self, statement: str, table: Table, rows: Sequence[Row]) -> None:
        types = [kind.lower() for kind in self._types(table.columns)]
        with (
            _driver_errors(self.connection, statement) as driver,
            driver.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def _types(self, columns: Iterable[Any]) -> list[str]:
        return [column.type.compile(self.connection.dialect) for column in columns]

    def _run(self, statement: str, columns: Sequence[Any], rows: Sequence[Row]) -> None:
        if self._in_json:
            fields = ", ".join(f"(row ->> {n})::{kind}" for n, kind in enumerate(self._types(columns)))
            values = f"SELECT {fields} FROM jsonb_array_elements(%s::jsonb) AS row"
            everything = msgspec.json.encode(rows).decode()
            self.connection.exec_driver_sql(statement.format(values=values), (everything,))
        else:
            with _driver_errors(self.connection, statement) as driver:
                driver.executemany(_filled(statement, len(columns)), rows)


# Each statement is built once, so that the driver, which looks its text up, prepares it once.


@cache
def _insertion(table: Table, on_conflict: str) -> str:
    return f'INSERT INTO "{table.name}" ({_names(table.columns)}) {{values}} {on_conflict}'


@cache
def _deletion(table: Table) -> str:
    return f'DELETE FROM "{table.name}" WHERE ({_names(table.primary_key.columns)}) IN ({{values}})'


@cache
def _filled(statement: str, columns: int) -> str:
    return statement.format(values=f"VALUES ({', '.join('?' * columns)})")


def _names(columns: Iterable[Any]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)


@contextmanager
def _driver_errors(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's connection. Its errors are raised as SQLAlchemy's; their parameters are hidden."""
    driver: Any = connection.dialect.loaded_dbapi
    try:
        yield connection.connection.driver_connection
    except driver.Error as error:
        raise DBAPIError.instance(
            statement, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


@cache
def replacing(table: Table) -> str:
    """The ON CONFLICT clause of an insertion that replaces the older row."""
    values = ", ".join(f'"{c.name}" = excluded."{c.name}"' for c in table.columns if not c.primary_key)
    return f"ON CONFLICT ({_names(table.primary_key.columns)}) DO UPDATE SET {values}"


def record_key(connection: Connection, ring: KeyRing) -> None:
    """Stores the newest key's name after an encryption: the key file must contain that key from now on."""
    BulkWriter(connection).insert(NUMBER_KEY, [_number_key_row(name=ring.name)], "ON CONFLICT DO NOTHING")


def overwrite_deleted(connection: Connection) -> None:
    """Makes SQLite overwrite deleted and replaced content in its file instead of only releasing the space."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
