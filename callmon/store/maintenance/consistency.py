"""Consistency check of the database: yields one sentence per inconsistency.

    facts of a call ──▶ must give its stored account and its stored verdicts
    entries of the ledger ──▶ must give the stored obligation
    a call is in progress, or ended, or nothing of it is stored

Differences that follow from changed settings (hours, lines, parameters) are reported as well; `callmon db rejudge`
updates them.

Refuses: to change anything.
"""

from collections.abc import Iterator
from itertools import groupby, islice

import msgspec
from sqlalchemy import Connection, Table, and_, exists, func, select

from callmon.core.callbacks.entries import Owed
from callmon.core.callbacks.obligation import Obligation, after, opened
from callmon.core.facts import Arrived, tag_of
from callmon.core.monitor import Monitor
from callmon.store.database import Database, database_errors
from callmon.store.maintenance.rejudge import Advance, RejudgedCalls
from callmon.store.row_mapping import StoredCallKey, entry_of, obligation_of
from callmon.store.tables import CALL, FACT, FINDING, LEDGER, OBLIGATION, OPEN, Condition

CHUNK = 200
MOST = 20  # sentences of one kind; above this only their number is given


def inconsistencies(store: Database, monitor: Monitor, advance: Advance = int) -> Iterator[str]:
    """One sentence per inconsistency. `advance` receives the number of calls compared. Raises StoreError."""
    yield from _shortened(_of_calls(store, monitor, advance), "calls whose facts differ")
    with database_errors(store), store.reading() as connection:
        yield from _shortened(_in_limbo(connection), "calls of this kind")
        yield from _shortened(_of_ledger(connection), "entries of the list of callbacks")


def _shortened(sentences: Iterator[str], what: str) -> Iterator[str]:
    yield from islice(sentences, MOST)
    more = sum(1 for _ in sentences)
    if more:
        yield f"… and {more} more {what}."


# Calls.


def _of_calls(store: Database, monitor: Monitor, advance: Advance) -> Iterator[str]:
    after_key: StoredCallKey = ("", "")
    while True:
        with database_errors(store), store.reading() as connection:
            group = RejudgedCalls(connection, monitor)
            keys = group.judge(after_key, CHUNK)
            otherwise = group.otherwise()
        advance(len(keys))
        for (call, exchange), what in otherwise.items():
            yield f"{exchange} {call}: its facts and the stored {what} differ; run `callmon db rejudge`."
        if len(keys) < CHUNK:
            return
        after_key = keys[-1]


def _in_limbo(connection: Connection) -> Iterator[str]:
    """Calls with rows in some tables and none in tables that must have one."""
    since = select(func.min(FACT.c.at)).scalar_subquery()  # earlier months may have been dropped
    has_call = _in(CALL, FINDING) | _in(OPEN, FINDING) | _in(OBLIGATION, FINDING)
    has_begun = _in(FACT, OPEN, FACT.c.kind == tag_of(Arrived))
    has_neither = ~_in(CALL, FACT) & ~_in(OPEN, FACT)
    checks = (
        (OPEN, ~has_begun, "it is in progress, but its beginning is not stored"),
        (OPEN, _in(CALL, OPEN), "it is both in progress and ended"),
        (CALL, ~_in(FACT, CALL) & (CALL.c.ended >= since), "it has ended, but none of its facts is stored"),
        (FACT, has_neither, "its facts are stored, but it is neither in progress nor ended"),
        (FINDING, ~has_call, "it has verdicts, but the call is not stored"),
    )
    for table, condition, what in checks:
        question = select(table.c["call"], table.c.exchange).where(condition).distinct()
        for call, exchange in connection.execute(question):
            yield f"{exchange} {call}: {what}."


def _in(table: Table, other: Table, *conditions: Condition) -> Condition:
    """Whether `table` has a row of the call of the row of `other`."""
    here = and_(table.c["call"] == other.c["call"], table.c.exchange == other.c.exchange)
    return exists().where(here, *conditions)


# The ledger.


def _of_ledger(connection: Connection) -> Iterator[str]:
    """Compares each stored obligation with the one that its entries give."""
    key = (LEDGER.c.exchange, LEDGER.c.obligation)
    rows = connection.execute(select(*key, LEDGER.c.data).order_by(*key, LEDGER.c.n))
    columns = (OBLIGATION.c.exchange, OBLIGATION.c.id, OBLIGATION.c.data, OBLIGATION.c.state, OBLIGATION.c.is_live)
    stored = {(row[0], row[1]): row[2:] for row in connection.execute(select(*columns))}
    for (exchange, name), entries in groupby(rows, key=lambda row: (row[0], row[1])):
        kept = stored.pop((exchange, name), None)
        made = _made([data for _, _, data in entries])
        if made is None:
            yield f"{exchange} {name}: the first ledger entry does not open the obligation."
        elif kept is None:
            yield f"{exchange} {name}: the ledger has entries, but the obligation is not stored."
        elif _bare(made) != _bare(obligation_of(kept[0], None, None)):
            yield f"{exchange} {name}: its ledger entries and the stored obligation differ."
        elif (kept[1], bool(kept[2])) != (made.state, made.is_live):
            yield f"{exchange} {name}: it is indexed as {kept[1]}, and is {made.state}."
    for exchange, name in stored:
        yield f"{exchange} {name}: the obligation has no ledger entry."


def _made(entries: list[str]) -> Obligation | None:
    first, *rest = map(entry_of, entries)
    if not isinstance(first, Owed):
        return None
    obligation = opened(first, None)
    for entry in rest:
        obligation = after(obligation, entry)
    return obligation


def _bare(obligation: Obligation) -> Obligation:
    """The obligation without tokens, which are not in the ledger, and without verdicts, which are findings."""
    return msgspec.structs.replace(obligation, token=None, other=None, judged=())
