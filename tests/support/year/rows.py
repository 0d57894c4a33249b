"""The year of `tests/support/year` as rows of a database, inserted in bulk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.obligation import Obligation
from callmon.core.monitor import Monitor
from callmon.core.verdicts import Finding
from callmon.store import tables
from callmon.store.database import Database
from callmon.store.rollups import rebuild
from callmon.store.row_mapping import Rows, finding_row, row_of_obligation
from tests.support.year import EXCHANGE, Owing, YearTruth

MANY = 20_000


def stored(
    store: Database, given: Settings, reported: Iterable[tuple[list[f.Fact], YearTruth]],
    obligations: Iterable[tuple[Obligation, list[Finding], Owing]] = (),
) -> tuple[list[YearTruth], list[Owing]]:  # fmt: skip
    """Let callmon judge the facts, insert the rows in bulk, and return the truths."""
    judge = Monitor(given, token=str)
    truths, rows = [], Rows(1)
    for facts, truth in reported:
        outcome = judge.retell(EXCHANGE, facts)
        assert outcome is not None
        rows.add_outcome(EXCHANGE, outcome)
        truths.append(truth)
        if len(rows.calls) >= MANY:
            _insert(store, rows)
            rows = Rows(1)
    _insert(store, rows)
    put = []
    found = []
    owings = []
    for one, findings, owing in obligations:
        put.append(row_of_obligation(one))
        found += [finding_row(x, exchange=EXCHANGE) for x in findings]
        owings.append(owing)
    put_rows(store, "obligation", put)
    put_rows(store, "finding", found)
    roll_up(store, given)
    return truths, owings


def roll_up(store: Database, given: Settings) -> None:
    """As `callmon db upgrade` does for calls that are stored already."""
    rebuild.reset_rollups(store, given.timezone)
    for _ in rebuild.rebuild_rollups(store, chunk=5_000, pause=0):
        pass


def _insert(store: Database, rows: Rows) -> None:
    put_rows(store, "call", rows.call_rows())
    put_rows(store, "finding", rows.finding_rows())
    put_rows(store, "fact", rows.fact_rows()[0])


def put_rows(store: Database, table: str, rows: list[tuple[object, ...]]) -> None:
    """Whole rows, in the order of the table's columns."""
    if not rows:
        return
    columns = [column.name for column in tables.METADATA.tables[table].columns]
    sign = "?" if store.path is not None else "%s"
    names = ", ".join(f'"{name}"' for name in columns)
    with store.writing() as connection:
        connection.exec_driver_sql(
            f'INSERT INTO "{table}" ({names}) VALUES ({", ".join([sign] * len(columns))})', rows
        )


def listened(
    store: Database, since: datetime, until: datetime, gaps: Iterable[tuple[datetime, datetime]] = ()
) -> None:
    """The exchange was received from `since` (a gap of no length marks it) to `until`, except for these gaps."""
    known = [(EXCHANGE, tables.microseconds(since), tables.microseconds(since))]
    known += [(EXCHANGE, tables.microseconds(a), tables.microseconds(b)) for a, b in gaps]
    put_rows(store, "gap", list(known))
    put_rows(store, "heartbeat", [(EXCHANGE, tables.microseconds(until))])
