"""The months in the read API: their figures as counted for the page *Months*, with their completeness.

Refuses to make a report in the daemon. The figures are those of the report that are counted from calls.
"""

from datetime import date
from typing import Any, Literal

import msgspec

from callmon.features.months.figures import RATES, fraction
from callmon.features.months.formats.json import JsonFigure
from callmon.features.months.page import counted_months, listed_months, month_row
from callmon.store.queries.months import MonthCounts
from callmon.web.api.resource import ApiRequest, ItemList, Query, Resource, missing, part_of
from callmon.web.auth.identity import Right
from callmon.web.context import AwayError

OF_CALLBACKS = ("callbacks_", "callback_in", "complaint_")  # not counted here


class ApiMonth(msgspec.Struct, frozen=True):
    """A month. `complete` of its `calls` were received whole."""

    month: str
    state: Literal["no_data", "running", "provisional", "final"]
    calls: int
    complete: int


# A month with its counts and rates over all lines that the reader may see. A count not listed is 0.
DETAIL = part_of("ApiMonthDetail", ApiMonth, "month state calls complete", figures=list[JsonFigure])


async def list_months(request: ApiRequest) -> ItemList[Any]:
    return ItemList([_summary(x, found, request) for x, found in await _counted(request)])


async def show_month(request: ApiRequest) -> Any:
    for first, found in await _counted(request):
        if f"{first:%Y-%m}" == request.parts["month"]:
            return _summary(first, found, request) | {"figures": figures_of_calls(found)}
    raise missing()


async def _counted(request: ApiRequest) -> list[tuple[date, MonthCounts]]:
    """The last twelve months, the latest first: counted once a minute for the page and for this."""
    months = await listed_months(request.context, request.context.formatter("en"))
    counted = await counted_months(request.context, months)
    if counted is None:
        raise AwayError  # the roll-ups are being rebuilt
    return list(zip(months, counted, strict=False))


def _summary(first: date, found: MonthCounts, request: ApiRequest) -> dict[str, Any]:
    row = month_row(first, found, request.context.formatter("en"))
    return row | {"month": row["name"], "complete": row["fractions"]["complete"][0]}


def figures_of_calls(found: MonthCounts) -> list[JsonFigure]:
    """The figures as the report's JSON has them, of the cut over all lines."""
    counts = sorted((figure, part, n) for (figure, part), n in found.counts.items() if n)
    rates = [(x, *fraction(y, found.counts)) for x, y in RATES.items() if not x.startswith(OF_CALLBACKS)]
    known = [(x, "known", n / y, n, y) if y else (x, "not_applicable", None, n, y) for x, n, y in rates]
    return [
        *(JsonFigure(x, part, "whole", "", "count", "known", n, None, None) for x, part, n in counts),
        *(JsonFigure(x, "", "whole", "", "rate", *more) for x, *more in known),
    ]


RESOURCES = (
    Resource("/months", list_months, ApiMonth, Query, Right.REPORT),
    Resource("/months/{month}", show_month, DETAIL, Query, Right.REPORT, is_list=False),
)
