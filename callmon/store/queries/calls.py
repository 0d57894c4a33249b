"""Queries on calls, facts, findings, gaps and counters. They return frozen values. Each blocks: use a thread.

A result contains a caller's number only with `numbers=True`, and only if the store has the key.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import product

import msgspec
from sqlalchemy import Connection, Table, and_, func, select, true, tuple_

from callmon.core.calls.call import Call
from callmon.core.facts import OUTSIDE, Answered, Fact, Forwarded, PhoneDialled
from callmon.core.statistics.counters import Figures
from callmon.core.takeover import StoredOpenCall
from callmon.core.verdicts import Finding, Gap
from callmon.store.bulk import chunks
from callmon.store.database import Database
from callmon.store.encryption import KeyRing
from callmon.store.row_mapping import StoredCallKey, call_of, facts_of, figure_of, findings_by_call
from callmon.store.tables import CALL, COUNTER, FACT, FINDING, GAP, HEARTBEAT, NUMBER, OPEN, Condition, Which


class StoredCall(msgspec.Struct, frozen=True):
    """All stored data of one call. `account` is None while the call is in progress."""

    exchange: str
    account: Call | None
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]


def counters(store: Database) -> Figures:
    """All committed counters."""
    with store.reading() as connection:
        return counters_of(connection)


def counters_of(connection: Connection) -> Figures:
    """As `counters`, in the current transaction."""
    return {figure_of(key): value for key, value in connection.execute(select(COUNTER))}


def heartbeats(store: Database) -> dict[str, datetime]:
    """By exchange, the time (UTC) up to which all its events were received and stored."""
    with store.reading() as connection:
        return {row.exchange: row.heard for row in connection.execute(select(HEARTBEAT))}


def last_calls(store: Database, tests: bool = False) -> dict[str, datetime]:
    """By line, the latest arrival of an ended call; with `tests`, of an ended test call."""
    which = and_(CALL.c.arrived.is_not(None), CALL.c.is_test if tests else true())
    found: dict[str, datetime] = {}
    with store.reading() as connection:
        for line in _lines(connection):
            latest = select(CALL.c.arrived).where(CALL.c.line == line, which).order_by(CALL.c.arrived.desc())
            at = connection.execute(latest.limit(1)).scalar_one_or_none()
            if at is not None:
                found[line] = at
    return found


def _lines(connection: Connection) -> Iterator[str]:
    """All lines that have stored calls. Each step is one index look-up, so the cost is the number of lines."""
    line: str | None = ""
    while line is not None:
        line = connection.execute(select(func.min(CALL.c.line)).where(CALL.c.line > line)).scalar()
        if line is not None:
            yield line


def count_ended_calls(
    store: Database, lines: Iterable[str], begin: datetime, end: datetime
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str, str], int]]:
    """Ended inbound calls that arrived in [begin, end), without tests: by (line, outcome), and by verdict."""
    when = and_(CALL.c.arrived >= begin, CALL.c.arrived < end)
    which = and_(CALL.c.line.in_(list(lines)), when, CALL.c.direction == "inbound", ~CALL.c.is_test)
    of_call = (CALL.c.line, CALL.c.outcome)
    of_finding = (CALL.c.line, FINDING.c.standard, FINDING.c.verdict)
    both = CALL.join(FINDING, and_(FINDING.c["call"] == CALL.c["call"], FINDING.c.exchange == CALL.c.exchange))
    with store.reading() as connection:
        calls = connection.execute(select(*of_call, func.count()).where(which).group_by(*of_call)).all()
        question = select(*of_finding, func.count()).select_from(both).where(which).group_by(*of_finding)
        verdicts = connection.execute(question).all()
    return {(row[0], row[1]): row[2] for row in calls}, {(row[0], row[1], row[2]): row[3] for row in verdicts}


def messages_left(store: Database, lines: Iterable[str], since: datetime) -> list[tuple[str, str, datetime]]:
    """Messages left in calls that arrived at or after `since`: (exchange, mailbox, end of call), oldest first."""
    which = and_(CALL.c.line.in_(list(lines)), CALL.c.arrived >= since, CALL.c.data.contains('"message":true'))
    found = []
    with store.reading() as connection:
        for exchange, data in connection.execute(select(CALL.c.exchange, CALL.c.data).where(which)):
            took, ended = (call := call_of(data, {})).voicemail, call.ended
            if took is not None and took.message and took.mailbox is not None and ended is not None:
                found.append((exchange, took.mailbox, ended))
    return sorted(found, key=lambda message: message[2])


def gaps(store: Database, exchange: str) -> list[Gap]:
    """The measurement gaps of `exchange`, oldest first."""
    question = select(GAP).where(GAP.c.exchange == exchange).order_by(GAP.c.began)
    with store.reading() as connection:
        return [Gap(*row) for row in connection.execute(question)]


def open_calls(store: Database, exchange: str, *, numbers: bool = False) -> dict[str, StoredOpenCall]:
    """The stored calls in progress of `exchange`, in the order of their arrival."""

    def which(table: Table) -> Condition:
        open_now = select(OPEN.c["call"]).where(OPEN.c.exchange == exchange)
        return and_(table.c.exchange == exchange, table.c["call"].in_(open_now))

    with store.reading() as connection:
        facts = stored_facts(connection, which, store.ring if numbers else None)
        findings = stored_findings(connection, which)
    return {key[0]: StoredOpenCall(tuple(stored), tuple(findings.get(key, ()))) for key, stored in facts.items()}


def stored_calls(
    store: Database, name: str, exchange: str | None = None, *, numbers: bool = False
) -> list[StoredCall]:
    """The stored calls of that name: one for each exchange that used the name; empty if none is stored."""

    def which(table: Table) -> Condition:
        return and_(table.c["call"] == name, true() if exchange is None else table.c.exchange == exchange)

    return _calls(store, which, numbers)


def calls_of_keys(store: Database, keys: Collection[StoredCallKey]) -> list[StoredCall]:
    """The stored calls with these keys."""
    return _calls(store, lambda table: tuple_(table.c["call"], table.c.exchange).in_(keys), numbers=False)


def _calls(store: Database, which: Which, numbers: bool) -> list[StoredCall]:
    with store.reading() as connection:
        facts = stored_facts(connection, which, store.ring if numbers else None)
        findings = stored_findings(connection, which)
        accounts = _accounts(connection, which, store.ring if numbers else None)
    return [
        StoredCall(key[1], accounts.get(key), tuple(facts.get(key, ())), tuple(findings.get(key, ())))
        for key in dict.fromkeys((*facts, *accounts))
    ]


def names_with_facts(store: Database, exchange: str, calls: Iterable[str]) -> set[str]:
    """The names among `calls` that have at least one stored fact."""
    found: set[str] = set()
    with store.reading() as connection:
        for some, table in product(chunks(calls), (FACT, OPEN)):
            which = and_(table.c.exchange == exchange, table.c["call"].in_(some))
            found |= set(connection.scalars(select(table.c["call"]).where(which)))
    return found


def phones_dialled(
    store: Database, exchange: str, lines: Iterable[str], last: int = 50
) -> list[tuple[str, str, datetime | None]]:
    """Phones of `exchange` dialled before an answer in each line's latest `last` calls: (line, channel, time)."""
    found: list[tuple[str, str, datetime | None]] = []
    with store.reading() as connection:
        for line in lines:
            newest = select(CALL.c["call"]).where(CALL.c.line == line, CALL.c.exchange == exchange)
            names = [name for (name,) in connection.execute(newest.order_by(CALL.c.arrived.desc()).limit(last))]

            def which(table: Table, names: list[str] = names) -> Condition:
                return and_(table.c["call"].in_(names), table.c.exchange == exchange)

            for facts in stored_facts(connection, which, None).values() if names else ():
                found += [(line, fact.channel, fact.at) for fact in _dialled(facts)]
    return found


