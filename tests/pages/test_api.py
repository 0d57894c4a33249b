"""The read API: the same figures and rights as the pages, by a token or a session, and no number."""

from __future__ import annotations

import csv
import io
import re
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as settings_of_examples
from hypothesis import strategies as st
from sqlalchemy import text

from callmon.config.settings import Settings
from callmon.config.standards import CALL_STANDARDS
from callmon.core.calls.call import OUTCOMES
from callmon.core.snapshot import ExchangeStatus
from callmon.core.statistics import period
from callmon.core.verdicts import VERDICTS
from callmon.daemon.daemon import Daemon
from callmon.features.months.api import figures_of_calls
from callmon.features.months.model import WHOLE
from callmon.features.months.request import gathered
from callmon.site import FEATURES
from callmon.store import access, opening
from callmon.store.access import AuditRow
from callmon.store.access_tokens import add_token, revoke_token, tokens
from callmon.store.database import Database
from callmon.store.queries.months import month_counts
from callmon.web.api import answer as answers
from callmon.web.api.answer import CSV, JSON
from callmon.web.api.openapi import FOLDER, REFUSALS, example_answers, parameters
from callmon.web.api.problem import Problem
from callmon.web.api.resource import Resource
from callmon.web.app import WebApplication
from callmon.web.auth.identity import Right
from callmon.web.auth.service import AccessService
from callmon.web.auth.tokens import API, new_token
from callmon.web.entries import resources
from tests.support import year
from tests.support.examples import examples
from tests.support.pages_app import CALL, ENTRY, EXCHANGE, NOBODY, Pages, pages, settings
from tests.support.web_client import ELSEWHERE, Visitor
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

MADE = AuditRow(at=datetime(2026, 11, 24, 13, 0, tzinfo=UTC), who="root", act="token added", about="desk: viewer")
LONG = timedelta(days=36500)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "MOST", 10**9)
        with pages(tmp_path_factory.mktemp("api")) as opened:
            yield opened


def with_token(site: Pages, *roles: str, name: str = "desk", lasts: timedelta = LONG) -> Visitor:
    """A program elsewhere, with a token of these roles."""
    secret, row = new_token(name, frozenset(roles), MADE.at, lasts)
    add_token(site.store, row, MADE)
    return Visitor(site.gate, at=ELSEWHERE, authorization=f"Bearer {secret}")


def get(visitor: Visitor, path: str, **options: Any) -> httpx.Response:
    return visitor.get(API + path, **options)


