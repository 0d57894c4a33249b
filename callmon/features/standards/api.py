"""The call standards in the read API: verdicts by day, and calls by half-hour."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec

from callmon.config.standards import CALL_STANDARDS
from callmon.core.statistics.aggregates import BY_TIME, HALF_HOURS, NOBODY_FREE
from callmon.core.statistics.period import DAY, midnight
from callmon.core.verdicts import VERDICTS
from callmon.store.queries.half_hours import half_hour_counts
from callmon.web.api.resource import ApiRequest, ItemList, Name, Query, Resource
from callmon.web.context import AwayError

OF_HALF_HOURS = (*(f"half_hour.{x}" for x in BY_TIME), NOBODY_FREE)
Counted = tuple[date, str, Counter[tuple[str, str]]]


class PeriodQuery(Query, frozen=True):
    """So many local `days`, the last of which is `until`; without it, today."""

    until: date | None = None
    days: Annotated[int, msgspec.Meta(ge=1, le=92)] = 7
    line: Name | None = None


PLACE = (("day", date), ("line", str))
# The ended calls of a line that arrived on a local day, by their verdict on a standard.
DAY_OF_STANDARD = msgspec.defstruct("DayOfStandard", [*PLACE, ("standard", str), *((x, int) for x in VERDICTS)])
# Those of the half-hour from `begin`, local. `met` and `not_met` are on answer_by_third_ring. `nobody_free`: every
# phone was in use, and nobody answered.
HALF_HOUR = msgspec.defstruct("HalfHour", [*PLACE, ("begin", str), *((x, int) for x in (*BY_TIME, "nobody_free"))])


async def list_standards(request: ApiRequest) -> ItemList[Any]:
    return await request.ask(_standards, await _counted(request))


def _standards(found: Iterable[Counted]) -> ItemList[Any]:
    return ItemList(
        [
            DAY_OF_STANDARD(day, line, name, *given)
            for day, line, counts in found
            for name in CALL_STANDARDS
            if any(given := [counts[f"{name}.verdict", x] for x in VERDICTS])
        ]
    )


async def list_half_hours(request: ApiRequest) -> ItemList[Any]:
    return await request.ask(_half_hours, await _counted(request))


def _half_hours(found: Iterable[Counted]) -> ItemList[Any]:
    return ItemList(
        [
            HALF_HOUR(day, line, x, *(counts[y, x] for y in OF_HALF_HOURS))
            for day, line, counts in found
            for x in HALF_HOURS
            if counts["half_hour.offered", x]
        ]
    )


async def _counted(request: ApiRequest) -> list[Counted]:
    """The days and lines with calls, in their order. Raises AwayError while the roll-ups are rebuilt."""
    zone = request.settings.timezone
    line = request.name("line")
    last = request.day(request.query.until)
    days = [last - timedelta(days=n) for n in range(request.query.days)]
    found = await request.ask(half_hour_counts, request.reader, zone, days, midnight(last + DAY, zone))
    if found is None:
        raise AwayError
    known = ((day, x, counts) for day, of_day in found.days.items() for x, counts in of_day.items())
    return sorted((x for x in known if line in (None, x[1])), key=lambda x: x[:2])


RESOURCES = (
    Resource("/standards", list_standards, DAY_OF_STANDARD, PeriodQuery),
    Resource("/half-hours", list_half_hours, HALF_HOUR, PeriodQuery),
)
