"""ASGI middleware for every request: identifies the person, limits form size, adds the security headers: nothing
inline, nothing from other hosts, no framing, no caching.

    what machines read (`UNTOUCHED`) ─▶ untouched: it contains no number, and a scraper has no roles
    else ─▶ asking (network origin) ─▶ known (person) ─▶ the application; its routes check (`route`)
                                                  └▶ headers on every answer; a live stream ends when its
                                                     person's identity or roles change

It wraps the whole application, so that unforeseen answers have the headers as well.
"""

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
from callmon.web.auth.identity import UNKNOWN, Identity, NotOneError, Role
from callmon.web.auth.service import AccessService

log = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
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
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
HSTS = "max-age=31536000"  # one year, as browsers' preload lists require; sent only over TLS
UNTOUCHED = frozenset({"/metrics", "/healthz", "/-/healthy", "/-/ready", "/-/reload"})
MOST_BYTES = 65_536  # of a request's body; the largest form is a disruption's notice in two languages
LOOK_AGAIN_SECONDS = 60.0  # interval of the identity check on a live stream


class AccessMiddleware:
    def __init__(self, app: ASGIApp, access: AccessService) -> None:
        self._app, self._access = app, access
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
        state, origin = request.state, client.client_info(request, self._access.settings)
        try:
            known = await self._access.known(request, origin)
        except NotOneError:
            refusal = PlainTextResponse("The proxy's header must carry exactly one user name.", 400)
            await refusal(scope, receive, _with_headers(send, origin))
            return
        except StoreError:
            known = UNKNOWN  # no identity can be read; the requested page says why
            state.is_away = True
        kept = known.cookie or cookies.read(request.cookies, cookies.FORM, origin.is_https)
        secret = kept or cookies.new()
        state.asking = origin
        state.known = known
        state.person = known.person
        state.csrf = route.token(secret, known.person.name)
        state.banner = partial(self._access.banner, known.person, state.csrf)
        state.audit = partial(self._access.note, origin, known.person.name)
        with_headers = _with_headers(send, origin, "" if kept else secret)
        is_same = partial(self._is_same, request, origin, known)
        state.most_bytes = MOST_BYTES
        await self._app(scope, _bounded(receive, request), _to_same_person(with_headers, is_same))

    async def _is_same(self, request: Request, origin: client.ClientInfo, known: Identity) -> bool:
        """Whether the viewer of a live stream still has the same identity and roles.

        A live stream does not count as use of the session, except on a wall screen (the role viewer alone). A wall
        screen shows no number, and has no person who would request a page.
        """
        is_screen = known.person.all_roles == {Role.VIEWER}
        try:
            return (await self._access.known(request, origin, is_use=is_screen)).person == known.person
        except (NotOneError, StoreError):
            return True  # the identity cannot be read now: the stream continues


def _with_headers(send: Send, origin: client.ClientInfo, form_secret: str = "") -> Send:
    """`send` that adds the security headers, and the form cookie to a page that may hold a form (HTML)."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = MutableHeaders(scope=message)
            own.raw.extend(RAW_HEADERS)  # no endpoint sets one of these
            own.setdefault("Cache-Control", "no-store")  # a style sheet has its own
            if origin.is_https:
                own["Strict-Transport-Security"] = HSTS
            if form_secret and own.get("content-type", "").startswith("text/html"):
                own.append("Set-Cookie", cookies.written(cookies.FORM, form_secret, origin.is_https))
        await send(message)

    return send_with_headers


def _to_same_person(send: Send, is_same: Callable[[], Awaitable[bool]]) -> Send:
    """`send` that ends a streamed answer once its reader's identity or roles have changed."""
    checked, is_over = monotonic(), False

    async def send_to_same_person(message: Message) -> None:
        nonlocal checked, is_over
        if is_over:
            return
        if message.get("more_body") and monotonic() - checked >= LOOK_AGAIN_SECONDS:
            is_over, checked = not await is_same(), monotonic()
        await send({"type": "http.response.body", "body": b""} if is_over else message)

    return send_to_same_person


def _has_two_lengths(scope: Scope) -> bool:
    """Content-Length beside Transfer-Encoding: a proxy may use the other one (RFC 9112, 6.3)."""
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names


def _bounded(receive: Receive, request: Request) -> Receive:
    """`receive` that refuses a body of more than `state.most_bytes`: a route that takes a file raises it.

    By its declared length at once, so that the answer does not depend on how the network divides the body.
    """
    length = request.headers.get("content-length", "")
    declared = int(length[:18]) if length.isdecimal() else 0
    count = 0

    async def receive_some() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if max(count, declared) > request.state.most_bytes:
            raise HTTPException(413)
        return message

    return receive_some