def _dialled(facts: Iterable[Fact]) -> Iterator[PhoneDialled]:
    """The line's own phones: excludes dials after an answer and the target of a phone's forwarding."""
    for fact in facts:
        if isinstance(fact, Answered | Forwarded):
            return
        if isinstance(fact, PhoneDialled) and fact.phone != OUTSIDE:
            yield fact


def stream_calls(
    store: Database, begin: datetime, end: datetime, *, tests: bool = False
) -> Iterator[tuple[str, Call]]:
    """Ended calls that arrived in [begin, end) as (exchange, call), by arrival; with `tests`, test calls only.

    Rows are streamed. Consume them quickly: SQLite's write-ahead log grows while the read transaction is open.
    """
    condition = and_(CALL.c.arrived >= begin, CALL.c.arrived < end, CALL.c.is_test.is_(tests))
    question = select(CALL.c.exchange, CALL.c.data).where(condition)
    question = question.order_by(CALL.c.arrived, CALL.c["call"]).execution_options(yield_per=500)
    with store.reading() as connection:
        for exchange, data in connection.execute(question):
            yield exchange, call_of(data, {})


# Parts of the results.


def stored_facts(
    connection: Connection, which: Which, ring: KeyRing | None, tables: Iterable[Table] = (FACT, OPEN)
) -> dict[StoredCallKey, list[Fact]]:
    known = {} if ring is None else stored_numbers(connection, which(NUMBER), ring)
    found: dict[StoredCallKey, list[Fact]] = {}
    for table in tables:
        question = select(table.c["call"], table.c.exchange, table.c.data).where(which(table)).order_by(table.c.n)
        for name, exchange, data in connection.execute(question):
            key = (name, exchange)
            found.setdefault(key, []).extend(facts_of(data, known.get(key, {})))
    return found


def stored_findings(connection: Connection, which: Which) -> dict[StoredCallKey, list[Finding]]:
    question = select(FINDING).where(which(FINDING)).order_by(FINDING.c.at, FINDING.c.standard)
    return findings_by_call(connection.execute(question))


def _accounts(connection: Connection, which: Which, ring: KeyRing | None) -> dict[StoredCallKey, Call]:
    known = {} if ring is None else stored_numbers(connection, which(NUMBER), ring)
    question = select(CALL.c["call"], CALL.c.exchange, CALL.c.data).where(which(CALL))
    return {
        (name, exchange): call_of(data, known.get((name, exchange), {}))
        for name, exchange, data in connection.execute(question)
    }


def stored_numbers(connection: Connection, which: Condition, ring: KeyRing) -> dict[StoredCallKey, dict[str, str]]:
    found: dict[StoredCallKey, dict[str, str]] = {}
    for name, exchange, role, encrypted, _ in connection.execute(select(NUMBER).where(which)):
        found.setdefault((name, exchange), {})[role] = ring.decrypt(encrypted)
    return found


def first_arrival(store: Database) -> datetime | None:
    """The earliest arrival of all stored calls; None if no call is stored."""
    with store.reading() as connection:
        found: datetime | None = connection.execute(select(func.min(CALL.c.arrived))).scalar()
        return found
