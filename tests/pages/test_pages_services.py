"""A lead with roles for one service alone: no page, form or file shows her anything of another service."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from time import monotonic
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import pytest
from sqlalchemy import (
    Column,
    Executable,
    MetaData,
    Table,
    column,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    update,
)

from callmon.config.settings import Settings
from callmon.config.web import AccessSettings
from callmon.core import facts as f
from callmon.core.outcome import Outcome
from callmon.core.statistics import period
from callmon.errors import StoreError
from callmon.features.months.request import ReportRequest, filed
from callmon.site import FEATURES
from callmon.store.access import add_account, audit_events
from callmon.store.bulk import BulkWriter
from callmon.store.commands import CALLBACK_QUEUE
from callmon.store.database import Database
from callmon.store.queries.half_hours import half_hour_counts
from callmon.store.queries.months import month_counts
from callmon.store.tables import METADATA
from callmon.store.view import ROWS, View
from callmon.web.api.openapi import example_answers
from callmon.web.auth.identity import Person, Right, Role, person_with
from callmon.web.auth.tokens import API
from callmon.web.context import MOST_WAITING, AwayError
from callmon.web.entries import resources
from callmon.web.jobs import BusyError, Jobs
from tests.pages.test_api import with_token
from tests.pages.test_pages_access import PARTS
from tests.support.environment import QUESTIONS_ON
from tests.support.fact_builder import CALLER, OTHER
from tests.support.pages_app import EXCHANGE, HOUR, Pages, pages
from tests.support.pages_daemon import disrupted
from tests.support.sign_in_app import MADE, kept_password, sign_in
from tests.support.store_fixtures import answered_call, outcomes, wrote
from tests.support.web_client import Visitor
from tests.support.year import TORONTO

LEAD = "lead-poci"
FOREIGN = ("Renseignements généraux", "General inquiries", "general_inquiries", "general-toll-free", CALLER[2:])
IN_PROGRESS = "1700000777.7"


class ServicesSite(NamedTuple):
    pages: Pages
    lead: Visitor
    whole: Visitor  # of a manager and agent of all services
    own: str  # an entry of her service
    other: str  # an entry of another service
    foreign: tuple[str, ...]  # names of calls on lines of other services, and texts
    requested: list[tuple[Settings, Any]]
    reports: Jobs

    @property
    def day(self) -> date:
        """That of the only call of her service."""
        return (self.pages.opened + HOUR).astimezone(TORONTO).date()

    @property
    def month(self) -> str:
        return f"{self.day:%Y-%m}"

    def paths(self) -> Iterator[tuple[str, str, str]]:
        """(entry's name, method, path) of every route, with the other service's names in its place."""
        parts = PARTS | {"exchange": EXCHANGE, "call": self.other, "id": self.other}
        parts["month"] = self.month
        for entry in self.pages.entries:
            for path in entry.paths.values():
                for method in entry.methods:
                    yield entry.name, method, re.sub(r"\{(\w+)\}", lambda part: parts[part[1]], path)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServicesSite]:
    requested: list[tuple[Settings, Any]] = []

    def start(jobs: Jobs, settings: Settings, report_request: Any, person: str | None = None) -> None:
        requested.append((settings, report_request))
        raise BusyError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("callmon.features.actions.PATIENCE_SECONDS", 0.0)  # no daemon applies commands here
        patch.setattr(Jobs, "start", start)
        with pages(tmp_path_factory.mktemp("services"), fill=_fill, first=QUESTIONS_ON) as opened:
            store = opened.store
            add_account(store, LEAD, kept_password(), ("viewer:poci", "agent:poci", "manager:poci"), MADE)
            whole = Visitor(opened.gate)
            sign_in(whole, "lead")
            lead = Visitor(opened.gate)
            assert sign_in(lead, LEAD).status_code == 303
            names = _calls(store)
            reports = next(x for x in opened.entries if x.name == "now").endpoint.args[0].shared(Jobs)  # type: ignore[attr-defined]
            foreign = (*FOREIGN, *names, IN_PROGRESS)
            yield ServicesSite(opened, lead, whole, *_entries(store), foreign, requested, reports)


def _fill(store: Database) -> None:
    """Ended calls, a call in progress and a disruption, of another service and of all."""
    now = datetime.now(UTC)
    arrived = f.Arrived(IN_PROGRESS, now, "inbound", "general", "4163272422", CALLER, None, "PJSIP/t-1")
    wrote(store, *outcomes(answered_call(5, now - 3 * HOUR)), *disrupted(now), Outcome(EXCHANGE, (arrived,)))


def _calls(store: Database) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(text("SELECT \"call\" FROM call WHERE line NOT LIKE 'poci%' ORDER BY 1")))


def _entries(store: Database) -> tuple[str, str]:
    question = text("SELECT id FROM obligation WHERE service = :service ORDER BY id")
    with store.reading() as connection:
        own, other = (
            next(iter(connection.scalars(question, {"service": service})))
            for service in ("poci", "general_inquiries")
        )
    return own, other


def told_of_others(site: ServicesSite, body: bytes, path: str) -> list[str]:
    """What an answer tells of other services, beside the address as asked and the examples of the API."""
    if body[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            body = b"".join(packed.read(name) for name in packed.namelist())
    shown = html.unescape(body.decode("utf-8", "replace"))
    for example in example_answers().values():
        for written in (json.dumps(example, ensure_ascii=False, indent=2), msgspec.json.encode(example).decode()):
            shown = shown.replace(written, "")
    words = [word for word in site.foreign if word not in path]
    return [word for word in words if word in shown or word in re.sub(r"[ \u00a0-]", "", shown)]


# Queries that ask for another service outright.
ASKED = ("", "?line=general", "?ligne=general", "?service=general_inquiries", "?view=callbacks", "?view=wall")


def test_no_route_shows_anything_of_another_service(site: ServicesSite) -> None:
    token, found, count = site.lead.token("/en/sign-out"), [], 0
    for name, method, path in site.paths():
        if name == "sign_out" and method == "POST":
            continue
        for query in ASKED if method == "GET" else ("",):
            form = {"csrf": token, "action": "take", "line": "general", "kind": "html", "step": "verified"}
            answer = site.lead.send(method, path + query, data=form if method == "POST" else None)
            count += 1
            found += [(method, path + query, word) for word in told_of_others(site, answer.content, path + query)]
    assert (found, count > 200) == ([], True)


OTHERS = ("general", "general-toll-free", "tty", "tty-toll-free")  # lines of the other service
ROLES_OF_ONE = (*(f"{role}:poci" for role in ("viewer", "agent", "manager")), "viewer:poci manager:poci")


@pytest.mark.parametrize("roles", ROLES_OF_ONE)
def test_no_answer_to_a_program_tells_of_a_line_of_another_service(site: ServicesSite, roles: str) -> None:
    program = with_token(site.pages, *roles.split(), name=roles)
    found = []
    refused = set()
    asked = ["", "?service=general_inquiries", "?mode=voice", "?until=2199-01-01T00:00:00Z&limit=100"]
    for resource in resources(FEATURES):
        parts = PARTS | {"exchange": EXCHANGE, "id": site.other, "month": site.month}
        paths = {resource.path.format(**parts | {"call": x}) for x in (site.other, site.own, IN_PROGRESS)}
        for path in (API + path + query for path in paths for query in (*asked, *(f"?line={x}" for x in OTHERS))):
            for accepted in ("application/json", "text/csv"):
                answer = program.get(path, headers={"Accept": accepted})
                found += [(path, word) for word in told_of_others(site, answer.content, path)]
                if "?line=" in path:
                    refused.add(answer.status_code)
    assert (found, refused <= {400, 403, 404, 406}) == ([], True)
    assert [x["name"] for x in program.get(f"{API}/lines").json()["items"]] == ["poci", "poci-toll-free"]


def test_the_same_routes_show_a_lead_of_all_services_those_words(site: ServicesSite) -> None:
    """So that the words of the test above are ones that pages use."""
    shown = set()
    for _, method, path in site.paths():
        if method == "GET":
            shown |= {*told_of_others(site, site.whole.get(path).content, "")}
    assert {"Renseignements généraux", "General inquiries", "general-toll-free", site.other} - shown == set()


@pytest.mark.parametrize(
    ("path", "there"),
    [
        *(("/en/callbacks/{other}", 404), ("/en/callbacks/{own}", 200)),
        *((f"/en/calls/{EXCHANGE}/{{other}}", 404), (f"/en/calls/{EXCHANGE}/{{own}}", 200)),
        *((f"/en/calls/{EXCHANGE}/{IN_PROGRESS}", 404), ("/en/months/2026-10/revisions/1", 404)),
        *(("/en/months/2026-10/revisions/1/r1.json", 404), ("/en/accesses", 403)),
    ],
)
def test_she_opens_her_own_entries_and_calls_and_no_others(site: ServicesSite, path: str, there: int) -> None:
    assert site.lead.get(path.format(own=site.own, other=site.other)).status_code == there


def test_the_page_says_that_it_shows_her_services_alone(site: ServicesSite) -> None:
    said = "Only your services: Ontario Immigrant Nominee Program (OINP)."
    assert (said in site.lead.get("/en/").text, said in site.whole.get("/en/").text) == (True, False)


def test_a_number_of_another_service_is_not_looked_up_and_hers_is(site: ServicesSite) -> None:
    token = site.lead.token("/en/sign-out")
    answers = [site.lead.post(f"/en/callbacks/{x}/number", data={"csrf": token}) for x in (site.other, site.own)]
    assert [x.status_code for x in answers] == [404, 200]
    assert OTHER[2:] in re.sub(r"\D", "", html.unescape(answers[1].text))


def test_a_form_about_another_service_s_entry_is_not_taken(site: ServicesSite) -> None:
    before = CALLBACK_QUEUE.count_pending(site.pages.store)
    form = {"csrf": site.lead.token("/en/sign-out"), "action": "take"}
    answer = site.lead.post(f"/en/callbacks/{site.other}/record", data=form)
    assert (answer.status_code, CALLBACK_QUEUE.count_pending(site.pages.store)) == (404, before)


def test_a_disruption_of_all_lines_shows_her_own_and_is_not_hers_to_end(site: ServicesSite) -> None:
    page = site.lead.get("/en/disruptions").text
    (name,) = set(re.findall(r'/en/disruptions/([^"/?]+)"', page))
    form = {"csrf": site.lead.token("/en/sign-out"), "action": "end"}
    answer = site.lead.post(f"/en/disruptions/{name}", data=form)
    reported = "This disruption also concerns lines of other services"
    assert ("OINP, Toronto" in page, answer.status_code, reported in answer.text) == (True, 409, True)


@pytest.mark.parametrize("kind", ["html", "csv", "json", "xlsx"])
def test_her_files_of_a_month_have_the_figures_of_her_service_alone(site: ServicesSite, kind: str) -> None:
    form = {"csrf": site.lead.token("/en/sign-out"), "kind": kind, "edition": "internal"}
    site.lead.post(f"/en/months/{site.month}", data=form)
    settings, report_request = site.requested[-1]
    assert (report_request.kind, report_request.lines) == (kind, ("poci", "poci-toll-free"))
    files = filed(site.pages.store, settings, report_request, datetime.now(UTC), lambda part: None)
    assert files
    assert [(path, told_of_others(site, data, "")) for path, data in files] == [(path, []) for path, _ in files]


@pytest.mark.parametrize("form", [{"to_sign": "1", "kind": "pdf"}, {"kind": "pdf", "to_sign": "yes"}])
def test_what_she_asks_to_sign_is_only_a_report_of_her_service(site: ServicesSite, form: dict[str, str]) -> None:
    data = form | {"csrf": site.lead.token("/en/sign-out")}
    site.lead.post(f"/en/months/{site.month}", data=data)
    report_request = site.requested[-1][1]
    assert (report_request.to_sign, report_request.lines) == (False, ("poci", "poci-toll-free"))


@pytest.mark.parametrize(("lines", "there"), [(None, (404, 200)), (("poci", "poci-toll-free"), (200, 404))])
def test_a_finished_report_is_for_people_who_may_see_these_lines(
    site: ServicesSite, lines: tuple[str, ...] | None, there: tuple[int, int]
) -> None:
    made = SimpleNamespace(
        request=ReportRequest("2026-10", "csv", lines=lines), files=[("x.csv", b"1")], failure=None,
        since=monotonic(), is_done=True, cancel=lambda: None, ask=lambda person: None,
    )  # fmt: skip
    site.reports._jobs["made"] = made  # type: ignore[assignment]
    path = "/en/months/2026-10/made/x.csv"
    assert (site.lead.get(path).status_code, site.whole.get(path).status_code) == there


def test_what_she_does_is_on_record(site: ServicesSite) -> None:
    token = site.lead.token("/en/sign-out")
    site.lead.post(f"/en/callbacks/{site.own}/record", data={"csrf": token, "action": "take"})
    assert (LEAD, "callback", site.own) in [(x.who, x.act, x.about) for x in audit_events(site.pages.store)]


def test_the_counts_on_her_pages_are_of_her_lines_alone(site: ServicesSite) -> None:
    whole = next(x for x in site.pages.entries if x.name == "now").endpoint.args[0]  # type: ignore[attr-defined]
    hers, zone = whole.of_services(("poci",)), whole.settings.timezone
    counted = []
    for seen in (whole.seen(), hers.seen()):
        callbacks = seen.callbacks
        groups = {line for found in callbacks.counts.values() for line, _ in found}
        shown = {x.line for x in callbacks.visible.values()}
        counted.append(({x.name for x in seen.lines}, shown, groups, {*callbacks.by_line}))
    of_all, of_hers = counted
    assert of_hers == ({"poci", "poci-toll-free"}, set(), set(), set())  # her callback was made
    assert [some < every for some, every in zip(of_hers, of_all, strict=True)] == [True] * 4
    months = [period.month(site.month, zone)]
    offered = [month_counts(x.reader, zone, months)[0].counts["calls_offered", ""] for x in (whole, hers)]
    days = [half_hour_counts(hers.reader, zone, [site.day], datetime.now(UTC)).days]
    lines = {line for found in days for of_line in found.values() for line in of_line}
    assert (offered[0] > offered[1], offered[1], lines) == (True, 1, {"poci"})


# ── tables ──


def test_a_table_without_a_condition_has_no_row_for_a_reader_of_some_lines(site: ServicesSite) -> None:
    some = site.pages.store.seen_as(View(lines=("poci",)))
    counts = {}
    with some.reading() as connection:
        for name in METADATA.tables.keys() - ROWS.keys():
            counts[name] = connection.execute(select(func.count()).select_from(METADATA.tables[name])).scalar()
    assert {*counts.values()} == {0}
    assert {"account", "session", "audit", "signed_file", "sign_off", "counter"} <= counts.keys()


# ── roles ──


def test_a_role_for_one_service_gives_its_right_there_alone() -> None:
    lead = person_with("x", ("manager:poci", "viewer"))
    assert [lead.services(x) for x in (Right.VIEW, Right.REPORT, Right.CALL_BACK)] == [None, ("poci",), ()]
    assert (lead.may(Right.REPORT), lead.may(Right.CALL_BACK)) == (True, False)
    assert lead.role_names == {"manager:poci", "viewer"}


@pytest.mark.parametrize("name", ["administrator:poci", "manager:", ":poci", "owner", "", "owner:poci"])
def test_a_role_that_is_not_understood_gives_no_right(name: str) -> None:
    assert person_with("x", (name,)) == Person("x")


def test_groups_have_roles_for_a_service() -> None:
    settings = AccessSettings.model_validate(
        {"roles": {"viewer": ["all"]}, "services": {"poci": {"manager": ["leads"]}}}
    )
    assert settings.roles_of({"leads"}) == {"manager:poci"}
    assert settings.roles_of({"leads", "all"}) == {"manager:poci", "viewer"}
    assert person_with("x", settings.roles_of({"leads"})).in_services == {(Role.MANAGER, "poci")}


TEXTS = (
    "SELECT line FROM call",
    "select line from call",
    "/* x */ SELECT line FROM call",
    "-- x\nSELECT line FROM call",
    'SELECT line FROM main."call"',
    "SELECT line FROM main . call",
    "SELECT name FROM account",
    "VALUES (1)",
    "WITH c AS (SELECT * FROM call) SELECT line FROM c",
    "(with c AS (SELECT 1) SELECT 1)",
    "TABLE call",
    "EXPLAIN SELECT line FROM call",
    "delete FROM call",
    "UPDATE account SET name = 'x'",
    "PRAGMA table_info(call)",
)
CALL, ACCOUNT = METADATA.tables["call"], METADATA.tables["account"]
STRANGE = {
    "of another schema": select(table("call", column("line"), schema="main")),
    "not ours": select(table("sqlite_master", column("name"))),
    "ours by name alone": select(Table("call", MetaData(), Column("line")).c.line),
    "of another schema by name": select(Table("call", MetaData(), Column("line"), schema="main").c.line),
    "literal column": select(literal_column('(SELECT max(line) FROM main."call")')),
    "text in a condition": select(CALL.c.line).where(text('line IN (SELECT line FROM main."call")')),
    "text as a source": select(CALL.c.line).select_from(text('main."call"')),
    "text in an order": select(CALL.c.line).order_by(text("1")),
    "prefix": select(CALL.c.line).prefix_with("DISTINCT"),
    "suffix": select(CALL.c.line).suffix_with('UNION SELECT line FROM main."call"'),
    "hint": select(CALL.c.line).with_statement_hint("x"),
    "text with columns": text("SELECT line FROM call").columns(column("line")),
    "text in a subquery": select(text("SELECT line FROM call").columns(column("line")).subquery().c.line),
    "with clause": select(select(CALL.c.line).cte("c").c.line),
    "delete": delete(CALL),
    "update": update(ACCOUNT).values(name="x"),
    "insert from": insert(METADATA.tables["mark"]).from_select(["name"], select(CALL.c.line)),
}


def refused(store: Database, statement: Executable | str) -> bool:
    """Whether a reader of one service may not execute it."""
    with store.seen_as(View(lines=("poci",))).reading() as connection, pytest.raises(StoreError):
        connection.exec_driver_sql(statement) if isinstance(statement, str) else connection.execute(statement)
    return True


@pytest.mark.parametrize("statement", TEXTS)
def test_a_statement_that_is_text_is_refused(site: ServicesSite, statement: str) -> None:
    assert (refused(site.pages.store, statement), refused(site.pages.store, text(statement))) == (True, True)


@pytest.mark.parametrize("statement", STRANGE.values(), ids=STRANGE)
def test_a_statement_with_text_or_of_a_foreign_table_is_refused(site: ServicesSite, statement: Executable) -> None:
    assert refused(site.pages.store, statement)


def test_the_driver_alone_reads_nothing_for_a_reader_of_some_lines(site: ServicesSite) -> None:
    with site.pages.store.seen_as(View(lines=("poci",))).reading() as connection, pytest.raises(StoreError):
        BulkWriter(connection)


async def test_pages_made_while_queries_wait_return_when_they_are_answered(site: ServicesSite) -> None:
    whole = next(x for x in site.pages.entries if x.name == "now").endpoint.args[0]  # type: ignore[attr-defined]
    answers = threading.Event()
    waiting = [asyncio.create_task(whole.ask(answers.wait, 60)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    part = whole.of_services(("general_inquiries",))
    with pytest.raises(AwayError):
        await part.ask(lambda: 1)
    answers.set()
    await asyncio.gather(*waiting)
    assert await part.ask(lambda: 1) == 1


ALIAS, FACT = CALL.alias("other"), METADATA.tables["fact"]
SAFE = {
    "column": select(CALL.c.line),
    "alias": select(ALIAS.c.line),
    "subquery": select(select(CALL.c.line).subquery().c.line),
    "union": select(CALL.c.line).union_all(select(ALIAS.c.line)),
    "join": select(CALL.c.line).join(FACT, CALL.c["call"] == FACT.c["call"]),
    "function": select(func.max(CALL.c.line)),
    "scalar": select(select(func.max(CALL.c.line)).scalar_subquery()),
    "condition": select(CALL.c.line).where(CALL.c["call"].in_(select(ALIAS.c["call"]))),
    "exists": select(CALL.c.line).where(exists().where(ALIAS.c["call"] == CALL.c["call"])),
}


@pytest.mark.parametrize("statement", SAFE.values(), ids=SAFE)
def test_any_query_of_a_table_finds_the_rows_of_the_readers_lines(
    site: ServicesSite, statement: Executable
) -> None:
    with site.pages.store.seen_as(View(lines=("poci",))).reading() as connection:
        assert set(connection.scalars(statement)) == {"poci"}


@pytest.mark.parametrize("page", ["why", "what-if", "phones"])
def test_a_question_is_about_a_line_of_hers(site: ServicesSite, page: str) -> None:
    asked = f"/en/{page}?voicemail=5"
    assert site.lead.get(f"{asked}&line=general").status_code == 404
    site.lead.get(asked)
    settings, question = site.requested[-1]
    assert question.given["line"] in settings.names("line") == ["poci", "poci-toll-free"]


def test_needs_are_those_of_her_service(site: ServicesSite) -> None:
    assert site.lead.get("/en/needs?service=general_inquiries").status_code == 404
    site.lead.get("/en/needs")
    assert site.requested[-1][1].given["service"] == "poci"
