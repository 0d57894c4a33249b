"""What is checked before an endpoint runs: the right, then of a form where it comes from and its token.

Tokens are made of the visitor's own cookie (HMAC-SHA256): whoever cannot read that cookie cannot make one, and a
session that is over takes its tokens with it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from callmon.web.auth.roles import Right


class Refusing(Protocol):
    """Whoever says that somebody may not."""

    def refused(self, request: Request, is_page: bool) -> Response: ...

    def out_of_date(self, request: Request, is_page: bool) -> Response: ...

    def away(self, request: Request) -> Response: ...


FIELD = "csrf"
HEADER = "x-csrf"  # for what a script sends
UNCHANGING = frozenset({"GET", "HEAD"})
MOST_FIELDS = 100


def token(secret: str, name: str) -> str:
    """The form token of whoever holds the cookie `secret`, under the name they have now."""
    made = hmac.digest(secret.encode(), f"form\0{name}".encode(), hashlib.sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")


async def refusal(request: Request, right: Right, is_page: bool) -> Response | None:
    """None when the endpoint may run."""
    door: Refusing = request.state.door
    if not request.state.person.may(right):
        return door.refused(request, is_page)
    if request.method not in UNCHANGING and not (is_from_us(request) and await _has_token(request)):
        return door.out_of_date(request, is_page)
    return None


def is_from_us(request: Request) -> bool:
    """What the browser says of where the form stood. A missing word is no proof: the token is.

    With our `Referrer-Policy: no-referrer` a browser writes `Origin: null` for our own forms as well.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    return origin in (None, "null") or origin in request.state.asking.origins


async def _has_token(request: Request) -> bool:
    given = request.headers.get(HEADER)
    if given is None:
        form = await request.form(max_files=0, max_fields=MOST_FIELDS)
        field = form.get(FIELD)
        given = field if isinstance(field, str) else ""
    return hmac.compare_digest(given.encode(errors="replace"), request.state.csrf.encode())
