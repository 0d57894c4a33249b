"""The demonstration's past, its phones, and its roles: for a browser on this machine alone, without a password."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from callmon.ami.framing import END, parse_headers
from callmon.config.settings import Settings
from callmon.core.facts import Arrived
from callmon.core.monitor import Monitor
from callmon.daemon.daemon import Daemon
from callmon.errors import ConfigError
from callmon.features.months import request
from callmon.features.months.formats import pdf
from callmon.site import FEATURES
from callmon.store import access, rejudge
from callmon.store.database import Database
from callmon.store.opening import open_for_writing
from callmon.store.queries import disruptions
from callmon.store.rollups import rebuild
from callmon.tools.demo import _CallPrinter, demo_settings
from callmon.tools.demo.access import COOKIE, DemoAccess
from callmon.tools.demo.exchange import DemoExchange
from callmon.tools.demo.history import NUMBERS, recorded_facts, seed, shifted
from callmon.tools.demo.phones import DEVICES, DemoPhones
from callmon.tools.demo.schedule import MORNING, RecordingPlayer, messages
from callmon.web.app import WebApplication
from callmon.web.auth.sign_in import SIGN_IN
from tests.support.pages_app import pages
from tests.support.web_client import ELSEWHERE, Visitor

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)  # a Wednesday, 15:00 in Toronto
FREE = dict.fromkeys(DEVICES, "NOT_INUSE")


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Database]]:
    settings = demo_settings("127.0.0.1:0", 5038, "secret", tmp_path_factory.mktemp("past"), NOW)
    store = open_for_writing(settings)
    seed(store, settings, NOW, date(2026, 10, 1))
    yield settings, store
    store.close()


def rows(store: Database, query: str) -> list[tuple[Any, ...]]:
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


# ── the past ──


def test_the_past_agrees_with_itself_as_db_check_compares_it(past: tuple[Settings, Database]) -> None:
    settings, store = past
    days = [x for day in rebuild.rollup_differences(store, settings.timezone, None, None) for x in day]
    assert [*rejudge.counter_differences(store), *days] == []
    assert list(rejudge.inconsistencies(store, Monitor(settings, token=str))) == []


def test_the_report_of_last_month_is_final_and_its_month_whole(past: tuple[Settings, Database]) -> None:
    settings, store = past
    report = request.made(store, settings, request.ReportRequest("2026-10", lang="en"), NOW)
    assert (report.is_final, report.has_data) == (True, True)
    assert [end - start for _, start, end in rows(store, "SELECT * FROM gap")] == [0]


def test_most_messages_were_called_back_and_only_a_days_are_due(past: tuple[Settings, Database]) -> None:
    query = "SELECT verdict, count(*) FROM finding WHERE standard = 'callback_within_24_hours' GROUP BY verdict"
    verdicts = Counter(dict(rows(past[1], query)))
    assert verdicts["met"] > 4 * verdicts["not_met"] > 0
    ((oldest,),) = rows(past[1], "SELECT min(opened) FROM obligation WHERE is_live")
    assert NOW.timestamp() - oldest / 1e6 < 32 * 3600


def test_a_past_a_present_and_a_planned_disruption_have_full_notices(past: tuple[Settings, Database]) -> None:
    found = disruptions.all_of(past[1], NOW - timedelta(days=31))
    assert {(x.state(NOW), x.lines, x.notice.missing()) for x in found} == {
        ("going_on", ("poci-toll-free",), ()),
        ("planned", ("general", "general-toll-free"), ()),
        ("over", ("tty",), ()),
    }


def test_a_call_of_the_past_has_its_own_time_id_and_caller(past: tuple[Settings, Database]) -> None:
    first, *_ = shifted(recorded_facts(past[0], "vm_message"), NOW, "4165550123")
    assert isinstance(first, Arrived)
    assert first.at is not None
    assert (first.at.replace(microsecond=0), first.caller) == (NOW, "+14165550123")
    assert first.call.partition(".")[0] == str(int(NOW.timestamp()))
    assert [number for number in NUMBERS if not re.fullmatch(r"[2-9]\d{2}55501\d{2}", number)] == []


def test_a_call_between_two_phones_is_no_part_of_the_past(past: tuple[Settings, Database]) -> None:
    assert [name for name in MORNING if not recorded_facts(past[0], name)] == ["internal_call"]


@pytest.mark.parametrize(("table", "actor"), [("ledger", "C. Tremblay"), ("disruption_entry", "D. Roy")])
def test_the_agent_acts_on_callbacks_and_the_manager_on_disruptions(
    past: tuple[Settings, Database], table: str, actor: str
) -> None:
    found = {msgspec.json.decode(data).get("actor", "") for (data,) in rows(past[1], f"SELECT data FROM {table}")}
    assert found - {""} == {actor}


# ── the phones ──


def test_every_phone_is_free_again_when_its_calls_are_over() -> None:
    phones, channels, least = DemoPhones(), dict[str, dict[str, str]](), len(DEVICES)
    for _, message in messages(1_800_000_000.25, RecordingPlayer(Random(1)), 1):
        headers = parse_headers(message)
        unique = headers.get("Uniqueid", "")
        if headers.get("Event") == "Hangup":
            channels.pop(unique, None)
        elif headers.get("Event") == "Newchannel" or unique in channels:
            channels[unique] = channels.get(unique, {}) | headers
        before = dict(phones.states)
        assert [device for device, state in phones.changes(channels) if before[device] == state] == []
        least = min(least, sum(state == "NOT_INUSE" for state in phones.states.values()))
    assert (phones.states, 0 < least < len(DEVICES) // 2) == (FREE, True)


async def test_the_exchange_lists_its_phones_and_reports_each_change() -> None:
    async with DemoExchange() as exchange, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", exchange.port)
        login = f"Action: Login\r\nUsername: callmon\r\nSecret: {exchange.secret}\r\n\r\n"
        writer.write(f"{login}Action: DeviceStateList\r\n\r\nAction: Status\r\n\r\n".encode())
        states, changed, is_listed = dict[str, str](), set[str](), False
        while not {"RINGING", "INUSE"} <= changed:
            message = parse_headers(await reader.readuntil(END))
            is_listed = is_listed or message.get("Event") == "DeviceStateListComplete"
            if message.get("Event") == "DeviceStateChange":
                states[message["Device"]] = message["State"]
                changed |= {message["State"]} if is_listed else set()
            if message.get("Event") == "StatusComplete":
                assert states == FREE
        writer.close()


# ── the roles ──


@pytest.fixture(scope="module")
def gate(past: tuple[Settings, Database]) -> Iterator[Any]:
    """The pages of a demonstration whose daemon does not run."""
    settings, store = past
    daemon = Daemon(settings, store, FEATURES, access=DemoAccess(settings.web.access, store))
    try:
        daemon.restore()
        yield WebApplication(daemon.metrics, list, page_context=daemon.page_context, access=daemon._access).asgi()
    finally:
        daemon.page_context.close()
        daemon.runtime.writer.close()


FIRST = {
    "viewer": "/en/",
    "agent": "/en/callbacks",
    "manager": "/en/months",
    "verifier": "/en/months",
    "administrator": "/en/accesses",
}


def chosen(visitor: Visitor, role: str, language: str = "en", **more: str) -> Any:
    form = {"csrf": visitor.token(f"/{language}/"), "role": role} | more
    return visitor.post(f"/{language}/demonstration", data=form)


@pytest.mark.parametrize("role", FIRST)
def test_a_role_is_chosen_without_a_password_and_opens_its_page(role: str, gate: Any) -> None:
    visitor = Visitor(gate)
    answer = chosen(visitor, role)
    assert (answer.status_code, answer.headers["location"]) == (303, FIRST[role])
    page = visitor.get(FIRST[role])
    assert (page.status_code, re.findall(r'value="(\w+)" aria-pressed="true"', page.text)) == (200, [role])


TO_TRY = {
    "fr": ["/fr/rappels", "/fr/appels", "/fr/mois/2026-10"],
    "en": ["/en/callbacks", "/en/calls", "/en/months/2026-10"],
}


@pytest.mark.parametrize("language", TO_TRY)
def test_the_terminal_names_three_things_to_try_and_their_addresses_answer(
    language: str, past: tuple[Settings, Database], gate: Any
) -> None:
    settings, store = past
    reported = _CallPrinter(settings, store, language, NOW)._welcome("")
    paths = re.findall(r"^ +(/\S+)", reported, re.MULTILINE)[:3]
    visitor = Visitor(gate)
    chosen(visitor, "manager")
    assert [path.partition("?")[0] for path in paths] == TO_TRY[language]
    assert [visitor.get(path).status_code for path in paths] == [200, 200, 200]
    assert len(re.findall(r'href="/../(?:calls|appels)/demo/', visitor.get(paths[1]).text)) >= 12


@pytest.mark.parametrize("path", ["/en/months", "/en/months/2026-10"])
def test_a_pdf_is_not_offered_where_its_library_is_missing(
    path: str, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor, offered = Visitor(gate), []
    chosen(visitor, "manager")
    for libraries in (("libc.so.6",), ("libnone.so",)):
        monkeypatch.setattr(pdf, "PANGO", libraries)
        pdf.is_available.cache_clear()
        offered.append('value="pdf"' in visitor.get(path).text)
    pdf.is_available.cache_clear()
    assert offered == [True, False]


def test_each_role_sees_only_what_it_sees_at_a_site(gate: Any) -> None:
    visitor = Visitor(gate)
    reached = {}
    for role in FIRST:
        chosen(visitor, role)
        reached[role] = [path for path in ("/en/months", "/en/accesses") if visitor.get(path).status_code == 200]
    assert reached == {
        "viewer": [], "agent": [], "manager": ["/en/months"], "verifier": ["/en/months"],
        "administrator": ["/en/accesses"],
    }  # fmt: skip


def test_the_banner_is_on_a_page_that_a_role_may_not_see(gate: Any) -> None:
    page = Visitor(gate).get("/fr/mois")
    assert (page.status_code, "Appels enregistrés, personnes inventées." in page.text) == (403, True)


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 proxy"},
        {"X-Real-IP": "127.0.0.1"}, {"Host": "callmon.example"},
    ],
    ids=lambda header: next(iter(header)),
)  # fmt: skip
def test_a_proxy_or_another_host_name_has_no_role_not_even_with_the_cookie(
    header: dict[str, str], gate: Any
) -> None:
    visitor = Visitor(gate)
    form = {"csrf": visitor.token("/en/"), "role": "agent"}
    chosen(visitor, "agent")
    pages_asked = {path: visitor.get(path, headers=header) for path in ("/en/", "/en/callbacks", "/en/months")}
    assert {answer.status_code for answer in pages_asked.values()} == {403}
    assert [answer for answer in pages_asked.values() if "demonstration" in answer.text] == []
    assert visitor.post("/en/demonstration", data=form, headers=header).status_code == 403


def test_a_browser_on_another_machine_has_no_role(gate: Any) -> None:
    visitor = Visitor(gate, ELSEWHERE)
    visitor.cookies.set(COOKIE, "agent")
    assert visitor.get("/en/callbacks").status_code == 403


def test_a_role_is_not_chosen_by_a_form_of_another_site(gate: Any) -> None:
    visitor = Visitor(gate)
    visitor.get("/en/")
    answers = [
        visitor.post("/en/demonstration", data={"role": "agent"}),
        visitor.post(
            "/en/demonstration", data={"csrf": visitor.token("/en/"), "role": "agent"},
            headers={"Origin": "https://elsewhere.example"},
        ),
    ]  # fmt: skip
    assert [(answer.status_code, COOKIE in answer.headers.get("set-cookie", "")) for answer in answers] == [
        (403, False), (403, False),
    ]  # fmt: skip


def test_the_record_of_access_has_who_was_chosen(gate: Any, past: tuple[Settings, Database]) -> None:
    chosen(Visitor(gate), "manager")
    latest = max(access.audit_events(past[1]), key=lambda event: event.at)
    assert (latest.who, latest.act, latest.about) == ("D. Roy", "sign in", "demonstration")


def test_a_site_has_no_such_choice(tmp_path: Path) -> None:
    with pages(tmp_path) as site:
        visitor = Visitor(site.gate)
        visitor.cookies.set(COOKIE, "agent")
        assert visitor.get("/en/callbacks").status_code == 303  # to the sign-in page
        assert visitor.post("/en/demonstration", data={"role": "agent"}).status_code == 404
        assert "demonstration" not in site.visitors["agent"].get("/en/callbacks").text


@pytest.mark.parametrize("listen", ["0.0.0.0:10469", "[::]:10469", "192.0.2.7:10469", "callmon.example:10469"])
def test_it_listens_on_loopback_alone(listen: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        demo_settings(listen, 5038, "secret", tmp_path, NOW)
    assert refused.value.sentences == (
        f"--listen {listen}: the demonstration listens on this machine alone, as its pages take no password; "
        "choose another address: callmon demo --listen 127.0.0.1:9470",
    )


@pytest.mark.parametrize(
    ("language", "name"), [("fr", "Ministère de la démonstration"), ("en", "Ministry of Demonstration")]
)
def test_the_sign_in_page_begins_with_the_name_of_the_ministry(language: str, name: str, gate: Any) -> None:
    page = Visitor(gate).get(SIGN_IN[language]).text
    assert page.count(f"<p><strong>{name}</strong></p>") == 1
