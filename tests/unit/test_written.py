"""What people write, on pages and in addresses: no moment out of all bounds, no control character, no mistake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy.engine import make_url

from callmon.config.wording import plain
from callmon.core.callbacks.commands import local_moment
from callmon.store.commands import pending_disruption_commands
from tests.support.pages_app import ENTRY, EXCHANGE, Pages, pages

TORONTO = ZoneInfo("America/Toronto")
NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """One for all tests here: to sign everybody in takes seconds."""
    place = tmp_path_factory.mktemp("site")
    if request.param == "sqlite":
        with pages(place) as opened:
            yield opened
        return
    server = make_url(request.getfixturevalue("postgres_server"))
    name = f"callmon_{uuid4().hex[:12]}"
    plain_url = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain_url, autocommit=True) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(place))  # where its key lies, and its journal
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with pages(place, server.set(database=name).render_as_string(hide_password=False)) as opened:
            yield opened
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.mark.parametrize("year", ["0001", "1989", "2200", "9999"])
def test_a_moment_of_a_year_out_of_bounds_is_none(year: str) -> None:
    for text in (f"{year}-01-01 00:00", f"{year}-12-31T23:59"):
        assert local_moment(text, TORONTO, NOON) is None


def test_the_first_and_the_last_moment_within_bounds_are_read() -> None:
    assert local_moment("1990-01-01 00:00", TORONTO, NOON) == datetime(1990, 1, 1, 5, tzinfo=UTC)
    assert local_moment("2199-12-31T23:59", TORONTO, NOON) == datetime(2200, 1, 1, 4, 59, tzinfo=UTC)


def test_a_text_keeps_letters_tabs_and_line_feeds_not_control_characters() -> None:
    kept = "é\t\n\N{NO-BREAK SPACE}\N{FAMILY}\N{ZERO WIDTH JOINER}"
    assert plain(f"\0a\x1b[2J{kept}\x7f\x9b\r\u2028\u202e\u2069\ud800b") == f"a[2J{kept}b"


@pytest.mark.parametrize("name", ["start", "until"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00", "9999-12-31T23:59", "2020-01-01T10:00"])
@pytest.mark.parametrize("action", ["announce", "plan"])
def test_a_form_with_a_moment_out_of_bounds_is_refused_in_a_sentence(
    site: Pages, name: str, at: str, action: str
) -> None:
    visitor, before = site.visitors["manager"], pending_disruption_commands(site.store, 0)
    given = {"start": "10:12", "until": "2199-01-01T10:00", name: at, "action": action, "line": "poci"}
    token = visitor.token("/en/disruptions")
    answer = visitor.post("/en/disruptions", data={**given, "csrf": token})
    assert (answer.status_code, pending_disruption_commands(site.store, 0)) == (409, before)


def test_an_attempt_at_the_end_of_time_is_refused_in_a_sentence(site: Pages) -> None:
    visitor = site.visitors["agent"]
    path = f"/en/callbacks/{ENTRY}"
    form = {"action": "attempt", "result": "no-answer", "when": "9999-12-31T23:59"}
    answer = visitor.post(
        f"{path}/record",
        params={"exchange": EXCHANGE},
        data={**form, "csrf": visitor.token(f"{path}?exchange={EXCHANGE}")},
    )
    assert answer.status_code == 409
    assert "Write the time as 10:12." in answer.text


def test_a_notice_is_stored_without_the_control_characters_it_had(site: Pages) -> None:
    visitor = site.visitors["manager"]
    form = {"action": "announce", "line": "poci", "reason_en": "po\0wer \x1b[31mfailure\u202e"}
    visitor.post("/en/disruptions", data={**form, "csrf": visitor.token("/en/disruptions")})
    hand, _ = pending_disruption_commands(site.store, 0)[-1]
    assert hand.notice.reason_en == "power [31mfailure"


PLACES = (
    ("agent", "/en/callbacks/a%00b"),
    ("agent", "/en/calls/toronto/a%00b"),
    ("agent", "/en/calls/a%00b/1700000001.0"),
    ("manager", "/en/disruptions/a%00b"),
    ("manager", "/en/disruptions/a%1Bb"),
)


@pytest.mark.parametrize(("who", "path"), PLACES)
def test_an_address_with_a_control_character_is_the_name_of_nothing(site: Pages, who: str, path: str) -> None:
    visitor = site.visitors[who]
    assert visitor.get(path).status_code == 404
    form = {"action": "release", "csrf": visitor.token("/en/disruptions" if who == "manager" else "/en/callbacks")}
    assert visitor.post(path, data=form).status_code in (404, 405)


def test_a_name_with_a_nul_signs_in_as_a_name_of_nobody_does(site: Pages) -> None:
    visitor = site.visitors[""]
    reported = []
    for name in ("nobody", "mana\0ger"):
        form = {"name": name, "password": "x", "csrf": visitor.token("/en/sign-in")}
        reported.append(visitor.post("/en/sign-in", data=form).status_code)
    assert reported == [401, 401]


@pytest.mark.parametrize(
    ("who", "path"), [("agent", "/en/callbacks"), ("agent", "/en/calls"), ("manager", "/en/months")]
)
def test_a_query_with_a_nul_is_answered_as_the_one_without_it(site: Pages, who: str, path: str) -> None:
    def status(line: str, other: str) -> int:
        query = {"line": line, "call": other, "service": other, "exchange": other, "day": other}
        return site.visitors[who].get(path, params=query).status_code

    reported = [status(*given) for given in (("", ""), ("\0", "\0"), ("ab", ""), ("a\0b", "\0"))]
    assert (reported[0], reported[0] == reported[1], reported[2] == reported[3]) == (200, True, True)
