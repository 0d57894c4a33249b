"""The HTTP application: what machines read, and the pages for people. The daemon decides the listen address."""

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from callmon.sinks.metrics.exposition import Metrics
from callmon.web.auth.basic import BasicAuth
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.route import routes
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.context import PageContext
from callmon.web.machines import Machines
from callmon.web.routes import entries

WELCOME = """callmon: telephone service standards, measured on Asterisk

/metrics   figures for Prometheus
/healthz   whether callmon receives events of all exchanges and commits them
/-/healthy 200 while callmon runs
/-/ready   200 while this callmon leads or stands by
/-/reload  POST: read the configuration again, where web.reload allows it
"""


def app(
    metrics: Metrics,
    troubles: Callable[[], Sequence[str]],
    remarks: Callable[[], Sequence[str]] = tuple,
    role: Callable[[], str] = lambda: "leader",
    site: PageContext | None = None,
    access: AccessService | None = None,
    reload: Callable[[], Sequence[str]] | None = None,
    users: BasicAuth | None = None,
) -> ASGIApp:
    """The ASGI application.

    `troubles`: one sentence for each present fault, without blocking. `remarks`: one for each condition that the
    administrator should know of though callmon does its job. `role`: leader or standby. `site`: the context of
    the pages. `access`: decides which person may see which page. `reload`: reads the configuration again and
    returns one sentence for each refusal; without it /-/reload refuses. `users`: who may read what machines read;
    everybody without it.
    """

    async def welcome(_request: Request) -> Response:
        return PlainTextResponse(WELCOME)

    door = SignIn(access or AccessService())
    pages = [Route("/", welcome)] if site is None else routes((*entries(site), *door.entries()))
    machines = Machines(metrics, troubles, remarks, role, reload, users or BasicAuth()).routes()
    inner = Starlette(routes=[*machines, *pages], exception_handlers={HTTPException: door.not_so})
    inner.router.redirect_slashes = False  # the redirect would use the host name that the browser sent
    return AccessMiddleware(inner, door)
