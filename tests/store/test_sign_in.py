"""Signing in and out with an account of callmon's own: sessions, cookies, tries, what goes on record."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from sqlalchemy import text

from callmon.store import access
from callmon.store.database import Database
from callmon.web.auth import cookies, passwords
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.service import FREE, OF_ACCOUNT
from tests.support.sign_in_app import (
    MADE,
    PASSWORD,
    Clock,
    application,
    kept_password,
    sign_in,
    signed_in,
    with_accounts,
)
from tests.support.web_client import ELSEWHERE, Visitor

pytestmark = pytest.mark.usefixtures("quick_passwords")

TLS = "https://callmon.example"
WRONG = "The name or the password is wrong, or the account is locked."
BY_ACCOUNT = {"accounts": True}


def sessions(store: Database) -> list[str]:
    with store.reading() as connection:
        return [name for (name,) in connection.execute(text("SELECT person FROM session ORDER BY made, id"))]


def deeds(store: Database) -> list[tuple[str, str, str, str]]:
    found = [audit_event for audit_event in access.audit_events(store) if audit_event.who != MADE.who]
    return [(audit_event.who, audit_event.act, audit_event.about, audit_event.address) for audit_event in found]


# ── in ──


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("agent", "agent: agent"),
        ("lead", "lead: agent manager"),
        ("LEAD ", "lead: agent manager"),
        ("nothing", "nothing: "),
    ],
)
def test_a_signed_in_person_has_the_roles_of_the_account(sqlite_store: Database, name: str, reported: str) -> None:
    visitor = signed_in(application(with_accounts(sqlite_store), **BY_ACCOUNT), name)
    assert visitor.get("/fr/who").text == reported


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("agent", "quatre sonneries, pas trois"),
        ("nobody", PASSWORD),
        ("locked", PASSWORD),
        ("", PASSWORD),
        ("agent", ""),
    ],
)
def test_a_wrong_password_a_locked_and_an_unknown_account_are_alike(
    sqlite_store: Database, name: str, password: str
) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = Visitor(gate)
    answer = sign_in(visitor, name, password)
    assert (answer.status_code, WRONG in answer.text) == (401, True)
    assert visitor.get("/fr/who").text == ": "
    other = sign_in(Visitor(gate, at=ELSEWHERE), "agent", "wrong")
    assert (_without_names(answer.text), set(answer.headers)) == (_without_names(other.text), set(other.headers))


def _without_names(page: str) -> str:
    """Less the name that was typed and the form's token."""
    return re.sub(r'(name="(?:csrf|name)" value=")[^"]*', r"\1", page)


