"""What a monthly report asks of the database: the calls, verdicts and obligations of a period. Each blocks.

Calls are read a day at a time, by the index of lines and arrivals. Nothing here opens a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, Row, and_, func, select

from callmon.callbacks.obligation import Obligation
from callmon.calls.call import Call
from callmon.facts import Arrived
from callmon.figures import language_label
from callmon.findings import Finding
from callmon.store import ledger, queries
from callmon.store.engine import Store
from callmon.store.queries import CALL, FINDING, GAP
from callmon.store.rows import call_of, obligation_of
from callmon.store.tables import microseconds

OBLIGATION = ledger.OBLIGATION
STEP = timedelta(days=1)
_MODULUS = 1 << 256


class Judged(NamedTuple):
    """A call with its verdicts, or an obligation with those on it."""

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


def lines(store: Store) -> list[str]:
    """Every line of which a call is stored."""
    with store.reading() as connection:
        found = connection.execute(select(CALL.c.line).distinct())
        return sorted(line for (line,) in found if line is not None)


def calls(store: Store, begin: datetime, end: datetime, seal: Seal) -> Iterator[list[Judged]]:
    """The public's ended calls that arrived in [begin, end), a day at a time, with their verdicts."""
    names = lines(store)
    while begin < end:
        until = min(begin + STEP, end)
        when = and_(CALL.c.line.in_(names), CALL.c.arrived >= begin, CALL.c.arrived < until)
        which = and_(when, CALL.c.direction == "inbound")
        with store.reading() as connection:
            yield _day(connection, which, seal)
        begin = until


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


def obligations(store: Store, begin: datetime, end: datetime, seal: Seal) -> list[Judged]:
    """Those that were opened in [begin, end), with the verdicts on them."""
    which = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    of_call = (FINDING.c["call"] == OBLIGATION.c["call"], FINDING.c.exchange == OBLIGATION.c.exchange)
    judged = {"callback": ("callback%",), "complaint": ("complaint%",)}
    given: dict[tuple[str, str, str], list[Finding]] = {}
    found = []
    with store.reading() as connection:
        for kind, (named,) in judged.items():
            joined = OBLIGATION.join(FINDING, and_(*of_call))
            told = select(FINDING).select_from(joined).where(which, OBLIGATION.c.kind == kind)
            for row in connection.execute(told.where(FINDING.c.standard.like(named))):
                given.setdefault((row[0], row[1], kind), []).append(_finding(row, seal))
        for (data,) in connection.execute(select(OBLIGATION.c.data).where(which)):
            seal.add("obligation", data)
            one = obligation_of(data, None, None)
            found.append(Judged(one, tuple(given.get((one.call, one.exchange, one.kind), ()))))
    return found


def counted(store: Store, begin: datetime, end: datetime) -> dict[tuple[str, str], int]:
    """The database's own count of the public's calls, by line and language."""
    labels = (CALL.c.line, CALL.c.language)
    when = and_(CALL.c.line.in_(lines(store)), CALL.c.arrived >= begin, CALL.c.arrived < end)
    question = select(*labels, func.count()).where(when, CALL.c.direction == "inbound").group_by(*labels)
    with store.reading() as connection:
        return {(line, language): count for line, language, count in connection.execute(question)}


def in_progress(store: Store, begin: datetime, end: datetime) -> list[tuple[str, str]]:
    """Line and language (unknown yet) of the calls that arrived in [begin, end) and are not over."""
    found = []
    for exchange in queries.heartbeats(store):
        for one in queries.open_calls(store, exchange).values():
            for fact in one.facts:
                if isinstance(fact, Arrived) and fact.line is not None and fact.direction == "inbound":
                    found += [(fact.line, language_label(None))] if _within(fact.at, begin, end) else []
    return found


def _within(at: datetime | None, begin: datetime, end: datetime) -> bool:
    return at is not None and begin <= at < end


def heard(
    store: Store, begin: datetime, end: datetime, seal: Seal
) -> dict[str, tuple[datetime | None, datetime | None, tuple[tuple[datetime, datetime], ...]]]:
    """Of each exchange: the first sign of life, until when it was heard, and its gaps in [begin, end)."""
    first: dict[str, datetime] = {}
    with store.reading() as connection:
        until = queries.heartbeats(store)
        for table, column in ((CALL, CALL.c.arrived), (GAP, GAP.c.began)):
            asked = select(table.c.exchange, func.min(column)).group_by(table.c.exchange)
            for name, at in connection.execute(asked):
                if at is not None:
                    first[name] = min(first.get(name, at), at)
        which = and_(GAP.c.began < end, GAP.c.ended > begin)
        gaps: dict[str, list[tuple[datetime, datetime]]] = {}
        for name, began, ended in connection.execute(select(GAP).where(which).order_by(GAP.c.began)):
            seal.add("gap", name, microseconds(began), microseconds(ended))
            gaps.setdefault(name, []).append((began, ended))
    names = sorted({*until, *first, *gaps})
    return {name: (first.get(name, until.get(name)), until.get(name), tuple(gaps.get(name, ()))) for name in names}
