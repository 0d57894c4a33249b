"""The pages as eyes and hands meet them: axe-core, keyboard, reflow, zoom, targets, forced colours, no script.

Each page in both languages, light and dark, in Debian's Chromium; and faults that are planted, to see that they
are caught.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from callmon.text.labels import LANGUAGES
from docs.source.photographs.subjects import Act, at, make, press, refused_close
from tests.lab.browser import Colours, opened, violations
from tests.pages.test_pages import FIRST, addresses
from tests.support.pages_daemon import EVERYTHING, Site, site

NIGHT = 3  # o'clock; the place's morning began two hours ago
TARGET = 24  # CSS pixels: WCAG 2.2, 2.5.8
pytestmark = pytest.mark.lab

# What eyes see: text of one letter, an arrow; axe leaves it undecided. Contrast is in `test_the_colours_…`.
# A column of a chart may be narrow where the table below has the same link (2.5.8, equivalent).
TOO_SMALL = """() => [...document.querySelectorAll('a, button, input, select, summary, textarea')]
  .filter(x => !(x.matches('svg a') && [...document.querySelectorAll('td a')].some(y =>
    y.getAttribute('href') === x.getAttribute('href'))))
  .filter(x => x.type !== 'hidden' && x.checkVisibility())
  .filter(x => !x.matches('.skip') && !(x.matches('a') && x.closest('p, dd, li, td, th, h3, blockquote')
    && x.parentElement.textContent.trim() !== x.textContent.trim()))
  .map(x => { const label = (x.type === 'radio' || x.type === 'checkbox') ? x.closest('.choice') : x;
    return [x, label.getBoundingClientRect()] })
  .filter(([, r]) => r.width < 24 || r.height < 24)
  .map(([x, r]) => `${x.outerHTML.slice(0, 80)} ${r.width}x${r.height}`)"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNTIL = re.compile(r'data-until="[0-9.]+"')
UNFOLD = "document.querySelectorAll('details').forEach(x => { x.open = true })"


@contextmanager
def shown(browser: Browser, place: Site, path: str, **how: object) -> Iterator[Page]:
    """A page as somebody with every role sees it."""
    with opened(browser, "<p></p>", **how) as page:  # type: ignore[arg-type]  # what `opened` takes
        page.set_extra_http_headers(EVERYTHING)
        page.goto(place.address + path)
        yield page


def wrong(page: Page) -> list[str]:
    """What axe is sure of; what it leaves to eyes is looked at by the tests beside."""
    return [line for line in violations(page) if not line.startswith("undecided")]


def each(browser: Browser, place: Site, look: Callable[[Page], list[str]], **how: object) -> list[str]:
    """What `look` finds wrong, page by page, in both languages; what is folded is unfolded first."""
    with shown(browser, place, "/fr/", **how) as page:
        found = []
        for path in (*addresses("fr", place), *addresses("en", place)):
            page.goto(place.address + path)
            page.evaluate(UNFOLD)
            found += [f"{path}: {what}" for what in look(page)]
        return found


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser: Browser, place: Site, colours: Colours) -> None:
    assert each(browser, place, wrong, colours=colours) == []


@pytest.mark.parametrize(
    "how", [{"width": 320, "height": 640}, {"width": 1280, "height": 800, "zoom": 2}], ids=["320 pixels", "200 %"]
)
def test_no_page_scrolls_sideways(browser: Browser, place: Site, how: dict[str, float]) -> None:
    def look(page: Page) -> list[str]:
        over = page.evaluate(OVERFLOW)
        return [f"{over} px"] if over > 0 else []

    assert each(browser, place, look, **how) == []


def test_the_longest_time_of_day_fits_the_wall_of_a_telephone(browser: Browser, place: Site) -> None:
    """The next callback's time is set to the widest text that any hour gives."""
    longest = "\N{BLACK UP-POINTING TRIANGLE} 24 Nov 12:48\N{NO-BREAK SPACE}p.m."
    with shown(browser, place, "/en/wall", width=320, height=640) as page:
        page.evaluate(
            "text => { document.querySelectorAll('.big:last-of-type dd')[1].textContent = text }",
            longest,
        )
        assert page.evaluate(OVERFLOW) == 0


@pytest.mark.parametrize("path", ["/fr/", "/en/", "/fr/appels", "/en/calls"])
def test_a_tablet_shows_every_column_of_lines_and_calls(browser: Browser, place: Site, path: str) -> None:
    with shown(browser, place, path, width=768, height=1024) as page:
        whole, seen = page.evaluate(
            "(x => [x.scrollWidth, x.clientWidth])(document.querySelector(':is(.lines, .calls)').parentElement)"
        )
        assert whole == seen


