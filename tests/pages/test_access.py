"""Who may what on the pages: rights, forms, headers, on a few routes of our own."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import callmon
from callmon.web.auth import cookies
from callmon.web.auth.identity import RIGHTS, Person, Right, Role
from callmon.web.auth.middleware import MOST_BYTES, SECURITY_HEADERS
from tests.support.sign_in_app import application
from tests.support.web_client import ELSEWHERE, HERE, OURS, Visitor
from tests.unit.test_web import served

pytestmark = pytest.mark.usefixtures("quick_passwords")


def client(at: tuple[str, int] = HERE) -> Visitor:
    return Visitor(application(), at)


def test_each_role_may_what_its_work_needs_and_no_more() -> None:
    assert {role.value: sorted(right.value for right in rights) for role, rights in RIGHTS.items()} == {
        "viewer": ["view"],
        "agent": ["call_back", "view"],
        "manager": ["report", "view"],
        "administrator": ["administer", "view"],
    }


def test_who_has_two_roles_may_what_either_may() -> None:
    lead = Person("lead", frozenset({Role.AGENT, Role.MANAGER}))
    assert [right for right in Right if lead.may(right)] == [
        Right.OPEN,
        Right.VIEW,
        Right.CALL_BACK,
        Right.REPORT,
    ]


# ── nothing configured ──


def test_without_access_rules_who_is_at_this_machine_may_view_alone() -> None:
    here = client()
    paths = ("/fr/open", "/fr/view", "/fr/numbers", "/fr/reports", "/fr/seen")
    assert [here.get(path).status_code for path in paths] == [200, 200, 403, 403, 403]


def test_without_access_rules_who_is_elsewhere_sees_open_pages() -> None:
    elsewhere = client(ELSEWHERE)
    assert [elsewhere.get(path).status_code for path in ("/fr/open", "/fr/view", "/data")] == [200, 403, 401]
    assert "web.access" in elsewhere.get("/en/view").text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:10469", "[::1", "", "127.0.0.1.evil.example"])
def test_a_name_not_of_this_machine_makes_a_browser_here_nobody(host: str) -> None:
    assert client().get("/fr/view", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Forwarded"),
        *("X-Real-IP", "Via", "CF-Connecting-IP", "True-Client-IP"),
    ],
)
def test_a_proxy_on_this_machine_asks_for_somebody_elsewhere(header: str) -> None:
    assert client().get("/fr/view", headers={header: "localhost"}).status_code == 403


@pytest.mark.parametrize(("version", "status"), [("1.1", 200), ("1.0", 403)])
async def test_a_request_in_http_1_0_is_a_proxys(version: str, status: int) -> None:
    async with served(application()) as port:
        answer = await spoken(port, f"GET /fr/view HTTP/{version}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == status


# ── what no browser sends ──


@pytest.mark.parametrize("path", ["/fr/open", "/say", "/metrics"])
async def test_a_body_with_two_lengths_is_refused_and_its_connection_closed(path: str) -> None:
    lengths = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    async with served(application()) as port:
        answer = await spoken(port, f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{lengths}")
    assert (status_of(answer), "connection: close" in answer.lower()) == (400, True)


async def test_forms_that_are_cut_off_cause_one_line_of_log(caplog: pytest.LogCaptureFixture) -> None:
    async with served(application()) as port:
        for _ in range(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            kind = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100"
            writer.write(f"POST /fr/connexion HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\nname=".encode())
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()
    reported = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert reported == ["web: clients disconnected before the end of the request body"]


@pytest.mark.parametrize(
    ("path", "title"), [("/fr/broken", "Erreur de callmon"), ("/en/broken", "Error in callmon")]
)
async def test_an_unexpected_error_has_a_page_of_its_own_and_is_logged_whole(
    path: str, title: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(application()) as port:
        answer = await spoken(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    head, _, page = answer.partition("\r\n\r\n")
    assert (status_of(answer), re.findall("<h1>(.*)</h1>", page)) == (500, [title])
    assert f"content-security-policy: {SECURITY_HEADERS['Content-Security-Policy']}" in head.splitlines()
    assert "a fault of the endpoint" not in page
    assert [str(x.exc_info[1]) for x in caplog.records if x.exc_info] == ["a fault of the endpoint"]


async def spoken(port: int, sent: str) -> str:
    """All that the server answers until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent.encode())
    answer = (await asyncio.wait_for(reader.read(), 30)).decode()
    writer.close()
    return answer


def status_of(answer: str) -> int:
    return int(answer.split()[1])


# ── every answer ──


def test_a_wrong_address_is_a_page_in_a_browser_and_a_line_elsewhere() -> None:
    here = client()
    browser, program = (here.get("/nosuch", headers={"Accept": x}) for x in ("text/html,*/*", "*/*"))
    assert [(x.status_code, x.headers["content-type"].partition(";")[0]) for x in (browser, program)] == [
        (404, "text/html"),
        (404, "text/plain"),
    ]
    assert ('<html lang="fr">' in browser.text, program.text) == (True, "Not Found")