def test_the_password_is_compared_in_any_case(sqlite_store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time it takes does not tell whether there is such an account."""
    compared: list[str] = []

    def compare(kept: str, password: str) -> bool:
        compared.append(kept[:9])
        return False

    monkeypatch.setattr(passwords, "is_right", compare)
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    for name in ("agent", "nobody", "locked"):
        sign_in(Visitor(gate), name)
    assert compared == ["$argon2id"] * 3


def test_an_e_with_its_accent_is_one_however_the_keyboard_writes_it(sqlite_store: Database) -> None:
    access.add_account(
        sqlite_store, "zoé".replace("é", "e"), passwords.hashed("caf\u00e9 au lait, matin"), ("viewer",), MADE
    )
    gate = application(sqlite_store, **BY_ACCOUNT)
    assert signed_in(gate, "zoe", "cafe\u0301 au lait, matin").get("/fr/who").text == "zoe: viewer"


def test_where_accounts_are_not_configured_nobody_signs_in(sqlite_store: Database) -> None:
    proxied = {"proxy": {"addresses": ["10.0.0.1"], "header": "X-Remote-User"}, "roles": {"viewer": ["*"]}}
    visitor = signed_in(application(with_accounts(sqlite_store), **proxied), "agent")
    assert (visitor.get("/fr/who").text, sessions(sqlite_store)) == (": ", [])


def test_a_page_that_needs_somebody_leads_to_the_sign_in_page_and_back(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = Visitor(gate)
    sent = visitor.get("/fr/numbers?page=2")
    assert (sent.status_code, sent.headers["location"]) == (303, "/fr/connexion?next=%2Ffr%2Fnumbers%3Fpage%3D2")
    page = visitor.get(sent.headers["location"])
    assert 'name="next" value="/fr/numbers?page=2"' in page.text
    answer = sign_in(visitor, "agent", language="fr", next="/fr/numbers?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/fr/numbers?page=2")


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/fr/",
        "/fr//evil.example",
        "/\\evil.example",
        "/fr/../../x\r\nX: y",
        "javascript:alert(1)",
        "/de/",
        "/fr",
        "/fr/" + "a" * 500,
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(sqlite_store: Database, elsewhere: str) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    answer = sign_in(Visitor(gate), "agent", next=elsewhere)
    assert answer.headers["location"] == "/en/"


def test_who_is_signed_in_without_the_right_reads_so_without_a_loop(sqlite_store: Database) -> None:
    visitor = signed_in(application(with_accounts(sqlite_store), **BY_ACCOUNT), "manager")
    answer = visitor.get("/fr/numbers")
    assert answer.status_code == 403
    assert "Votre rôle ne donne pas accès à cette page\N{NO-BREAK SPACE}: rapports." in answer.text
    assert "has no role" not in visitor.get("/en/numbers").text


def test_data_is_refused_with_a_plain_status(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    assert (Visitor(gate).get("/data").status_code, signed_in(gate, "nothing").get("/data").status_code) == (
        401,
        403,
    )


# ── cookies and sessions ──


def test_over_tls_the_cookie_is_for_this_host_and_tls_alone(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), accounts=True)
    visitor = Visitor(gate, url=TLS)
    session, device = sign_in(visitor, "agent").headers.get_list("set-cookie")
    assert (session.startswith("__Host-callmon="), device.startswith("__Host-callmon-device=")) == (True, True)
    assert session.split("; ")[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]
    assert device.split("; ")[1:] == ["Path=/", "Max-Age=15552000", "Secure", "HttpOnly", "SameSite=Lax"]
    assert visitor.get("/fr/who").text == "agent: agent"


def test_without_tls_the_cookie_is_hidden_from_scripts_and_sites(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    session, _device = sign_in(Visitor(gate), "agent").headers.get_list("set-cookie")
    assert session.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]


def test_a_session_that_the_browser_brought_is_never_taken_over(sqlite_store: Database) -> None:
    """Session fixation: somebody planted a value, and waits for its victim to sign in."""
    planted = "A" * cookies.LENGTH
    visitor = Visitor(application(with_accounts(sqlite_store), **BY_ACCOUNT))
    visitor.cookies.set(cookies.SESSION, planted, domain="localhost.local", path="/")
    sign_in(visitor, "agent")
    value = visitor.cookies.get(cookies.SESSION)
    assert value != planted
    planter = Visitor(application(sqlite_store, **BY_ACCOUNT), Cookie=f"{cookies.SESSION}={planted}")
    assert planter.get("/fr/who").text == ": "


def test_signing_in_anew_ends_the_session_before(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    old = visitor.cookies.get(cookies.SESSION)
    sign_in(visitor, "manager")
    assert sessions(sqlite_store) == ["manager"]
    assert Visitor(gate, Cookie=f"{cookies.SESSION}={old}").get("/fr/who").text == ": "


def test_the_database_alone_makes_nobody_somebody(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    signed_in(gate, "agent")
    with sqlite_store.reading() as connection:
        kept = str(connection.execute(text("SELECT id FROM session")).scalar_one())
    for value in (kept, kept[: cookies.LENGTH]):
        assert Visitor(gate, Cookie=f"{cookies.SESSION}={value}").get("/fr/who").text == ": "


@pytest.mark.parametrize(
    ("uses", "reported"),
    [
        ([59, 59, 59], "agent: agent"),
        ([60], ": "),
        ([59, 60], ": "),
        ([59] * 13, ": "),  # 12 h 47: longer than any session
    ],
)
def test_a_session_ends_after_an_idle_hour_or_after_twelve_hours(
    sqlite_store: Database, uses: list[int], reported: str
) -> None:
    clock = Clock()
    visitor = signed_in(application(with_accounts(sqlite_store), clock, **BY_ACCOUNT), "agent")
    for minutes in uses:
        clock.goes_on(timedelta(minutes=minutes))
        last = visitor.get("/fr/who").text
    assert last == reported


def test_one_person_has_so_many_sessions_at_most_and_the_oldest_goes(sqlite_store: Database) -> None:
    clock = Clock()
    gate = application(with_accounts(sqlite_store), clock, accounts=True, most_sessions=2)
    visitors = []
    for _ in range(3):
        clock.goes_on(timedelta(minutes=2))
        visitors.append(signed_in(gate, "agent"))
    assert [v.get("/fr/who").text for v in visitors] == [": ", "agent: agent", "agent: agent"]


def test_sessions_that_are_over_do_not_pile_up(sqlite_store: Database) -> None:
    clock = Clock()
    gate = application(with_accounts(sqlite_store), clock, **BY_ACCOUNT)
    signed_in(gate, "agent")
    clock.goes_on(timedelta(hours=13))
    signed_in(gate, "manager")
    assert sessions(sqlite_store) == ["manager"]


@pytest.mark.parametrize("change", ["role", "password", "lock", "remove"])
def test_whatever_changes_an_account_signs_it_out_everywhere(sqlite_store: Database, change: str) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitors = [signed_in(gate, "agent"), signed_in(gate, "agent"), signed_in(gate, "viewer")]
    match change:
        case "role":
            access.change_account(sqlite_store, "agent", MADE, roles=frozenset({"viewer"}))
        case "password":
            access.change_account(sqlite_store, "agent", MADE, password=kept_password())
        case "lock":
            access.change_account(sqlite_store, "agent", MADE, is_locked=True)
        case "remove":
            access.remove_account(sqlite_store, "agent", MADE)
    assert [v.get("/fr/who").text for v in visitors] == [": ", ": ", "viewer: viewer"]


def test_two_callmons_on_one_database_know_one_session(store: Database) -> None:
    one, other = (application(store, **BY_ACCOUNT) for _ in range(2))
    with_accounts(store)
    visitor = signed_in(one, "agent")
    cookie = f"{cookies.SESSION}={visitor.cookies.get(cookies.SESSION)}"
    assert Visitor(other, Cookie=cookie).get("/fr/who").text == "agent: agent"
    token = Visitor(other, Cookie=cookie).token("/en/sign-out")
    assert Visitor(other, Cookie=cookie).post("/en/sign-out", data={"csrf": token}).status_code == 303
    assert Visitor(one, Cookie=cookie).get("/fr/who").text == ": "


# ── out ──


def test_signing_out_ends_the_session_and_takes_its_cookie_away(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    cookie = f"{cookies.SESSION}={visitor.cookies.get(cookies.SESSION)}"
    answer = visitor.post("/fr/deconnexion", data={"csrf": visitor.token("/fr/deconnexion")})
    assert (answer.status_code, answer.headers["location"]) == (303, "/fr/connexion")
    assert answer.headers["set-cookie"].startswith(f"{cookies.SESSION}=; Path=/; Max-Age=0")
    assert (Visitor(gate, Cookie=cookie).get("/fr/who").text, sessions(sqlite_store)) == (": ", [])


def test_another_sites_form_signs_nobody_in_or_out(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    assert visitor.post("/en/sign-out").status_code == 403
    assert visitor.post("/en/sign-in", data={"name": "viewer", "password": PASSWORD}).status_code == 403
    assert visitor.get("/fr/who").text == "agent: agent"


def test_a_form_token_ends_with_its_session(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    token = visitor.get("/fr/view").text
    sign_in(visitor, "manager")
    assert visitor.post("/say", data={"what": "x", "csrf": token}).status_code == 403


# ── tries ──


def test_after_a_few_tries_at_one_account_the_right_password_must_wait_too(sqlite_store: Database) -> None:
    clock = Clock()
    gate = application(with_accounts(sqlite_store), clock, **BY_ACCOUNT)
    places = [(f"198.51.100.{n}", 1) for n in range(FREE + 1)]
    statuses = [sign_in(Visitor(gate, at=place), "agent", "wrong").status_code for place in places[:-1]]
    answer = sign_in(Visitor(gate, at=places[-1]), "agent")
    assert (statuses, answer.status_code, answer.headers["retry-after"]) == ([401] * FREE, 429, "1")
    clock.goes_on(timedelta(seconds=OF_ACCOUNT))
    assert sign_in(Visitor(gate, at=places[-1]), "agent").status_code == 303


def test_an_account_that_there_is_not_must_wait_just_the_same(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    statuses = [
        sign_in(Visitor(gate, at=(f"198.51.100.{n}", 1)), "nobody", "wrong").status_code for n in range(FREE + 1)
    ]
    assert statuses == [401] * FREE + [429]


def test_one_address_must_wait_whatever_accounts_it_tries(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    statuses = [sign_in(Visitor(gate, at=ELSEWHERE), f"name{n}", "wrong").status_code for n in range(FREE + 1)]
    assert statuses == [401] * FREE + [429]
    assert sign_in(Visitor(gate), "agent").status_code == 303


def test_an_account_of_ones_own_does_not_buy_tries_at_others(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    statuses = []
    for n in range(FREE):
        statuses.append(sign_in(Visitor(gate, at=ELSEWHERE), f"name{n}", "wrong").status_code)
        if n == 2:
            statuses.append(sign_in(Visitor(gate, at=ELSEWHERE), "viewer").status_code)
    statuses.append(sign_in(Visitor(gate, at=ELSEWHERE), "viewer").status_code)
    assert statuses == [401, 401, 401, 303, 401, 401, 429]


# ── on record ──


def test_who_signed_in_and_out_or_tried_to_is_on_record_and_no_password_is(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    visitor.post("/say", data={"what": "x", "csrf": visitor.get("/fr/view").text})
    visitor.post("/en/sign-out", data={"csrf": visitor.token("/en/sign-out")})
    sign_in(Visitor(gate, at=ELSEWHERE), "viewer", "wrong")
    sign_in(Visitor(gate), PASSWORD, PASSWORD)
    assert deeds(sqlite_store) == [
        ("agent", "sign in", "account", "127.0.0.1"),
        ("agent", "said", "", "127.0.0.1"),
        ("agent", "sign out", "account", "127.0.0.1"),
        ("viewer", "sign in refused", "account", "198.51.100.7"),
        ("", "sign in refused", "account", "127.0.0.1"),
    ]


def test_when_the_database_is_away_nobody_is_anybody_and_the_page_says_so(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    visitor = signed_in(gate, "agent")
    assert sqlite_store.path is not None
    sqlite_store.close()
    moved = sqlite_store.path.rename(sqlite_store.path.with_suffix(".away"))
    answers = [visitor.get("/en/numbers"), visitor.get("/fr/open"), sign_in(visitor, "agent")]
    assert [answer.status_code for answer in answers] == [503, 200, 503]
    assert "The database cannot be reached" in answers[0].text
    moved.rename(sqlite_store.path)


def test_nothing_of_the_door_blocks_the_daemons_loop(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    with blockbuster_ctx():
        visitor = signed_in(gate, "agent")
        answers = [visitor.get("/fr/numbers"), visitor.get("/fr/reports"), sign_in(visitor, "agent", "wrong")]
        out = visitor.post("/fr/deconnexion", data={"csrf": visitor.token("/fr/deconnexion")})
    assert [answer.status_code for answer in (*answers, out)] == [200, 403, 401, 303]


# ── live ──


def parts_sent(gate: AccessMiddleware, cookie: str, meanwhile: Callable[[], None]) -> int:
    """How many parts of a live page somebody is sent, of whom something becomes known after the third."""
    parts = 0

    async def look() -> None:
        scope = {
            "type": "http", "method": "GET", "path": "/live", "query_string": b"", "scheme": "http",
            "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
        }  # fmt: skip

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()  # the browser stays
            raise AssertionError

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal parts
            parts += bool(message.get("body"))
            if parts == 3:
                await asyncio.to_thread(meanwhile)

        await gate(scope, receive, send)

    asyncio.run(look())
    return parts


@pytest.mark.parametrize(("change", "parts"), [("nothing", 10), ("role", 3), ("another", 10)])
def test_a_live_page_ends_when_its_reader_may_no_longer_see_it(
    sqlite_store: Database, monkeypatch: pytest.MonkeyPatch, change: str, parts: int
) -> None:
    monkeypatch.setattr("callmon.web.auth.middleware.LOOK_AGAIN_SECONDS", 0.0)
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    cookie = f"{cookies.SESSION}={signed_in(gate, 'agent').cookies.get(cookies.SESSION)}"
    names = {"nothing": (), "role": ("agent",), "another": ("viewer",)}[change]

    def meanwhile() -> None:
        for name in names:
            access.change_account(sqlite_store, name, MADE, roles=frozenset({"viewer"}))

    assert parts_sent(gate, cookie, meanwhile) == parts


@pytest.mark.parametrize(("name", "reported"), [("agent", ": "), ("viewer", "viewer: viewer")])
def test_looking_on_is_no_use_of_a_session_but_for_a_wall_screen(
    sqlite_store: Database, monkeypatch: pytest.MonkeyPatch, name: str, reported: str
) -> None:
    monkeypatch.setattr("callmon.web.auth.middleware.LOOK_AGAIN_SECONDS", 0.0)
    clock = Clock()
    gate = application(with_accounts(sqlite_store), clock, **BY_ACCOUNT)
    visitor = signed_in(gate, name)
    cookie = f"{cookies.SESSION}={visitor.cookies.get(cookies.SESSION)}"
    assert parts_sent(gate, cookie, lambda: clock.goes_on(timedelta(minutes=59))) == 10
    clock.goes_on(timedelta(minutes=2))
    assert visitor.get("/fr/who").text == reported


def test_no_password_is_in_a_log_or_an_answer(sqlite_store: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gate = application(with_accounts(sqlite_store), **BY_ACCOUNT)
    answers = [sign_in(Visitor(gate), name, "a wrong one, quite") for name in ("agent", "nobody")]
    assert [text for text in (caplog.text, *(a.text for a in answers)) if "a wrong one" in text] == []
