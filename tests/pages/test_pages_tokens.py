"""*Tokens*: an administrator makes a token on a page, sees it once, and revokes it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection

from callmon.store.access import add_account, audit_events
from callmon.store.access_tokens import add_token, tokens, valid_token
from callmon.store.database import Database
from callmon.store.tables.people import AuditRow
from callmon.web.auth.cookies import hashed
from callmon.web.auth.tokens import bearer, new_token
from tests.support.pages_app import Pages, pages
from tests.support.sign_in_app import MADE, kept_password, sign_in
from tests.support.web_client import ELSEWHERE, Visitor

PATHS = {"en": "/en/tokens", "fr": "/fr/jetons"}
AT = datetime(2025, 11, 24, 15, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
GIVEN = {"name": "desk", "role": "viewer", "days": "90"}
ROWS = {
    "en": [
        ["old", "manager, Ontario Immigrant Nominee Program (OINP)", "24 November 2025 expired", "never used"],
        ["wall", "viewer", "31 October 2125", "24 November 2025, 10 a.m."],
    ],
    "fr": [
        [
            "old",
            "rapports, Programme ontarien des candidats à l’immigration (POCI)",
            "24 novembre 2025 expiré",
            "jamais utilisé",
        ],
        ["wall", "consultation", "31 octobre 2125", "24 novembre 2025, 10 h"],
    ],
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Pages]:
    with pages(tmp_path) as found:
        yield found


def send(site: Pages, who: str = "administrator", language: str = "en", **given: str) -> httpx.Response:
    visitor = site.visitors[who]
    return visitor.post(PATHS[language], data={"csrf": visitor.token("/en/sign-out"), **given})


def secrets_of(text: str) -> list[str]:
    return re.findall(r"callmon_[\w-]{43}", text)


def asked_api(site: Pages, secret: str) -> int:
    headers = {"Authorization": f"Bearer {secret}"}
    return Visitor(site.gate, at=ELSEWHERE).get("/api/v1/lines", headers=headers).status_code


def read(page: str) -> str:
    """With plain spaces."""
    return re.sub("[\xa0\u202f]", " ", unescape(page))


def roles_offered(page: str) -> list[str]:
    return re.findall(r'<option value="([^"]*)"', page)


def table(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(<th.*?)<td class=.act", read(page))
    return [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows
    ]


def fill(store: Database) -> None:
    made = AuditRow(at=AT, who="root", act="token added")
    for name, role, lasts in (("old", "manager:poci", timedelta(hours=1)), ("wall", "viewer", 100 * YEAR)):
        add_token(store, new_token(name, frozenset({role}), AT, lasts)[1], made)
    valid_token(store, tokens(store)[-1].id, AT)


@pytest.mark.parametrize("language", PATHS)
def test_the_page_has_the_roles_the_end_and_the_last_use_of_each(tmp_path: Path, language: str) -> None:
    with pages(tmp_path, fill=fill) as site:
        page = site.visitors["administrator"].get(PATHS[language])
    assert table(page.text) == ROWS[language]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "desk: keep this token; callmon does not show it again."),
        ("fr", "desk : conservez ce jeton; callmon ne le montre plus."),
    ],
)
def test_a_token_is_shown_once_and_only_its_hash_is_stored(
    site: Pages, language: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    done = send(site, language=language, **GIVEN)
    (secret,) = secrets_of(done.text)
    heading = re.findall(r'<h2 id="h-secret">([^<]*)<', read(done.text))
    assert (done.status_code, done.headers["cache-control"], heading) == (200, "no-store", [sentence])
    (one,) = tokens(site.store)
    assert (one.id, one.name, one.roles, one.used) == (hashed(secret), "desk", {"viewer"}, None)
    assert one.expires - one.made == timedelta(days=90)
    administrator = site.visitors["administrator"]
    later = [administrator.get(path).text for path in (*PATHS.values(), "/en/accesses")]
    assert [secrets_of(text) for text in (*later, caplog.text)] == [[], [], [], []]


def test_a_revoked_token_is_refused_at_once(site: Pages) -> None:
    (secret,) = secrets_of(send(site, **GIVEN).text)
    before = asked_api(site, secret)
    done = send(site, revoke="desk")
    assert (done.status_code, done.headers["location"]) == (303, "/en/tokens?said=done")
    assert (before, asked_api(site, secret), tokens(site.store)) == (200, 401, [])


def test_who_made_and_who_revoked_a_token_is_on_record(site: Pages) -> None:
    send(site, **GIVEN)
    send(site, revoke="desk")
    done = [(x.who, x.act, x.about, x.address) for x in audit_events(site.store)][-2:]
    assert done == [
        ("administrator", "token added", "desk: viewer", "127.0.0.1"),
        ("administrator", "token revoked", "desk", "127.0.0.1"),
    ]


@pytest.mark.parametrize("role", ["viewer", "agent", "manager"])
def test_tokens_are_the_administrators_alone(site: Pages, role: str) -> None:
    (secret,) = secrets_of(send(site, **GIVEN).text)
    answers = [
        site.visitors[role].get(PATHS["en"]),
        send(site, role, name="mine", role="viewer", days="1"),
        send(site, role, revoke="desk"),
    ]
    assert [x.status_code for x in answers] == [403, 403, 403]
    assert ([x.name for x in tokens(site.store)], asked_api(site, secret)) == (["desk"], 200)


def test_a_form_without_its_csrf_token_makes_and_revokes_nothing(site: Pages) -> None:
    send(site, **GIVEN)
    visitor = site.visitors["administrator"]
    answers = [visitor.post(PATHS["en"], data=x) for x in ({**GIVEN, "name": "wall"}, {"revoke": "desk"})]
    assert [x.status_code for x in answers] == [403, 403]
    assert [x.name for x in tokens(site.store)] == ["desk"]


NO_NAME = '"{}" is no token\'s name; use a to z and 0 to 9, and . _ @ - after the first character.'
NO_ROLE = "Choose one of the roles of this list."
NO_DAYS = "A token lasts 1 to 3,660 days."


@pytest.mark.parametrize(
    ("given", "sentence", "field", "language"),
    [
        ({"name": "desk"}, "desk: this token exists; revoke it first, or give another name.", "name", "en"),
        ({"name": "wall desk"}, NO_NAME.format("wall desk"), "name", "en"),
        ({"name": ""}, NO_NAME.format(""), "name", "en"),
        ({"role": "agent"}, NO_ROLE, "role", "en"),
        ({"role": "viewer:pocy"}, NO_ROLE, "role", "en"),
        ({"role": "manager"}, NO_ROLE, "role", "en"),
        ({"days": "0"}, NO_DAYS, "days", "en"),
        ({"days": "3661"}, NO_DAYS, "days", "en"),
        ({"days": "9" * 5000}, NO_DAYS, "days", "en"),
        ({"days": ""}, NO_DAYS, "days", "en"),
        ({"revoke": "wall"}, "wall: no such token; `callmon tokens list` shows the tokens.", None, "en"),
        (
            {"name": "Desk"},
            "« Desk » n’est pas un nom de jeton; utilisez a à z et 0 à 9, et . _ @ - après le premier caractère.",
            "name",
            "fr",
        ),
        ({"days": "0"}, "Un jeton dure de 1 à 3 660 jours.", "days", "fr"),
    ],
)
def test_what_is_refused_is_said_and_its_field_is_marked(
    site: Pages, given: dict[str, str], sentence: str, field: str | None, language: str
) -> None:
    send(site, **GIVEN)
    done = send(site, language=language, **{**GIVEN, "name": "wall", **given})
    alert = re.findall(r'role="alert"><span aria-hidden="true">■ </span>([^<]*)<', read(done.text))
    marked = re.findall(r'<(?:input|select)[^>]* name="(\w+)"[^>]* aria-invalid="true"', done.text)
    assert (done.status_code, alert, marked) == (409, [sentence], [field] if field else [])
    assert ([x.name for x in tokens(site.store)], secrets_of(done.text)) == (["desk"], [])


def test_a_token_reads_no_more_than_the_person_who_makes_it(site: Pages) -> None:
    add_account(site.store, "both", kept_password(), ("administrator", "manager:poci"), MADE)
    visitor = Visitor(site.gate)
    sign_in(visitor, "both")
    alone = roles_offered(site.visitors["administrator"].get(PATHS["en"]).text)
    assert alone == ["viewer", "viewer:general_inquiries", "viewer:poci"]
    assert roles_offered(visitor.get(PATHS["en"]).text) == [*alone, "manager:poci"]


def test_the_record_of_access_leads_to_the_page_which_is_empty_at_first(site: Pages) -> None:
    administrator = site.visitors["administrator"]
    assert administrator.get("/en/accesses").text.count('<a href="/en/tokens">Tokens</a>') == 1
    assert "<p>There is no token.</p>" in administrator.get(PATHS["en"]).text


@pytest.mark.parametrize(("path", "given"), [("/en/months", None), ("/api/v1/calls", "secret")])
def test_the_header_host_does_not_decide_what_a_token_opens(path: str, given: str | None) -> None:
    """`Host: a/api/v1/?` makes a path of the API of every URL, where the framework does not refuse it."""
    headers = [(b"host", b"a/api/v1/?"), (b"authorization", b"Bearer secret")]
    scope = {"type": "http", "scheme": "http", "path": path, "query_string": b"", "headers": headers}
    assert bearer(HTTPConnection(scope)) == given
