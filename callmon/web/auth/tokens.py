"""Tokens, with which programs read the API: a secret that is shown once, and its hash in the database.

A token has roles, as an account has, and no right to a number. It opens nothing but the API.
"""

import secrets
from datetime import datetime, timedelta

from starlette.requests import HTTPConnection

from callmon.store.access_tokens import TokenRow
from callmon.web.auth.cookies import hashed

API = "/api/v1"
START = "callmon_"  # so that a search for secrets finds one
ROLES = ("viewer", "manager")  # those without a number and without an act


def new_token(name: str, roles: frozenset[str], made: datetime, lasts: timedelta) -> tuple[str, TokenRow]:
    """The secret, and the row that is stored."""
    secret = START + secrets.token_urlsafe(32)
    return secret, TokenRow(id=hashed(secret), name=name, roles=roles, made=made, expires=made + lasts)


def path_of(request: HTTPConnection) -> str:
    """The path by which the routes are chosen. `request.url` has what the header Host says, too."""
    path: str = request.scope["path"]
    return path


def is_of_api(path: str) -> bool:
    """Whether a request's path, or that of a route, is one of the API."""
    return path.startswith(f"{API}/")


def bearer(request: HTTPConnection) -> str | None:
    """What a request to the API has as its token; None for another request, or without one."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if is_of_api(path_of(request)) and kind.lower() == "bearer" else None
