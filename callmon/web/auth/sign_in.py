"""Sign-in and sign-out, and the pages that state why access is refused. In both languages.

`SignIn` has endpoints for the route table (`entries`), and answers to refused requests (`handlers`).
Never says whether an account exists.
"""

import logging
import re
from collections.abc import Mapping
from math import ceil
from typing import Any
from urllib.parse import quote

from jinja2 import Template
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from callmon.config.schema import MinistrySettings
from callmon.errors import StoreError
from callmon.logs import Seldom
from callmon.text.formatter import Formatter
from callmon.text.labels import catalogue, label
from callmon.web.auth import cookies
from callmon.web.auth.fair_queue import TooManyError
from callmon.web.auth.identity import Person, Right, person_with
from callmon.web.auth.oidc import CALLBACK, Provider, ProviderError
from callmon.web.auth.route import PageRoute, RejectedError
from callmon.web.auth.service import AccessService
from callmon.web.auth.tokens import path_of
from callmon.web.formatter import OTHER, templates_of

log = logging.getLogger(__name__)

CONTEXT = "access"  # of these sentences in the catalogue
SIGN_IN = {"fr": "/fr/connexion", "en": "/en/sign-in"}
SERVICE = {"fr": "/fr/connexion/service", "en": "/en/sign-in/service"}
SIGN_OUT = {"fr": "/fr/deconnexion", "en": "/en/sign-out"}
FRONT = {"fr": "/fr/", "en": "/en/"}
SHORT = {"fr": "/fr", "en": "/en"}  # as a person types it
# A path of callmon: nothing that a browser would resolve to another host.
# Each part but the last ends in its slash: nested optional parts would take exponential time.
OURS = re.compile(r"/(?:fr|en)/(?:[A-Za-z0-9_.~%-]+/)*[A-Za-z0-9_.~%-]*(?:\?[A-Za-z0-9_.~%&=+:-]*)?")
LONGEST_PATH, LONGEST_NAME = 500, 64


class AccessFormatter(Formatter):
    context = CONTEXT


