"""The worklist in a browser: how much of it is seen at once, and where the focus goes when an entry leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from callmon.store import opening
from docs.source.photographs import places
from docs.source.photographs.documents import HOUR, zone
from docs.source.photographs.places import Seen
from tests.browser.test_pages_seen import shown
from tests.pages.test_pages import POCI, act
from tests.support.pages_daemon import Site, person, site
from tests.support.store_fixtures import answered_call, outcomes, wrote

pytestmark = pytest.mark.lab
SOON = 60_000  # milliseconds
ROW = "#r-toronto-{}".format
SEEN = """[...document.querySelectorAll('[data-row]')]
  .filter(row => row.getBoundingClientRect().bottom <= innerHeight).length"""
FOCUS = "document.activeElement.closest('tr')?.id"


def afternoon() -> dict[str, str]:
    """It is 2 p.m. at the site whenever the test runs, so that the day's calls and callbacks are today's."""
    now = datetime.now(UTC)
    return {"timezone": f'"{zone(now)}"', "hours": places.hours(now.replace(hour=HOUR), is_open=True)}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The day that is photographed: fifteen entries; and one call of a month before, whatever the date."""
    full = places.place(tmp_path_factory.mktemp("full"), "full", None, **afternoon())
    store = opening.open_for_writing(full.settings())
    wrote(store, *outcomes(answered_call(1, datetime.now(UTC) - timedelta(days=40))))
    store.close()
    with places.seen(full) as seen:
        yield seen


