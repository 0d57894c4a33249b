"""The focus stays on its element while a page follows what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.lab.browser import opened
from tests.support.pages_daemon import EVERYTHING, Site

pytestmark = pytest.mark.lab
SEE_OTHER = 303
SOON = 60_000  # milliseconds

# Before the first update the elements that can have the focus are noted; a mark shows that it has come.
OBSERVER = """(() => {
  window.EventSource = class extends EventSource {
    constructor(address) {
      super(address);
      this.addEventListener('part', () => { document.documentElement.dataset.updated = '' });
    }
  };
  document.addEventListener('DOMContentLoaded', () => {
    window.stops = [...document.querySelectorAll('#live a[href], #live summary, #live [tabindex="0"]')];
    window.stops[0].focus();
  });
})()"""
LABELS = "stops.map((x) => x.getAttribute('aria-labelledby'))"
LEFT = "stops.filter((x) => x.isConnected).map((x) => x.getAttribute('aria-labelledby'))"
NAMELESS = """[...document.querySelectorAll('#live, [data-again]')]
  .flatMap(part => [...part.querySelectorAll('a[href], button, input, select, [tabindex="0"]')])
  .filter(x => !x.matches('[id], [aria-labelledby]')).map(x => x.outerHTML.slice(0, 90))"""
FOCUS = "stops.indexOf(document.activeElement)"


@contextmanager
def followed(browser: Browser, place: Site, path: str) -> Iterator[Page]:
    """A page whose first element has the focus since before its first update, which has come."""
    with opened(browser, "<p></p>") as page:
        page.set_extra_http_headers(EVERYTHING)
        page.add_init_script(OBSERVER)
        page.goto(place.address + path)
        page.wait_for_selector("html[data-updated]")
        yield page


@pytest.mark.parametrize("path", ["/fr/mural", "/en/wall", "/fr/", "/en/"])
def test_the_first_update_leaves_every_region_and_the_focus_in_place(
    browser: Browser, place: Site, path: str
) -> None:
    with followed(browser, place, path) as page:
        assert (page.evaluate(LEFT), page.evaluate(FOCUS)) == (page.evaluate(LABELS), 0)
        assert page.evaluate(NAMELESS) == []


@pytest.mark.parametrize("path", ["/en/wall", "/en/"])
def test_a_disruption_that_comes_and_ends_above_it_leaves_the_focus(
    browser: Browser, place: Site, path: str
) -> None:
    reason = f"power failure seen on {path}"
    with place.visitor() as visitor, followed(browser, place, path) as page:
        form = {"csrf": place.csrf(visitor), "line": "tty", "reason_en": reason}
        assert visitor.post("/en/disruptions", data=form | {"action": "announce"}).status_code == SEE_OTHER
        going_on = page.locator("#live .disruption:not(.over-now)", has_text="reported by staff")
        going_on.wait_for(timeout=SOON)
        assert (page.evaluate(LEFT), page.evaluate(FOCUS)) == (page.evaluate(LABELS), 0)
        address = named(visitor, reason)
        assert visitor.post(address, data=form | {"action": "end"}).status_code == SEE_OTHER
        going_on.wait_for(state="detached", timeout=SOON)
        assert (page.evaluate(LEFT), page.evaluate(FOCUS)) == (page.evaluate(LABELS), 0)


def named(visitor: httpx.Client, reason: str) -> str:
    """The address of the disruption that was announced with this reason."""
    part = visitor.get("/en/disruptions").text.partition(reason)[2]
    return part.partition('<a class="button" href="')[2].partition('"')[0]


def test_a_notice_that_a_reader_opened_stays_open_while_the_page_follows(browser: Browser, place: Site) -> None:
    with followed(browser, place, "/en/") as page:
        page.locator("#live details.disruption summary").first.click()
        page.evaluate("delete document.documentElement.dataset.updated")
        page.wait_for_selector("html[data-updated]", timeout=SOON)
        assert page.locator("#live details.disruption").first.evaluate("x => x.open")
