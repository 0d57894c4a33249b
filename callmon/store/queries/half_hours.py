"""The half-hours of a day: the counts of its calls, and what was received of it. Blocks.

The cost is days times lines times languages, independent of the number of calls.
"""

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select

from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import DAY, midnight
from callmon.store.database import Database
from callmon.store.queries.coverage import Fingerprint, heard_spans
from callmon.store.rollups import update
from callmon.store.tables import ROLLUP

Counts = Counter[tuple[str, str]]  # the cells of `core/statistics/aggregates.py`: ("half_hour.offered", "08:30") …


class HalfHourCounts(NamedTuple):
    """`days`: by day and line, the counts of the calls, if there were any. `listening`: by exchange."""

    days: dict[date, dict[str, Counts]]
    listening: dict[str, Coverage]


def half_hour_counts(
    store: Database, zone: ZoneInfo, days: Collection[date], until: datetime
) -> HalfHourCounts | None:
    """The counts of `days` as known at `until`. None while roll-ups are being rebuilt or are of another zone."""
    with store.reading() as connection:
        if not update.rollup_state(connection).is_whole(zone):
            return None
        found: dict[date, dict[str, Counts]] = {}
        which = and_(ROLLUP.c.day.in_([day.isoformat() for day in days]), ROLLUP.c.calls > 0)
        for day, line, cell in connection.execute(select(ROLLUP.c.day, ROLLUP.c.line, ROLLUP.c.cell).where(which)):
            lines = found.setdefault(date.fromisoformat(day), {})
            lines.setdefault(line, Counter()).update(update.decode_cell(cell).counts)
        begin = midnight(min(days), zone)
        heard = heard_spans(connection, begin, max(until, begin + DAY), Fingerprint())
    return HalfHourCounts(found, {name: Coverage(*spans) for name, spans in heard.items()})