def test_a_telephone_shows_the_chart_of_the_day_up_to_now(browser: Browser, place: Site) -> None:
    """Seven tenths of the day have passed in the page that it gets, whatever the hour."""

    def seven_tenths(route: Route) -> None:
        text = route.fetch().text()
        assert len(UNTIL.findall(text)) == 1
        route.fulfill(body=UNTIL.sub('data-until="0.7"', text), content_type="text/html")

    with opened(browser, "<p></p>", width=360, height=640) as page:
        page.set_extra_http_headers(EVERYTHING)
        page.route("**/en/", seven_tenths)
        page.goto(place.address + "/en/")
        whole, end = page.evaluate(
            "(x => [x.scrollWidth, x.scrollLeft + x.clientWidth])(document.querySelector('[data-until]'))"
        )
        assert (page.viewport_size, round(end)) == ({"width": 360, "height": 640}, round(0.7 * whole))


# WCAG 1.4.12: the reader's own spacing. What is hidden from sight but read aloud has one pixel.
SPACED = """*, *::before, *::after { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"""
READERS_STYLE = """css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet]; }"""
CUT = """() => [...document.querySelectorAll('body *')].filter(x => {
    const text = [...x.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(x);
    const isCut = ['hidden', 'clip'].some(way => style.overflowX === way || style.overflowY === way);
    return text && isCut && style.clipPath === 'none' && x.clientWidth > 1 && x.checkVisibility()
      && (x.scrollWidth > x.clientWidth + 1 || x.scrollHeight > x.clientHeight + 1); })
  .map(x => `cut: ${x.outerHTML.slice(0, 90)}`)"""


def cut_when_spaced(page: Page) -> list[str]:
    page.evaluate(READERS_STYLE, SPACED)
    over = page.evaluate(OVERFLOW)
    return [*([f"{over} px"] if over > 0 else []), *page.evaluate(CUT)]


def test_with_wide_spacing_no_page_scrolls_sideways_or_cuts_text(browser: Browser, place: Site) -> None:
    assert each(browser, place, cut_when_spaced) == []


def test_a_text_that_wide_spacing_cuts_is_caught(browser: Browser, place: Site) -> None:
    fault = "h1 { width: 8rem; height: 1.5rem; overflow: hidden; white-space: nowrap }"
    with planted(browser, place, "/fr/rappels", fault) as page:
        assert [reported.partition(">")[0] for reported in cut_when_spaced(page)] == ["cut: <h1"]


def test_every_target_is_24_pixels_at_least(browser: Browser, place: Site) -> None:
    assert each(browser, place, lambda page: list(page.evaluate(TOO_SMALL))) == []


def test_every_control_is_reached_by_tab_both_ways_with_visible_focus(browser: Browser, place: Site) -> None:
    """Each stop is seen, none is missing but the other radio buttons."""
    assert each(browser, place, not_reached) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_control_of_what_an_act_shows_is_reached(browser: Browser, place: Site, language: str) -> None:
    """A number; a form that was refused; a preview; a report; a token; axe finds nothing there either."""
    acts: dict[str, tuple[Mapping[str, str], Act]] = {
        "number": (at("callback", id=FIRST), press('form[action*="num"] button')),
        "refused": (at("callback", id=FIRST), refused_close),
        "announcement": (at("disruptions"), unready(press("details[open] button.main"))),
        "preview": (at("disruptions"), unready(previewed)),
        "report": (at("month", month=place.month), make("html")),
        "token": (at("tokens"), with_token(f"desk-{language}")),
        "refused token": (at("tokens"), with_token("Desk")),
    }
    found = {}
    for name, (paths, act) in acts.items():
        with shown(browser, place, paths[language]) as page:
            act(page)
            page.evaluate(UNFOLD)
            found[name] = [*wrong(page), *not_reached(page)]
    assert {name: reported for name, reported in found.items() if reported} == {}


def with_token(name: str) -> Act:
    def act(page: Page) -> None:
        page.fill("#name", name)
        press("main button.main")(page)
        page.wait_for_selector("#secret, #refused")

    return act


def unready(then: Act) -> Act:
    """The form of a new disruption is unfolded first."""

    def act(page: Page) -> None:
        page.locator("main summary").first.click()
        then(page)

    return act


