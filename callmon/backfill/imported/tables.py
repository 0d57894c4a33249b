"""Reads a record from a table of a database: MariaDB, MySQL, PostgreSQL or SQLite. Its rows are lines of a file.

Rows of CEL are lines of cel_custom; those of queue_log and CDR are lines of an export of the table, with its head.

Refuses: to write. It runs only SELECT statements, in read-only transactions. A database that cannot be read and a
table without the columns of its record are refused with one sentence each. No sentence has a user or a password.
"""

import struct
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Engine, MetaData, Select, Table, Text, func, inspect, literal, select, type_coerce
from sqlalchemy.exc import SQLAlchemyError

from callmon.backfill.cel.rows import CelReader, column_of
from callmon.backfill.imported.records import LOOKED_AT, RecordReader, Source, csv_line
from callmon.errors import ConfigError
from callmon.store.database import reason

# Each record with a usual name of its table.
USUAL = (("cel", "cel"), ("queue_log", "queue_log"), ("queue_log", "queuelog"), ("cdr", "cdr"))
AT_ONCE = 1_000  # rows of one fetch
# What SQLAlchemy and a driver raise: refusals, and answers that no server of this kind should give.
ODD_ANSWERS = (SQLAlchemyError, OSError, RuntimeError, TypeError, ValueError, LookupError, struct.error)


def examined_table(engine: Engine, name: str, reader: RecordReader) -> Source:
    """The table, with its first and its last time. Raises ConfigError if it is no table of the record."""
    place, kind = f"{place_of(engine)}/{name}", reader.source
    with _readable(engine):
        if not inspect(engine).has_table(name):
            fields = {"place": place_of(engine), "table": name}
            raise ConfigError("{place}: has no table {table}; name it with --table.", **fields)
        table = Table(name, MetaData(), autoload_with=engine)
    columns = {column_of(x.name, reader.ALIASES): x for x in table.columns}
    if missing := [x for x in reader.COLUMNS if x not in columns]:
        fields = {"table": place, "kind": kind, "column": missing[0]}
        raise ConfigError("{table}: is no table of {kind}; it has no column {column}.", **fields)
    time = columns[reader.COLUMNS[0]]
    ends = (end(type_coerce(time, Text)) for end in (func.min, func.max))
    with _readable(engine), engine.connect() as connection:
        size, *found = connection.execute(select(func.count(), *ends).select_from(table)).one()
    clock = CelReader(reader.clock.zone)
    times = [at for value in found if (at := clock.time(value, "")[0]) is not None]
    if not times:
        raise ConfigError("{table}: has no row of {kind}.", table=place, kind=kind)
    layout = reader.LAYOUT or tuple(columns)
    values = (type_coerce(columns[x], Text) if x in columns else literal("") for x in layout)
    rows = select(*values).order_by(time, *(columns[x] for x in ("id",) if x in columns))
    head = [] if reader.LAYOUT else [",".join(layout)]
    lines, sample = (partial(_lines, engine, some, head) for some in (rows, rows.limit(LOOKED_AT // 2)))
    return Source(place, size, min(times), max(times), lines, sample=sample)


def _lines(engine: Engine, rows: Select[*tuple[Any, ...]], head: list[str]) -> Generator[str]:
    """The rows, oldest first. Raises ConfigError if they cannot be read to the end."""
    yield from head
    with _readable(engine), engine.connect() as connection:
        found = connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(rows)
        yield from (csv_line("" if value is None else str(value) for value in row) for row in found)


def usual_tables(engine: Engine, kind: str | None = None) -> list[tuple[str, str]]:
    """The records (`kind`: only this one) with a table of a usual name in this database. Raises ConfigError."""
    with _readable(engine):
        there = set(inspect(engine).get_table_names())
    return [(record, name) for record, name in USUAL if name in there and kind in (None, record)]


def place_of(engine: Engine) -> str:
    """The host or file, and the database."""
    return f"{engine.url.host or ''}/{engine.url.database or ''}".removeprefix("/")


@contextmanager
def _readable(engine: Engine) -> Iterator[None]:
    try:
        yield
    except ODD_ANSWERS as error:
        fields = {"place": place_of(engine), "why": reason(error)}
        raise ConfigError("{place}: the database cannot be read: {why}", **fields) from None
