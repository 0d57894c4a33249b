"""Refusals of the read API as problem details (RFC 9457)."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from callmon.errors import StoreError
from callmon.web.auth.route import RejectedError
from callmon.web.auth.tokens import is_of_api, path_of
from callmon.web.context import AwayError

MEDIA_TYPE = "application/problem+json"
AWAY = "The database cannot be reached, or its figures are being rebuilt."
Handler = Callable[[Request, Any], Awaitable[Response]]


class Problem(msgspec.Struct, frozen=True):
    """Why a request is refused."""

    title: str
    status: int
    detail: str


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    body = msgspec.json.encode(Problem(HTTPStatus(status).phrase, status, detail))
    return Response(body, status, headers, MEDIA_TYPE)


def with_problems(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """The handlers of the pages, each of which leaves requests below API to this module."""
    return {kind: _or_problem(handler) for kind, handler in handlers.items()}


def _or_problem(handler: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        is_ours = is_of_api(path_of(request))
        return problem_of(request, error) if is_ours else await handler(request, error)

    return answer


def problem_of(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _problem(error.status_code, error.detail, error.headers)
    if isinstance(error, StoreError | AwayError) or getattr(request.state, "is_away", False):
        return _problem(503, AWAY, {"Retry-After": "5"})
    if not isinstance(error, RejectedError):
        return _problem(500, "callmon has a fault; its log names it.")
    if request.state.person.all_roles:
        return _problem(403, "Your role does not allow this.")
    return _problem(401, "Not signed in.", {"WWW-Authenticate": 'Bearer realm="callmon"'})
