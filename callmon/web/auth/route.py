"""One entry of the route table, and the routes made of it: each checks the right before its endpoint runs.

    ENTRIES = (
        PageRoute("callbacks", {"fr": "/fr/rappels", "en": "/en/callbacks"}, callbacks, Right.CALL_BACK),
        PageRoute("take", {"fr": "/fr/rappels/{id}/prendre", …}, take, Right.CALL_BACK, ("POST",), act="take"),
        PageRoute("style", {"": "/style.css"}, style, Right.OPEN),
    )
    AccessMiddleware(Starlette(routes=routes((*ENTRIES, *door.entries()))), door)

An endpoint reads `request.state.person`, `.language` ("fr", "en"; "" where the path has none) and `.csrf` (the
value of the hidden field `csrf` of every form), and records with `await request.state.audit(act, about)`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import cast
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callmon.core.callbacks.commands import plain
from callmon.errors import StoreError
from callmon.web.auth import authorization
from callmon.web.auth.roles import Right

Endpoint = Callable[[Request], Awaitable[Response]] | Callable[[Request], Response]


@dataclass(frozen=True)
class PageRoute:
    """A page or an act. `paths`: by language. `act`: the act for the audit record; None: nothing is recorded.

    `is_page`: a refusal is a page, or a redirect to the sign-in. Otherwise it is one plain line (JSON, live).
    """

    name: str
    paths: Mapping[str, str]
    endpoint: Endpoint
    right: Right
    methods: tuple[str, ...] = ("GET",)
    act: str | None = None
    is_page: bool = True


def routes(entries: Iterable[PageRoute]) -> list[Route]:
    """A route for each path; its name is the entry's name, a colon and the language."""
    return [
        Route(path, _guarded(entry, language), methods=[*entry.methods], name=f"{entry.name}:{language}")
        for entry in entries
        for language, path in entry.paths.items()
    ]


def _guarded(entry: PageRoute, language: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request.state.language = language
        if any(plain(str(part)) != part for part in request.path_params.values()):
            raise HTTPException(404)  # no stored name has such a character; a database may refuse it
        try:
            return await authorization.rejection(request, entry.right, entry.is_page) or await _run(entry, request)
        except StoreError:  # the access cannot be recorded, so nothing is shown
            door: authorization.Rejection = request.state.door
            return door.away(request)

    return endpoint


async def _run(entry: PageRoute, request: Request) -> Response:
    if entry.act is not None:
        await request.state.audit(entry.act, " ".join(map(str, request.path_params.values())))
    if iscoroutinefunction(entry.endpoint):
        return cast(Response, await entry.endpoint(request))
    return cast(Response, await run_in_threadpool(entry.endpoint, request))


class RouteTable:
    """All entries, by name."""

    def __init__(self, entries: Iterable[PageRoute]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    def __iter__(self) -> Iterator[PageRoute]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> PageRoute:
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def path(self, name: str, language: str, /, **parts: str) -> str:
        """The entry's path with these parts, each percent-encoded."""
        return self._entries[name].paths[language].format(**{k: quote(v, "") for k, v in parts.items()})