class SignIn:
    """The sign-in endpoints and the refusals. Raises ConfigError when the provider cannot be set up."""

    def __init__(self, access: AccessService, ministry: MinistrySettings | None = None) -> None:
        self.access = access
        self._templates = _read_all()
        self._ministry = ministry
        self._refused = Seldom(log, "sign-in: the identity provider signed in no user")
        oidc, url = access.settings.oidc, access.settings.url
        self._provider = Provider(oidc, url) if oidc is not None and url else None

    def entries(self) -> tuple[PageRoute, ...]:
        here = ("GET",)
        return (
            PageRoute("short", SHORT, self._to_front, Right.OPEN, here),
            PageRoute("sign_in", SIGN_IN, self._sign_in_page, Right.OPEN, here),
            PageRoute("sign_in", SIGN_IN, self._sign_in, Right.OPEN, ("POST",)),
            PageRoute("sign_in_service", SERVICE, self._to_provider, Right.OPEN, here),
            PageRoute("sign_in_done", {"": CALLBACK}, self._from_provider, Right.OPEN, here),
            PageRoute("sign_out", SIGN_OUT, self._sign_out_page, Right.OPEN, here),
            PageRoute("sign_out", SIGN_OUT, self._sign_out, Right.OPEN, ("POST",)),
        )

    # ── refusals ──

    def handlers(self) -> dict[Any, Any]:
        """The answers to refused requests, by the exception that refuses them."""
        refused = {HTTPException: self._failed, RejectedError: self._rejected, StoreError: self._away}
        return {**refused, Exception: self._broken}

    async def _rejected(self, request: Request, error: RejectedError) -> Response:
        """For a person without the right, a redirect to the sign-in page or the reason; for a form, the reason."""
        if error.is_form:
            if error.is_page:
                return self._page(request, "refused.html", 403, why="form")
            return PlainTextResponse("This form is invalid or has expired.", 403)
        person: Person = request.state.person
        if getattr(request.state, "is_away", False):
            return await self._away(request)
        is_known = bool(person.name or person.roles)
        if not error.is_page:
            return PlainTextResponse(
                "Your role does not allow this." if is_known else "Not signed in.", 403 if is_known else 401
            )
        if not is_known and self.access.has_sign_in:
            query = request.scope["query_string"].decode("latin-1")
            to = _to(f"{path_of(request)}?{query}" if query else path_of(request))
            wanted = f"?next={quote(to, safe='')}" if to and request.method == "GET" else ""
            return RedirectResponse(SIGN_IN[_language(request)] + wanted, 303)
        why = "role" if is_known else "proxy" if self.access.settings.is_configured else "elsewhere"
        return self._page(request, "refused.html", 403 if is_known or why == "elsewhere" else 401, why=why)

    async def _away(self, request: Request, _error: Exception | None = None) -> Response:
        """503: the database does not answer, so that no identity can be read and no access recorded."""
        return self._page(request, "refused.html", 503, why="away")

    async def _failed(self, request: Request, error: HTTPException) -> Response:
        """No such page, no such method, body too large, request not understood. A page for a browser."""
        is_page = path_of(request).startswith((FRONT["fr"], FRONT["en"]))
        if not is_page and "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(error.detail, error.status_code, error.headers)
        answer = self._page(request, "refused.html", error.status_code, why=str(error.status_code))
        answer.headers.update(error.headers or {})
        return answer

    async def _broken(self, request: Request, _error: Exception) -> Response:
        """500: callmon's own fault. Starlette raises it again behind this answer, so that the log has it."""
        return await self._failed(request, HTTPException(500))

    async def _to_front(self, request: Request) -> Response:
        return RedirectResponse(FRONT[_language(request)], 302)

    # ── signing in ──

    async def _sign_in_page(self, request: Request) -> Response:
        return self._sign_in_again(request, _to(request.query_params.get("next", "")))

    async def _sign_in(self, request: Request) -> Response:
        form = await request.form()
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        to, name = _to(given.get("next", "")), given.get("name", "").strip().casefold()[:LONGEST_NAME]
        if not self.access.settings.accounts:
            return self._sign_in_again(request, to)
        asking = request.state.asking
        device = cookies.read(request.cookies, cookies.DEVICE, asking.is_https)
        try:
            tried = await self.access.try_password(name, given.get("password", "")[:1000], asking, device)
        except TooManyError:
            return self._sign_in_again(request, to, 503, wait=5)
        if tried.cookie:
            answer = await self._let_in(request, tried.cookie, to)
            _set(request, answer, cookies.DEVICE, tried.device, cookies.MINUTES_OF_DEVICE)
            return answer
        status, wait = (429, ceil(tried.wait)) if tried.wait else (401, 0)
        return self._sign_in_again(request, to, status, name, wait, is_wrong=not wait)

    def _sign_in_again(
        self, request: Request, to: str, status: int = 200, name: str = "", wait: int = 0, is_wrong: bool = False
    ) -> Response:
        values = {"to": to, "name": name, "wait": wait, "is_wrong": is_wrong}
        answer = self._page(request, "sign_in.html", status, **values, accounts=self.access.settings.accounts)
        if wait:
            answer.headers["Retry-After"] = str(wait)
        return answer

    async def _let_in(self, request: Request, cookie: str, to: str) -> Response:
        """Sets the session cookie. The browser's earlier session, if any, ends."""
        await self.access.end(request.state.known, request.state.asking)
        answer = RedirectResponse(to or FRONT[_language(request)], 303)
        _set(request, answer, cookies.SESSION, cookie)
        return answer

    # ── by the provider ──

    async def _to_provider(self, request: Request) -> Response:
        if self._provider is None:
            return RedirectResponse(SIGN_IN[_language(request)], 303)
        secret, language = cookies.new(), _language(request)
        try:
            where = await self._provider.begin(
                secret, _to(request.query_params.get("next", "")) or FRONT[language]
            )
        except ProviderError as error:
            return self._not_by_provider(request, error)
        answer = RedirectResponse(where, 303)
        _set(request, answer, cookies.UNDER_WAY, secret, cookies.MINUTES_UNDER_WAY)
        return answer

    async def _from_provider(self, request: Request) -> Response:
        asking = request.state.asking
        secret = cookies.read(request.cookies, cookies.UNDER_WAY, asking.is_https)
        try:
            if self._provider is None or not secret:
                raise ProviderError("this browser did not start a sign-in")
            person, groups, to = await self._provider.finish(secret, request.query_params)
        except ProviderError as error:
            await self.access.note_refused("oidc", asking)
            return _without_secret(request, self._not_by_provider(request, error))
        theirs = person_with(person.name, self.access.settings.roles_of(groups))
        request.state.language = "en" if to.startswith("/en/") else "fr"
        cookie = await self.access.begin(theirs, "oidc", asking)
        return _without_secret(request, await self._let_in(request, cookie, _to(to)))

    def _not_by_provider(self, request: Request, error: ProviderError) -> Response:
        self._refused(reason=str(error))
        return self._page(request, "refused.html", 403, why="provider")

    # ── signing out ──

    async def _sign_out_page(self, request: Request) -> Response:
        return self._page(request, "sign_out.html")

    async def _sign_out(self, request: Request) -> Response:
        await self.access.end(request.state.known, request.state.asking)
        answer = RedirectResponse(SIGN_IN[_language(request)], 303)
        _set(request, answer, cookies.SESSION, "", 0)
        return answer

    # ── pages ──

    def _page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        language, person = _language(request), request.state.person
        common = {
            "language": language,
            "say": AccessFormatter(language).say,
            "twin": _twin(request, OTHER[language]),
            "person": person,
            "ministry": self._ministry and self._ministry.name(language),
            "roles": [label("role", role.value, language) for role in sorted(person.all_roles)],
            "csrf": request.state.csrf,
            "signed_in": bool(request.state.known.cookie),
            "paths": {name: paths[language] for name, paths in PATHS.items()},
            "banner": request.state.banner(language) if request.state.asking.is_here else "",
            "has_provider": self._provider is not None,
        }
        html = self._templates[template].render(common | values)
        return HTMLResponse(html, status)


