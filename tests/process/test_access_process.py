"""A real `callmon run` with accounts: its pages over a socket, as a browser and as Prometheus ask."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from callmon.config.settings import example_text, parse
from callmon.main import main
from callmon.tools.check_remarks import check_remarks
from tests.support.daemon_process import free_port
from tests.support.forked_daemon import WarmCallmon
from tests.support.sign_in_app import PASSWORD
from tests.support.web_client import FIELD

SECONDS = 30.0


@pytest.fixture
def callmon(tmp_path: Path) -> Iterator[WarmCallmon]:
    """It hears no exchange; that is no reason not to show its pages."""
    running = WarmCallmon(tmp_path, free_port(), "secret")
    text = running.config.read_text(encoding="utf-8")
    running.config.write_text(
        text.replace("[web]\n", "[web]\naccess = { accounts = true }\n", 1), encoding="utf-8"
    )
    try:
        running.start(until_heard=False)
        _until_it_answers(running)
        yield running
    finally:
        running.__exit__()


def _until_it_answers(running: WarmCallmon) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            httpx.get(f"http://127.0.0.1:{running.web_port}/healthz")
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError(running.log.read_text())


def users(running: WarmCallmon, *arguments: str) -> str:
    command = ["users", *arguments, "--config", str(running.config)]
    done = CliRunner().invoke(
        main, command, input=f"{PASSWORD}\n", env={"LAB_SECRET": "secret", "LC_ALL": "en_CA"}
    )
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_person_signs_in_sees_their_role_and_is_out_when_it_changes(callmon: WarmCallmon) -> None:
    assert users(callmon, "add", "marie", "--role", "manager") == "marie: added.\n"
    with httpx.Client(base_url=f"http://127.0.0.1:{callmon.web_port}") as browser:
        assert browser.get("/fr/rappels").headers["location"] == "/fr/connexion?next=%2Ffr%2Frappels"
        token = FIELD.search(browser.get("/fr/connexion").text)
        assert token is not None
        form = {"name": "marie", "password": PASSWORD, "csrf": token[1], "next": "/fr/rappels"}
        sent = browser.post("/fr/connexion", data=form)
        assert (sent.status_code, sent.headers["location"]) == (303, "/fr/rappels")
        assert browser.get("/fr/rappels").status_code == 200
        number = browser.post("/fr/rappels/1.0/numero", data={"csrf": "x"})
        assert (number.status_code, "Accès refusé" in number.text) == (403, True)
        users(callmon, "role", "marie", "--role", "viewer")
        assert browser.get("/fr/rappels").status_code == 303


def test_figures_need_no_person_and_a_header_makes_none(callmon: WarmCallmon) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{callmon.web_port}") as browser:
        assert browser.get("/metrics").status_code == 200
        assert browser.get("/healthz").json()["version"]
        said = {"X-Remote-User": "marie", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}
        answer = browser.get("/fr/rappels", headers=said)
        assert answer.status_code == 303
        assert re.findall("strict-transport|server", " ".join(answer.headers)) == []


@pytest.mark.parametrize(
    ("web", "said"),
    [
        ('listen = "127.0.0.1:10469"', []),
        ('listen = "127.0.0.1:10469"\naccess = { accounts = true }', []),
        (
            'listen = "0.0.0.0:10469"',
            [
                "web.access: no sign-in is configured: pages open on this machine only, other clients get "
                "/metrics and /healthz."
            ],
        ),
        (
            'listen = "0.0.0.0:10469"\naccess = { accounts = true }',
            [
                "web.access: passwords cross the network unencrypted; add a TLS proxy, and name it in "
                "proxy.addresses."
            ],
        ),
        ('listen = "0.0.0.0:10469"\naccess = { accounts = true, proxy = { addresses = ["10.0.0.1"] } }', []),
    ],
)
def test_check_says_what_the_pages_access_lacks(web: str, said: list[str]) -> None:
    text = re.sub(r'listen = "127.0.0.1:10469" .*', web, example_text())
    assert [remark for remark in check_remarks(parse(text)) if remark.startswith("web.access")] == said
