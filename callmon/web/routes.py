"""The route table of the pages: their names, French and English paths, and the least right that each takes.

`auth/` enforces the right of every entry; a test goes through the table with every role. A new page is an entry
here, an endpoint in `views/` and a template.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from importlib.resources import files
from typing import cast

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from callmon.web.auth.identity import Right
from callmon.web.auth.route import PageRoute
from callmon.web.context import AwayError, PageContext
from callmon.web.page_request import NotFoundError, PageRequest
from callmon.web.views import accesses, callbacks, calls, disruptions, months, now, promises, sign_off

Page = Callable[[PageRequest], Awaitable[Response]]
Act = Callable[[Request], Awaitable[Response]]
KEPT_AN_HOUR = {"Cache-Control": "public, max-age=3600"}
LANGUAGE_RANGE = re.compile(r"(fr|en)(?:-[a-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?")
STATIC = {"callmon.css": "text/css", "callmon.js": "text/javascript", "callmon.svg": "image/svg+xml"}


def _entry(
    name: str,
    fr: str,
    en: str,
    page: Page,
    right: Right = Right.VIEW,
    act: str | None = None,
    method: str = "GET",
    is_page: bool = True,
) -> PageRoute:
    return PageRoute(name, {"fr": f"/fr{fr}", "en": f"/en{en}"}, cast(Act, page), right, (method,), act, is_page)


_form = partial(_entry, method="POST")

_CALLBACK, _REPORT = Right.CALL_BACK, Right.REPORT
_REPORT_FILE = "{month}/{name}/{file}"
_REVISION, _SIGNED = "{month}/revisions/{revision}", "report signature"
PAGES = (
    _entry("now", "/", "/", now.show),
    _entry("wall", "/mural", "/wall", now.wall),
    _entry("callbacks", "/rappels", "/callbacks", callbacks.show),
    _entry("callback", "/rappels/{id}", "/callbacks/{id}", callbacks.detail),
    _form("number", "/rappels/{id}/numero", "/callbacks/{id}/number", callbacks.number, _CALLBACK),
    _form("record", "/rappels/{id}/consigner", "/callbacks/{id}/record", callbacks.record, _CALLBACK, "callback"),
    _entry("calls", "/appels", "/calls", calls.show),
    _entry("call", "/appels/{exchange}/{call}", "/calls/{exchange}/{call}", calls.detail),
    _entry("months", "/mois", "/months", months.show, _REPORT),
    _entry("month", "/mois/{month}", "/months/{month}", months.detail, _REPORT),
    _form("make", "/mois/{month}", "/months/{month}", months.make, _REPORT, "report"),
    _entry("report", "/mois/{month}/{name}", "/months/{month}/{name}", months.progress, _REPORT),
    _form("prepare", "/mois/{month}/{name}", "/months/{month}/{name}", sign_off.prepare_files, _REPORT, _SIGNED),
    _entry("revision", f"/mois/{_REVISION}", f"/months/{_REVISION}", sign_off.show, _REPORT),
    _form("sign", f"/mois/{_REVISION}", f"/months/{_REVISION}", sign_off.sign_step, _REPORT, _SIGNED),
    _entry(
        "signed file",
        f"/mois/{_REVISION}/{{file}}",
        f"/months/{_REVISION}/{{file}}",
        sign_off.download_signed,
        _REPORT,
        "report file",
    ),
    # The style sheet of a report's page is no copy of the report: its download is not recorded.
    _entry("style", "/mois/{month}/{name}/style.css", "/months/{month}/{name}/style.css", months.style, _REPORT),
    _entry("file", f"/mois/{_REPORT_FILE}", f"/months/{_REPORT_FILE}", months.download, _REPORT, "report file"),
    _entry("promises", "/normes", "/promises", promises.show),
    _entry("disruptions", "/perturbations", "/disruptions", disruptions.show),
    _entry("disruption", "/perturbations/{id}", "/disruptions/{id}", disruptions.detail),
    _form("begin", "/perturbations", "/disruptions", disruptions.begin, _REPORT, "disruption"),
    _form("tell", "/perturbations/{id}", "/disruptions/{id}", disruptions.record, _REPORT, "disruption"),
    _entry("accesses", "/consultations", "/accesses", accesses.show, Right.ADMINISTER),
    _entry("guide", "/guide", "/guide", promises.guide, Right.OPEN),
    _entry("live", "/direct", "/live", now.stream, is_page=False),
)
TABLE = {entry.name: entry for entry in PAGES}
VIEWS = {"now": now.view, "wall": now.wall_view}


def entries(site: PageContext) -> tuple[PageRoute, ...]:
    """Every entry, its page bound to this site; and the entries without a language."""
    site.views.update(VIEWS)
    site.table = TABLE
    static = files("callmon.web").joinpath("static")
    bound = tuple(replace(entry, endpoint=partial(_visit, site, entry)) for entry in PAGES)
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
    return (FRONT, *parts, *bound)


async def _visit(site: PageContext, entry: PageRoute, request: Request) -> Response:
    """One request: the page's own answer; 404; or 503 while the database is away."""
    visit = PageRequest(site.of_services(request.state.person.services(entry.right)), entry, request)
    try:
        return await cast(Page, entry.endpoint)(visit)
    except NotFoundError as error:
        return await visit.page("refused.html", error.title, status=404, text=error.text)
    except AwayError:
        return await visit.page("away.html", visit.say("Base de données injoignable"), status=503)


async def _front(request: Request) -> Response:
    """The redirect to the first page: French, or English where the browser prefers it."""
    language = "en" if prefers_english(request.headers.get("accept-language", "")) else "fr"
    return RedirectResponse(TABLE["now"].path(language), 302, {"Vary": "Accept-Language"})


FRONT = PageRoute("front", {"": "/"}, _front, Right.OPEN)


def prefers_english(accepted: str) -> bool:
    """Whether an Accept-Language header gives English a higher weight than French."""
    weights = {"fr": 0.0, "en": 0.0}
    for part in accepted.lower().split(","):
        if found := LANGUAGE_RANGE.fullmatch(part.strip()):
            weights[found[1]] = max(weights[found[1]], float(found[2] or 1))
    return weights["en"] > weights["fr"]


async def _static(body: bytes, kind: str, _request: Request) -> Response:
    return Response(body, media_type=kind, headers=KEPT_AN_HOUR)
