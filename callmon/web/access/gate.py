"""Everybody comes through here: who asks is found out, their forms are bounded, answers bear their headers.

An ASGI layer around the whole application. /metrics and /healthz pass untouched: they know no number, and whoever
scrapes them has no roles. Refusing is `checking`'s, for each route.
"""

from __future__ import annotations

import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callmon.web.access import checking, headers
from callmon.web.access.rights import NOBODY, Person, Role

UNTOUCHED = frozenset({"/metrics", "/healthz"})
MOST_BYTES = 65_536  # of a request's body: our largest form is a disruption's notice in two languages
FORM_COOKIE, FORM_LENGTH = "callmon-form", 32
SOMEBODY_HERE = Person("", frozenset({Role.VIEWER}))


class Gate:
    """The layer. Without access configured: whoever sits at this machine may view, nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTOUCHED:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        secret, is_new = _form_secret(request)
        self._tell(request, secret)
        bounded, with_headers = _bounded(receive), _with_headers(send, False, secret if is_new else None)
        await self._app(scope, bounded, with_headers)

    def _tell(self, request: Request, secret: str) -> None:
        state = request.state
        state.person = SOMEBODY_HERE if _is_here(request) else NOBODY
        state.csrf = checking.token(secret, state.person.name)
        state.origins = frozenset({f"{request.scope['scheme']}://{request.headers.get('host', '')}"})
        state.refuse, state.audit = _refuse, _audit


async def _audit(act: str, about: str = "") -> None:
    """Nobody is known yet, and nothing of what somebody unknown may see is on record."""


def _refuse(_request: Request, _is_page: bool) -> Response:
    return PlainTextResponse("Not for you.", 403)


def _is_here(request: Request) -> bool:
    """Whether the browser runs on this machine and knows it: its page came from no other name than this machine's
    (a stranger's page may lead its own name here, but not change what the browser calls us by).
    """
    host = _name(request.headers.get("host", ""))
    return request.client is not None and _is_loopback(request.client.host) and _is_loopback(host)


def _name(host: str) -> str:
    """Without its port; "" when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _bounded(receive: Receive) -> Receive:
    count = 0

    async def receive_some() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > MOST_BYTES:
            raise HTTPException(413)
        return message

    return receive_some


def _form_secret(request: Request) -> tuple[str, bool]:
    """The cookie by which a visitor's forms are known, and whether it is new."""
    given = request.cookies.get(FORM_COOKIE, "")
    return (given, False) if len(given) >= FORM_LENGTH else (secrets.token_urlsafe(), True)


def _with_headers(send: Send, is_https: bool, secret: str | None) -> Send:
    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            told = MutableHeaders(scope=message)
            headers.put(told, is_https)
            if secret is not None:
                told.append("Set-Cookie", f"{FORM_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Lax")
        await send(message)

    return send_on
