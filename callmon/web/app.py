"""The HTTP application: /metrics for Prometheus, /healthz for the monitoring of callmon, and the pages for people.

The first two query no database and contain no caller's number. The daemon decides the listen address.
"""

import asyncio
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from callmon import __version__
from callmon.sinks.metrics.exposition import Metrics
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.route import routes
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.context import PageContext
from callmon.web.routes import entries

WELCOME = """callmon: telephone service standards, measured on Asterisk

/metrics   figures for Prometheus
/healthz   whether callmon receives events of all exchanges and commits them
"""
NOT_KEPT = {"Cache-Control": "no-store"}


def app(
    metrics: Metrics,
    troubles: Callable[[], Sequence[str]],
    remarks: Callable[[], Sequence[str]] = tuple,
    role: Callable[[], str] = lambda: "leader",
    site: PageContext | None = None,
    access: AccessService | None = None,
) -> ASGIApp:
    """The ASGI application.

    `troubles`: one sentence for each present fault, without blocking. `remarks`: one for each condition that the
    administrator should know of though callmon does its job. `role`: leader or standby. `site`: the context of
    the pages. `access`: decides which person may see which page.
    """

    async def figures(request: Request) -> Response:
        # The snapshot is read here, in the event loop; the text is rendered in a thread.
        accept = request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(metrics.render, metrics.read(), accept)
        return Response(body, headers={**NOT_KEPT, "Content-Type": content_type})

    async def health(_request: Request) -> Response:
        found = list(troubles())
        status = "trouble" if found else "ok"
        body = {"status": status, "role": role(), "troubles": found, "remarks": list(remarks())}
        body["version"] = __version__
        return JSONResponse(body, status_code=503 if found else 200, headers=NOT_KEPT)

    async def welcome(_request: Request) -> Response:
        return PlainTextResponse(WELCOME)

    door = SignIn(access or AccessService())
    pages = [Route("/", welcome)] if site is None else routes((*entries(site), *door.entries()))
    machines = [Route("/metrics", figures), Route("/healthz", health)]
    inner = Starlette(routes=[*machines, *pages], exception_handlers={HTTPException: door.not_so})
    inner.router.redirect_slashes = False  # the redirect would use the host name that the browser sent
    return AccessMiddleware(inner, door)
