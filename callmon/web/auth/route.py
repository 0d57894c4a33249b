"""One entry of the table of routes, and how it becomes routes that nobody passes without the right to.

    ENTRIES = (
        Entry("callbacks", {"fr": "/fr/rappels", "en": "/en/callbacks"}, callbacks, Right.CALL_BACK),
        Entry("take", {"fr": "/fr/rappels/{id}/prendre", …}, take, Right.CALL_BACK, ("POST",), act="take"),
        Entry("style", {"": "/style.css"}, style, Right.OPEN),
    )
    Gate(Starlette(routes=routes((*ENTRIES, *door.entries()))), door)

What an endpoint finds: `request.state.person`, `.language` ("fr", "en"; "" where the path has none), `.csrf` (the
value of the hidden field `csrf` of every form), and `await request.state.audit(act, about)`.
"""

from __future__ import annotations

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
class Entry:
    """A page or an act. `paths` by language. `act`: what the record says whoever did it did; None: nothing.

    `is_page`: whoever may not is shown a page, or asked to sign in; else told in a plain line (JSON, live).
    """

    name: str
    paths: Mapping[str, str]
    endpoint: Endpoint
    right: Right
    methods: tuple[str, ...] = ("GET",)
    act: str | None = None
    is_page: bool = True


def routes(entries: Iterable[Entry]) -> list[Route]:
    """A route for each path; its name is the entry's, a colon and the language."""
    return [
        Route(path, _guarded(entry, language), methods=[*entry.methods], name=f"{entry.name}:{language}")
        for entry in entries
        for language, path in entry.paths.items()
    ]


def _guarded(entry: Entry, language: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request.state.language = language
        if any(plain(str(part)) != part for part in request.path_params.values()):
            raise HTTPException(404)  # nothing has such a name; a database may even refuse to look for it
        try:
            return await authorization.refusal(request, entry.right, entry.is_page) or await _run(entry, request)
        except StoreError:  # nothing can be put on record: nothing is shown
            door: authorization.Refusing = request.state.door
            return door.away(request)

    return endpoint


async def _run(entry: Entry, request: Request) -> Response:
    if entry.act is not None:
        await request.state.audit(entry.act, " ".join(map(str, request.path_params.values())))
    if iscoroutinefunction(entry.endpoint):
        return cast(Response, await entry.endpoint(request))
    return cast(Response, await run_in_threadpool(entry.endpoint, request))


class Table:
    """All entries, by name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.name: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def path(self, name: str, language: str, /, **parts: str) -> str:
        """Its path with these parts, each made safe for a path."""
        return self._entries[name].paths[language].format(**{k: quote(v, "") for k, v in parts.items()})
