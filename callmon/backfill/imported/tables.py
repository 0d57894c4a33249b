"""Reads a record from a table of a database: MariaDB, MySQL, PostgreSQL or SQLite. Its rows are lines of a file.

Rows of CEL are lines of cel_custom; those of queue_log and CDR are lines of an export of the table, with its head.

Refuses: to write. It runs only SELECT statements, in read-only transactions. A database that cannot be read and a
table without the columns of its record are refused with one sentence each. No sentence has a user or a password.
"""

import csv
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from typing import Any

from sqlalchemy import Engine, MetaData, Select, Table, Text, func, inspect, select, type_coerce
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from callmon.backfill.cel.rows import COLUMNS
from callmon.backfill.imported.records import RecordLine
from callmon.backfill.job import column_of
from callmon.errors import ConfigError
from callmon.store.database import reason

# By record, the usual names of its table.
USUAL: Mapping[str, tuple[str, ...]] = {"cel": ("cel",), "queue_log": ("queue_log", "queuelog"), "cdr": ("cdr",)}
# By record, the columns that a table must have. The first of TIMES that it has orders its rows.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "cel": ("eventtype", "uniqueid", "linkedid"),
    "queue_log": ("callid", "queuename", "agent", "event"),
    "cdr": ("uniqueid", "disposition", "channel", "duration"),
}
TIMES: Mapping[str, tuple[str, ...]] = {
    "cel": ("eventtime",),
    "queue_log": ("time",),
    "cdr": ("calldate", "start"),
}
AT_ONCE = 1_000  # rows of one fetch


class RecordTable:
    """A table of this record: its number of rows, its first and last time. Raises ConfigError for any other."""

    def __init__(
        self, engine: Engine, kind: str, name: str, moment: Callable[[RecordLine], datetime | None]
    ) -> None:
        self._engine, self._kind = engine, kind
        self._place = f"{place_of(engine)}/{name}"
        table = _table(engine, name)
        own = {column_of(x.name) if kind == "cel" else x.name.lower(): x for x in table.columns}
        time = next((x for x in TIMES[kind] if x in own), TIMES[kind][0])
        if missing := [x for x in (time, *NEEDED[kind]) if x not in own]:
            told = {"table": self._place, "kind": kind, "column": missing[0]}
            raise ConfigError("{table}: is no table of {kind}; it has no column {column}.", **told)
        self._columns = (time, *(x for x in own if x != time))
        self._rows, order = (
            select(*(type_coerce(own[x], Text) for x in self._columns)),
            [own[x] for x in (time, "id") if x in own],
        )
        timed = self._rows.where(own[time].is_not(None))
        ends = timed.order_by(*order).limit(1), timed.order_by(*(x.desc() for x in order)).limit(1)
        self._rows = self._rows.order_by(*order)
        with _told(engine), engine.connect() as connection:
            self.size: int = connection.scalar(select(func.count()).select_from(table)) or 0
        lines = [line for end in ends for line in self._lines(end)]
        found = [at for line in lines if line.number and (at := moment(line)) is not None]
        if not found:
            raise ConfigError("{table}: has no row of {kind}.", table=self._place, kind=kind)
        self.first, self.last = min(found), max(found)

    def each_line(self) -> Generator[RecordLine]:
        """The rows, oldest first. Raises ConfigError if they cannot be read to the end."""
        yield from self._lines(self._rows)

    def _lines(self, rows: Select[*tuple[Any, ...]]) -> Generator[RecordLine]:
        if self._kind != "cel":
            yield RecordLine(self._place, 0, ",".join(self._columns))
        layout = COLUMNS if self._kind == "cel" else self._columns
        with _told(self._engine), self._engine.connect() as connection:
            found = connection.execution_options(stream_results=True, yield_per=AT_ONCE).execute(rows)
            for number, row in enumerate(found, 1):
                values = dict(zip(self._columns, row, strict=True))
                yield RecordLine(self._place, number, _text(values.get(name) for name in layout))


def usual_tables(engine: Engine, kind: str | None = None) -> list[tuple[str, str]]:
    """The records (`kind`: only this one) with a table of a usual name in this database. Raises ConfigError."""
    with _told(engine):
        there = set(inspect(engine).get_table_names())
    found = [(record, name) for record, names in USUAL.items() for name in names if name in there]
    return [(record, name) for record, name in found if kind in (None, record)]


def place_of(engine: Engine) -> str:
    """The host or file, and the database."""
    return f"{engine.url.host or ''}/{engine.url.database or ''}".removeprefix("/")


def _table(engine: Engine, name: str) -> Table:
    with _told(engine):
        try:
            return Table(name, MetaData(), autoload_with=engine)
        except NoSuchTableError:
            told = {"place": place_of(engine), "table": name}
            raise ConfigError("{place}: has no table {table}; name it with --table.", **told) from None


def _text(values: Iterable[object]) -> str:
    written = StringIO()
    texts = ("" if value is None else " ".join(str(value).splitlines()) for value in values)
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="").writerow(texts)
    return written.getvalue()


@contextmanager
def _told(engine: Engine) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        told = {"place": place_of(engine), "why": reason(error)}
        raise ConfigError("{place}: the database cannot be read: {why}", **told) from None
