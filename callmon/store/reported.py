"""What a monthly report asks of the database: the calls, verdicts and obligations of a period. Each blocks.

All is asked of one snapshot, so that what the daemon writes meanwhile cannot make a total differ from its parts.
Calls are read a day at a time, by the index of lines and arrivals. Nothing here opens a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from callmon.callbacks.obligation import Obligation
from callmon.calls.call import Call
from callmon.facts import Arrived
from callmon.findings import Finding
from callmon.store import ledger, queries
from callmon.store.engine import Store
from callmon.store.queries import CALL, FACT, FINDING, GAP, HEARTBEAT, OPEN
from callmon.store.rows import call_of, fact_of, obligation_of
from callmon.store.tables import microseconds

OBLIGATION = ledger.OBLIGATION
STEP = timedelta(days=1)
PUBLICS = and_(CALL.c.direction == "inbound", ~CALL.c.is_test)  # a test call is in no figure
_MODULUS = 1 << 256
Span = tuple[datetime, datetime]


class Judged(NamedTuple):
    """A call, or an obligation, with the verdicts on it."""

    what: Call | Obligation
    findings: tuple[Finding, ...]


class Seal:
    """A fingerprint of rows, the same in whatever order they are read."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, *values: object) -> None:
        told = "\x1f".join("" if x is None else str(x) for x in values)
        self._sum = (self._sum + int.from_bytes(sha256(told.encode()).digest(), "big")) % _MODULUS

    def __str__(self) -> str:
        return f"{self._sum:064x}"


@contextmanager
def snapshot(store: Store) -> Iterator[Connection]:
    """One state of the database, whatever is written meanwhile."""
    engine = store.engine
    if store.path is None:  # SQLite's transactions are that already
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.connect() as connection, connection.begin():
        yield connection


def lines(connection: Connection) -> list[str]:
    """Every line of which a call is stored."""
    found = connection.execute(select(CALL.c.line).distinct())
    return sorted(line for (line,) in found if line is not None)


def steps(begin: datetime, end: datetime) -> int:
    """How often `calls` gives some of a period."""
    return -(-(end - begin) // STEP)


def calls(connection: Connection, begin: datetime, end: datetime, seal: Seal) -> Iterator[list[Judged]]:
    """The public's ended calls that arrived in [begin, end), a day at a time, with their verdicts."""
    names = lines(connection)
    while begin < end:
        until = min(begin + STEP, end)
        when = and_(CALL.c.line.in_(names), CALL.c.arrived >= begin, CALL.c.arrived < until)
        yield _day(connection, and_(when, CALL.c.direction == "inbound"), seal)
        begin = until


def names(connection: Connection, begin: datetime, end: datetime) -> list[tuple[str, str]]:
    """Call and exchange of the public's ended calls that arrived in [begin, end)."""
    when = and_(CALL.c.line.in_(lines(connection)), CALL.c.arrived >= begin, CALL.c.arrived < end)
    asked = select(CALL.c["call"], CALL.c.exchange).where(when, PUBLICS)
    return [(name, exchange) for name, exchange in connection.execute(asked)]


def _day(connection: Connection, which: queries.Condition, seal: Seal) -> list[Judged]:
    of_call = (FINDING.c["call"] == CALL.c["call"], FINDING.c.exchange == CALL.c.exchange)
    columns = (CALL.c["call"], CALL.c.exchange, CALL.c.data)
    given: dict[tuple[str, str], list[Finding]] = {}
    told = select(FINDING).select_from(CALL.join(FINDING, and_(*of_call))).where(which)
    for row in connection.execute(told):
        given.setdefault((row[0], row[1]), []).append(_finding(row, seal))
    found = []
    for name, exchange, data in connection.execute(select(*columns).where(which)):
        seal.add("call", name, exchange, data)
        found.append(Judged(call_of(data, {}), tuple(given.get((name, exchange), ()))))
    return found


def _finding(row: Row[tuple[object, ...]], seal: Seal) -> Finding:
    fields = dict(row._mapping)
    exchange = fields.pop("exchange")
    one = Finding(**fields)
    seal.add("finding", one.call, exchange, one.standard, one.verdict, one.reason_key, one.cause)
    return one


def obligations(connection: Connection, begin: datetime, end: datetime, seal: Seal) -> Iterator[Judged]:
    """Those that were opened in [begin, end), with the verdicts on them."""
    which = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    of_call = (FINDING.c["call"] == OBLIGATION.c["call"], FINDING.c.exchange == OBLIGATION.c.exchange)
    given: dict[tuple[str, str, str], list[Finding]] = {}
    for kind in ("callback", "complaint"):
        told = select(FINDING).select_from(OBLIGATION.join(FINDING, and_(*of_call)))
        told = told.where(which, OBLIGATION.c.kind == kind, FINDING.c.standard.like(f"{kind}%"))
        for row in connection.execute(told):
            given.setdefault((row[0], row[1], kind), []).append(_finding(row, seal))
    for (data,) in connection.execute(select(OBLIGATION.c.data).where(which)):
        seal.add("obligation", data)
        one = obligation_of(data, None, None)
        yield Judged(one, tuple(given.get((one.call, one.exchange, one.kind), ())))


def counted(connection: Connection, begin: datetime, end: datetime) -> dict[tuple[str, str], int]:
    """The database's own count of the public's calls, by line and language."""
    labels = (CALL.c.line, CALL.c.language)
    when = and_(CALL.c.line.in_(lines(connection)), CALL.c.arrived >= begin, CALL.c.arrived < end)
    question = select(*labels, func.count()).where(when, PUBLICS).group_by(*labels)
    return {(line, language): count for line, language, count in connection.execute(question)}


def in_progress(connection: Connection, begin: datetime, end: datetime) -> list[str]:
    """The line of each of the public's calls that arrived in [begin, end) and is not over."""
    of_call = and_(FACT.c["call"] == OPEN.c["call"], FACT.c.exchange == OPEN.c.exchange)
    told = select(FACT.c.data).select_from(OPEN.join(FACT, of_call)).where(FACT.c.kind == Arrived.__name__)
    facts = [fact_of(data, {}) for (data,) in connection.execute(told)]
    return [
        fact.line
        for fact in facts
        if isinstance(fact, Arrived)
        and fact.line is not None
        and fact.direction == "inbound"
        and not fact.test
        and fact.at is not None
        and begin <= fact.at < end
    ]


def heard(
    connection: Connection, begin: datetime, end: datetime, seal: Seal
) -> dict[str, tuple[datetime | None, datetime | None, tuple[Span, ...]]]:
    """Of each exchange: the first sign of life, until when it was heard, and its gaps in [begin, end)."""
    until = {row.exchange: row.heard for row in connection.execute(select(HEARTBEAT))}
    first: dict[str, datetime] = {}
    for table, column in ((CALL, CALL.c.arrived), (GAP, GAP.c.began)):
        asked = select(table.c.exchange, func.min(column)).group_by(table.c.exchange)
        for name, at in connection.execute(asked):
            if at is not None:
                first[name] = min(first.get(name, at), at)
    which = and_(GAP.c.began < end, GAP.c.ended > begin)
    gaps: dict[str, list[Span]] = {}
    for name, began, ended in connection.execute(select(GAP).where(which).order_by(GAP.c.began)):
        seal.add("gap", name, microseconds(began), microseconds(ended))
        gaps.setdefault(name, []).append((began, ended))
    names = sorted({*until, *first, *gaps})
    return {name: (first.get(name, until.get(name)), until.get(name), tuple(gaps.get(name, ()))) for name in names}