def previewed(page: Page) -> None:
    page.check("#a-line")
    page.fill("#a-reason_fr", "panne")
    press("form button[name=preview]")(page)
    page.wait_for_selector("#preview")


# Kept as elements: an update may put others before them, or take one away. A column of a chart that leads where a
# link of its table leads is no stop.
STOPS = """() => { const links = [...document.querySelectorAll('a[href]')].filter(x => x.tabIndex >= 0);
  const has = x => x.tabIndex < 0 && links.some(y => y.getAttribute('href') === x.getAttribute('href'));
  window.wanted = new Set([...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]):not([type=radio]), select, textarea, summary, [tabindex="0"]')]
  .filter(x => x.checkVisibility() && !has(x))); return wanted.size }"""
STOP = """() => { const x = document.activeElement, s = getComputedStyle(x); wanted.delete(x);
  return [x.outerHTML.slice(0, 90), s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
    x === document.body || x === document.documentElement]; }"""
MISSED = "() => [...wanted].filter(x => x.isConnected && x.checkVisibility()).map(x => x.outerHTML.slice(0, 90))"


def not_reached(page: Page) -> list[str]:
    """Controls that Tab does not reach, forth and back, and stops whose focus is not seen."""
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")  # a field may have had it
    return [f"{key} {reported}" for key in ("Tab", "Shift+Tab") for reported in _not_reached(page, key)]


def _not_reached(page: Page, key: str) -> list[str]:
    wanted, unseen = page.evaluate(STOPS), []
    for _ in range(3 * wanted + 20):  # a date has several stops
        page.keyboard.press(key)
        reported, is_seen, is_over = page.evaluate(STOP)
        if is_over:
            break
        if not is_seen:
            unseen.append(f"not seen: {reported}")
    return [*unseen, *(f"not reached: {reported}" for reported in page.evaluate(MISSED))]


