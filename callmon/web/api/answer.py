"""The answer to one request of the read API: as JSON or CSV, with ETag and Last-Modified.

A reader may send MOST requests in each PERIOD.
"""

import csv
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from hashlib import sha256
from io import StringIO
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from callmon.web.api.problem import problem_of
from callmon.web.api.query import read_query
from callmon.web.api.resource import ApiRequest, ItemList, Resource
from callmon.web.auth.client import by_address
from callmon.web.auth.route import PageRoute
from callmon.web.auth.tokens import API, path_of
from callmon.web.context import AwayError, PageContext

JSON, CSV = "application/json", "text/csv"
JSON_RANGES = (JSON, "application/*", "*/*")
MOST, PERIOD = 600, 60.0
KEPT = 1000  # answers whose time of change is known; readers whose requests are counted
FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie"}


class Remembered:
    """What is kept between requests, bounded: the requests of each reader, and when each answer was last new."""

    def __init__(self) -> None:
        self._counts: OrderedDict[object, tuple[int, float]] = OrderedDict()
        self._changes: OrderedDict[object, tuple[str, datetime]] = OrderedDict()

    def close(self) -> None:
        """Nothing is open."""

    def wait(self, reader: str, now: float) -> float:
        """Counts a request; seconds to wait where it is one too many."""
        count, since = self._counts.get(reader, (0, now))
        if now - since >= PERIOD:
            count, since = 0, now
        _keep(self._counts, reader, (count + 1, since))
        return since + PERIOD - now if count >= MOST else 0.0

    def changed(self, key: object, tag: str) -> datetime:
        """Since when, to the second, the answer has this tag, as far as this callmon knows."""
        now = datetime.now(UTC).replace(microsecond=0)
        before = self._changes.get(key, (tag, now))
        at = before[1] if before[0] == tag else now
        _keep(self._changes, key, (tag, at))
        return at


def _keep(known: OrderedDict[object, Any], key: object, value: object) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > KEPT:
        known.popitem(last=False)


def bound_resources(context: PageContext, resources: Iterable[Resource]) -> tuple[PageRoute, ...]:
    """The routes of the resources. A refusal is no page."""
    return tuple(
        PageRoute(f"api {x.path}", {"": API + x.path}, partial(_answer, context, x), x.right, is_page=False)
        for x in resources
    )


async def _answer(context: PageContext, resource: Resource, request: Request) -> Response:
    known = context.shared(Remembered)
    reader = request.state.person.name or by_address(request.state.asking.address)
    if wait := known.wait(reader, monotonic()):
        raise HTTPException(429, "Too many requests.", {"Retry-After": f"{wait + 1:.0f}"})
    context.renew()
    part = context.of_services(request.state.person.services(resource.right))
    is_csv = _is_csv(resource, request)
    try:
        found = await resource.answer(
            ApiRequest(part, request.path_params, read_query(resource.query, request.query_params))
        )
        body = await part.ask(_encoded, found, resource, is_csv)
    except AwayError as error:
        return problem_of(request, error)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    at = known.changed(answer_key(request, part, is_csv), tag)
    headers = HEADERS | {"ETag": tag, "Last-Modified": format_datetime(at, usegmt=True)} | _link(found, request)
    if StaticFiles().is_not_modified(Headers(headers), request.headers):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers | {"Content-Type": f"{CSV}; charset=utf-8" if is_csv else JSON})


def answer_key(request: Request, part: PageContext, is_csv: bool) -> tuple[object, ...]:
    """Everything that decides an answer: what is asked, how it is written, the reader's roles and services.

    The query has the language; the services have the lines.
    """
    return path_of(request), request.scope["query_string"], is_csv, request.state.person.all_roles, part.services


def _is_csv(resource: Resource, request: Request) -> bool:
    """Whether the answer is CSV. JSON where the request accepts both."""
    ranges = [x.partition(";")[0].strip() for x in request.headers.get("accept", JSON).lower().split(",")]
    if any(x in JSON_RANGES for x in ranges):
        return False
    if CSV in ranges and resource.is_list:
        return True
    raise HTTPException(406, f"A list is there as {JSON} and {CSV}, another resource as {JSON}.")


def _link(found: Any, request: Request) -> dict[str, str]:
    """The address of the next part (RFC 8288)."""
    if not isinstance(found, ItemList) or found.next is None:
        return {}
    query = {**request.query_params, "after": found.next}
    return {"Link": f'<{path_of(request)}?{urlencode(query)}>; rel="next"'}


def _encoded(found: Any, resource: Resource, is_csv: bool) -> bytes:
    """The answer as its type has it. CSV has a row for each item; a value with parts is JSON."""
    given = msgspec.structs.asdict(found) if resource.is_list else found
    typed = msgspec.convert(given, resource.type, from_attributes=True)
    if not is_csv:
        return msgspec.json.encode(typed)
    text, names = StringIO(), resource.of.__struct_fields__
    rows = csv.writer(text)
    rows.writerow(names)
    rows.writerows([_cell(x[name]) for name in names] for x in msgspec.to_builtins(typed.items))
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A text that begins like a formula gets an apostrophe."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    return value if isinstance(value, int | float | None) else msgspec.json.encode(value).decode()
