"""A reverse proxy says who somebody is: believed from its address alone, and only one name."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from callmon.store import access
from callmon.store.database import Database
from callmon.web.auth import cookies
from tests.support.sign_in_app import application, sign_in, with_accounts
from tests.support.web_client import Visitor

pytestmark = pytest.mark.usefixtures("quick_passwords")

PROXY, ELSEWHERE = ("10.1.2.3", 1), ("10.1.3.3", 1)
SETTINGS: dict[str, Any] = {
    "proxy": {"addresses": ["10.1.2.0/24"], "header": "X-Remote-User", "groups_header": "X-Remote-Groups"},
    "roles": {"viewer": ["*"], "agent": ["callbacks"], "manager": ["CN=Reports, OU=Toronto", "reports"]},
}
MARIE = {"X-Remote-User": "marie", "X-Remote-Groups": "staff, callbacks"}


def reported(headers: Any, at: tuple[str, int] = PROXY, **settings: Any) -> str:
    return str(Visitor(application(**(SETTINGS | settings)), at).get("/fr/who", headers=headers).text)


def test_the_proxy_says_who_somebody_is_and_their_groups_give_the_roles() -> None:
    assert reported(MARIE) == "marie: agent viewer"
    assert reported({"X-Remote-User": "marie"}) == "marie: viewer"
    assert reported({"X-Remote-User": "marie", "X-Remote-Groups": "callbacks2,Callbacks"}) == "marie: viewer"


def test_groups_with_commas_in_their_names_have_another_separator() -> None:
    proxy = SETTINGS["proxy"] | {"groups_separator": ";"}
    headers = {"X-Remote-User": "luc", "X-Remote-Groups": "CN=Reports, OU=Toronto; callbacks"}
    assert reported(headers, proxy=proxy) == "luc: agent manager viewer"


def test_from_anybody_else_the_header_is_ignored_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    visitor = Visitor(application(**SETTINGS), ELSEWHERE)
    with caplog.at_level(logging.WARNING):
        answers = [visitor.get("/fr/who", headers=MARIE).text for _ in range(3)]
    assert (answers, [record.getMessage() for record in caplog.records]) == (
        [": "] * 3,
        ["sign-in: identity header refused from an address outside web.access.proxy.addresses"],
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Remote_User": "marie"},
        {"X-Forwarded-User": "marie"},
        {"X-Remote-User": ""},
        {"X-Remote-User": "  "},
        {"X-Remote-Groups": "callbacks"},
    ],
)
def test_no_other_header_and_no_empty_one_makes_anybody_somebody(headers: dict[str, str]) -> None:
    assert reported(headers) == ": "


@pytest.mark.parametrize(
    "headers",
    [
        [("X-Remote-User", "marie"), ("X-Remote-User", "luc")],
        [("X-Remote-User", "marie"), ("x-remote-user", "marie")],
        [("X-Remote-User", "marie"), ("X-Remote-Groups", "a"), ("X-Remote-Groups", "callbacks")],
        [("X-Remote-User", "m" * 201)],
        [("X-Remote-User", "marie\tx")],
    ],
)
def test_several_names_and_no_names_are_refused(headers: list[tuple[str, str]]) -> None:
    visitor = Visitor(application(**SETTINGS), PROXY)
    answer = visitor.get("/fr/open", headers=headers)
    assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (400, "nosniff")


def test_a_name_has_its_accents(sqlite_store: Database) -> None:
    headers = [(b"X-Remote-User", "Zoé Côté".encode())]
    assert reported(headers) == "Zoé Côté: viewer"
    assert reported([(b"X-Remote-User", "Zoé".encode("latin-1"))]) == "Zoé: viewer"


def test_the_proxys_person_needs_a_forms_token_of_their_own() -> None:
    gate = application(**SETTINGS)
    marie, luc = Visitor(gate, PROXY, **MARIE), Visitor(gate, PROXY, **{"X-Remote-User": "luc"})
    token, other = marie.get("/fr/view").text, luc.get("/fr/view").text
    assert marie.post("/say", data={"what": "x", "csrf": token}).status_code == 200
    luc.cookies = marie.cookies  # one browser, another person
    refused = [luc.post("/say", data={"what": "x", "csrf": value}).status_code for value in (token, other, "")]
    assert refused == [403, 403, 403]


def test_a_form_through_the_proxy_may_come_from_the_browsers_address() -> None:
    settings = SETTINGS | {"url": "https://callmon.example"}
    visitor = Visitor(
        application(**settings), PROXY, "https://localhost", **MARIE, **{"X-Forwarded-Proto": "https"}
    )
    visitor.is_behind_tls = True
    data = {"what": "x", "csrf": visitor.get("/fr/view").text}
    origins = ("https://callmon.example", "https://localhost", "http://localhost", "https://evil.example")
    statuses = [visitor.post("/say", data=data, headers={"Origin": origin}).status_code for origin in origins]
    assert statuses == [200, 200, 403, 403]


def test_where_the_proxy_says_nobody_the_page_says_so_and_data_is_refused() -> None:
    visitor = Visitor(application(**SETTINGS), PROXY)
    answers = [visitor.get("/en/view"), visitor.get("/data")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert "The ministry&#39;s proxy has not said who you are." in answers[0].text


# ── for whom a proxy asks ──


@pytest.mark.parametrize(
    ("at", "headers", "address"),
    [
        (PROXY, [("X-Forwarded-For", "198.51.100.9")], "198.51.100.9"),
        (PROXY, [("X-Forwarded-For", "203.0.113.1, 198.51.100.9")], "198.51.100.9"),
        (PROXY, [("X-Forwarded-For", "198.51.100.9, 10.1.2.77")], "198.51.100.9"),
        (PROXY, [("X-Forwarded-For", "203.0.113.1"), ("X-Forwarded-For", "198.51.100.9")], "198.51.100.9"),
        (PROXY, [("X-Forwarded-For", "198.51.100.9:4711")], "198.51.100.9"),
        (PROXY, [("X-Forwarded-For", "[2001:db8::9]:4711")], "2001:db8::9"),
        (PROXY, [("X-Forwarded-For", "198.51.100.9, nonsense")], "10.1.2.3"),
        (PROXY, [], "10.1.2.3"),
        (("::ffff:10.1.2.3", 1), [("X-Forwarded-For", "198.51.100.9")], "198.51.100.9"),
        (ELSEWHERE, [("X-Forwarded-For", "198.51.100.9")], "10.1.3.3"),
    ],
)
def test_the_browsers_address_is_the_last_not_written_by_our_proxy(
    sqlite_store: Database, at: tuple[str, int], headers: list[tuple[str, str]], address: str
) -> None:
    gate = application(with_accounts(sqlite_store), accounts=True, proxy={"addresses": ["10.1.2.0/24"]})
    visitor = Visitor(gate, at)
    data = {"name": "agent", "password": "x", "csrf": visitor.token("/en/sign-in")}
    visitor.post("/en/sign-in", data=data, headers=headers)
    assert [
        audit_event.address for audit_event in access.audit_events(sqlite_store) if audit_event.who == "agent"
    ] == [address]


@pytest.mark.parametrize(
    ("at", "said", "is_secure"),
    [(PROXY, "https", True), (PROXY, "http", False), (PROXY, "http, https", True), (ELSEWHERE, "https", False)],
)
def test_only_a_proxy_of_ours_says_that_the_browser_is_encrypted(
    sqlite_store: Database, at: tuple[str, int], said: str, is_secure: bool
) -> None:
    gate = application(with_accounts(sqlite_store), accounts=True, proxy={"addresses": ["10.1.2.0/24"]})
    visitor = Visitor(gate, at, "https://localhost", **{"X-Forwarded-Proto": said})
    visitor.is_behind_tls = True
    sign_in(visitor, "agent")
    names = {cookie.name for cookie in visitor.cookies.jar}
    bases = {cookies.SESSION, cookies.FORM, cookies.DEVICE}
    assert names == ({f"__Host-{base}" for base in bases} if is_secure else bases)


def test_a_session_and_the_proxys_header_serve_the_header_first(sqlite_store: Database) -> None:
    gate = application(with_accounts(sqlite_store), **SETTINGS, accounts=True)
    visitor = Visitor(gate, PROXY)
    sign_in(visitor, "manager")
    assert visitor.get("/fr/who").text == "manager: manager"
    assert visitor.get("/fr/who", headers=MARIE).text == "marie: agent viewer"
