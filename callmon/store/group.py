"""One group of outcomes, written in one transaction with the figures that it adds.

Refuses to write twice: what is stored already is neither written nor counted again, and a group carries a
number, so that a writer who lost the answer to a commit knows on coming back whether it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection
from sqlmodel import SQLModel

from callmon import figures
from callmon.errors import StoreError
from callmon.figures import Figures
from callmon.findings import Outcome
from callmon.store import tables
from callmon.store.rows import CallKey, Heartbeat, Row, Rows

# Both databases take more parameters than this in one statement.
ASKED_AT_ONCE = 500


class Stamp(NamedTuple):
    """Which group this is, and whose."""

    number: int
    token: str


class AlreadyWritten(Exception):  # noqa: N818  it is good news
    """This very group is in the database: its commit had been made, only the answer was lost."""


class OustedError(StoreError):
    """Another program writes to this database."""


class Statements:
    """The SQL, with this driver's sign for a parameter. Both databases speak the same here."""

    def __init__(self, sign: str) -> None:
        self.sign = sign
        self.claim = f"UPDATE writer SET batch = {sign}, token = {sign} WHERE id = 1 AND batch = {sign}"
        self.fact = self._insert(tables.FactRow)
        self.number = self._insert(tables.NumberRow, "ON CONFLICT DO NOTHING")
        self.begun = self._insert(tables.OpenCallRow, "ON CONFLICT DO NOTHING")
        self.over = f'DELETE FROM open_call WHERE "call" = {sign} AND exchange = {sign}'
        self.call = self._insert(tables.CallRow)
        self.finding = self._insert(tables.FindingRow)
        self.gap = self._insert(tables.GapRow)
        self.heartbeat = self._insert(
            tables.HeartbeatRow, "ON CONFLICT (exchange) DO UPDATE SET heard = excluded.heard"
        )
        self.counter = self._insert(
            tables.CounterRow, "ON CONFLICT (figure) DO UPDATE SET value = counter.value + excluded.value"
        )

    def _insert(self, row: type[SQLModel], on_conflict: str = "") -> str:
        table = tables.METADATA.tables[str(row.__tablename__)]
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        signs = ", ".join(self.sign for _ in table.columns)
        return f'INSERT INTO "{table.name}" ({names}) VALUES ({signs}) {on_conflict}'

    def among(self, columns: str, table: str, count: int) -> str:
        signs = ", ".join([self.sign] * count)
        return f'SELECT {columns} FROM "{table}" WHERE exchange = {self.sign} AND "call" IN ({signs})'


def statements(connection: Connection) -> Statements:
    return Statements("?" if connection.dialect.name == "sqlite" else "%s")


def write(connection: Connection, stamp: Stamp, items: Iterable[Outcome | Heartbeat]) -> Figures:
    """Writes the group and returns what it adds to the figures; the transaction is the caller's."""
    sql = statements(connection)
    _claim(connection, sql, stamp)
    rows = Rows(stamp.number)
    for item in items:
        rows.take(item)
    _leave_out_known(connection, sql, rows)
    added = _counted(rows)
    for statement, values in _work(sql, rows, added):
        if values:
            connection.exec_driver_sql(statement, values)
    return added


def _work(sql: Statements, rows: Rows, added: Figures) -> tuple[tuple[str, Sequence[Row]], ...]:
    """The heartbeat last: it says that what precedes it is stored."""
    counters = [(figure_key(figure), amount) for figure, amount in added.items()]
    return (
        (sql.fact, rows.facts),
        (sql.number, rows.numbers),
        (sql.begun, rows.begun),
        (sql.over, rows.over),
        (sql.call, rows.call_rows()),
        (sql.finding, rows.finding_rows()),
        (sql.gap, rows.gap_rows()),
        (sql.counter, counters),
        (sql.heartbeat, rows.heartbeat_rows()),
    )


def _claim(connection: Connection, sql: Statements, stamp: Stamp) -> None:
    """Takes the next number; whoever took it before us, or since, is found out here."""
    parameters = (stamp.number, stamp.token, stamp.number - 1)
    if connection.exec_driver_sql(sql.claim, parameters).rowcount == 1:
        return
    found = connection.exec_driver_sql("SELECT batch, token FROM writer WHERE id = 1").one_or_none()
    if found is not None and tuple(found) == stamp:
        raise AlreadyWritten
    raise OustedError(
        "another program has written to this database since: stop the other one, restart callmon"
    )


def _leave_out_known(connection: Connection, sql: Statements, rows: Rows) -> None:
    for exchange, calls in _by_exchange(rows.calls):
        statement = sql.among('"call"', "call", len(calls))
        for (call,) in connection.exec_driver_sql(statement, (exchange, *calls)):
            del rows.calls[call, exchange]
    for exchange, calls in _by_exchange(
        dict.fromkeys((call, exchange) for call, exchange, _ in rows.findings)
    ):
        statement = sql.among('"call", standard', "finding", len(calls))
        for call, standard in connection.exec_driver_sql(statement, (exchange, *calls)):
            rows.findings.pop((call, exchange, standard), None)
    _leave_out_known_gaps(connection, sql, rows)


def _leave_out_known_gaps(connection: Connection, sql: Statements, rows: Rows) -> None:
    question = f"SELECT 1 FROM gap WHERE exchange = {sql.sign} AND began = {sql.sign}"
    for key in list(rows.gaps):
        parameters = (key[0], tables.microseconds(key[1]))
        if connection.exec_driver_sql(question, parameters).first():
            del rows.gaps[key]


def _by_exchange(keys: Iterable[CallKey]) -> Iterator[tuple[str, list[str]]]:
    calls: dict[str, list[str]] = {}
    for call, exchange in keys:
        calls.setdefault(exchange, []).append(call)
    for exchange, ids in calls.items():
        rest = iter(ids)
        while part := list(islice(rest, ASKED_AT_ONCE)):
            yield exchange, part


def _counted(rows: Rows) -> Figures:
    added: Figures = {}
    for call in rows.calls.values():
        figures.of_call(added, call)
    for finding in rows.findings.values():
        figures.of_finding(added, finding)
    for gap in rows.gaps.values():
        figures.of_gap(added, gap)
    return added


def figure_key(figure: figures.Figure) -> str:
    return msgspec.json.encode(figure).decode()


def figure_of(key: Any) -> figures.Figure:
    return msgspec.json.decode(key, type=tuple[str, ...])
