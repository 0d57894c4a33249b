"""ASGI middleware for every request: identifies the person, limits form size, adds the security headers: nothing
inline, nothing from other hosts, no framing, no caching.

    what machines read (`UNTOUCHED`) ─▶ untouched: it contains no number, and a scraper has no roles
    else ─▶ asking (network origin) ─▶ known (person) ─▶ the application; its routes check (`route`)
                                                  └▶ headers on every answer; a live stream ends when its
                                                     person's identity or roles change

It wraps the whole application, so that unforeseen answers have the headers as well.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callmon.errors import StoreError
from callmon.logs import Seldom
from callmon.web.auth import client, cookies, route
from callmon.web.auth.identity import UNKNOWN, Identity, NotOneError
from callmon.web.auth.roles import Role
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn

log = logging.getLogger(__name__)

POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# An endpoint that sets its own Cache-Control (a style sheet) keeps it.
UNLESS_SAID = {"Cache-Control": "no-store"}
HSTS = "max-age=31536000"  # one year, as browsers' preload lists require; sent only over TLS
UNTOUCHED = frozenset({"/metrics", "/healthz", "/-/healthy", "/-/ready", "/-/reload"})
MOST_BYTES = 65_536  # of a request's body; the largest form is a disruption's notice in two languages
LOOK_AGAIN_SECONDS = 60.0  # interval of the identity check on a live stream


class AccessMiddleware:
    """The middleware. Without a `door`, no sign-in is configured: only a browser on this machine may view."""

    def __init__(self, app: ASGIApp, door: SignIn | None = None) -> None:
        self._app, self._door = app, door or SignIn(AccessService())
        self._access = self._door.access
        self._cut_off = Seldom(log, "web: clients disconnected before the end of the request body")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _has_two_lengths(scope):
            refusal = PlainTextResponse("The request states two body lengths.", 400, {"Connection": "close"})
            await refusal(scope, receive, send)
        elif scope["type"] != "http" or scope["path"] in UNTOUCHED:
            await self._app(scope, receive, send)
        else:
            try:
                await self._answer(scope, receive, send)
            except ClientDisconnect:
                self._cut_off()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        origin = client.client_info(request, self._access.settings)
        with_headers = HeaderSender(send, origin)
        try:
            known = await self._access.known(request, origin)
        except NotOneError:
            await PlainTextResponse("The proxy's header must carry exactly one user name.", 400)(
                scope, receive, with_headers
            )
            return
        except StoreError:
            known = UNKNOWN  # no identity can be read; the requested page says why
            request.state.is_away = True
        self._set_state(request, origin, known, with_headers)
        still = partial(self._is_still, request, origin, known)
        await self._app(scope, _bounded(receive), StreamGuard(with_headers, still))

    def _set_state(
        self, request: Request, origin: client.ClientInfo, known: Identity, answer: HeaderSender
    ) -> None:
        state = request.state
        state.door, state.asking, state.known, state.person = self._door, origin, known, known.person
        secret = known.cookie or cookies.read(request.cookies, cookies.FORM, origin.is_https)
        if not secret:
            secret = answer.form_secret = cookies.new()
        state.csrf = route.token(secret, known.person.name)
        state.audit = partial(self._audit, known, origin)

    async def _audit(self, known: Identity, origin: client.ClientInfo, act: str, about: str = "") -> None:
        await self._access.note(known.person.name, act, about, origin)

    async def _is_still(self, request: Request, origin: client.ClientInfo, known: Identity) -> bool:
        """Whether the viewer of a live stream still has the same identity and roles.

        A live stream does not count as use of the session, except on a wall screen (the role viewer alone). A wall
        screen shows no number, and has no person who would request a page.
        """
        is_screen = known.person.roles == {Role.VIEWER}
        try:
            return (await self._access.known(request, origin, is_use=is_screen)).person == known.person
        except (NotOneError, StoreError):
            return True  # the identity cannot be read now: the stream continues


class HeaderSender:
    """`send` that adds the security headers, and the form cookie to a page that may hold a form (HTML)."""

    def __init__(self, send: Send, origin: client.ClientInfo) -> None:
        self._send, self._origin = send, origin
        self.form_secret = ""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            own = MutableHeaders(scope=message)
            own.update(SECURITY_HEADERS)
            for name, value in UNLESS_SAID.items():
                own.setdefault(name, value)
            if self._origin.is_https:
                own["Strict-Transport-Security"] = HSTS
            if self.form_secret and own.get("content-type", "").startswith("text/html"):
                own.append("Set-Cookie", cookies.written(cookies.FORM, self.form_secret, self._origin.is_https))
        await self._send(message)


class StreamGuard:
    """`send` that ends a streamed answer once its reader's identity or roles have changed."""

    def __init__(self, send: Send, is_still: Callable[[], Awaitable[bool]]) -> None:
        self._send, self._is_still = send, is_still
        self._looked, self._is_over = monotonic(), False

    async def __call__(self, message: Message) -> None:
        if self._is_over:
            return
        if message["type"] == "http.response.body" and message.get("more_body") and self._is_time():
            self._is_over = not await self._is_still()
        await self._send({"type": "http.response.body", "body": b""} if self._is_over else message)

    def _is_time(self) -> bool:
        now = monotonic()
        is_time = now - self._looked >= LOOK_AGAIN_SECONDS
        self._looked = now if is_time else self._looked
        return is_time


def _has_two_lengths(scope: Scope) -> bool:
    """Content-Length beside Transfer-Encoding: a proxy may use the other one (RFC 9112, 6.3)."""
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names


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
