"""Every page and form with every role, asked by somebody who means no good: no mistake of ours, and no number.

Paths, queries, fields, headers, cookies, methods and bodies are made up around those that there are. Whoever may
not see a number finds none in any answer, however it is written; no answer comes from a mistake (the application's
own exceptions are raised here). CALLMON_EXAMPLES=random makes up others each time, CALLMON_FUZZ_EXAMPLES=1000
more of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callmon.web.auth import cookies
from callmon.web.auth.middleware import SECURITY_HEADERS
from tests.pages.test_pages_access import METHODS, WHO
from tests.support.environment import GIVEN
from tests.support.examples import examples
from tests.support.pages_app import CALL, ENTRY, EXCHANGE, NOBODY, Pages, pages, shown

EXAMPLES = int(GIVEN.get("CALLMON_FUZZ_EXAMPLES", examples(150)))  # a role
NUMBER_PAGES = ("/fr/rappels/{id}/numero", "/en/callbacks/{id}/number")
SIGN_OUT = ("/fr/deconnexion", "/en/sign-out")
KNOWN = {"exchange": EXCHANGE, "call": CALL, "id": ENTRY, "month": "2026-10", "name": "none", "file": "none"}
KNOWN["revision"] = "1"
FIELDS = [
    "action", "result", "when", "reason", "text", "in_charge", "number", "no_message", "not_safe", "back", "line",
    "start", "until", "reason_fr", "reason_en", "alternative_fr", "alternative_en", "name", "password", "next",
    "step", "to_sign", "kind",
]  # fmt: skip
QUERIES = [
    "jour", "day", "ligne", "line", "issue", "outcome", "norme", "standard", "verdict", "page", "service",
    "langue", "language", "etat", "state", "autocommutateur", "exchange", "dit", "said", "view", "next", "code",
    "error",
]  # fmt: skip
WORDS = [
    "attempt", "close", "mark", "reopen", "take", "release", "announce", "plan", "end", "list", "spoke", "on",
    "otherwise", "no-request", "general", "met", "not_met", "answered", "fr", "en", "overdue", "mine", "now",
    "wall", "callbacks", "pdf", "html",
]  # fmt: skip
VALUES = (
    *("", *WORDS, ENTRY, EXCHANGE, "\u202e", "é" * 300, "\ud800", "\0", "%00", "-1", "1e9", "NaN", "9" * 20),
    *("2026-10", "2026-11-24", "2026-11-24T10:12", "10:12", "9999-12-31", "0001-01-01T00:00"),
    *("../../etc/passwd", "'; DROP TABLE number; --", "<script>alert(1)</script>", "{{7*7}}", "\r\nX-Evil: 1"),
)
HEADERS = [
    "Accept", "Accept-Language", "Cookie", "Host", "Origin", "Referer", "Sec-Fetch-Site", "X-Forwarded-For",
    "X-Forwarded-Proto", "X-Remote-User", "Content-Type", "Last-Event-ID", "Range", "If-None-Match", "X-CSRF",
]  # fmt: skip
HEADER_VALUES = (
    *("", "fr;q=nan,en;q=1e999", "en;q=;;,", "*", "null", "cross-site", "same-origin", "multipart/form-data"),
    *("multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-7", "application/json"),
    *("bytes=0-1", "=;=;;", "callmon=%", "[::1", "http://[", "a\tb", "\xff"),
    f"{cookies.SESSION}={'A' * cookies.LENGTH}",
)
TEXT = st.one_of(st.sampled_from(VALUES), st.text(max_size=30))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("callmon.features.actions.PATIENCE_SECONDS", 0.0)
        with pages(tmp_path_factory.mktemp("pages")) as opened:
            yield opened


@st.composite
def requests(draw: st.DrawFn, places: list[str]) -> dict[str, Any]:
    """One request: where, how, with what. `has_token`: the form's own, so that what is behind it is tried too."""
    place = draw(st.sampled_from(places))
    parts = draw(st.fixed_dictionaries({name: st.one_of(st.just(known), TEXT) for name, known in KNOWN.items()}))
    query = draw(st.lists(st.tuples(st.sampled_from(QUERIES), TEXT), max_size=4))
    fields = draw(st.lists(st.tuples(st.sampled_from(FIELDS), TEXT), max_size=8))
    raw = draw(st.one_of(st.none(), st.none(), st.none(), st.binary(max_size=200)))
    named = st.tuples(st.sampled_from(HEADERS), st.sampled_from(HEADER_VALUES))
    return {
        "place": place,
        "path": re.sub(r"\{(\w+)\}", lambda part: _quoted(parts[part[1]]), place)
        + draw(st.sampled_from(("", "", "/"))),
        "method": draw(st.sampled_from(("GET", "GET", "POST", "POST", *METHODS))),
        "query": [(name, _sendable(value)) for name, value in query],
        "fields": [(name, _sendable(value)) for name, value in fields],
        "raw": raw,
        "headers": draw(st.lists(named, max_size=3)),
        "has_token": draw(st.booleans()),
    }


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="") or "x"


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("who", WHO, ids=lambda who: who or "nobody")
def test_no_request_leads_to_a_mistake_or_to_a_number(site: Pages, who: str) -> None:
    visitor = site.visitors[who]
    token = visitor.token("/en/sign-in")
    places = sorted({path for entry in site.entries for path in entry.paths.values()})

    @settings(max_examples=EXAMPLES)
    @given(requests(places))
    @example(_one("/fr/rappels/{id}/numero", "POST"))
    @example(_one("/en/callbacks/{id}", "GET"))
    @example(_one("/fr/appels/{exchange}/{call}", "GET"))
    @example(_one("/fr/rappels", "GET"))
    def ask(request: dict[str, Any]) -> None:
        if request["has_token"] and request["place"] in SIGN_OUT:
            return  # it does what it says
        answer = _sent(visitor, request, token)
        assert answer.status_code < 500
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
        is_theirs = who == "agent" and request["place"] in NUMBER_PAGES and request["method"] == "POST"
        reported = answer.text + " ".join(
            f"{name} {value}" for name, value in answer.headers.items() if name != "set-cookie"
        )
        assert is_theirs or shown(reported) == []

    ask()
    assert who == NOBODY or visitor.get("/fr/appels").status_code == 200  # nobody was signed out on the way


