"""A database with accounts, and the pages' sign-in in front of a few routes of the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from callmon.config.web import AccessSettings
from callmon.store.access import AuditRow, add_account, change_account
from callmon.store.database import Database
from callmon.web.auth import passwords
from callmon.web.auth.identity import Right, Role
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.route import PageRoute, routes
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from tests.support.web_client import HERE, OURS, Visitor

PASSWORD = "trois sonneries, pas quatre"
MADE = AuditRow(at=datetime(2026, 11, 24, 13, 0, tzinfo=UTC), who="root", act="account added")
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
ROLES = tuple(role.value for role in Role)


async def shown(request: Request) -> Response:
    """The form token, as in a page's hidden field."""
    return HTMLResponse(request.state.csrf)


async def reported(request: Request) -> Response:
    return PlainTextResponse(str((await request.form())["what"]))


async def who(request: Request) -> Response:
    person = request.state.person
    return PlainTextResponse(f"{person.name}: {' '.join(sorted(person.roles))}")


async def live(_request: Request) -> Response:
    """A live stream of ten parts."""

    async def parts() -> AsyncIterator[bytes]:
        for number in range(10):
            yield f"data: {number}\n\n".encode()
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/event-stream")


async def broken(_request: Request) -> Response:
    raise RuntimeError("a fault of the endpoint")


def both(path: str) -> dict[str, str]:
    return {"fr": f"/fr/{path}", "en": f"/en/{path}"}


ENTRIES = (
    PageRoute("open", both("open"), shown, Right.OPEN),
    PageRoute("who", both("who"), who, Right.OPEN),
    PageRoute("view", both("view"), shown, Right.VIEW),
    PageRoute("numbers", both("numbers"), shown, Right.CALL_BACK),
    PageRoute("reports", both("reports"), shown, Right.REPORT),
    PageRoute("seen", both("seen"), shown, Right.ADMINISTER),
    PageRoute("say", {"": "/say"}, reported, Right.VIEW, ("POST",), act="said"),
    PageRoute("data", {"": "/data"}, shown, Right.VIEW, is_page=False),
    PageRoute("broken", both("broken"), broken, Right.OPEN),
    PageRoute("live", {"": "/live"}, live, Right.VIEW, is_page=False),
)


class Clock:
    """A time that a test sets: as time of day, and in seconds."""

    def __init__(self) -> None:
        self.day, self.seconds = datetime(2026, 11, 24, 13, 42, tzinfo=UTC), 0.0

    def now(self) -> datetime:
        return self.day

    def monotonic(self) -> float:
        return self.seconds

    def goes_on(self, length: timedelta) -> None:
        self.day += length
        self.seconds += length.total_seconds()


def application(store: Database | None = None, clock: Clock | None = None, **settings: Any) -> AccessMiddleware:
    time = clock or Clock()
    access = AccessService(AccessSettings(**settings), store, time.now, time.monotonic)
    signing = SignIn(access)
    inner = Starlette(routes=routes((*ENTRIES, *signing.entries())), exception_handlers=signing.handlers())
    return AccessMiddleware(inner, access)


@contextmanager
def quick_passwords() -> Iterator[None]:
    """argon2id with the least effort. test_users_commands tests the real effort, which is slow."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(passwords, "_HASHER", QUICK)
        passwords.nobodys.cache_clear()
        yield
    passwords.nobodys.cache_clear()


def kept_password() -> str:
    return _hashed_by(passwords._HASHER)


@cache
def _hashed_by(hasher: PasswordHasher) -> str:
    return hasher.hash(PASSWORD)


def with_accounts(store: Database) -> Database:
    """One account per role, with the role's name; one with two roles; one locked; one without any role."""
    for name in ROLES:
        add_account(store, name, kept_password(), (name,), MADE)
    add_account(store, "lead", kept_password(), ("agent", "manager"), MADE)
    add_account(store, "locked", kept_password(), ("administrator",), MADE)
    change_account(store, "locked", MADE, is_locked=True)
    add_account(store, "nothing", kept_password(), (), MADE)
    return store


def signed_in(
    gate: AccessMiddleware, name: str, password: str = PASSWORD, url: str = OURS, **options: Any
) -> Visitor:
    """A browser after a sign-in attempt."""
    visitor = Visitor(gate, url=url, **options)
    sign_in(visitor, name, password)
    return visitor


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD, language: str = "en", **fields: str) -> Any:
    path = {"en": "/en/sign-in", "fr": "/fr/connexion"}[language]
    form = {"name": name, "password": password, "csrf": visitor.token(path)} | fields
    return visitor.post(path, data=form)


__all__ = ["ENTRIES", "HERE", "Visitor"]
