"""The door as people meet it: valid HTML; axe-core, reflow, keyboard and no script in a real Chromium."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser

from tests.lab.browser import Colours, opened, overflowing, stops, violations
from tests.pages.test_pages_html import wrong
from tests.support.pages_app import NOBODY, Pages, pages
from tests.support.sign_in_app import PASSWORD, sign_in
from tests.support.web_client import Visitor

OPEN = ("/fr/connexion", "/en/sign-in", "/fr/deconnexion", "/en/sign-out", "/fr/nulle-part", "/en/nowhere")
# Refused; the record; the tokens.
OF_A_ROLE = ("/fr/mois", "/en/months", "/fr/consultations", "/en/accesses", "/fr/jetons", "/en/tokens")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("pages")) as opened_:
        yield opened_


@contextmanager
def served(site: Pages) -> Iterator[str]:
    config = uvicorn.Config(
        site.gate, host="127.0.0.1", port=0, log_config=None, lifespan="off", proxy_headers=False
    )
    server, socket = uvicorn.Server(config), config.bind_socket()
    socket.listen()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([socket])))
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        socket.close()


def test_no_page_of_the_door_has_a_mistake_in_its_html(site: Pages) -> None:
    reported = {path: site.visitors[NOBODY].get(path).text for path in OPEN}
    reported |= {path: site.visitors["administrator"].get(path).text for path in (*OPEN[2:4], *OF_A_ROLE)}
    reported["wrong"] = sign_in(Visitor(site.gate), "agent", "wrong").text
    reported["form"] = site.visitors["agent"].post("/fr/deconnexion").text
    assert {name: found for name, page in reported.items() if (found := wrong(page))} == {}


@pytest.mark.lab
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_telephone(
    site: Pages, browser: Browser, colours: Colours
) -> None:
    with served(site) as address, opened(browser, f"{address}/en/sign-in", width=320, colours=colours) as page:
        found = {}
        for path in OPEN:
            page.goto(address + path)
            found[path] = [*_sure(violations(page)), *overflowing(page)]
        page.goto(f"{address}/fr/connexion")
        page.fill("#name", "nobody")
        page.fill("#password", "no password of anybody")
        page.click("main button")
        found["wrong"] = [*_sure(violations(page)), *overflowing(page)]
    assert {path: wrong_ for path, wrong_ in found.items() if wrong_} == {}


def _sure(reported: list[str]) -> list[str]:
    """What axe leaves to eyes was looked at."""
    return [line for line in reported if not line.startswith("undecided")]


@pytest.mark.lab
def test_somebody_signs_in_by_keyboard_and_without_script(site: Pages, browser: Browser) -> None:
    with served(site) as address:
        with opened(browser, f"{address}/en/sign-in") as page:
            assert [(what, said) for what, said, is_seen in stops(page) if is_seen] == [
                ("a", "Skip to the content"),
                ("a", "callmon"),
                ("a", "Français"),
                ("input", "name"),
                ("input", "password"),
                ("button", "Sign in"),
                ("a", "/metrics"),
                ("a", "/healthz"),
            ]
        with opened(browser, f"{address}/en/callbacks", script=False) as page:
            page.focus("#name")
            page.keyboard.type("agent")
            page.keyboard.press("Tab")
            page.keyboard.type(PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{address}/en/callbacks")
            assert page.inner_text("h1") == "Callbacks"


def test_the_door_asks_for_no_file_that_is_not_there(site: Pages, tmp_path: Path) -> None:
    page = site.visitors[NOBODY].get("/fr/connexion").text
    asked = [part.partition('"')[0] for part in page.split('href="/static/')[1:]]
    assert [site.visitors[NOBODY].get(f"/static/{name}").status_code for name in asked] == [200, 200]
