"""What a monthly report asks of the database: the roll-ups and obligations of a period. Each blocks.

All is asked of one snapshot, so that what the daemon writes meanwhile cannot make a total differ from its parts.
Where roll-ups are not whole yet, or of days of another time zone, the calls themselves are counted, a day at a
time: the figures are the same, and it takes as long as there are calls. Nothing here opens a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, and_, case, func, select

from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import Arrived, tag_of
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.period import Month, midnight
from callmon.core.verdicts import Finding
from callmon.store.database import Store
from callmon.store.queries import obligations as ledger
from callmon.store.queries import reconciliations
from callmon.store.queries.calls import CALL, FACT, FINDING, GAP, HEARTBEAT, OPEN
from callmon.store.rollups import rebuild, update
from callmon.store.rollups.update import MODULUS, ROLLUP, Key, Rollup, fingerprint
from callmon.store.row_mapping import fact_of, obligation_of
from callmon.store.tables import microseconds

OBLIGATION = ledger.OBLIGATION
STEP = timedelta(days=1)
PUBLICS = and_(CALL.c.direction == "inbound", ~CALL.c.is_test)  # a test call is in no figure
Span = tuple[datetime, datetime]


class Judged(NamedTuple):
    """An obligation with the verdicts on it."""

    what: Obligation
    findings: tuple[Finding, ...]


class Seal:
    """A fingerprint of rows, the same in whatever order they are read."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, *values: object) -> None:
        self.put(fingerprint(*values))

    def put(self, total: int) -> None:
        """The sum of other rows' fingerprints."""
        self._sum = (self._sum + total) % MODULUS

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


class Counted(NamedTuple):
    """The calls of a period by line and language; and how many the database itself says there are."""

    cells: dict[tuple[str, str], Cell]
    calls: dict[tuple[str, str], int]


def steps(connection: Connection, zone: ZoneInfo, period: Month) -> int:
    """How often `calls` tells that it has come further."""
    return 1 if update.state(connection).is_whole(zone) else -(-(period.end - period.begin) // STEP)


def calls(
    connection: Connection, zone: ZoneInfo, period: Month, seal: Seal, told: Callable[[], None] = lambda: None
) -> Counted:
    """What the calls that arrived in a period add up to."""
    found = Counted({}, {})
    is_whole = update.state(connection).is_whole(zone)
    for rows in _rolled_up(connection, period) if is_whole else _counted(connection, zone, period):
        for (_, line, language, _), rollup in rows:
            seal.put(rollup.seal)
            if line:
                place = (line, language)
                found.cells.setdefault(place, Cell()).put(rollup.cell)
                found.calls[place] = found.calls.get(place, 0) + rollup.calls
        told()
    return found


def _rolled_up(connection: Connection, period: Month) -> Iterator[list[tuple[Key, Rollup]]]:
    days = and_(ROLLUP.c.day >= period.first.isoformat(), ROLLUP.c.day < period.after.isoformat())
    yield [update.of_row(row) for row in connection.execute(select(ROLLUP).where(days))]


def _counted(connection: Connection, zone: ZoneInfo, period: Month) -> Iterator[list[tuple[Key, Rollup]]]:
    begin = period.begin
    while begin < period.end:
        until, cells = min(begin + STEP, period.end), dict[Key, Rollup]()
        rebuild.count(connection, and_(CALL.c.arrived >= begin, CALL.c.arrived < until), zone, cells)
        yield list(cells.items())
        begin = until


def names(connection: Connection, begin: datetime, end: datetime) -> list[tuple[str, str]]:
    """Call and exchange of the public's ended calls that arrived in [begin, end)."""
    when = and_(CALL.c.line.is_not(None), CALL.c.arrived >= begin, CALL.c.arrived < end)
    asked = select(CALL.c["call"], CALL.c.exchange).where(when, PUBLICS)
    return [(name, exchange) for name, exchange in connection.execute(asked)]


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


def in_progress(connection: Connection, begin: datetime, end: datetime) -> list[str]:
    """The line of each of the public's calls that arrived in [begin, end) and is not over."""
    of_call = and_(FACT.c["call"] == OPEN.c["call"], FACT.c.exchange == OPEN.c.exchange)
    told = select(FACT.c.data).select_from(OPEN.join(FACT, of_call)).where(FACT.c.kind == tag_of(Arrived))
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
    first = _first_calls(connection)
    for name, at in connection.execute(select(GAP.c.exchange, func.min(GAP.c.began)).group_by(GAP.c.exchange)):
        first[name] = min(first.get(name) or at, at)
    which = and_(GAP.c.began < end, GAP.c.ended > begin)
    gaps: dict[str, list[Span]] = {}
    for name, began, ended in connection.execute(select(GAP).where(which).order_by(GAP.c.began)):
        seal.add("gap", name, microseconds(began), microseconds(ended))
        gaps.setdefault(name, []).append((began, ended))
    names = sorted({*until, *first, *gaps})
    return {
        name: (first.get(name) or until.get(name), until.get(name), tuple(gaps.get(name, ()))) for name in names
    }


def _first_calls(connection: Connection) -> dict[str, datetime | None]:
    """When the first call that was heard of each exchange arrived; None where all were told by its own log. The
    day is found in the roll-ups, when they are whole.
    """
    kept, found = update.state(connection), dict[str, datetime | None]()
    was_heard = CALL.c.heard != "filled"
    if not kept.is_ours or kept.until != update.FOREVER:
        first = func.min(case((was_heard, CALL.c.arrived)), type_=CALL.c.arrived.type)
        asked = select(CALL.c.exchange, first).where(CALL.c.arrived.is_not(None)).group_by(CALL.c.exchange)
        return {row.exchange: row[1] for row in connection.execute(asked)}
    days = select(ROLLUP.c.exchange, func.min(ROLLUP.c.day)).where(ROLLUP.c.stored > 0)
    for name, day in connection.execute(days.group_by(ROLLUP.c.exchange)).all():
        begin = midnight(date.fromisoformat(day), ZoneInfo(kept.zone))
        earliest = select(CALL.c.arrived).where(CALL.c.exchange == name, CALL.c.arrived >= begin, was_heard)
        found[name] = connection.execute(earliest.order_by(CALL.c.arrived).limit(1)).scalar_one_or_none()
    return found


def compared(connection: Connection, period: Month, zone: ZoneInfo, seal: Seal) -> dict[str, tuple[Span, ...]]:
    """Of each exchange the days of the period whose calls its own records and callmon both have, one and all."""
    found: dict[str, tuple[Span, ...]] = {}
    for name, days in reconciliations.agreeing(connection, period.first, period.after).items():
        seal.add("compared", name, *days)
        found[name] = tuple((midnight(day, zone), midnight(day + STEP, zone)) for day in days)
    return found


def reconciled(
    connection: Connection, first: date, after: date, lines: Iterable[str] | None, seal: Seal
) -> dict[str, int] | None:
    """How many days from `first` to the one before `after` were compared with the exchanges' own records, and the
    calls that one side alone has; None when none was.
    """
    found = reconciliations.of_period(connection, first, after, lines)
    if found is not None:
        seal.add("reconciliation", *sorted(found.items()))
    return found