def items(visitor: Visitor, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list, by all of its parts."""
    found: list[dict[str, Any]] = []
    while True:
        part = get(visitor, path, params=query).json()
        found += part["items"]
        if part["next"] is None:
            return found
        query["after"] = part["next"]


def filled(site: Pages, path: str) -> str:
    return path.format(exchange=EXCHANGE, call=CALL, id=ENTRY, month=f"{site.opened.astimezone(TORONTO):%Y-%m}")


# ── who ──


@pytest.mark.parametrize("resource", resources(FEATURES), ids=lambda x: x.path)
def test_a_session_and_a_token_of_the_same_role_have_the_same_answer(site: Pages, resource: Any) -> None:
    for role in ("viewer", "manager"):
        program = with_token(site, role)
        answered = [get(x, filled(site, resource.path)) for x in (site.visitors[role], program)]
        revoke_token(site.store, "desk", MADE)
        expected = 200 if resource.right is Right.VIEW or role == "manager" else 403
        assert [x.status_code for x in answered] == [expected, expected]
        bodies = [x.json() | {"at": None} for x in answered]
        assert bodies[0] == bodies[1]


def test_a_token_opens_no_page_and_no_page_is_opened_by_its_name(site: Pages) -> None:
    program = with_token(site, "manager", name="pages")
    answered = [program.get(path).status_code for path in (f"{API}/lines", "/en/calls", "/en/months", "/healthz")]
    assert answered == [200, 303, 303, 200]


@pytest.mark.parametrize("resource", resources(FEATURES), ids=lambda x: x.path)
def test_each_answer_and_each_refusal_is_of_the_documented_type(site: Pages, resource: Any) -> None:
    for who, visitor in site.visitors.items():
        answered = get(visitor, filled(site, resource.path))
        type_of = resource.type if answered.status_code == 200 else Problem
        msgspec.json.decode(answered.content, type=type_of)
        assert str(answered.status_code) in {"200", *REFUSALS}, who


@pytest.mark.parametrize("given", ["", "callmon_x", "x y", "\N{SNOWMAN}"])
def test_a_wrong_token_is_refused_though_a_session_is_there(site: Pages, given: str) -> None:
    header = {"Authorization": f"Bearer {given}".encode()}
    answered = get(site.visitors["viewer"], "/lines", headers=header)
    assert (answered.status_code, answered.json()) == (
        401,
        {"title": "Unauthorized", "status": 401, "detail": "Not signed in."},
    )


def test_a_proxy_names_the_person_though_it_hands_on_its_own_token(year_site: Year) -> None:
    assert get(year_site.visitor, "/months", headers={"Authorization": "Bearer of-the-proxy"}).status_code == 200


def test_an_expired_and_a_revoked_token_are_refused(site: Pages) -> None:
    old = with_token(site, "viewer", name="old", lasts=timedelta(seconds=1))
    gone = with_token(site, "viewer", name="gone")
    assert (get(old, "/lines").status_code, get(gone, "/lines").status_code) == (401, 200)
    revoke_token(site.store, "gone", MADE)
    assert get(gone, "/lines").status_code == 401


def test_the_last_use_of_a_token_is_stored_and_its_secret_is_not(site: Pages) -> None:
    program = with_token(site, "viewer", name="used")
    secret = program._headers["authorization"].removeprefix("Bearer ")
    before = next(x for x in tokens(site.store) if x.name == "used")
    get(program, "/lines")
    after = next(x for x in tokens(site.store) if x.name == "used")
    assert (before.used, after.used is not None and datetime.now(UTC) - after.used < timedelta(minutes=1)) == (
        None,
        True,
    )
    assert site.store.path is not None
    files = site.store.path.parent.glob("callmon.db*")
    assert [x.name for x in files if secret.removeprefix("callmon_").encode() in x.read_bytes()] == []


def test_an_older_copy_of_the_database_has_no_token_any_more(tmp_path: Path) -> None:
    store = opening.open_for_writing(settings(tmp_path))
    _, row = new_token("desk", frozenset({"viewer"}), MADE.at, LONG)
    add_token(store, row, MADE)
    access.record_change(store, MADE.at + timedelta(days=1))  # a token was revoked after the copy was made
    assert (access.end_if_older(store), tokens(store)) == (True, [])
    store.close()


# ── answers ──


def test_the_parts_of_the_list_are_the_calls_of_the_page_in_its_order(site: Pages) -> None:
    viewer, shown = site.visitors["viewer"], list[str]()
    for day in (site.opened.astimezone(TORONTO).date() + timedelta(days=n) for n in (1, 0)):
        page = viewer.get(f"/en/calls?day={day}").text
        of_day = list(dict.fromkeys(re.findall(rf'href="/en/calls/{EXCHANGE}/([^"?#]+)"', page)))
        assert [x["call"] for x in items(viewer, "/calls", day=day.isoformat(), limit=3)] == of_day
        shown += of_day
    whole = items(viewer, "/calls", limit=100)
    assert items(viewer, "/calls", limit=1) == whole
    assert ([x["call"] for x in whole], len(whole)) == (shown, 4)


def test_without_roll_ups_the_answer_says_when_to_ask_again(tmp_path: Path) -> None:
    with pages(tmp_path) as site:
        with site.store.writing() as connection:
            connection.execute(text("UPDATE rollup_state SET version = 0"))
        answered = [get(site.visitors["manager"], x) for x in ("/months", "/standards", "/half-hours")]
    assert [(x.status_code, x.headers["retry-after"], x.json()["status"]) for x in answered] == [
        (503, "5", 503)
    ] * 3


def test_the_state_is_at_most_a_second_old_though_nobody_looks_on(site: Pages) -> None:
    viewer = site.visitors["viewer"]
    first = get(viewer, "/state").json()["at"]
    time.sleep(1.1)
    assert get(viewer, "/state").json()["at"] > first


@pytest.mark.parametrize(("length", "given"), [(None, None), (timedelta(), 0.0), (timedelta(seconds=73.6), 73.6)])
def test_an_unheard_exchange_says_for_how_many_seconds(
    site: Pages, monkeypatch: pytest.MonkeyPatch, length: timedelta | None, given: float | None
) -> None:
    context = site.daemon.page_context
    seen = msgspec.structs.replace(
        context.seen(), exchanges=(ExchangeStatus(EXCHANGE, length is None, 0, None, length),)
    )
    monkeypatch.setattr(context, "seen", lambda: seen)
    (exchange,) = get(site.visitors["viewer"], "/state").json()["exchanges"]
    assert exchange == {
        "name": EXCHANGE,
        "connected": length is None,
        "last_event": None,
        "unheard_seconds": given,
    }


def test_a_call_has_its_story_and_its_verdicts_with_reasons(site: Pages) -> None:
    found = get(site.visitors["manager"], f"/calls/{EXCHANGE}/{CALL}", params={"lang": "fr"}).json()
    assert (found["call"], found["outcome"], found["voicemail"]["message"]) == (CALL, "voicemail_message", True)
    assert {x["standard"] for x in found["findings"]} >= {"answer_by_third_ring", "reach_a_person"}
    assert any("message" in x for x in found["story"])
    assert found["facts"][0]["type"] == "Arrived"


def test_what_is_not_there_and_what_is_not_understood_is_a_problem(site: Pages) -> None:
    viewer = site.visitors["viewer"]
    kind = "application/problem+json"
    assert [get(viewer, x).status_code for x in ("/calls/x/y", "/none", "/calls?line=other")] == [404] * 3
    assert {get(viewer, x).headers["content-type"] for x in ("/none", "/calls?x=1")} == {kind}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("/calls?limit=101", 'The parameter "limit" must be a whole number from 1 to 100.'),
        ("/calls?day=2026-11-24&day=2026-11-24", 'The parameter "day" is given twice.'),
        ("/calls?day=2026-02-30", 'The parameter "day" must be a date, such as 2026-11-24.'),
        ("/calls?after=x", 'The parameter "after" must be the "next" of the answer before.'),
        ("/calls?verdict=null", 'The parameter "verdict" must be one of: exempt, met, not_met, unknown.'),
        (
            "/calls?until=0.5",
            'The parameter "until" must be a time with its zone, such as 2026-11-24T10:12:00-05:00.',
        ),
        ("/calls?line=A", 'The parameter "line" must be a name of the configuration, such as general.'),
        ("/half-hours?foo=1", 'There is no parameter "foo". Possible: until, days, line.'),
        ("/months?foo=1", 'There is no parameter "foo". Possible: none.'),
    ],
)
def test_a_query_that_is_not_understood_is_refused_in_a_sentence(site: Pages, query: str, detail: str) -> None:
    refused = get(site.visitors["manager"], query)
    assert (refused.status_code, refused.json()["detail"]) == (400, detail)


def test_an_answer_that_the_client_has_is_not_sent_again(site: Pages) -> None:
    viewer = site.visitors["viewer"]
    first = get(viewer, "/calls")
    tag, at = first.headers["etag"], first.headers["last-modified"]
    asked = [{"If-None-Match": tag}, {"If-None-Match": f'"x", W/{tag}'}, {"If-Modified-Since": at}]
    assert [get(viewer, "/calls", headers=x).status_code for x in asked] == [304] * 3
    others = [{"If-None-Match": '"x"', "If-Modified-Since": at}, {"If-Modified-Since": "x"}]
    assert [get(viewer, "/calls", headers=x).status_code for x in others] == [200] * 2


def test_no_two_readers_and_no_two_forms_share_what_is_known_of_an_answer(site: Pages) -> None:
    known = site.daemon.page_context.shared(answers.Remembered)
    known._changes.clear()
    sent = []
    for roles in ("viewer", "manager", "viewer:poci", "viewer:general_inquiries", "viewer:poci manager"):
        program = with_token(site, *roles.split(), name=roles)
        for path in ("/lines", "/calls", "/calls?limit=1", f"/calls/{EXCHANGE}/{CALL}?lang="):
            forms = [(path + x, "*/*") for x in ("fr", "en")] if path[-1] == "=" else [(path, JSON), (path, CSV)]
            answered = [get(program, x, headers={"Accept": kind}) for x, kind in forms]
            sent += [x.headers["etag"] for x in answered if x.status_code == 200]
    assert (sorted(tag for tag, _ in known._changes.values()), len({*sent}) > 10) == (sorted(sent), True)


def test_a_list_is_csv_for_who_accepts_that_alone(site: Pages) -> None:
    viewer = site.visitors["viewer"]
    as_csv = get(viewer, "/calls", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(as_csv.text)))
    assert [x["call"] for x in rows] == [x["call"] for x in items(viewer, "/calls")]
    kinds = {"text/csv": 406, "image/png": 406, "text/csv, */*": 200}
    assert {x: get(viewer, "/state", headers={"Accept": x}).status_code for x in kinds} == kinds


def test_who_asks_too_often_is_asked_to_wait(site: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 3)
    program = with_token(site, "viewer", name="eager")
    answered = [get(program, "/lines") for _ in range(4)]
    assert [x.status_code for x in answered] == [200, 200, 200, 429]
    assert 0 < int(answered[3].headers["retry-after"]) <= 61


def test_readers_and_answers_that_are_kept_in_mind_are_bounded() -> None:
    known = answers.Remembered()
    for n in range(3 * answers.KEPT):
        known.wait(str(n), 0.0)
        known.changed(n, "x")
    assert (len(known._counts), len(known._changes)) == (answers.KEPT, answers.KEPT)


# ── figures ──


class Year(NamedTuple):
    visitor: Visitor
    store: Database
    settings: Settings


CALLS = 3000
BEHIND_PROXY = """
[web.access.proxy]
header = "X-Remote-User"
groups_header = "X-Remote-Groups"
addresses = ["127.0.0.1"]
[web.access.roles]
manager = ["leads"]
"""


@contextmanager
def site_of_year(folder: Path) -> Iterator[Year]:
    """A site with 3,000 calls of a year, and a manager behind a proxy."""
    given = year.settings(f"sqlite:///{folder}/callmon.db", BEHIND_PROXY)
    store = opening.open_for_writing(given)
    year_rows.stored(store, given, year_stories.calls(CALLS), [])
    daemon = Daemon(given, store, FEATURES)
    access_service = AccessService(given.web.access, store)
    gate = WebApplication(None, tuple, page_context=daemon.page_context, access=access_service).asgi()
    who = {"X-Remote-User": "lead", "X-Remote-Groups": "leads"}
    yield Year(Visitor(gate, **who), store, given)
    daemon.page_context.close()
    daemon.runtime.writer.close()


@pytest.fixture(scope="module")
def year_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with site_of_year(tmp_path_factory.mktemp("year")) as opened:
        yield opened


def test_the_calls_of_each_month_add_up_to_its_report_to_the_last_call(year_site: Year) -> None:
    zone, now = year_site.settings.timezone, datetime(2025, 6, 1, tzinfo=UTC)
    months = [period.month(f"2024-{n:02}", zone) for n in range(1, 13)]
    counted, expected = {}, {}
    for month in months:
        report = gathered(year_site.store, year_site.settings, month, now, compare=False)
        span = {"since": month.begin.isoformat(), "until": month.end.isoformat(), "limit": 100}
        found = [x for x in items(year_site.visitor, "/calls", **span) if x["line"] and not x["is_test"]]
        outcomes = Counter(x["outcome"] for x in found)
        verdicts = Counter((name, x) for call in found for name, x in call["verdicts"].items())
        counted[month.name] = outcomes, verdicts
        parts = {(x.place.name, x.place.part): x.value for x in report.figures.values() if x.place.cut == WHOLE}
        expected[month.name] = (
            Counter({x: parts["outcomes", x] for x in OUTCOMES if parts["outcomes", x]}),
            Counter({(x, y): n for x in CALL_STANDARDS for y in VERDICTS if (n := parts[f"{x}.verdict", y])}),
        )
    assert counted == expected
    assert sum(sum(x.values()) for x, _ in counted.values()) == CALLS


def test_filters_find_each_call_once_though_many_arrived_at_one_moment(tmp_path: Path) -> None:
    """An imported record has whole seconds: more calls than a search looks at may have one time of arrival."""
    asked = text("SELECT \"call\" FROM call WHERE outcome = 'busy' AND direction = 'inbound'")
    with site_of_year(tmp_path) as site:
        with site.store.writing() as connection:
            connection.execute(text("UPDATE call SET arrived = 1709300000000000"))
            expected = sorted(connection.scalars(asked))
        found = sorted(x["call"] for x in items(site.visitor, "/calls", outcome="busy", limit=100))
    assert (found, len(found) > 10) == (expected, True)


def test_the_figures_of_a_month_are_those_of_its_report(year_site: Year) -> None:
    zone, now = year_site.settings.timezone, datetime(2025, 6, 1, tzinfo=UTC)
    month = period.month("2024-10", zone)
    report = gathered(year_site.store, year_site.settings, month, now, compare=False)
    (counts,) = month_counts(year_site.store, zone, [month]) or []
    places = {(x.place.name, x.place.part): x for x in report.figures.values() if x.place.cut == WHOLE}
    listed = figures_of_calls(counts)
    wrong = [
        x
        for x in listed
        if (y := places.get((x.figure, x.part)))
        and (x.value, x.numerator, x.denominator) != (y.value, y.numerator, y.denominator)
    ]
    assert (wrong, len(listed) > 100) == ([], True)
    assert {x.figure for x in listed if (x.figure, x.part) not in places} <= {"half_hour.nobody_free", "imported"}


def test_the_months_are_those_of_the_page(site: Pages) -> None:
    manager = site.visitors["manager"]
    listed, page = items(manager, "/months"), manager.get("/en/months").text
    assert sum(x["calls"] for x in listed) == 4
    assert all(f"/en/months/{x['month']}" in page for x in listed)
    detail = get(manager, f"/months/{listed[0]['month']}").json()
    assert {x: detail[x] for x in listed[0]} == listed[0]


def test_the_days_and_half_hours_add_up_to_the_same_calls(year_site: Year) -> None:
    asked = {"until": "2024-11-30", "days": 30}
    offered = sum(x["offered"] for x in items(year_site.visitor, "/half-hours", **asked))
    judged = [x for x in items(year_site.visitor, "/standards", **asked) if x["standard"] == "reach_a_person"]
    verdicts = sum(x["met"] + x["not_met"] + x["exempt"] + x["unknown"] for x in judged)
    (counts,) = month_counts(year_site.store, TORONTO, [period.month("2024-11", TORONTO)]) or []
    assert (offered, verdicts) == (counts.counts["calls_offered", ""],) * 2


# ── the page ──


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_has_each_resource_and_parameter_and_needs_no_other_host(site: Pages, language: str) -> None:
    page = site.visitors["viewer"].get(f"/{language}/api").text
    document = get(site.visitors[NOBODY], "/openapi.json").json()
    names = {x["name"] for y in document["paths"].values() for x in y["get"]["parameters"] if x["in"] == "query"}
    assert [x for x in (*document["paths"], *names) if f"<code>{x}</code>" not in page] == []
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page) == []


def test_each_field_of_the_description_says_what_it_is(site: Pages) -> None:
    schemas = get(site.visitors[NOBODY], "/openapi.json").json()["components"]["schemas"]
    texts = [field["description"] for schema in schemas.values() for field in schema["properties"].values()]
    described = tomllib.loads(FOLDER.joinpath("fields.toml").read_text(encoding="utf-8"))
    known = {name.partition("_")[0]: [*schema["properties"]] for name, schema in schemas.items()}
    assert (min(map(len, texts)) > 9, {x: [*y] for x, y in described.items()}) == (True, known)


@pytest.mark.parametrize("resource", resources(FEATURES), ids=lambda x: x.path)
def test_the_example_of_each_resource_is_an_answer_of_its_type(resource: Resource) -> None:
    example = example_answers()[resource.path]
    read = msgspec.convert(example, resource.type)
    assert {*example} == {*msgspec.to_builtins(read)}
    assert re.findall(r"(?<!\d)[2-9]\d{9}(?!\d)", msgspec.json.encode(example).decode()) == []


def test_the_record_of_access_leads_to_the_page(site: Pages) -> None:
    assert 'href="/en/api"' in site.visitors["administrator"].get("/en/accesses").text


# ── queries made up at random ──


def values(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """The values that a parameter's schema permits."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "minimum" in schema:
        return st.integers(schema["minimum"], schema["maximum"]).map(str)
    if schema.get("format") == "date":
        return st.dates().map(str)
    if schema.get("format") == "date-time":
        offsets = st.integers(-839, 839).map(lambda n: timezone(timedelta(minutes=n)))
        return st.datetimes(timezones=offsets).map(datetime.isoformat)
    return st.from_regex(schema["pattern"], fullmatch=True)


OF_QUERY = {x.path: [y for y in parameters(x) if y["in"] == "query"] for x in resources(FEATURES)}
WRONG = st.one_of(st.sampled_from(("null", "None", "true", "0.5", "1e3", "-1", "")), st.text(max_size=12))
WITH_QUERY = [path for path, found in OF_QUERY.items() if found]


@pytest.mark.parametrize("path", WITH_QUERY)
def test_what_the_document_permits_is_answered_and_nothing_else_is(site: Pages, path: str) -> None:
    known = {x["name"]: values(x["schema"]) for x in OF_QUERY[path]}

    @settings_of_examples(max_examples=examples(60))
    @given(st.fixed_dictionaries({}, optional=known), st.sampled_from([*known]), WRONG)
    def ask(query: dict[str, str], name: str, wrong: str) -> None:
        answered = get(site.visitors["manager"], filled(site, path), params=query)
        assert answered.status_code in ({200, 404} if {"line", "service"} & {*query} else {200})
        schema = next(x["schema"] for x in OF_QUERY[path] if x["name"] == name)
        if is_refused_by(schema, wrong):
            refused = get(site.visitors["manager"], filled(site, path), params=query | {name: wrong})
            assert (refused.status_code, refused.json()["status"]) == (400, 400)

    ask()


def is_refused_by(schema: dict[str, Any], value: str) -> bool:
    """Whether a schema does not permit a value. Of a time, what looks like one is left out."""
    if "enum" in schema:
        return value not in schema["enum"]
    if "minimum" in schema:
        is_whole = value.isascii() and value.isdecimal()
        return not (is_whole and schema["minimum"] <= int(value) <= schema["maximum"])
    pattern = r"[0-9]{4}-[0-9]{2}-[0-9]{2}" if "format" in schema else schema["pattern"]
    return re.search(pattern, value) is None
