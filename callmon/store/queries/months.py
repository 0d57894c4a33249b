"""Counts of whole months for the page of the months, from roll-ups and obligations, never from calls. Blocks.

The cost is days times lines times languages, and the obligations of these months.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, and_, func, select

from callmon.core.statistics.coverage import Coverage, nothing_was_heard
from callmon.core.statistics.period import Month
from callmon.store.database import Database
from callmon.store.queries import reports
from callmon.store.rollups import update
from callmon.store.row_mapping import obligation_of
from callmon.store.tables import FINDING, OBLIGATION, ROLLUP, Condition

WITHIN = "callback_within_24_hours"


class MonthCounts(NamedTuple):
    """`counts`: by figure and part, of all lines. `last_due`: of its obligations. `has_data`: as in the report."""

    counts: Counter[tuple[str, str]]
    last_due: datetime | None
    in_progress: bool
    has_data: bool


class _Cell(msgspec.Struct):
    """A roll-up's cell without its histograms."""

    counts: dict[str, dict[str, int]]


_decode = msgspec.json.Decoder(_Cell).decode


def month_counts(store: Database, zone: ZoneInfo, months: Sequence[Month]) -> list[MonthCounts] | None:
    """The counts of each month. None while roll-ups are being rebuilt or are of another zone."""
    with store.reading() as connection:
        if not update.rollup_state(connection).is_whole(zone):
            return None
        return [_month(connection, zone, month) for month in months]


def _month(connection: Connection, zone: ZoneInfo, month: Month) -> MonthCounts:
    begin, end, counts = month.begin, month.end, Counter[tuple[str, str]]()
    days = and_(
        ROLLUP.c.day >= month.first.isoformat(), ROLLUP.c.day < month.after.isoformat(), ROLLUP.c.line != ""
    )
    for cell in connection.scalars(select(ROLLUP.c.cell).where(days)):
        for name, parts in _decode(cell).counts.items():
            for part, count in parts.items():
                counts[name, part] += count
    opened = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    judged = and_(FINDING.c["call"] == OBLIGATION.c["call"], FINDING.c.exchange == OBLIGATION.c.exchange)
    of_callback = and_(opened, OBLIGATION.c.kind == "callback", FINDING.c.standard == WITHIN)
    verdicts = select(FINDING.c.verdict, func.count()).select_from(OBLIGATION.join(FINDING, judged))
    for verdict, count in connection.execute(verdicts.where(of_callback).group_by(FINDING.c.verdict)):
        counts[f"{WITHIN}.verdict", verdict] = count
    return MonthCounts(
        counts,
        _last_due(connection, opened),
        bool(reports.lines_in_progress(connection, begin, end)),
        counts["calls_offered", ""] > 0 or _was_received(connection, zone, month),
    )


def _last_due(connection: Connection, opened: Condition) -> datetime | None:
    """The last due time of the obligations; a complaint has two."""
    callbacks = select(func.max(OBLIGATION.c.due)).where(opened, OBLIGATION.c.kind != "complaint")
    complaints = select(OBLIGATION.c.data).where(opened, OBLIGATION.c.kind == "complaint")
    dues = [max(obligation_of(data, None, None).due_times) for data in connection.scalars(complaints)]
    latest = connection.execute(callbacks).scalar_one()
    return max((*dues, *([] if latest is None else [latest])), default=None)


def _was_received(connection: Connection, zone: ZoneInfo, month: Month) -> bool:
    """Whether callmon received a part of a month without a call, or the exchange's log covers a part."""
    begin, end, seal = month.begin, month.end, reports.Fingerprint()
    days = reports.agreeing_days(connection, month, zone, seal)
    heard = reports.heard_spans(connection, begin, end, seal)
    listening = {name: Coverage(*spans, days.get(name, ())) for name, spans in heard.items()}
    is_received = bool(listening) and not nothing_was_heard(listening, begin, end)
    return is_received or any(x.covered_by_log(begin, end) for x in listening.values())
