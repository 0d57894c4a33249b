"""The lines and the state of this moment in the read API."""

from typing import Any

import msgspec

from callmon.config.lines import Line
from callmon.core.snapshot import DaemonSnapshot, ExchangeStatus, LineStatus
from callmon.web.api.resource import ApiRequest, ItemList, Resource, part_of

LINE = part_of("ApiLine", Line, "name mode service title_fr title_en", service_fr=str, service_en=str)
LINE_NOW = part_of(
    "LineNow",
    LineStatus,
    "name is_open is_heard states phones day calls verdicts",
    callbacks_open=int,
    callbacks_overdue=int,
)
EXCHANGE = part_of("ExchangeNow", ExchangeStatus, "name connected last_event", unheard_seconds=float | None)


# `stores`: what is heard reaches the database. `disruptions`: those that go on or are planned.
STATE = part_of(
    "ServiceNow",
    DaemonSnapshot,
    "at stores",
    lines=list[LINE_NOW],  # type: ignore[valid-type]  # made at run time
    exchanges=list[EXCHANGE],  # type: ignore[valid-type]  # likewise
    disruptions=list[str],
)


async def list_lines(request: ApiRequest) -> ItemList[Any]:
    services = request.settings.services
    titles = ((x, services[x.service]) for x in request.settings.lines())
    return ItemList(
        [LINE(x.name, x.mode, x.service, x.title_fr, x.title_en, y.title_fr, y.title_en) for x, y in titles]
    )


async def show_state(request: ApiRequest) -> Any:
    seen = request.context.seen()
    lines = [
        msgspec.structs.asdict(x) | {"callbacks_open": x.callbacks[0], "callbacks_overdue": x.callbacks[1]}
        for x in seen.lines
    ]
    exchanges = [_exchange(x) for x in seen.exchanges]
    more = {"lines": lines, "exchanges": exchanges, "disruptions": [x.id for x in seen.disruptions]}
    return {"at": seen.at, "stores": seen.stores} | more


def _exchange(status: ExchangeStatus) -> dict[str, Any]:
    length = status.unheard_for
    return status._asdict() | {"unheard_seconds": None if length is None else length.total_seconds()}


RESOURCES = (
    Resource("/lines", list_lines, LINE),
    Resource("/state", show_state, STATE, is_list=False),
)
