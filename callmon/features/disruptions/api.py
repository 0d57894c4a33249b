"""Disruptions and planned work in the read API, without the person who reported them."""

from typing import Any

import msgspec

from callmon.core.disruptions.disruption import Disruption, State
from callmon.store.queries.disruptions import all_of
from callmon.web.api.resource import ApiRequest, Aware, ItemList, Query, Resource, part_of

DISRUPTION = part_of(
    "ApiDisruption", Disruption, "id source exchange lines began ended how notice announced", state=State
)
MOST = 1000


class DisruptionsQuery(Query, frozen=True):
    """Those that overlap the time from `since` to before `until`: the newest 1,000, by their beginning."""

    since: Aware | None = None
    until: Aware | None = None


async def list_disruptions(request: ApiRequest) -> ItemList[Any]:
    found = await request.ask(all_of, request.reader, request.query.since, request.query.until)
    return ItemList([msgspec.structs.asdict(x) | {"state": x.state(request.now)} for x in found[-MOST:]])


RESOURCES = (Resource("/disruptions", list_disruptions, DISRUPTION, DisruptionsQuery),)
