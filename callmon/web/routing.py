"""What makes a route of a page: its paths in both languages, its answer while the database is away."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from callmon.web.auth.identity import Right
from callmon.web.auth.route import PageRoute
from callmon.web.context import AwayError, PageContext
from callmon.web.page_request import NotFoundError, PageRequest

Page = Callable[[PageRequest], Awaitable[Response]]
Act = Callable[[Request], Awaitable[Response]]
KEPT_AN_HOUR = {"Cache-Control": "public, max-age=3600"}
LANGUAGE_RANGE = re.compile(r"(fr|en)(?:-[a-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?")
STATIC = {"callmon.css": "text/css", "callmon.js": "text/javascript", "callmon.svg": "image/svg+xml"}


def entry(
    name: str,
    fr: str,
    en: str,
    page: Page,
    right: Right = Right.VIEW,
    act: str | None = None,
    **more: Any,
) -> PageRoute:
    """A page's route. `act`: what the record of access calls a use of it. `more`: as PageRoute has it."""
    return PageRoute(name, {"fr": f"/fr{fr}", "en": f"/en{en}"}, cast(Act, page), right, act=act, **more)


def form(
    name: str,
    fr: str,
    en: str,
    submit: Page,
    right: Right,
    act: str | None = None,
    **more: Any,
) -> PageRoute:
    """A form's route. `twin`, of `more`: the page that stands for its answer in the other language."""
    return entry(name, fr, en, submit, right, act, methods=("POST",), **more)


def front(first: PageRoute) -> PageRoute:
    """The redirect to the first page: French, or English where the browser prefers it."""

    async def redirect(request: Request) -> Response:
        language = "en" if prefers_english(request.headers.get("accept-language", "")) else "fr"
        return RedirectResponse(first.path(language), 302, {"Vary": "Accept-Language"})

    return PageRoute("front", {"": "/"}, redirect, Right.OPEN)


def bound(context: PageContext, pages: Iterable[PageRoute]) -> tuple[PageRoute, ...]:
    """The static files, and each page bound to this context."""
    static = files("callmon.web").joinpath("static")
    parts = tuple(
        PageRoute(
            name,
            {"": f"/static/{name}"},
            partial(_static, static.joinpath(name).read_bytes(), kind),
            Right.OPEN,
            is_page=False,
        )
        for name, kind in STATIC.items()
    )
    return (*parts, *(replace(page, endpoint=partial(_answer, context, page)) for page in pages))


async def _answer(context: PageContext, page: PageRoute, request: Request) -> Response:
    """One request: the page's own answer; 404 or 400; or 503 while the database is away."""
    context.renew()
    page_request = PageRequest(context.of_services(request.state.person.services(page.right)), page, request)
    try:
        return await cast(Page, page.endpoint)(page_request)
    except NotFoundError as error:
        return await page_request.page("refused.html", error.title, status=error.status, text=error.text)
    except AwayError:
        return await page_request.page("away.html", page_request.say("The database cannot be reached"), status=503)


def prefers_english(accepted: str) -> bool:
    """Whether an Accept-Language header gives English a higher weight than French."""
    weights = {"fr": 0.0, "en": 0.0}
    for part in accepted.lower().split(","):
        if found := LANGUAGE_RANGE.fullmatch(part.strip()):
            weights[found[1]] = max(weights[found[1]], float(found[2] or 1))
    return weights["en"] > weights["fr"]


async def _static(body: bytes, kind: str, _request: Request) -> Response:
    return Response(body, media_type=kind, headers=KEPT_AN_HOUR)
