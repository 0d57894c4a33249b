"""One entry of the route table, and the routes made of it: each checks the right before its endpoint runs.

An act also needs a form of callmon's own origin with its token: an HMAC-SHA256 keyed with the visitor's cookie. A
site that cannot read the cookie cannot make the token. A session's tokens end with the session.

An endpoint reads `request.state.person`, `.language` ("fr", "en"; "" where the path has none) and `.csrf` (the
value of the hidden field `csrf` of every form), and records with `await request.state.audit(act, about)`.
"""

import hashlib
import hmac
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from callmon.config.wording import plain
from callmon.web.auth.identity import Right
from callmon.web.auth.tokens import is_of_api

FIELD = "csrf"
HEADER = "x-csrf"  # for requests that a script sends
UNCHANGING = frozenset({"GET", "HEAD"})
MOST_FIELDS = 100
MOST_BYTES_OF_FILE = 16 << 20  # of the body of a form with a file; a report's largest file has some 5 MB
# The query parameters' names, French to English.
QUERY: Mapping[str, str] = tomllib.loads(files("callmon.web.auth").joinpath("query.toml").read_text("utf-8"))
FRENCH = {english: french for french, english in QUERY.items()}

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class PageRoute:
    """A page or an act. `paths`: by language. `act`: the act for the audit record; None: nothing is recorded.

    `is_page`: a refusal is a page, or a redirect to the sign-in. Otherwise it is one plain line (JSON, live).
    `takes_file`: its form has one file. `twin`: the page that stands for a form's answer in the other language.
    `view`: the values of the page's live part.
    """

    name: str
    paths: Mapping[str, str]
    endpoint: Endpoint
    right: Right
    methods: tuple[str, ...] = ("GET",)
    act: str | None = None
    is_page: bool = True
    takes_file: bool = False
    twin: str = ""
    view: Callable[..., dict[str, Any]] | None = None

    @property
    def takes_token(self) -> bool:
        """Whether a program with a token may be let in: to the API alone, whatever the request says."""
        return all(map(is_of_api, self.paths.values()))

    def path(self, language: str, /, **parts: str) -> str:
        """The path with these parts, each percent-encoded."""
        path = self.paths[language]
        return path.format(**{name: quote(part, "") for name, part in parts.items()}) if parts else path

    def address(self, language: str, query: Mapping[str, str], /, **parts: str) -> str:
        """The path with a query, by its English names; an empty value is left out."""
        path = self.path(language, **parts)
        named = {(FRENCH[name] if language == "fr" else name): value for name, value in query.items() if value}
        return f"{path}?{urlencode(named)}" if named else path


def routes(entries: Iterable[PageRoute]) -> list[Route]:
    """A route for each path; its name is the entry's name, a colon and the language."""
    return [
        Route(path, _guarded(entry, language), methods=[*entry.methods], name=f"{entry.name}:{language}")
        for entry in entries
        for language, path in entry.paths.items()
    ]


def _guarded(entry: PageRoute, language: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        request.state.language = language
        if any(plain(str(part)) != part for part in request.path_params.values()):
            raise HTTPException(404)  # no stored name has such a character; a database may refuse it
        await _check(request, entry)
        return await _run(entry, request)

    return endpoint


async def _run(entry: PageRoute, request: Request) -> Response:
    if entry.act is not None:
        await request.state.audit(entry.act, " ".join(map(str, request.path_params.values())))
    return await entry.endpoint(request)


# ── the checks ──


class RejectedError(Exception):
    """A request that an entry refuses: the person has no right to it, or `is_form`: a form without its token."""

    def __init__(self, is_page: bool, is_form: bool = False) -> None:
        self.is_page, self.is_form = is_page, is_form


def token(secret: str, name: str) -> str:
    """The form token for the holder of the cookie `secret`, bound to the holder's present `name`."""
    made = hmac.digest(secret.encode(), f"form\0{name}".encode(), hashlib.sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")


async def _check(request: Request, entry: PageRoute) -> None:
    """Raises RejectedError unless the endpoint may run."""
    is_by_token = request.state.known.source == "token"
    if not request.state.person.may(entry.right) or (is_by_token and not entry.takes_token):
        raise RejectedError(entry.is_page)
    if entry.takes_file:
        request.state.most_bytes = MOST_BYTES_OF_FILE
    if request.method not in UNCHANGING and not (is_from_us(request) and await _has_token(request, entry)):
        raise RejectedError(entry.is_page, is_form=True)


def is_from_us(request: Request) -> bool:
    """Whether the headers permit that the form is callmon's. A missing one proves nothing: the token is the proof.

    With `Referrer-Policy: no-referrer`, a browser sends `Origin: null` for callmon's own forms as well.
    """
    fetch_site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    return origin in (None, "null") or origin in request.state.asking.origins


async def _has_token(request: Request, entry: PageRoute) -> bool:
    given = request.headers.get(HEADER)
    if given is None:
        form = await request.form(max_files=int(entry.takes_file), max_fields=MOST_FIELDS)
        field = form.get(FIELD)
        given = field if isinstance(field, str) else ""
    return hmac.compare_digest(given.encode(errors="replace"), request.state.csrf.encode())
