"""Checks before an endpoint runs: the right; for a form also its origin and its token.

A token is an HMAC-SHA256 keyed with the visitor's own cookie. A site that cannot read the cookie cannot make the
token. The tokens of a session become invalid when the session ends.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from callmon.web.auth.roles import Right


class Rejection(Protocol):
    """The answers to a refused request; `Door` implements them."""

    def refused(self, request: Request, is_page: bool) -> Response: ...

    def out_of_date(self, request: Request, is_page: bool) -> Response: ...

    def away(self, request: Request) -> Response: ...


FIELD = "csrf"
HEADER = "x-csrf"  # for requests that a script sends
UNCHANGING = frozenset({"GET", "HEAD"})
MOST_FIELDS = 100


def token(secret: str, name: str) -> str:
    """The form token for the holder of the cookie `secret`, bound to the holder's present `name`."""
    made = hmac.digest(secret.encode(), f"form\0{name}".encode(), hashlib.sha256)
    return urlsafe_b64encode(made).decode().rstrip("=")


async def rejection(request: Request, right: Right, is_page: bool) -> Response | None:
    """The refusal; None when the endpoint may run."""
    door: Rejection = request.state.door
    if not request.state.person.may(right):
        return door.refused(request, is_page)
    if request.method not in UNCHANGING and not (is_from_us(request) and await _has_token(request)):
        return door.out_of_date(request, is_page)
    return None


def is_from_us(request: Request) -> bool:
    """Whether the browser's headers permit that the form is callmon's. A missing header proves nothing: the token
    is the proof.

    With `Referrer-Policy: no-referrer`, a browser sends `Origin: null` for callmon's own forms as well.
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
