"""Rebuilds roll-ups from stored calls, and compares roll-ups with calls. Every function blocks.

`ensure_rollups` deletes cells whose days are of another time zone, or that another version counted.
`rebuild_rollups` makes them again, some calls per transaction, while the daemon continues to write. It may be
interrupted and resumed at any time. Until it is done, reports count the calls themselves
(`store/queries/reports.py`).

Refuses: to read cells of another time zone or version.
"""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, delete, func, select

from callmon.core.statistics.period import midnight
from callmon.errors import Sentence
from callmon.store.bulk import BulkWriter
from callmon.store.database import Database, database_errors
from callmon.store.rollups import update
from callmon.store.rollups.update import Key, Rollup
from callmon.store.row_mapping import findings_by_call
from callmon.store.tables import CALL, FINDING, ROLLUP, ROLLUP_STATE, Condition, from_microseconds, microseconds

# Calls per transaction: few enough that a daemon on the same SQLite file never waits long for the lock.
CHUNK = 1_000
PAUSE_SECONDS = 0.01


def ensure_rollups(store: Database, zone: ZoneInfo) -> None:
    """Starts roll-ups of this version and zone, and deletes others. Raises StoreError."""
    with database_errors(store), store.writing() as connection:
        found = update.rollup_state(connection, "write")
        if not found.is_ours or found.zone != zone.key:
            _begin(connection, zone)


def reset_rollups(store: Database, zone: ZoneInfo) -> None:
    """Deletes all roll-ups, so that `rebuild_rollups` makes them again. Raises StoreError."""
    with database_errors(store), store.writing() as connection:
        update.rollup_state(connection, "write")
        _begin(connection, zone)


def _begin(connection: Connection, zone: ZoneInfo) -> None:
    connection.execute(delete(ROLLUP))
    earliest = connection.execute(select(func.min(CALL.c.arrived))).scalar()
    until = update.FOREVER if earliest is None else microseconds(earliest)
    connection.execute(ROLLUP_STATE.update().values(zone=zone.key, version=update.VERSION, until=until))


def count_missing(store: Database) -> int:
    """The number of calls that are in no roll-up yet. Raises StoreError."""
    with database_errors(store), store.reading() as connection:
        found = update.rollup_state(connection)
        if found.until == update.FOREVER:
            return 0
        which = CALL.c.arrived >= from_microseconds(found.until)
        return int(connection.execute(select(func.count()).select_from(CALL).where(which)).scalar_one())


def rebuild_rollups(store: Database, chunk: int = CHUNK, pause: float = PAUSE_SECONDS) -> Iterator[int]:
    """One transaction per about `chunk` calls, until every call is in its roll-up. Yields their numbers."""
    while (built := rebuild_step(store, chunk)) is not None:
        yield built
        time.sleep(pause)  # other processes may write


def rebuild_step(store: Database, chunk: int) -> int | None:
    """One transaction of `rebuild_rollups`: its number of calls; None when none is left. Raises StoreError."""
    with database_errors(store), store.writing() as connection:
        found = update.rollup_state(connection, "write")
        if not found.is_ours or found.until == update.FOREVER:
            return None
        until = _end(connection, found, chunk)
        which = CALL.c.arrived >= from_microseconds(found.until)
        if until is not None:
            which = and_(which, CALL.c.arrived < until)
        cells: dict[Key, Rollup] = {}
        calls = count_calls(connection, which, ZoneInfo(found.zone), cells)
        update.add_to_cells(BulkWriter(connection), cells)
        connection.execute(
            ROLLUP_STATE.update().values(until=update.FOREVER if until is None else microseconds(until))
        )
        return calls


def _end(connection: Connection, found: update.RollupState, size: int) -> datetime | None:
    """The first arrival after about `size` calls; None when there are no more."""
    later = select(CALL.c.arrived).where(CALL.c.arrived >= from_microseconds(found.until)).order_by(CALL.c.arrived)
    end: datetime | None = connection.execute(later.limit(1).offset(size)).scalar()
    if end is None or microseconds(end) > found.until:
        return end
    # More than `size` calls arrived at one moment: take all of them.
    after: datetime | None = connection.execute(
        select(func.min(CALL.c.arrived)).where(CALL.c.arrived > end)
    ).scalar()
    return after


