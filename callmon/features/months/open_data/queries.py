"""The rows that `callmon export` writes: calls, verdicts, callbacks and unheard time of a day. They block.

The columns (`columns.toml`) are those of the views of dashboards/grafana/reader.sql, in which no caller's number,
token or channel stands. They are read from the tables, since the views are on PostgreSQL only.

Refuses: a call in progress. Its row is written when it has ended, with the day on which it arrived.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, select, union

from callmon.core.statistics.period import midnight
from callmon.store.tables import CALL, FINDING, GAP, OBLIGATION, same_call

Row = dict[str, Any]
_columns = files("callmon.features.months.open_data").joinpath("columns.toml")
COLUMNS: Mapping[str, Mapping[str, str]] = tomllib.loads(_columns.read_text(encoding="utf-8"))


class _Account(msgspec.Struct):
    """What the columns of a call do not have."""

    relay: bool = False


_account = msgspec.json.Decoder(_Account).decode


def exported_rows(connection: Connection, table: str, day: date, zone: ZoneInfo) -> Iterator[Row]:
    """The rows of a table of COLUMNS whose day is this local one, in a fixed order."""
    begin, end = (midnight(day + timedelta(days=n), zone) for n in (0, 1))
    for row in READ[table](connection, begin, end):
        yield {name: row.get(name) for name in COLUMNS[table]} | {"day": day}


def _calls(connection: Connection, begin: datetime, end: datetime) -> Iterator[Row]:
    """A call in progress has no row yet."""
    question = select(CALL).where(CALL.c.arrived >= begin, CALL.c.arrived < end)
    for row in connection.execute(question.order_by(CALL.c.arrived, CALL.c.exchange, CALL.c["call"])).mappings():
        yield {**row, "waited_seconds": _seconds(row["waited"]), "is_relay": _account(row["data"]).relay}


def _verdicts(connection: Connection, begin: datetime, end: datetime) -> Iterator[Row]:
    """By the day of their call; by that of the obligation where no call is stored."""
    has_call, has_obligation = (same_call(of, FINDING) for of in (CALL, OBLIGATION))
    of_calls = select(*FINDING.c, CALL.c.arrived).join(CALL, has_call)
    of_calls = of_calls.where(CALL.c.arrived >= begin, CALL.c.arrived < end)
    others = select(*FINDING.c, CALL.c.arrived).join(OBLIGATION, has_obligation).outerjoin(CALL, has_call)
    others = others.where(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end, CALL.c["call"].is_(None))
    found = union(of_calls, others).subquery()
    question = select(found).order_by(found.c["call"], found.c.exchange, found.c.standard)
    for row in connection.execute(question).mappings():
        yield {**row, "reason": row["reason_key"]}


def _obligations(connection: Connection, begin: datetime, end: datetime) -> Iterator[Row]:
    question = select(OBLIGATION).where(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    for row in connection.execute(question.order_by(OBLIGATION.c.opened, OBLIGATION.c.id)).mappings():
        is_paid = row["state"] == "paid" and row["settled"] is not None
        yield {**row, "delay_seconds": (row["settled"] - row["opened"]).total_seconds() if is_paid else None}


def _unheard(connection: Connection, begin: datetime, end: datetime) -> Iterator[Row]:
    """By the day on which they began."""
    question = select(GAP).where(GAP.c.began >= begin, GAP.c.began < end)
    for row in connection.execute(question.order_by(GAP.c.began, GAP.c.exchange)).mappings():
        yield {**row, "unheard_seconds": (row["ended"] - row["began"]).total_seconds()}


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1e6


READ: Mapping[str, Callable[[Connection, datetime, datetime], Iterator[Mapping[str, Any]]]] = {
    "calls": _calls,
    "verdicts": _verdicts,
    "obligations": _obligations,
    "unheard": _unheard,
}