def _read_all() -> Mapping[str, Template]:
    """All templates, and the catalogue: read once, at the start, so that the daemon's loop never reads a file."""
    catalogue()
    loaded = templates_of("callmon.web.auth")
    return {name: loaded.get_template(name) for name in loaded.list_templates()}


PATHS = {"sign_in": SIGN_IN, "service": SERVICE, "sign_out": SIGN_OUT, "front": FRONT}


def _language(request: Request) -> str:
    """The language of the path; French where it has none."""
    language: str = getattr(request.state, "language", "")
    return language or ("en" if path_of(request).startswith("/en") else "fr")


def _twin(request: Request, other: str) -> str:
    """The same page in the other language; the front page where it is not one of these pages."""
    mine = (paths for paths in PATHS.values() if path_of(request) in paths.values())
    path = next(mine, FRONT)[other]
    to = _to(request.query_params.get("next", ""))
    return f"{path}?next={quote(to, safe='')}" if to else path


def _to(path: str) -> str:
    """`path` if it is a page of callmon, else ""."""
    return path if len(path) <= LONGEST_PATH and OURS.fullmatch(path) else ""


def _set(request: Request, answer: Response, base: str, value: str, minutes: int | None = None) -> None:
    is_https = request.state.asking.is_https
    answer.headers.append("Set-Cookie", cookies.written(base, value, is_https, minutes))


def _without_secret(request: Request, answer: Response) -> Response:
    """Deletes the cookie of the sign-in in progress: it is used once."""
    _set(request, answer, cookies.UNDER_WAY, "", 0)
    return answer
