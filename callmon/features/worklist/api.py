"""Callbacks and complaints in the read API: their states and due times, without a number and without a name."""

from typing import Any, Literal

from callmon.core.callbacks.entries import Due
from callmon.core.callbacks.obligation import Obligation
from callmon.store.queries import obligations
from callmon.web.api.resource import ApiRequest, ItemList, Name, Query, Resource, missing, part_of

FIELDS = "id exchange call kind opening line service language tty opened count attempts state is_soon is_overdue"
CALLBACK = part_of("ApiCallback", Obligation, f"{FIELDS} acknowledged settled reason taken hidden", due=Due)


class CallbacksQuery(Query, frozen=True):
    """Those of the page *Callbacks*: the open ones, at most 300, the most urgent first."""

    line: Name | None = None
    service: Name | None = None
    language: Literal["fr", "en", "other", "unknown"] | None = None


async def list_callbacks(request: ApiRequest) -> ItemList[Any]:
    wanted = request.name("line"), request.query.language, request.name("service")
    found = await request.ask(obligations.worklist, request.reader, *wanted)
    return ItemList(found.entries)


async def show_callback(request: ApiRequest) -> Any:
    named = request.parts["id"], request.parts["exchange"]
    found = await request.ask(obligations.obligations_named, request.reader, *named, numbers=False)
    if not found:
        raise missing()
    return found[0].obligation


RESOURCES = (
    Resource("/callbacks", list_callbacks, CALLBACK, CallbacksQuery),
    Resource("/callbacks/{exchange}/{id}", show_callback, CALLBACK, is_list=False),
)