def _one(place: str, method: str) -> dict[str, Any]:
    path = re.sub(r"\{(\w+)\}", lambda part: KNOWN[part[1]], place)
    nothing: dict[str, Any] = {"query": [], "fields": [], "raw": None, "headers": []}
    return {"place": place, "path": path, "method": method, "has_token": True, **nothing}


def _sent(visitor: Any, request: dict[str, Any], token: str) -> Any:
    fields = [*request["fields"], *([("csrf", token)] if request["has_token"] else [])]
    headers = [(name.encode(), value.encode("latin-1")) for name, value in request["headers"]]
    options: dict[str, Any] = {"params": request["query"], "headers": headers}
    if request["raw"] is not None:
        options["content"] = request["raw"]
        if request["has_token"]:
            headers.append((b"X-CSRF", token.encode()))
    elif request["method"] in ("POST", "PUT", "PATCH"):
        form: dict[str, list[str]] = {}
        for name, value in fields:
            form.setdefault(name, []).append(value)
        options["data"] = form
    return visitor.send(request["method"], request["path"], **options)


# ── planted faults: what this would miss, it was not worth running ──


@pytest.mark.parametrize(
    "text",
    [
        "+14165550101",
        "416 555-0101",
        "416\N{NO-BREAK SPACE}555\N{NON-BREAKING HYPHEN}0101",
        "<b>416</b>-555-<i>01</i>01",
        "(416) 555.0101",
        "tel:+1-416-555-0101",
        "416&nbsp;555&#45;0101",
    ],
)
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert shown(text) == ["+14165550101"]


def test_a_template_that_leaks_a_number_is_caught(site: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    from callmon.web.page_request import PageRequest

    honest = PageRequest.page

    async def leaking(self: PageRequest, template: str, title: str, **more: Any) -> Any:
        return await honest(self, template, f"{title} 416 555-0101", **more)

    monkeypatch.setattr(PageRequest, "page", leaking)
    with pytest.raises(AssertionError):
        test_no_request_leads_to_a_mistake_or_to_a_number(site, "viewer")
