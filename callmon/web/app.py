"""The HTTP side: /metrics for Prometheus, /healthz for whoever watches callmon, and the pages for people.

The first two ask nothing of the database and know no caller's number. Whoever starts it decides the address.
"""

from __future__ import annotations

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
from callmon.web.auth.middleware import Gate
from callmon.web.auth.route import routes
from callmon.web.auth.service import Access
from callmon.web.auth.sign_in import Door
from callmon.web.context import Site
from callmon.web.routes import entries

WELCOME = """callmon: witness of telephone promises

/metrics   figures for Prometheus
/healthz   whether callmon hears the exchanges and stores what it hears
"""
NOT_KEPT = {"Cache-Control": "no-store"}


def app(
    metrics: Metrics,
    troubles: Callable[[], Sequence[str]],
    remarks: Callable[[], Sequence[str]] = tuple,
    role: Callable[[], str] = lambda: "leader",
    site: Site | None = None,
    access: Access | None = None,
) -> ASGIApp:
    """The application. `troubles` gives a sentence for each thing that is wrong now, at once; `remarks` one for
    each that somebody should know of though callmon does its job; `role` says whether it leads or stands by;
    `site` is what the pages are made of, `access` who may see which.
    """

    async def figures(request: Request) -> Response:
        # Gauges are read here, in the loop that changes them; the text is made in a thread.
        gauges = metrics.read()
        accept = request.headers.get("accept", "")
        body, content_type = await asyncio.to_thread(metrics.render, gauges, accept)
        return Response(body, headers={**NOT_KEPT, "Content-Type": content_type})

    async def health(_request: Request) -> Response:
        found = list(troubles())
        status = "trouble" if found else "ok"
        body = {"status": status, "role": role(), "troubles": found, "remarks": list(remarks())}
        body["version"] = __version__
        return JSONResponse(body, status_code=503 if found else 200, headers=NOT_KEPT)

    async def welcome(_request: Request) -> Response:
        return PlainTextResponse(WELCOME)

    door = Door(access or Access())
    pages = [Route("/", welcome)] if site is None else routes((*entries(site), *door.entries()))
    machines = [Route("/metrics", figures), Route("/healthz", health)]
    inner = Starlette(routes=[*machines, *pages], exception_handlers={HTTPException: door.not_so})
    inner.router.redirect_slashes = False  # it would lead to whatever name the browser called us by
    return Gate(inner, door)
