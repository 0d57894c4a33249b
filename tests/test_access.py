"""Who may what on the pages: rights, forms, headers, on a few routes of our own."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from callmon.web.access.entry import Entry, routes
from callmon.web.access.gate import FORM_COOKIE, MOST_BYTES, Gate
from callmon.web.access.headers import ALWAYS
from callmon.web.access.rights import RIGHTS, Person, Right, Role
from tests.visitor import ELSEWHERE, HERE, OURS, Visitor


def shown(request: Request) -> Response:
    return PlainTextResponse(request.state.csrf)


async def told(request: Request) -> Response:
    return PlainTextResponse(str((await request.form())["what"]))


ENTRIES = (
    Entry("open", {"fr": "/fr/etat", "en": "/en/status"}, shown, Right.OPEN),
    Entry("view", {"fr": "/fr/appels", "en": "/en/calls"}, shown, Right.VIEW),
    Entry("numbers", {"fr": "/fr/rappels", "en": "/en/callbacks"}, shown, Right.CALL_BACK),
    Entry("say", {"": "/say"}, told, Right.VIEW, ("POST",)),
)


def client(at: tuple[str, int] = HERE) -> Visitor:
    return Visitor(Gate(Starlette(routes=routes(ENTRIES))), at)


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


def test_with_no_access_configured_whoever_is_at_this_machine_may_view_and_no_more() -> None:
    here = client()
    assert [here.get(path).status_code for path in ("/fr/etat", "/fr/appels", "/fr/rappels")] == [200, 200, 403]


def test_with_no_access_configured_whoever_is_elsewhere_sees_the_status_alone() -> None:
    elsewhere = client(ELSEWHERE)
    assert [elsewhere.get(path).status_code for path in ("/fr/etat", "/fr/appels")] == [200, 403]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9469", "[::1", "", "127.0.0.1.evil.example"])
def test_a_name_that_is_not_this_machines_does_not_make_a_browser_here_somebody(host: str) -> None:
    assert client().get("/fr/appels", headers={"Host": host}).status_code == 403


def test_every_answer_bears_the_headers_whatever_it_is() -> None:
    here = client()
    answers = [here.get("/fr/etat"), here.get("/fr/rappels"), here.get("/nowhere"), here.post("/say")]
    assert [answer.status_code for answer in answers] == [200, 403, 404, 403]
    for answer in answers:
        assert {name: answer.headers[name] for name in ALWAYS} == ALWAYS
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_form_with_its_token_is_taken_and_one_without_is_not() -> None:
    here = client()
    token = here.get("/fr/etat").text
    assert here.post("/say", data={"what": "é", "csrf": token}).text == "é"
    refused = [
        here.post("/say", data=data)
        for data in ({"what": "x"}, {"what": "x", "csrf": ""}, {"what": "x", "csrf": token[:-1]})
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]


def test_another_visitors_token_does_not_serve() -> None:
    theirs = client().get("/fr/etat").text
    here = client()
    here.get("/fr/etat")
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
    token = here.get("/fr/etat").text
    assert here.post("/say", data={"what": "x", "csrf": token}, headers=headers).status_code == status


def test_a_body_longer_than_any_form_of_ours_is_refused() -> None:
    here = client()
    token = here.get("/fr/etat").text
    assert here.post("/say", data={"csrf": token, "what": "x" * MOST_BYTES}).status_code == 413
    assert here.post("/say", data={"csrf": token, "what": "x" * 1000}).status_code == 200


def test_the_cookie_of_forms_cannot_be_read_by_a_script() -> None:
    (cookie,) = client().get("/fr/etat").headers.get_list("set-cookie")
    assert cookie.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert cookie.startswith(f"{FORM_COOKIE}=")
