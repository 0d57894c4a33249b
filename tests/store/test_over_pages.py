"""The pages over two pairs, from what these have stored in one PostgreSQL; a lead sees her service there, too."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from msgspec.structs import replace

from callmon.config.settings import Settings, example_text, parse
from callmon.core import facts as f
from callmon.core.outcome import Heartbeat, Outcome
from callmon.daemon.pages import PairsPages
from callmon.site import FEATURES
from callmon.store import opening
from callmon.store.access import add_account
from callmon.store.commands import CALLBACK_QUEUE
from callmon.store.database import Database, upgrade
from callmon.store.privacy import subject_access
from callmon.store.rollups import rebuild
from callmon.web.app import WebApplication
from callmon.web.auth.service import AccessService
from tests.lab.ports import free_port
from tests.support.fact_builder import OTHER, Office
from tests.support.sign_in_app import MADE, kept_password, quick_passwords, sign_in
from tests.support.store_fixtures import POSTGRESQL, RING, answered_call, outcomes, postgres_database, until, wrote
from tests.support.two_pairs import in_schema
from tests.support.web_client import Visitor
from tests.support.year import TORONTO

pytestmark = pytest.mark.parametrize("postgresql", [POSTGRESQL], scope="module")
HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # Wednesday, 10:00 in Toronto


class Province(NamedTuple):
    serving: PairsPages
    gate: WebApplication
    pairs: dict[str, Database]
    lead: Visitor  # of the service poci
    whole: Visitor

    def look(self, path: str = "/en/") -> str:
        self.serving.look()
        self.serving.page_context.update(self.serving._snapshot)
        return re.sub(r"\s+", " ", self.whole.get(path).text)

    def sql(self, pair: str, statement: str) -> None:
        with self.pairs[pair].writing() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture(scope="module")
def province(
    postgresql: str, postgres_server: str, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Province]:
    with (
        postgres_database(postgres_server, postgres_template) as url,
        quick_passwords(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("callmon.features.actions.PATIENCE_SECONDS", 0.0)  # no daemon applies commands here
        server = upgrade(url, RING)
        pairs = dict(_pairs(server))
        settings = _settings(server, tmp_path_factory.mktemp("province"))
        store = opening.open_for_writing(settings)
        add_account(store, "lead", kept_password(), ("viewer:poci", "agent:poci", "manager:poci"), MADE)
        add_account(store, "whole", kept_password(), ("agent", "manager"), MADE)
        serving = PairsPages(settings, store, FEATURES, lambda: NOW)
        access = AccessService(settings.web.access, store)
        gate = WebApplication(None, serving.why_missing, page_context=serving.page_context, access=access)
        visitors = [Visitor(gate.asgi()) for _ in range(2)]
        assert [sign_in(x, name).status_code for x, name in zip(visitors, ("lead", "whole"), strict=True)] == [
            303
        ] * 2
        yield Province(serving, gate, pairs, *visitors)
        serving.page_context.close()
        for opened in (server, store, *pairs.values()):
            opened.close()


def _pairs(server: Database) -> Iterator[tuple[str, Database]]:
    """West hears a message and answered calls on a general line, East a message for poci, and one call now."""
    for schema in ("west", "east", "province"):
        with server.writing() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    office, there = Office(), Office()
    office.hear(office.message(NOW - 2 * HOUR, language="fr"))
    west = upgrade(in_schema(server, "west"), RING)
    answered = [x for n in range(3) for x in outcomes(answered_call(n, NOW - HOUR))]
    rebuild.ensure_rollups(west, TORONTO)
    wrote(west, *office.outcomes, *answered, Heartbeat("toronto", NOW + HOUR))
    yield "west", west
    there.hear(there.message(NOW - HOUR, OTHER, "poci"))
    east = upgrade(in_schema(server, "east"), RING)
    rebuild.ensure_rollups(east, TORONTO)
    call = f"{int(NOW.timestamp())}.9"
    arrived = f.Arrived(call, NOW, "inbound", "poci", "4163270374", OTHER, None, "PJSIP/t-9")
    heard = (*there.outcomes, Outcome("toronto", (arrived,)))
    moved = [replace(x, exchange="ottawa") for x in heard]
    wrote(east, *moved, Heartbeat("ottawa", NOW + HOUR))
    with east.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE obligation SET exchange='ottawa', data=replace(data,'toronto','ottawa')"
        )
        connection.exec_driver_sql("UPDATE ledger SET exchange = 'ottawa'")
    yield "east", east


def _settings(server: Database, folder: Path) -> Settings:
    key = folder / "number.key"
    key.touch(mode=0o600)
    key.write_text(f"{b64encode(bytes(range(32))).decode()}\n")
    store = f'url = "{in_schema(server, "province")}"\nover = ["west", "east"]'
    text = example_text().replace('url = "sqlite:///callmon.db"', store)
    text = text.replace("[web]\n", "[web]\naccess = { accounts = true }\n")
    given = parse(text).configuration
    privacy = given.privacy.model_copy(update={"key_file": key})
    return Settings(given.model_copy(update={"privacy": privacy}))


def test_both_pairs_calls_callbacks_and_exchanges_are_on_the_page_now(province: Province) -> None:
    page = province.look()
    assert ("toronto: measuring<" in page, "ottawa: measuring<" in page) == (True, True)
    assert sorted(x.name for x in province.serving._snapshot.exchanges) == ["ottawa", "toronto"]
    assert len(province.serving._snapshot.callbacks.visible) == 2
    states = {x.name: x.states["arriving"] for x in province.serving._snapshot.lines}
    assert (states["poci"], states["general"]) == (1, 0)


def test_the_lead_of_a_service_sees_hers_of_all_pairs_alone(province: Province) -> None:
    province.look()
    for path in ("/en/", "/en/callbacks", "/en/calls", "/en/months", "/en/wall", "/en/promises"):
        shown = province.lead.get(path)
        assert (shown.status_code, "General inquiries" in shown.text) == (200, False)
    assert "OINP, Toronto" in province.lead.get("/en/callbacks").text


def test_a_callback_is_taken_in_the_database_of_the_pair_that_owes_it(province: Province) -> None:
    province.look()
    (entry,) = re.findall(r'href="/en/callbacks/([0-9.]+)', province.lead.get("/en/callbacks").text)[:1]
    token = province.lead.token("/en/sign-out")
    number = province.lead.post(f"/en/callbacks/{entry}/number?exchange=ottawa", data={"csrf": token})
    assert (number.status_code, OTHER[2:] in re.sub(r"\D", "", number.text)) == (200, True)
    taken = province.lead.post(
        f"/en/callbacks/{entry}/record?exchange=ottawa", data={"csrf": token, "action": "take"}
    )
    assert taken.status_code == 303
    pending = [CALLBACK_QUEUE.count_pending(store) for store in province.pairs.values()]
    looked = [[x.who for x in subject_access.accesses(store)] for store in province.pairs.values()]
    assert (pending, looked) == ([0, 1], [[], ["lead"]])


def test_a_disruption_is_not_announced_there_and_the_page_says_where(province: Province) -> None:
    form = {"csrf": province.whole.token("/en/sign-out"), "line": "general", "action": "announce"}
    answer = province.whole.post("/en/disruptions", data=form)
    assert "announced and ended on the pages of the pair" in answer.text
    assert answer.status_code == 409


def test_a_pair_of_another_version_is_named_and_no_month_is_counted(province: Province) -> None:
    reported = "pair east: its tables are of another version of callmon (0001)"
    before = province.look("/en/months")
    province.sql("east", "UPDATE alembic_version SET version_num = '0001'")
    try:
        pages = [province.look(path) for path in ("/en/", "/en/months", "/en/calls", "/en/callbacks")]
        assert ([reported in page for page in pages], reported in before) == ([True] * 4, False)
        assert (province.serving._snapshot.is_heard, province.serving.why_missing()) == (False, [reported])
        assert "ottawa: measuring<" not in pages[0]
        cells = [len(re.findall('class="number" data-name="Calls"', page)) for page in (before, pages[1])]
        missing = "Not available: what one pair has stored is missing."
        assert (cells, [missing in page for page in (before, *pages)]) == (
            [1, 0],
            [False, True, True, False, False],
        )
    finally:
        province.sql(
            "east", "UPDATE alembic_version SET version_num = (SELECT version_num FROM west.alembic_version)"
        )
    assert reported not in province.look()


def test_a_pair_that_stores_nothing_is_shown_as_unheard(province: Province) -> None:
    province.sql("east", "UPDATE heartbeat SET heard = heard - 7200000000")
    try:
        page = province.look()
        assert ("ottawa: measuring interrupted since" in page, "toronto: measuring<" in page) == (True, True)
    finally:
        province.sql("east", "UPDATE heartbeat SET heard = heard + 7200000000")


def test_health_and_no_metrics(province: Province) -> None:
    province.look()
    answers = [province.whole.get(path).status_code for path in ("/healthz", "/metrics", "/-/ready")]
    assert answers == [200, 404, 200]


def test_the_command_serves_until_it_is_stopped(province: Province, tmp_path: Path) -> None:
    given, port = province.serving._settings.configuration, free_port(socket.SOCK_STREAM, "127.0.0.1")
    store = f'url = "{given.store.url}"\nover = ["west", "east"]'
    text = example_text().replace('url = "sqlite:///callmon.db"', store)
    text = text.replace("127.0.0.1:10469", f"127.0.0.1:{port}")
    text = text.replace('# key_file = "/etc/callmon/number.key"', f'key_file = "{given.privacy.key_file}"')
    (tmp_path / "province.toml").write_text(text)
    for pair in province.pairs:  # this server reads the real clock
        province.sql(pair, f"UPDATE heartbeat SET heard = {int(time.time() + 3600)}000000")
    command = [sys.executable, "-m", "callmon", "pages", "--config", "province.toml"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL) as serving:
        try:
            assert until(lambda: _page(port) is not None)
            page = _page(port) or ""
        finally:
            serving.terminate()
    assert ("toronto: measuring<" in page, "ottawa: measuring<" in page, serving.returncode) == (True, True, 0)


def _page(port: int) -> str | None:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/en/", timeout=60).text
    except httpx.TransportError:
        return None
