"""The counts of whole months, of roll-ups and obligations, and whether a month is final. Every function blocks.

The cost is days times lines times languages, independent of the number of calls. Refuses: to decrypt a number.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, select

from callmon.config.settings import Settings
from callmon.core.facts import Arrived
from callmon.core.statistics.coverage import nothing_was_heard
from callmon.core.statistics.period import Month, is_final
from callmon.store.database import Database
from callmon.store.queries.coverage import Fingerprint, coverages
from callmon.store.rollups import update
from callmon.store.row_mapping import facts_of, obligation_of
from callmon.store.tables import FINDING, OBLIGATION, OPEN, ROLLUP, Condition, same_call

WITHIN = "callback_within_24_hours"


def lines_in_progress(connection: Connection, begin: datetime, end: datetime) -> list[str]:
    """The line of each public call in progress that arrived in [begin, end)."""
    facts = (fact for data in connection.scalars(select(OPEN.c.data)) for fact in facts_of(data, {}))
    public = (
        fact for fact in facts if isinstance(fact, Arrived) and fact.direction == "inbound" and not fact.test
    )
    return [x.line for x in public if x.line is not None and x.at is not None and begin <= x.at < end]


class MonthCounts(NamedTuple):
    """`counts`: by figure and part, of all lines. `last_due`: of its obligations. `has_data`: as in the report."""

    counts: Counter[tuple[str, str]]
    last_due: datetime | None
    in_progress: bool
    has_data: bool


def month_counts(store: Database, zone: ZoneInfo, months: Sequence[Month]) -> list[MonthCounts] | None:
    """The counts of each month. None while roll-ups are being rebuilt or are of another zone."""
    with store.reading() as connection:
        if not update.rollup_state(connection).is_whole(zone):
            return None
        return [_month(connection, zone, month) for month in months]


def is_final_month(store: Database, settings: Settings, month: Month, now: datetime) -> bool:
    """Whether no figure of the month changes any more; False while roll-ups are being rebuilt."""
    for found in month_counts(store, settings.timezone, [month]) or ():
        calls = found.counts["calls_offered", ""]
        return is_final(month, now, calls, found.last_due, found.in_progress, found.has_data)
    return False


def _month(connection: Connection, zone: ZoneInfo, month: Month) -> MonthCounts:
    begin = month.begin
    end = month.end
    counts = Counter[tuple[str, str]]()
    days = and_(
        ROLLUP.c.day >= month.first.isoformat(), ROLLUP.c.day < month.after.isoformat(), ROLLUP.c.line != ""
    )
    for cell in connection.scalars(select(ROLLUP.c.cell).where(days)):
        counts.update(update.decode_cell(cell).counts)
    opened = and_(OBLIGATION.c.opened >= begin, OBLIGATION.c.opened < end)
    of_callback = and_(opened, OBLIGATION.c.kind == "callback", FINDING.c.standard == WITHIN)
    judged = OBLIGATION.join(FINDING, same_call(OBLIGATION, FINDING))
    verdicts = select(FINDING.c.verdict, func.count()).select_from(judged)
    for verdict, count in connection.execute(verdicts.where(of_callback).group_by(FINDING.c.verdict)):
        counts[f"{WITHIN}.verdict", verdict] = count
    return MonthCounts(
        counts,
        _last_due(connection, opened),
        bool(lines_in_progress(connection, begin, end)),
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
    begin = month.begin
    end = month.end
    listening = coverages(connection, month, zone, Fingerprint())
    is_received = bool(listening) and not nothing_was_heard(listening, begin, end)
    return is_received or any(x.covered_by_log(begin, end) for x in listening.values())