@pytest.fixture
def full(day: Seen) -> Site:
    return day.site


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same day while calls come in, with three disruptions."""
    with places.exchange() as exchange:
        day = places.place(
            tmp_path_factory.mktemp("heard"), "heard", exchange, places.ROLES + places.TARGETS, **afternoon()
        )
        with places.seen(day) as seen:
            places.announce(seen)
            yield seen.site


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Site]:
    with site(tmp_path) as running:
        yield running


@pytest.mark.parametrize("path", ["/fr/rappels", "/en/callbacks"])
def test_fifteen_entries_are_seen_at_once_on_a_laptop(browser: Browser, full: Site, path: str) -> None:
    with shown(browser, full, path, width=1280, height=800) as page:
        assert page.evaluate(SEEN) == 15


@pytest.mark.parametrize(("width", "is_seen"), [(360, False), (1280, True)])
def test_the_filters_are_folded_on_a_telephone_alone(
    browser: Browser, full: Site, width: int, is_seen: bool
) -> None:
    with shown(browser, full, "/fr/rappels", width=width, height=640) as page:
        assert (page.locator("#f-line").is_visible(), page.locator(".folded summary").is_visible()) == (
            is_seen,
            not is_seen,
        )
    with shown(browser, full, "/fr/rappels?ligne=poci", width=width, height=640) as page:
        assert page.locator("#f-line").is_visible()  # a filter that is in force is seen


LONG = """() => { for (const row of document.querySelectorAll('[data-row]')) {
  const cells = row.cells;
  cells[2].append(' (avec un titre de ligne aussi long que celui-ci)');
  cells[5].textContent = '12 (mer. 11 h 45)';
  cells[6].textContent = 'marie-francoise.delacroix-tremblay-beauchamp'; } }"""


@pytest.mark.parametrize("width", [1000, 1280])
def test_the_last_columns_are_seen_when_the_others_have_long_texts(
    browser: Browser, full: Site, width: int
) -> None:
    with shown(browser, full, "/fr/rappels", width=width, height=800) as page:
        page.evaluate(LONG)
        table, region = (
            page.locator(x).evaluate("x => x.getBoundingClientRect().right")
            for x in (".worklist", ".scroll:has(.worklist)")
        )
        assert table <= region


def focused(page: Page, entry: str, part: str) -> None:
    page.locator(f"{ROW(entry)} {part}").focus()


def test_the_focus_goes_to_the_next_entry_when_a_colleague_closes_its_own(browser: Browser, place: Site) -> None:
    rows = [ROW(x) for x in ("1700000001-0", "1700000003-0", "1700000004-0")]
    with shown(browser, place, "/fr/rappels") as page:
        focused(page, "1700000003-0", "button")
        act(place, POCI, action="close", reason="no-request")
        page.wait_for_selector(rows[1], state="detached", timeout=SOON)
        assert (page.evaluate(FOCUS), page.evaluate("document.activeElement.tagName")) == (rows[2][1:], "A")
        act(place, "1700000004.0", action="close", reason="no-request")
        page.wait_for_selector(rows[2], state="detached", timeout=SOON)
        assert page.evaluate(FOCUS) == rows[0][1:]  # there is none after it
        act(place, "1700000001.0", action="close", reason="no-request")
        page.wait_for_selector(rows[0], state="detached", timeout=SOON)
        assert page.evaluate("document.activeElement.id") == "main"


def test_a_focused_button_keeps_its_meaning_when_a_colleague_takes_it(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/fr/rappels") as page:
        focused(page, "1700000003-0", "button")
        act(place, "1700000001.0", person("b.dion", "agents"), action="take")
        act(place, POCI, person("b.dion", "agents"), action="take")
        page.wait_for_selector(f"{ROW('1700000001-0')} >> text=b.dion", timeout=SOON)
        act(place, "1700000004.0", person("b.dion", "agents"), action="take")
        page.wait_for_selector(f"{ROW('1700000004-0')} >> text=b.dion", timeout=SOON)
        assert re.match("Prendre", page.locator(f"{ROW('1700000003-0')} button").inner_text())
        assert page.evaluate(FOCUS) == "r-toronto-1700000003-0"
        focused(page, "1700000001-0", "button")
        act(place, "1700000004.0", action="release")
        page.wait_for_selector(f"{ROW('1700000003-0')} >> text=b.dion", timeout=SOON)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("/fr/", ["Prendre en charge", "Afficher le numéro", "Pas de réponse"]),
        ("/en/", ["Take in hand", "Show the number", "I left a message"]),
    ],
)
def test_four_clicks_lead_from_an_overdue_entry_on_now_to_its_result(
    browser: Browser, full: Site, path: str, steps: list[str]
) -> None:
    with shown(browser, full, path) as page:
        page.locator(".pressing a:has(.over)").first.click()
        page.wait_for_url(re.compile(r"/(rappels|callbacks)/17"))
        first = page.url.partition("?")[0]
        clicks = 1
        for step in steps:
            page.locator(".steps").get_by_role("button", name=step).click()
            page.wait_for_load_state()
            clicks += 1
        assert (page.url.partition("?")[0], page.get_by_role("status").first.is_visible()) == (first, True)
        assert clicks == 4
        with full.visitor(person("a.cote", "agents")) as visitor:
            form = {"csrf": full.csrf(visitor), "action": "release"}
            ends = {"/fr/": "/consigner", "/en/": "/record"}[path]
            visitor.post(first + ends, data=form)


def test_the_field_to_correct_has_the_focus_and_is_seen(browser: Browser, full: Site) -> None:
    with shown(browser, full, "/en/callbacks") as page:
        page.locator("#g-later th a").first.click()
        page.get_by_text("More:").click()
        page.check("#x-otherwise")
        page.get_by_role("button", name="Close the entry").click()
        page.wait_for_selector("#refused")
        page.wait_for_function("document.activeElement.id === 'close-text'")
        assert (page.locator("#close-text").is_visible(), page.is_checked("#x-otherwise")) == (True, True)


def test_enter_in_the_time_of_a_call_records_nothing(browser: Browser, full: Site) -> None:
    with shown(browser, full, "/en/callbacks") as page:
        page.locator("#g-later th a").first.click()
        page.get_by_text("The call was not just now").click()
        before = page.url
        page.locator("#when").press("Enter")
        page.get_by_role("button", name="Show the number").click()
        page.wait_for_selector("a[href^='tel:']")
        assert page.locator("#refused, [role=status]:visible").count() == 0
        assert before.partition("?")[0] in page.url


@pytest.mark.parametrize("path", ["/fr/", "/en/"])
def test_the_first_screen_of_now_has_the_lines_the_rates_and_the_callbacks(
    browser: Browser, full: Site, path: str
) -> None:
    parts = {".lines tbody tr": 6, ".rates tbody tr": 4, ".pressing li": 1, "dl.figures > div": 4}
    with shown(browser, full, path, width=1280, height=800) as page:
        for selector, least in parts.items():
            ends = page.evaluate(
                "(x) => [...document.querySelectorAll(x)].map(y => y.getBoundingClientRect().bottom)", selector
            )
            assert (selector, len(ends) >= least, max(ends) <= 800) == (selector, True, True)
        assert page.locator(".rates thead th").count() == 3


BOTTOM = "(x) => Math.max(...[...document.querySelectorAll(x)].map(y => y.getBoundingClientRect().bottom))"


@pytest.mark.parametrize("path", ["/fr/", "/en/"])
def test_a_telephone_shows_all_six_lines_and_callbacks_unscrolled(
    browser: Browser, heard: Site, path: str
) -> None:
    with shown(browser, heard, path, width=360, height=640) as page:
        page.wait_for_selector(".lines .dots", timeout=SOON)
        assert page.locator(".lines tbody tr").count() == 6
        assert page.locator(".disruption").count() == 3
        assert page.evaluate(BOTTOM, ".lines tbody tr") <= 640
        assert page.evaluate(BOTTOM, "dl.figures > div") <= 800  # on a long telephone


@pytest.mark.parametrize("path", ["/fr/", "/en/"])
def test_the_rates_of_a_quiet_moment_are_seen_too(browser: Browser, full: Site, path: str) -> None:
    with shown(browser, full, path, width=360, height=740) as page:
        assert page.locator(".rates tbody tr").count() == 4
        assert page.evaluate(BOTTOM, ".rates tbody tr") <= 740


NUMBERS_SEEN = """() => {
    const scroller = document.querySelector('.scroll:has(> .halves:not(.causes))').getBoundingClientRect();
    const numbers = [...document.querySelectorAll('.halves:not(.causes) text[text-anchor=end]')];
    const places = numbers.filter(x => /^\\d+$/.test(x.textContent)).map(x => [x, x.getBoundingClientRect()]);
    const seen = places.filter(([_, x]) => scroller.left <= x.left && x.right <= scroller.right);
    return [...new Set(seen.map(([x, _]) => x.textContent))].length;
}"""


def test_a_telephone_shows_a_charts_numbers_beside_its_first_hours(browser: Browser, full: Site) -> None:
    with shown(browser, full, "/fr/", width=320, height=640) as page:
        drawn = page.locator(".halves:not(.causes) .grid").count()
        assert page.evaluate(NUMBERS_SEEN) >= drawn > 0


def test_a_telephone_shows_all_months_of_the_chart_with_their_axis(browser: Browser, full: Site) -> None:
    with shown(browser, full, "/fr/mois", width=320, height=640) as page:
        drawing = page.locator(".on-narrow > .halves")
        assert drawing.evaluate("x => x.getBoundingClientRect().right <= innerWidth")
        axis = drawing.locator("text[text-anchor=end]").first
        assert axis.evaluate("x => [x.textContent, x.getBoundingClientRect().left >= 0]") == ["0 %", True]


@pytest.mark.parametrize("path", ["/fr/", "/fr/mural", "/fr/rappels", "/en/wall", "/en/callbacks"])
def test_no_table_is_cut_at_320_pixels(browser: Browser, heard: Site, path: str) -> None:
    with shown(browser, heard, path, width=320, height=640) as page:
        page.wait_for_selector(".scroll:has(table)")
        cut = "regions => regions.filter(x => x.checkVisibility() && x.scrollWidth > x.clientWidth).length"
        assert page.locator(".scroll:has(table)").evaluate_all(cut) == 0


@pytest.mark.parametrize(("path", "names"), [("/fr/mural", ["POCI", "OINP"]), ("/en/wall", ["OINP", "POCI"])])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_no_row_of_the_wall_is_twice_as_high_as_another_and_none_is_cut(
    browser: Browser, heard: Site, path: str, names: list[str], width: int, height: int
) -> None:
    with shown(browser, heard, path, width=width, height=height) as page:
        page.wait_for_selector(".services .dots", timeout=SOON)
        rows = page.locator(".services tbody tr")
        heights = rows.evaluate_all("rows => rows.map(row => row.getBoundingClientRect().height)")
        assert (len(heights), max(heights) < 2 * min(heights)) == (3, True)
        assert rows.last.locator("th").inner_text().split() == names
        assert page.locator(".scroll").evaluate("x => x.scrollWidth <= x.clientWidth")
        texts = page.locator("#live :is(td, dd)").all_inner_texts()
        assert [x for x in texts if x in ("", "n. d.", "s. o.", "n/a", "not available")] == []


def test_the_pulse_of_the_wall_beats_with_the_news_and_stops_with_them(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/fr/mural", width=1920, height=1080) as page:
        for beat in ("1", "0", "1"):
            page.wait_for_selector(f"body[data-beat='{beat}']", timeout=15_000)  # nothing new is news, too
        dot = "getComputedStyle(document.querySelector('.clock'), '::after').width"
        assert page.evaluate(dot) == "18px"
        place.stop()
        page.wait_for_selector("[data-stale]:not([hidden])", timeout=SOON)
        last = page.evaluate("document.body.dataset.beat")
        page.wait_for_timeout(2500)
        assert page.evaluate("document.body.dataset.beat") == last


HATCH = """(x) => { const shape = document.querySelector(x), fill = getComputedStyle(shape).fill;
  return document.querySelector(fill.slice(5, -2)).innerHTML }"""


def test_the_key_of_a_measuring_gap_is_drawn_as_the_gap(browser: Browser, day: Seen) -> None:
    call = f"/en/calls/toronto/{day.names['call.gap']}"
    for path, drawing in (("/en/", ".halves rect.gap"), (call, ".story rect.gap")):
        with shown(browser, day.site, path) as page:
            assert page.evaluate(HATCH, drawing) == page.evaluate(HATCH, ".key .gap")
