"""Trying passwords: a device with which somebody signed in before does not wait for what strangers try."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from callmon.config.settings import parse
from callmon.daemon.daemon import Daemon
from callmon.site import FEATURES
from callmon.store import access, opening
from callmon.store.database import Database
from callmon.web.auth import cookies, passwords
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.service import FREE
from tests.support.daemon_process import configuration, free_port
from tests.support.sign_in_app import MADE, application, sign_in, signed_in, with_accounts
from tests.support.web_client import Visitor

pytestmark = pytest.mark.usefixtures("quick_passwords")


@pytest.fixture
def gate(sqlite_store: Database) -> AccessMiddleware:
    return application(with_accounts(sqlite_store), accounts=True)


def at(host: int) -> tuple[str, int]:
    return f"198.51.100.{host}", 40000


def strangers_try(gate: AccessMiddleware, name: str) -> None:
    """From so many addresses that none of them has to wait, until the account has."""
    for host in range(FREE + 3):
        sign_in(Visitor(gate, at(host)), name, "wrong")
    assert sign_in(Visitor(gate, at(99)), name).status_code == 429


def signed_out(visitor: Visitor) -> Visitor:
    visitor.post("/en/sign-out", data={"csrf": visitor.token("/en/sign-out")})
    assert visitor.cookies.get(cookies.SESSION) is None
    return visitor


def test_a_device_that_signed_in_before_does_not_wait_for_strangers_tries(gate: AccessMiddleware) -> None:
    owner = signed_out(signed_in(gate, "agent", at=at(200)))
    strangers_try(gate, "agent")
    assert sign_in(owner, "agent").status_code == 303


def test_a_device_waits_for_its_own_wrong_tries_and_no_other_device_does(gate: AccessMiddleware) -> None:
    one, other = (signed_out(signed_in(gate, "agent", at=at(host))) for host in (200, 201))
    statuses = [sign_in(one, "agent", "wrong").status_code for _ in range(FREE + 1)]
    assert statuses == [401] * FREE + [429]
    assert sign_in(one, "agent").status_code == 429
    assert sign_in(other, "agent").status_code == 303
    assert sign_in(Visitor(gate, at(202)), "agent").status_code == 303


def test_what_strangers_tried_counts_on_after_a_device_signed_in(gate: AccessMiddleware) -> None:
    owner = signed_out(signed_in(gate, "agent", at=at(200)))
    strangers_try(gate, "agent")
    sign_in(owner, "agent")
    assert sign_in(Visitor(gate, at(100)), "agent").status_code == 429


@pytest.mark.parametrize("spoilt", ["another account", "another proof", "another password"])
def test_a_device_cookie_that_proves_nothing_waits_like_a_stranger(
    gate: AccessMiddleware, sqlite_store: Database, spoilt: str
) -> None:
    visitor = signed_out(signed_in(gate, "agent", at=at(200)))
    name = "manager" if spoilt == "another account" else "agent"
    if spoilt == "another proof":
        (cookie,) = [one for one in visitor.cookies.jar if one.name == cookies.DEVICE]
        cookie.value = f"{(cookie.value or '')[:-2]}{'AB' if cookie.value[-2:] != 'AB' else 'BA'}"
    if spoilt == "another password":
        access.change_account(sqlite_store, "agent", MADE, password=passwords.hashed("four rings, not three"))
    strangers_try(gate, name)
    assert sign_in(visitor, name).status_code == 429


def test_a_device_cookie_is_hidden_from_scripts_and_stored_for_half_a_year(gate: AccessMiddleware) -> None:
    answer = sign_in(Visitor(gate), "agent")
    (written,) = [x for x in answer.headers.get_list("set-cookie") if x.startswith(cookies.DEVICE)]
    assert written.split("; ")[1:] == ["Path=/", "Max-Age=15552000", "HttpOnly", "SameSite=Lax"]


def test_a_wrong_password_sets_no_device_cookie(gate: AccessMiddleware) -> None:
    visitor = Visitor(gate)
    sign_in(visitor, "agent", "wrong")
    assert visitor.cookies.get(cookies.DEVICE) is None


async def test_the_hash_for_unknown_names_is_made_before_the_pages_are_there(tmp_path: Path) -> None:
    text = configuration(free_port(), free_port(), f"sqlite:///{tmp_path}/callmon.db")
    text = text.replace("[web]\n", "[web]\naccess = { accounts = true }\n", 1)
    settings = parse(text.replace('secret_env = "LAB_SECRET"', f'secret_file = "{tmp_path}/none"'))
    store = await asyncio.to_thread(opening.open_for_writing, settings)
    passwords.nobodys.cache_clear()
    daemon = Daemon(settings, store, FEATURES)
    running = asyncio.create_task(daemon.run())
    async with asyncio.timeout(60):
        while not daemon.address:  # noqa: ASYNC110  # a daemon says it to nobody
            await asyncio.sleep(0.05)
    made = passwords.nobodys.cache_info().currsize
    daemon.stop()
    await running
    store.close()
    assert made == 1