def count_calls(connection: Connection, which: Condition, zone: ZoneInfo, cells: dict[Key, Rollup]) -> int:
    """Counts into `cells` the calls as stored now. Returns their number."""
    calls = 0
    for exchange, record in call_records(connection, which):
        update.count_call(cells, exchange, record, zone)
        calls += 1
    return calls


def call_records(connection: Connection, which: Condition) -> Iterator[tuple[str, update.CallRecord]]:
    """The exchange of each call, and the call with its verdicts."""
    of_call = and_(FINDING.c["call"] == CALL.c["call"], FINDING.c.exchange == CALL.c.exchange)
    findings = select(FINDING).select_from(CALL.join(FINDING, of_call)).where(which)
    given = findings_by_call(connection.execute(findings))
    columns = (CALL.c["call"], CALL.c.exchange, CALL.c.data)
    for name, exchange, data in connection.execute(select(*columns).where(which)):
        yield exchange, update.CallRecord(data, tuple(given.get((name, exchange), ())))


# The comparison of roll-ups and calls.


def rollup_differences(
    store: Database, zone: ZoneInfo, first: date | None = None, last: date | None = None
) -> Iterator[list[Sentence]]:
    """The differences between roll-ups and calls: one list per day, empty without a difference.

    Days `first` to `last`; without them, all days with stored calls or roll-ups. Raises StoreError.
    """
    with database_errors(store), store.reading() as connection:
        found = update.rollup_state(connection)
        days = _days(connection, zone, first, last)
    if not found.is_whole(zone):
        yield [Sentence("the roll-ups are missing, or of another version or time zone: run `callmon db upgrade`.")]
        return
    for day in days:
        with database_errors(store), store.snapshot() as connection:
            yield _differences(connection, zone, day)


def count_days(store: Database, zone: ZoneInfo, first: date | None = None, last: date | None = None) -> int:
    """The number of days that `rollup_differences` compares."""
    with database_errors(store), store.reading() as connection:
        return len(_days(connection, zone, first, last))


def _days(connection: Connection, zone: ZoneInfo, first: date | None, last: date | None) -> list[date]:
    days = connection.execute(select(func.min(ROLLUP.c.day), func.max(ROLLUP.c.day))).one()
    times = connection.execute(select(func.min(CALL.c.arrived), func.max(CALL.c.arrived))).one()
    known = [date.fromisoformat(x) for x in days if x] + [x.astimezone(zone).date() for x in times if x]
    if not known:
        return []
    begin, end = first or min(known), last or max(known)
    return [begin + timedelta(n) for n in range((end - begin).days + 1)]


def _differences(connection: Connection, zone: ZoneInfo, day: date) -> list[Sentence]:
    begin, end = (midnight(x, zone) for x in (day, day + timedelta(1)))
    cells: dict[Key, Rollup] = {}
    count_calls(connection, and_(CALL.c.arrived >= begin, CALL.c.arrived < end), zone, cells)
    differences = []
    question = select(ROLLUP).where(ROLLUP.c.day == day.isoformat())
    kept = dict(map(update.decode_row, connection.execute(question)))
    for key in sorted(kept.keys() | cells.keys()):
        has, right = kept.get(key, Rollup()), cells.get(key, Rollup())
        if has.row(key) != right.row(key):
            named, what = " ".join(filter(None, key)), _how(has, right)
            differences.append(Sentence("{key}: {what}; run `callmon db rejudge`.", key=named, what=what))
    return differences


def _how(has: Rollup, right: Rollup) -> Sentence:
    """The first difference."""
    if has.stored != right.stored:
        return Sentence("calls rolled up: {one}, stored: {other}", one=has.stored, other=right.stored)
    pairs = {**has.cell.counts, **right.cell.counts}
    for name, part in sorted(pairs):
        rolled_up, other = has.cell.counts[name, part], right.cell.counts[name, part]
        if rolled_up != other:
            figure = f"{name} {part}".rstrip()
            return Sentence(
                "{figure} is {one} rolled up, and {other} in the calls", figure=figure, one=rolled_up, other=other
            )
    return Sentence("rolled up from other rows than are stored")
