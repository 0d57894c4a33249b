"""Consistency check of the database: yields one sentence per inconsistency.

    facts of a call ──▶ must give its stored account and its stored verdicts
    entries of the ledger ──▶ must give the stored obligation
    a call is in progress, or ended, or nothing of it is stored

Differences that follow from changed settings (hours, lines, parameters) are reported as well; `callmon db rejudge`
updates them.

Refuses: to change anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice

import msgspec
from sqlalchemy import Connection, Table, and_, exists, func, select

from callmon.core.callbacks.entries import Owed
from callmon.core.callbacks.obligation import Obligation, after, opened
from callmon.core.facts import Arrived, tag_of
from callmon.core.monitor import Monitor
from callmon.store.database import Database, _told
from callmon.store.maintenance.rejudge import RejudgedCalls
from callmon.store.row_mapping import StoredCallKey, entry_of, obligation_of
from callmon.store.tables import CALL, FACT, FINDING, LEDGER, OBLIGATION, OPEN, Condition

CHUNK = 200
MOST = 20  # sentences of one kind; above this only their number is given


def inconsistencies(store: Database, monitor: Monitor) -> Iterator[str]:
    """One sentence per inconsistency. Raises StoreError."""
    yield from _shortened(_of_calls(store, monitor), "calls whose facts give something else")
    with _told(store), store.reading() as connection:
        yield from _shortened(_in_limbo(connection), "calls of that kind")
        yield from _shortened(_of_ledger(connection), "entries of the list of callbacks")


def _shortened(sentences: Iterator[str], what: str) -> Iterator[str]:
    yield from islice(sentences, MOST)
    more = sum(1 for _ in sentences)
    if more:
        yield f"… and {more} more {what}."


# Calls.


def _of_calls(store: Database, monitor: Monitor) -> Iterator[str]:
    after_key: StoredCallKey = ("", "")
    while True:
        with _told(store), store.reading() as connection:
            group = RejudgedCalls(connection, monitor)
            keys = group.judge(after_key, CHUNK)
            otherwise = group.otherwise()
        for (call, exchange), what in otherwise.items():
            yield f"{exchange} {call}: its facts give other {what} than are stored; run `callmon db rejudge`."
        if len(keys) < CHUNK:
            return
        after_key = keys[-1]


def _in_limbo(connection: Connection) -> Iterator[str]:
    """Calls with rows in some tables and none in tables that must have one."""
    begun = exists().where(_same(FACT, OPEN), FACT.c.kind == tag_of(Arrived))
    for call, exchange in connection.execute(select(OPEN.c["call"], OPEN.c.exchange).where(~begun)):
        yield f"{exchange} {call}: it is in progress, and nothing tells how it began."
    over = exists().where(_same(CALL, OPEN))
    for call, exchange in connection.execute(select(OPEN.c["call"], OPEN.c.exchange).where(over)):
        yield f"{exchange} {call}: it is in progress and over at once."
    told = exists().where(_same(FACT, CALL))
    since = select(func.min(FACT.c.at)).scalar_subquery()  # earlier months may have been dropped
    question = select(CALL.c["call"], CALL.c.exchange).where(~told, CALL.c.ended >= since)
    for call, exchange in connection.execute(question):
        yield f"{exchange} {call}: it is over, and no fact of it is stored."
    alone = ~exists().where(_same(CALL, FACT)) & ~exists().where(_same(OPEN, FACT))
    for call, exchange in connection.execute(select(FACT.c["call"], FACT.c.exchange).where(alone).distinct()):
        yield f"{exchange} {call}: facts of it are stored, and it is neither in progress nor over."
    judged = exists().where(_same(CALL, FINDING)) | exists().where(_same(OPEN, FINDING))
    owed = exists().where(_same(OBLIGATION, FINDING))
    question = select(FINDING.c["call"], FINDING.c.exchange).where(~judged, ~owed).distinct()
    for call, exchange in connection.execute(question):
        yield f"{exchange} {call}: it has verdicts, and there is no such call."


def _same(one: Table, other: Table) -> Condition:
    return and_(one.c["call"] == other.c["call"], one.c.exchange == other.c.exchange)


# The ledger.


def _of_ledger(connection: Connection) -> Iterator[str]:
    """Compares each stored obligation with the one that its entries give."""
    key = (LEDGER.c.exchange, LEDGER.c.obligation)
    rows = connection.execute(select(*key, LEDGER.c.data).order_by(*key, LEDGER.c.n))
    columns = (OBLIGATION.c.exchange, OBLIGATION.c.id, OBLIGATION.c.data, OBLIGATION.c.state, OBLIGATION.c.is_live)
    stored = {(row[0], row[1]): row[2:] for row in connection.execute(select(*columns))}
    for (exchange, name), told in groupby(rows, key=lambda row: (row[0], row[1])):
        kept = stored.pop((exchange, name), None)
        made = _made([data for _, _, data in told])
        if made is None:
            yield f"{exchange} {name}: the first entry in the ledger does not say what is owed."
        elif kept is None:
            yield f"{exchange} {name}: entries are in the ledger, and the obligation is not."
        elif _bare(made) != _bare(obligation_of(kept[0], None, None)):
            yield f"{exchange} {name}: its entries in the ledger give another obligation than is stored."
        elif (kept[1], bool(kept[2])) != (made.state, made.is_live):
            yield f"{exchange} {name}: it is found under {kept[1]}, and is {made.state}."
    for exchange, name in stored:
        yield f"{exchange} {name}: the obligation has no entry in the ledger."


def _made(entries: list[str]) -> Obligation | None:
    first, *rest = map(entry_of, entries)
    if not isinstance(first, Owed):
        return None
    one = opened(first, None)
    for entry in rest:
        one = after(one, entry)
    return one


def _bare(one: Obligation) -> Obligation:
    """The obligation without tokens, which are not in the ledger, and without verdicts, which are findings."""
    return msgspec.structs.replace(one, token=None, other=None, judged=())