def test_every_answer_bears_the_headers_whatever_it_is() -> None:
    here = client()
    answers = [here.get("/fr/open"), here.get("/fr/numbers"), here.get("/nowhere"), here.post("/say")]
    assert [answer.status_code for answer in answers] == [200, 403, 404, 403]
    for answer in answers:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in answer.headers


def test_nothing_inline_and_nothing_from_elsewhere_may_run() -> None:
    policy = client().get("/fr/open").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def test_nothing_reads_the_address_that_the_header_host_makes() -> None:
    """`request.url` begins with that header: a path of it is not always the one that chose the route."""
    code = Path(callmon.__file__).parent
    readers = [
        x.name
        for x in code.rglob("*.py")
        if re.search(r"\b(request|connection)\.(base_)?url\b(?!`)", x.read_text("utf-8"))
    ]
    assert readers == []


def test_over_tls_alone_a_browser_is_reported_to_stay_with_it() -> None:
    proxied = {"proxy": {"addresses": ["127.0.0.1"]}, "accounts": True}
    asked = Visitor(application(**proxied)).get("/fr/open", headers={"X-Forwarded-Proto": "https"})
    assert asked.headers["Strict-Transport-Security"] == "max-age=31536000"


# ── forms ──


def test_a_form_with_its_token_is_taken_and_one_without_is_not() -> None:
    here = client()
    token = here.get("/fr/open").text
    assert here.post("/say", data={"what": "é", "csrf": token}).text == "é"
    refused = [
        here.post("/say", data=data)
        for data in ({"what": "x"}, {"what": "x", "csrf": ""}, {"what": "x", "csrf": token[:-1]})
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]


def test_a_script_may_say_the_token_in_a_header() -> None:
    here = client()
    token = here.get("/fr/open").text
    assert here.post("/say", data={"what": "x"}, headers={"X-CSRF": token}).status_code == 200
    assert here.post("/say", data={"what": "x"}, headers={"X-CSRF": "x"}).status_code == 403


def test_another_visitors_token_does_not_serve() -> None:
    theirs = client().get("/fr/open").text
    here = client()
    here.get("/fr/open")
    assert here.post("/say", data={"what": "x", "csrf": theirs}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": OURS}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": OURS, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_form_that_stood_elsewhere_is_refused_though_it_has_the_token(
    headers: dict[str, str], status: int
) -> None:
    here = client()
    token = here.get("/fr/open").text
    assert here.post("/say", data={"what": "x", "csrf": token}, headers=headers).status_code == status


def test_a_body_longer_than_any_form_of_ours_is_refused() -> None:
    here = client()
    token = here.get("/fr/open").text
    assert here.post("/say", data={"csrf": token, "what": "x" * MOST_BYTES}).status_code == 413
    assert here.post("/say", data={"csrf": token, "what": "x" * 1000}).status_code == 200


async def too_long() -> AsyncIterator[bytes]:
    """Of a body, the first part alone is ever read."""
    yield b"what=x"
    pytest.fail("more of the body was read")


def test_a_body_that_is_too_long_is_refused_by_its_declared_length() -> None:
    """However the network divides it."""
    here = client()
    here.get("/fr/open")
    kind = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(MOST_BYTES + 1)}
    assert here.post("/say", content=too_long(), headers=kind).status_code == 413


def test_a_body_in_pieces_is_as_long_as_all_of_them() -> None:
    here = client()
    token = here.get("/fr/open").text
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    async def pieces(length: int) -> AsyncIterator[bytes]:
        first = f"csrf={token}&what=".encode()
        for piece in (first, b"x" * (length // 2), b"x" * (length - length // 2 - len(first))):
            yield piece

    said = [here.post("/say", content=pieces(MOST_BYTES + more), headers=kind).status_code for more in (0, 1)]
    assert said == [200, 413]


def test_the_cookie_of_forms_comes_with_pages_alone_and_once() -> None:
    here = client()
    (cookie,) = here.get("/fr/open").headers.get_list("set-cookie")
    name, _, value = cookie.partition("; ")[0].partition("=")
    assert (name, len(value)) == (cookies.FORM, cookies.LENGTH)
    assert here.get("/fr/open").headers.get_list("set-cookie") == []
    assert client().get("/fr/who").headers.get_list("set-cookie") == []


def test_a_cookie_of_forms_that_is_none_of_ours_is_not_taken_over() -> None:
    here = client()
    answer = here.get("/fr/open", headers={"Cookie": f"{cookies.FORM}=short"})
    assert len(answer.headers.get_list("set-cookie")) == 1
