"""The HTTP application: what machines read, and the pages for people. The daemon decides the listen address.

What machines read queries no database and contains no caller's number. Where `web.config_file` names users, each
of these paths asks for a password.
"""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from callmon import __version__
from callmon.core.snapshot import DaemonSnapshot
from callmon.errors import Sentence, StoreError
from callmon.sinks.metrics.exposition import Metrics
from callmon.text.labels import translate
from callmon.text.records import instant
from callmon.web.api.problem import with_problems
from callmon.web.auth.basic import BasicAuth
from callmon.web.auth.client import ClientInfo, client_info, is_loopback
from callmon.web.auth.identity import NotOneError
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.route import routes
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.context import PageContext

Endpoint = Callable[[Request], Awaitable[Response]]

NOT_KEPT = {"Cache-Control": "no-store"}
COMPRESSION = 5  # of /metrics, as gzip counts
UNAUTHORIZED = "Unauthorized: web.config_file names the users who may read this.\n"
RELOAD_OFF = "/-/reload is off: set web.reload = true and restart callmon.\n"


RELOAD_SECONDS = 1.0  # between two reloads over HTTP
RELOAD_NOT_NOW = "callmon has just read its configuration: try again in a second.\n"
RELOAD_NOT_FROM_A_PAGE = "/-/reload is for programs: no page of a browser may ask for it.\n"


class Pace:
    """What may happen at most once in so many seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = float("-inf")

    def is_free(self) -> bool:
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


def how_many(sentences: Sequence[str]) -> Sentence:
    """What a stranger reads in their place."""
    return Sentence(
        "{count} of these. Their details are for this machine, for the users of web.config_file, and for who is "
        "signed in.",
        count=len(sentences),
    )


def figures_of_the_day(snapshot: DaemonSnapshot) -> dict[str, int]:
    """Calls that ended today, open and overdue callbacks, on all lines; strangers' calls since the start."""
    callbacks = snapshot.callbacks.by_line.values()
    return {
        "calls_today": sum(sum(line.calls.values()) for line in snapshot.lines),
        "callbacks_open": sum(is_open for is_open, _ in callbacks),
        "callbacks_overdue": sum(overdue for _, overdue in callbacks),
        "strangers": snapshot.calls_other.get("stranger", 0),
    }


