"""Results of the daily reconciliations: written here, read by metrics and reports. Every function blocks."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, and_, delete, func, select

from callmon.ami.events import born
from callmon.core.calls.call import IMPORTED
from callmon.core.reconciliation import SIDES, ArrivedCall, LastComparison, Reconciliation, Side
from callmon.store.database import Database, database_errors
from callmon.store.instances import insert_rows
from callmon.store.tables import CALL, GAP, Condition
from callmon.store.tables.columns import table_of
from callmon.store.tables.figures import ReconciliationCallRow, ReconciliationRow

LINE, DIFFERENCE = table_of(ReconciliationRow), table_of(ReconciliationCallRow)


def arrived_calls(store: Database, exchange: str, begin: datetime, end: datetime) -> dict[str, ArrivedCall]:
    """callmon's ended inbound calls on lines that arrived in [begin, end), including test calls, by name."""
    which = and_(CALL.c.exchange == exchange, CALL.c.direction == "inbound", CALL.c.line.is_not(None))
    columns = (CALL.c["call"], CALL.c.line, CALL.c.arrived)
    dated = and_(which, CALL.c.arrived >= begin, CALL.c.arrived < end)
    with store.reading() as connection:
        found = [ArrivedCall(*row) for row in connection.execute(select(*columns).where(dated))]
        # Where no arrival was received, the call's id gives its second.
        for call, line, _ in connection.execute(select(*columns).where(which, CALL.c.arrived.is_(None))):
            at = born(call)
            if at is not None and begin <= at < end:
                found.append(ArrivedCall(call, line, at))
    return {call.call: call for call in found}


def first_sign(store: Database, exchange: str) -> datetime | None:
    """The earliest call or measurement gap of that exchange, imported calls apart; None if there is neither."""
    questions = (
        select(func.min(CALL.c.arrived)).where(CALL.c.exchange == exchange, CALL.c.heard.not_in(list(IMPORTED))),
        select(func.min(GAP.c.began)).where(GAP.c.exchange == exchange),
    )
    with store.reading() as connection:
        found = [connection.execute(question).scalar() for question in questions]
    return min((at for at in found if at is not None), default=None)


def store_reconciliation(store: Database, result: Reconciliation, now: datetime) -> None:
    """Replaces the stored result of that exchange and day. Raises StoreError."""
    day = result.day.isoformat()
    with database_errors(store), store.writing() as connection:
        for table in (LINE, DIFFERENCE):
            connection.execute(delete(table).where(table.c.exchange == result.exchange, table.c.day == day))
        insert_rows(connection, *_rows(result, day, now))


def _rows(result: Reconciliation, day: str, now: datetime) -> Iterator[ReconciliationRow | ReconciliationCallRow]:
    for line in result.lines:
        yield ReconciliationRow(
            exchange=result.exchange,
            day=day,
            line=line.line,
            done=now,
            of_exchange=line.exchange,
            of_callmon=line.callmon,
        )
    for call in result.differences:
        yield ReconciliationCallRow(exchange=result.exchange, day=day, **msgspec.structs.asdict(call))


def latest_comparisons(store: Database, exchanges: Iterable[str]) -> list[LastComparison]:
    """The latest result of each exchange that has one."""
    with store.reading() as connection:
        found = []
        for exchange in exchanges:
            question = select(LINE.c.day, LINE.c.done).where(LINE.c.exchange == exchange)
            row = connection.execute(question.order_by(LINE.c.day.desc()).limit(1)).one_or_none()
            if row is not None:
                only = _only(connection, and_(DIFFERENCE.c.exchange == exchange, DIFFERENCE.c.day == row.day))
                found.append(LastComparison(exchange, date.fromisoformat(row.day), row.done, only))
        return found


def _only(connection: Connection, which: Condition) -> dict[Side, int]:
    question = select(DIFFERENCE.c.counted_by, func.count()).where(which).group_by(DIFFERENCE.c.counted_by)
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(question)}
    return {side: counts.get(side, 0) for side in SIDES}


def days_that_agree(connection: Connection, first: date, after: date) -> dict[str, list[date]]:
    """By exchange, the days in [first, after) on which its own records and callmon have the same calls, in order.

    A day without a call in the exchange's records does not count: the exchange may not have kept records then.
    """
    begin, end = first.isoformat(), after.isoformat()
    days = select(LINE.c.exchange, LINE.c.day).where(LINE.c.day >= begin, LINE.c.day < end)
    days = days.group_by(LINE.c.exchange, LINE.c.day).having(func.sum(LINE.c.of_exchange) > 0)
    differ = select(DIFFERENCE.c.exchange, DIFFERENCE.c.day).where(
        DIFFERENCE.c.day >= begin, DIFFERENCE.c.day < end
    )
    wrong = {(row[0], row[1]) for row in connection.execute(differ)}
    found: dict[str, list[date]] = {}
    for exchange, day in connection.execute(days.order_by(LINE.c.day)):
        if (exchange, day) not in wrong:
            found.setdefault(exchange, []).append(date.fromisoformat(day))
    return found


def reconciled_counts(
    connection: Connection, first: date, after: date, lines: Iterable[str] | None = None
) -> dict[str, int] | None:
    """The number of reconciled days in [first, after), and the calls that only one side counted.

    `lines` restricts the calls (None: all lines). Returns None if none of the days was reconciled.
    """
    begin, end = first.isoformat(), after.isoformat()
    question = select(func.count(LINE.c.day.distinct())).where(LINE.c.day >= begin, LINE.c.day < end)
    days = connection.execute(question).scalar_one()
    which = and_(DIFFERENCE.c.day >= begin, DIFFERENCE.c.day < end)
    if lines is not None:
        which = and_(which, DIFFERENCE.c.line.in_(list(lines)))
    only = _only(connection, which)
    return {"days": days} | {f"{side}_only": count for side, count in only.items()} if days else None
