"""What was received of each exchange: its start, its gaps, the days that its own records confirm. Blocks."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, case, func, or_, select

from callmon.config.business_calendar import Span
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import DAY, Month, midnight
from callmon.store.queries import reconciliations
from callmon.store.rollups import update
from callmon.store.rollups.update import MODULUS, fingerprint
from callmon.store.tables import CALL, GAP, HEARTBEAT, ROLLUP, microseconds


class Fingerprint:
    """A fingerprint of rows that does not depend on the order in which they are read."""

    def __init__(self) -> None:
        self._sum = 0

    def include(self, *values: object) -> None:
        self.include_sum(fingerprint(*values))

    def include_sum(self, total: int) -> None:
        """Adds the sum of other rows' fingerprints."""
        self._sum = (self._sum + total) % MODULUS

    def __str__(self) -> str:
        return f"{self._sum:064x}"


def coverages(
    connection: Connection,
    period: Month,
    zone: ZoneInfo,
    fingerprint: Fingerprint,
    starts: Mapping[str, datetime | None] | None = None,
) -> dict[str, Coverage]:
    """By exchange, what was received of the period, and the days that its own records confirm."""
    heard = heard_spans(connection, period.begin, period.end, fingerprint, starts)
    days = agreeing_days(connection, period, zone, fingerprint)
    return {name: Coverage(*spans, days.get(name, ())) for name, spans in heard.items()}


def heard_spans(
    connection: Connection,
    begin: datetime,
    end: datetime,
    fingerprint: Fingerprint,
    starts: Mapping[str, datetime | None] | None = None,
) -> dict[str, tuple[datetime | None, datetime | None, tuple[Span, ...]]]:
    """By exchange: its start, the time up to which its events are stored, and its gaps in [begin, end).

    Without a first call or gap, the start is the time up to which its events are stored. `starts`: of
    `first_heard`, where several periods are read.
    """
    until = {row.exchange: row.heard for row in connection.execute(select(HEARTBEAT))}
    first = first_heard(connection) if starts is None else starts
    which = and_(GAP.c.began < end, GAP.c.ended > begin)
    gaps: dict[str, list[Span]] = {}
    for name, began, ended in connection.execute(select(GAP).where(which).order_by(GAP.c.began)):
        fingerprint.include("gap", name, microseconds(began), microseconds(ended))
        gaps.setdefault(name, []).append((began, ended))
    names = sorted({*until, *first, *gaps})
    return {
        name: (first.get(name) or until.get(name), until.get(name), tuple(gaps.get(name, ()))) for name in names
    }


def first_heard(connection: Connection) -> dict[str, datetime | None]:
    """By exchange, its first received call or gap; it reads each day of the roll-ups."""
    first = _first_calls(connection)
    for name, at in connection.execute(select(GAP.c.exchange, func.min(GAP.c.began)).group_by(GAP.c.exchange)):
        first[name] = min(first.get(name) or at, at)
    return first


def _first_calls(connection: Connection) -> dict[str, datetime | None]:
    """The arrival of each exchange's first call received by AMI; None if all its calls are from a backfill.

    If the roll-ups are complete, they give the day, and only that day and later ones are read. Days of imported
    calls alone are left out.
    """
    kept, found = update.rollup_state(connection), dict[str, datetime | None]()
    was_heard = CALL.c.heard.in_(("full", "partly"))
    if not kept.is_ours or kept.until != update.FOREVER:
        first = func.min(case((was_heard, CALL.c.arrived)), type_=CALL.c.arrived.type)
        question = select(CALL.c.exchange, first).where(CALL.c.arrived.is_not(None)).group_by(CALL.c.exchange)
        return {row.exchange: row[1] for row in connection.execute(question)}
    may_be_heard = or_(ROLLUP.c.cell.contains('"full":'), ~ROLLUP.c.cell.contains('"imported":'))
    first_day = func.min(case((may_be_heard, ROLLUP.c.day)))
    days = select(ROLLUP.c.exchange, first_day).where(ROLLUP.c.stored > 0)
    for name, day in connection.execute(days.group_by(ROLLUP.c.exchange)).all():
        if day is None:
            found[name] = None
            continue
        begin = midnight(date.fromisoformat(day), ZoneInfo(kept.zone))
        earliest = select(CALL.c.arrived).where(CALL.c.exchange == name, CALL.c.arrived >= begin, was_heard)
        found[name] = connection.execute(earliest.order_by(CALL.c.arrived).limit(1)).scalar_one_or_none()
    return found


def agreeing_days(
    connection: Connection, period: Month, zone: ZoneInfo, fingerprint: Fingerprint
) -> dict[str, tuple[Span, ...]]:
    """By exchange, the days of the period on which its own records and callmon have the same calls."""
    found: dict[str, tuple[Span, ...]] = {}
    for name, days in reconciliations.days_that_agree(connection, period.first, period.after).items():
        fingerprint.include("compared", name, *days)
        found[name] = tuple((midnight(day, zone), midnight(day + DAY, zone)) for day in days)
    return found
