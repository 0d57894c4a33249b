"""A small OpenID Connect provider on loopback: real sockets, real signatures, and faults on request of a test.

Every request to /authorize is the person whom the test named. The provider checks what it must check: the client
and its secret, the redirect address, the code (valid once, unless the test allows reuse), the PKCE verifier.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from time import time
from typing import Any
from urllib.parse import unquote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "callmon", "a secret of the provider's: 32 signs"
Claims = dict[str, Any]


class Provider:
    """`claims` apply to every user. `spoil` may change the token's claims; `sign` sets how it is signed."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.claims: Claims = {"sub": "1", "preferred_username": "marie", "groups": ["staff", "callbacks"]}
        self.metadata: Claims = {}
        self.asked: list[dict[str, str]] = []
        self.redirect = ""
        self.takes_codes_twice = False
        self.is_away = False
        self.spoil: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = self._signed
        self._codes: dict[str, dict[str, str]] = {}
        self.url = ""

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._jwks),
            ]
        )

    async def _metadata(self, _request: Request) -> Response:
        if self.is_away:
            return Response(status_code=503)
        reported = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }
        return JSONResponse(reported | self.metadata)

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if (asked["client_id"], asked["redirect_uri"]) != (CLIENT, self.redirect):
            return Response("another client", 400)
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        code = str(form["code"])
        asked = self._codes.get(code) if self.takes_codes_twice else self._codes.pop(code, None)
        if asked is None or not _is_client(request) or str(form["redirect_uri"]) != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        verifier = sha256(str(form["code_verifier"]).encode()).digest()
        if asked["code_challenge"] != urlsafe_b64encode(verifier).decode().rstrip("="):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time())
        claims = {"iss": self.url, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": asked["nonce"]}
        token = self.sign(self.spoil(claims | self.claims))
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})

    async def _jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def _signed(self, claims: Claims) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)


def _is_client(request: Request) -> bool:
    kind, _, reported = request.headers.get("authorization", "").partition(" ")
    name, _, secret = b64decode(reported).decode().partition(":")
    return kind == "Basic" and (unquote(name), unquote(secret)) == (CLIENT, SECRET)


@contextmanager
def running() -> Iterator[Provider]:
    provider = Provider()
    config = uvicorn.Config(
        provider.application(),
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server, socket = uvicorn.Server(config), config.bind_socket()
    socket.listen()
    provider.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([socket])))
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        socket.close()
