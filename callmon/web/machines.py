"""What machines read: /metrics, /healthz, and the paths /-/healthy, /-/ready and /-/reload of Prometheus.

They query no database and contain no caller's number. Where `web.config_file` names users, each path asks for
a password.
"""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from callmon import __version__
from callmon.sinks.metrics.exposition import Metrics
from callmon.web.auth.basic import BasicAuth

Endpoint = Callable[[Request], Awaitable[Response]]

NOT_KEPT = {"Cache-Control": "no-store"}
COMPRESSION = 5  # of /metrics, as gzip counts
UNAUTHORIZED = "Unauthorized: web.config_file names the users who may read this.\n"
RELOAD_OFF = "/-/reload is off: set web.reload = true and restart callmon.\n"


@dataclass(frozen=True)
class Machines:
    """`troubles`, `remarks`, `role`, `reload` and `users` as `app` explains them."""

    metrics: Metrics
    troubles: Callable[[], Sequence[str]]
    remarks: Callable[[], Sequence[str]]
    role: Callable[[], str]
    reload: Callable[[], Sequence[str]] | None
    users: BasicAuth

    def routes(self) -> list[Route]:
        return [
            Route("/metrics", self._for_users(self._figures)),
            Route("/healthz", self._for_users(self._health)),
            Route("/-/healthy", self._for_users(self._healthy)),
            Route("/-/ready", self._for_users(self._ready)),
            Route("/-/reload", self._for_users(self._reload), methods=["POST"]),
        ]

    def _for_users(self, endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            address = request.client.host if request.client is not None else ""
            if await self.users.admits(request.headers.get("authorization"), address):
                return await endpoint(request)
            return PlainTextResponse(UNAUTHORIZED, 401, {**NOT_KEPT, "WWW-Authenticate": 'Basic realm="callmon"'})

        return checked

    async def _figures(self, request: Request) -> Response:
        # The snapshot is read here, in the event loop; the text is rendered and compressed in a thread.
        accept, snapshot = request.headers.get("accept", ""), self.metrics.read()
        is_compressed = _accepts_gzip(request.headers.get("accept-encoding", ""))

        def rendered() -> tuple[bytes, str]:
            body, content_type = self.metrics.render(snapshot, accept)
            return gzip.compress(body, COMPRESSION, mtime=0) if is_compressed else body, content_type

        body, content_type = await asyncio.to_thread(rendered)
        headers = {**NOT_KEPT, "Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        return Response(body, headers=headers | ({"Content-Encoding": "gzip"} if is_compressed else {}))

    async def _health(self, _request: Request) -> Response:
        found = list(self.troubles())
        status = "trouble" if found else "ok"
        body = {"status": status, "role": self.role(), "troubles": found, "remarks": list(self.remarks())}
        body["version"] = __version__
        return JSONResponse(body, status_code=503 if found else 200, headers=NOT_KEPT)

    async def _healthy(self, _request: Request) -> Response:
        return PlainTextResponse("callmon is healthy.\n", headers=NOT_KEPT)

    async def _ready(self, _request: Request) -> Response:
        role = self.role()
        is_ready = role in ("leader", "standby")
        text = f"callmon is {'ready' if is_ready else 'not ready'}: {role}.\n"
        return PlainTextResponse(text, 200 if is_ready else 503, NOT_KEPT)

    async def _reload(self, _request: Request) -> Response:
        if self.reload is None:
            return PlainTextResponse(RELOAD_OFF, 403, NOT_KEPT)
        refused = self.reload()
        text = "".join(f"{sentence}\n" for sentence in refused) or "The configuration was applied.\n"
        return PlainTextResponse(text, 500 if refused else 200, NOT_KEPT)


def _accepts_gzip(header: str) -> bool:
    """Whether the header Accept-Encoding names gzip, without the weight 0."""
    parts = (part.partition(";") for part in header.lower().split(","))
    weight = {name.strip(): weight for name, _, weight in parts}.get("gzip", "q=0").replace(" ", "")
    return re.fullmatch(r"q=0(\.0*)?", weight) is None
