"""A message left on a real Asterisk: seen in two browsers, taken in hand by one person, called back and gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.lab.browser import opened
from tests.lab.exchange import Asterisk
from tests.lab.pace import settings_at_pace
from tests.lab.play import Playing, number
from tests.real.test_real_callbacks import call_back, leaves
from tests.support.daemon_process import Callmon
from tests.support.pages_daemon import ROLES, person

pytestmark = pytest.mark.lab

SOON = 60_000  # milliseconds
ROW = ".worklist [data-row]"


@contextmanager
def looking(browser: Browser, callmon: Callmon, path: str, name: str) -> Iterator[Page]:
    """Somebody who calls back, with a page open."""
    with opened(browser, "<p></p>") as page:
        page.set_extra_http_headers(person(name, "agents"))
        page.goto(f"http://127.0.0.1:{callmon.web_port}{path}")
        yield page


def test_a_message_appears_in_two_browsers_and_the_callback_removes_it(
    fast_asterisk: Asterisk, browser: Browser, tmp_path: Path
) -> None:
    """Nobody loads a page again; what the other did is seen all the same."""
    asterisk = fast_asterisk
    monitored = Callmon(tmp_path, asterisk.ami_port, asterisk.secret, more=ROLES)
    monitored.config.write_text(settings_at_pace(monitored.config.read_text(), asterisk.pace))
    with (
        monitored as callmon,
        looking(browser, callmon, "/fr/rappels", "a.cote") as one,
        looking(browser, callmon, "/en/callbacks", "b.dion") as other,
    ):
        assert (one.locator(ROW).count(), other.locator(ROW).count()) == (0, 0)
        with Playing(asterisk, [leaves("called_back")]) as playing:
            playing.wait()
        for page in (one, other):
            page.wait_for_selector(ROW, timeout=SOON)
            assert number(0)[3:] not in "".join(filter(str.isdigit, page.content()))
        one.get_by_role("button", name="Prendre").click()
        other.wait_for_selector("td:text-is('a.cote')", timeout=SOON)
        other.locator(f"{ROW} th a").click()
        other.get_by_role("button", name="Show the number").click()
        assert other.locator("a[href^='tel:']").get_attribute("href") == f"tel:+1{number(0)}"
        other.goto(f"http://127.0.0.1:{callmon.web_port}/en/callbacks")
        call_back(asterisk, 0, "140")
        for page in (one, other):
            page.wait_for_selector(ROW, state="detached", timeout=SOON)
        assert callmon.total("callmon_verdicts_total", standard="callback_within_24_hours", verdict="met") == 1
        assert number(0) not in callmon.log.read_text()
        assert callmon.stop() == 0