@dataclass(frozen=True)
class WebApplication:
    """What the application serves.

    `metrics`: None: no /metrics.
    `troubles`: one sentence for each present fault, without blocking. `remarks`: one for each condition that the
    administrator should know of though callmon does its job. `role`: leader or standby.
    `page_context`: that of the pages; None: no pages. `access`: decides which person may see which page.
    `reload`: reads the configuration again and returns one sentence for each refusal; without it /-/reload
    refuses. `users`: who may read what machines read; everybody without it.
    """

    metrics: Metrics | None
    troubles: Callable[[], Sequence[str]]
    remarks: Callable[[], Sequence[str]] = tuple
    role: Callable[[], str] = lambda: "leader"
    page_context: PageContext | None = None
    access: AccessService = field(default_factory=AccessService)
    reload: Callable[[], Sequence[str]] | None = None
    users: BasicAuth = field(default_factory=BasicAuth)
    reloads: Pace = field(default_factory=lambda: Pace(RELOAD_SECONDS))

    def asgi(self) -> ASGIApp:
        context = self.page_context
        sign_in = SignIn(self.access, context.settings.configuration.ministry if context else None)
        pages = (
            ()
            if self.page_context is None
            else routes((*self.page_context.entries(), *sign_in.entries(), *self.access.own_entries()))
        )
        machines = [
            *([Route("/metrics", self._for_users(self._figures))] if self.metrics is not None else []),
            Route("/healthz", self._for_users(self._health)),
            Route("/-/healthy", self._for_users(_healthy)),
            Route("/-/ready", self._for_users(self._ready)),
            Route("/-/reload", self._for_users(self._reload), methods=["POST"]),
        ]
        inner = Starlette(routes=[*machines, *pages], exception_handlers=with_problems(sign_in.handlers()))
        inner.router.redirect_slashes = False  # the redirect would use the host name that the browser sent
        return AccessMiddleware(inner, self.access)

    def _for_users(self, endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            address = request.client.host if request.client is not None else ""
            if await self.users.admits(request.headers.get("authorization"), address):
                return await endpoint(request)
            return PlainTextResponse(UNAUTHORIZED, 401, {**NOT_KEPT, "WWW-Authenticate": 'Basic realm="callmon"'})

        return checked

    async def _figures(self, request: Request) -> Response:
        # The snapshot is read here, in the event loop; the text is rendered and compressed in a thread.
        metrics = self.metrics
        assert metrics is not None
        accept, snapshot = request.headers.get("accept", ""), metrics.read()
        is_compressed = _accepts_gzip(request.headers.get("accept-encoding", ""))
        is_scrape = "x-prometheus-scrape-timeout-seconds" in request.headers  # not a person's look
        scraper = request.client.host if is_scrape and request.client is not None else ""

        def rendered() -> tuple[bytes, str]:
            body, content_type = metrics.render(snapshot, accept, scraper)
            return gzip.compress(body, COMPRESSION, mtime=0) if is_compressed else body, content_type

        body, content_type = await asyncio.to_thread(rendered)
        headers = {**NOT_KEPT, "Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        return Response(body, headers=headers | ({"Content-Encoding": "gzip"} if is_compressed else {}))

    async def _health(self, request: Request) -> Response:
        """The state as JSON. The sentences are in English, or in French for a client that asks for it first.

        They name paths, hosts and sessions: a stranger reads how many there are, and nothing of the exchanges.
        """
        language = "fr" if request.headers.get("accept-language", "").startswith("fr") else "en"
        in_language = partial(translate, language=language)
        found, more = (
            [x.translated(in_language) if isinstance(x, Sentence) else x for x in sentences()]
            for sentences in (self.troubles, self.remarks)
        )
        status = "trouble" if found else "ok"
        snapshot = None if self.metrics is None else self.metrics.read()
        if not await self._may_read_details(request):
            found, more = ([how_many(x).translated(in_language)] if x else [] for x in (found, more))
            snapshot = None
        exchanges = () if snapshot is None else snapshot.exchanges
        heard = [
            {"exchange": x.name, "connected": x.connected, "last_event": instant(x.last_event)} for x in exchanges
        ]
        body: dict[str, object] = {
            "status": status,
            "role": self.role(),
            "troubles": found,
            "remarks": more,
            "exchanges": heard,
        }
        body["version"] = __version__
        body["figures"] = None if snapshot is None or not snapshot.leads else figures_of_the_day(snapshot)
        return JSONResponse(body, status_code=503 if found else 200, headers=NOT_KEPT)

    async def _may_read_details(self, request: Request) -> bool:
        """Whether the request is from this machine, of a user of `web.config_file`, or of a person with a role."""
        asking = client_info(request, self.access.settings)
        if self.users.are_named or asking.is_here or _is_from_own_address(request, asking):
            return True
        try:
            return bool((await self.access.known(request, asking, is_use=False)).person.all_roles)
        except (NotOneError, StoreError):
            return False

    async def _ready(self, _request: Request) -> Response:
        role = self.role()
        is_ready = role in ("leader", "standby")
        text = f"callmon is {'ready' if is_ready else 'not ready'}: {role}.\n"
        return PlainTextResponse(text, 200 if is_ready else 503, NOT_KEPT)

    async def _reload(self, request: Request) -> Response:
        if self.reload is None:
            return PlainTextResponse(RELOAD_OFF, 403, NOT_KEPT)
        if "origin" in request.headers or "sec-fetch-site" in request.headers:
            return PlainTextResponse(RELOAD_NOT_FROM_A_PAGE, 403, NOT_KEPT)
        if not self.reloads.is_free():
            return PlainTextResponse(RELOAD_NOT_NOW, 429, NOT_KEPT | {"Retry-After": "1"})
        refused = self.reload()
        text = "".join(f"{sentence}\n" for sentence in refused) or "The configuration was applied.\n"
        return PlainTextResponse(text, 500 if refused else 200, NOT_KEPT)


def _is_from_own_address(request: Request, asking: ClientInfo) -> bool:
    """Whether the client has the address at which callmon listens, as `callmon status` has. Not for loopback."""
    peer, own = request.client, request.scope.get("server")
    is_own = peer is not None and own is not None and peer.host == own[0] and not is_loopback(peer.host)
    return is_own and not asking.is_forwarded


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("callmon is healthy.\n", headers=NOT_KEPT)


def _accepts_gzip(header: str) -> bool:
    """Whether the header Accept-Encoding names gzip, without the weight 0."""
    parts = (part.partition(";") for part in header.lower().split(","))
    weight = {name.strip(): weight for name, _, weight in parts}.get("gzip", "q=0").replace(" ", "")
    return re.fullmatch(r"q=0(\.0*)?", weight) is None