def test_the_skip_link_comes_first_and_leads_to_the_content(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/fr/rappels") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_in_forced_colours_nothing_is_reported_by_a_background_alone(browser: Browser, place: Site) -> None:
    """The bar of a rate, the place in the menu, a hatched strip keep an edge."""
    with shown(browser, place, "/fr/", forced_colours=True) as page:
        page.wait_for_selector("#live .strip")
        edges = page.evaluate(
            """['.strip', '.top [aria-current]']
              .map(x => getComputedStyle(document.querySelector(x)).borderBottomStyle)"""
        )
        assert [edge for edge in edges if edge == "none"] == []
        fills = page.evaluate(
            """['.bar .whole', '.bar .part'].map(x => document.querySelector(x))
              .map(x => x && getComputedStyle(x).fill)"""
        )
        # By night the calls came before midnight: there is no rate of today's yet.
        is_night = datetime.now(place.settings().timezone).hour < NIGHT
        assert None not in fills or is_night
        assert None in fills or fills[0] != fills[1]


def test_a_number_that_somebody_asked_for_is_not_on_paper(browser: Browser, place: Site) -> None:
    with shown(browser, place, at("callback", id=FIRST)["fr"]) as page:
        press('form[action*="num"] button')(page)
        assert page.locator(".phone").is_visible()
        page.emulate_media(media="print")
        assert page.locator(".phone").is_hidden()


def test_without_script_everything_is_read_and_a_callback_is_taken_in_hand(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/en/callbacks", script=False, width=360, height=700) as page:
        page.get_by_role("button", name="Take in hand").first.click()
        page.get_by_role("button", name="Release the entry").first.click()
        page.locator(".worklist th a").first.click()
        page.get_by_role("button", name="Show the number").click()
        assert page.locator("a[href^='tel:']").count() == 1


def test_a_colleagues_act_appears_on_a_page_that_is_open(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/fr/rappels") as mine, shown(browser, place, "/en/callbacks") as theirs:
        mine.get_by_role("button", name="Prendre").first.click()
        theirs.wait_for_selector("td:text-is('m.tremblay')", timeout=60000)
        mine.get_by_role("button", name="Libérer").first.click()
        theirs.wait_for_selector("td:text-is('m.tremblay')", state="detached", timeout=60000)


def test_a_page_that_is_fed_no_longer_says_since_when(browser: Browser, tmp_path: Path) -> None:
    with site(tmp_path) as running, shown(browser, running, "/fr/mural") as page:
        page.wait_for_timeout(2500)
        assert page.locator("[data-stale]").is_hidden()
        running.stop()
        page.wait_for_selector("[data-stale]:not([hidden])", timeout=60000)
        assert re.match(r"■ Page figée depuis \d\d h \d\d", page.locator("[data-stale]").inner_text())


def test_the_wall_is_read_from_three_metres(browser: Browser, place: Site) -> None:
    """On a screen of 1920 by 1080 pixels all is seen, nothing under 24 px, its key figures with 64 px or more."""
    sizes = """() => [...document.querySelectorAll('#live *')]
      .filter(x => [...x.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
      .map(x => parseFloat(getComputedStyle(x).fontSize))"""
    for path in ("/fr/mural", "/en/wall"):
        with shown(browser, place, path, width=1920, height=1080) as page:
            page.wait_for_selector("#live .big dd")
            assert min(page.evaluate(sizes)) >= 24
            assert page.evaluate("document.documentElement.scrollHeight") == 1080
            figures = page.evaluate(sizes.replace("#live *", ".big dd:not(.more)"))
            assert (min(figures) >= 64, len(figures) <= 9) == (True, True)


@pytest.mark.parametrize("path", ["/fr/mural", "/en/wall"])
def test_the_wall_fits_a_window_of_1280_by_800(browser: Browser, place: Site, path: str) -> None:
    with shown(browser, place, path, width=1280, height=800) as page:
        page.wait_for_selector("#live .big dd")
        assert page.evaluate("document.documentElement.scrollHeight") == 800


# Colours: axe leaves text over a pattern undecided; here each pair is reckoned.


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def palettes(style: str) -> list[dict[str, str]]:
    return [
        dict(re.findall(r"--([\w-]+): (#\w{6});", part))
        for part in style.split("@media (prefers-color-scheme: dark)")
    ]


STYLE = (Path(__file__).parents[2] / "callmon" / "web" / "static" / "callmon.css").read_text(encoding="utf-8")


def too_faint(style: str) -> list[str]:
    """Text under 4.5 : 1, edges under 3 : 1."""
    found = []
    for palette in palettes(style.partition("@media print")[0]):
        for text in ("ink", "quiet", "normal", "soon", "over"):
            found += [
                f"{text} on {ground}"
                for ground in ("paper", "field")
                if contrast(palette[text], palette[ground]) < 4.5
            ]
        if contrast(palette["on-normal"], palette["normal"]) < 4.5:
            found.append("on-normal")
        if contrast(palette["edge"], palette["paper"]) < 3:
            found.append("edge")
    return found


def test_the_colours_of_both_themes_are_distinguished_from_their_grounds() -> None:
    assert len(palettes(STYLE)) == 2
    assert too_faint(STYLE) == []


# Planted faults.


@contextmanager
def planted(browser: Browser, place: Site, path: str, fault: str, **how: object) -> Iterator[Page]:
    """A page whose style sheet has a fault."""
    with opened(browser, "<p></p>", **how) as page:  # type: ignore[arg-type]  # what `opened` takes
        page.set_extra_http_headers(EVERYTHING)
        page.route(
            "**/static/callmon.css", lambda route: route.fulfill(body=STYLE + fault, content_type="text/css")
        )
        page.goto(place.address + path)
        yield page


def test_a_colour_that_is_too_faint_is_caught(browser: Browser, place: Site) -> None:
    assert too_faint(STYLE.replace("--quiet: #5b6472", "--quiet: #a0a8b4")) == ["quiet on paper", "quiet on field"]
    with planted(browser, place, "/fr/normes", "main p { color: #aaa !important }") as page:
        assert {line.partition(":")[0] for line in wrong(page)} == {"color-contrast"}


def test_a_field_without_its_label_is_caught(browser: Browser, place: Site) -> None:
    with shown(browser, place, "/fr/appels") as page:
        page.evaluate("document.querySelector('label[for=f-day]').remove()")
        assert [line.partition(":")[0] for line in wrong(page)] == ["label"]


def test_what_is_too_wide_too_small_or_has_no_focus_is_caught(browser: Browser, place: Site) -> None:
    fault = (
        "main { width: 30rem } button { height: 12px !important; min-height: 0 !important; padding: 0 !important }"
    )
    with planted(browser, place, "/fr/rappels", fault, width=320, height=640) as page:
        assert page.evaluate(OVERFLOW) > 0
        assert page.evaluate(TOO_SMALL) != []
    with planted(browser, place, "/fr/rappels", ":focus-visible { outline: none !important }") as page:
        assert not_reached(page) != []
