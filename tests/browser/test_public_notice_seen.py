"""The public notice in a browser and before the Nu validator; its preview, and its copy by a button."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.test_pages_seen import OVERFLOW, TOO_SMALL, shown, wrong
from tests.lab import vnu
from tests.lab.browser import Colours, opened, violations
from tests.lab.needed import needed
from tests.pages.test_pages import tell
from tests.support.pages_daemon import Site
from tests.unit.test_public_notice import PAGES, WHOLE, WORK, disruption, files

pytestmark = pytest.mark.lab
STATES: Mapping[str, dict[str, str]] = {
    "some": files(disruption(notice=WHOLE), disruption(id="x"), WORK),
    "nothing": files(),
    "unheard": files(is_heard=False),
    "unheard, some": files(disruption(notice=WHOLE), is_heard=False),
}
EACH = [(state, name) for state in STATES for name in PAGES.values()]
FORM = {"action": "announce", "line": "tty", "reason_fr": "panne", "reason_en": "failure", "lasts": "2"}
PATHS = {"fr": "/fr/perturbations", "en": "/en/disruptions"}
FOCUS = "document.activeElement.id"


def test_the_published_pages_are_valid_in_each_state() -> None:
    with needed("browser"):
        assert vnu.wrong({f"{state} {name}": STATES[state][name] for state, name in EACH}) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize(("state", "name"), EACH)
def test_axe_finds_nothing_on_a_published_page(browser: Browser, state: str, name: str, colours: Colours) -> None:
    with opened(browser, STATES[state][name], colours=colours) as page:
        assert violations(page) == []
        assert page.evaluate(TOO_SMALL) == []


@pytest.mark.parametrize("name", PAGES.values())
def test_a_published_page_is_whole_on_a_telephone_without_script(browser: Browser, name: str) -> None:
    with opened(browser, STATES["some"][name], width=320, height=640, script=False) as page:
        assert page.get_by_role("heading", level=3).count() == 3
    with opened(browser, STATES["some"][name], width=320, height=640) as page:
        assert page.evaluate(OVERFLOW) == 0


def test_each_published_page_leads_to_its_twin(browser: Browser) -> None:
    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        route.fulfill(body=STATES["some"][name], content_type="text/html")

    with opened(browser, "<p></p>") as page:
        page.route("http://notice.test/*", serve)
        page.goto(f"http://notice.test/{PAGES['fr']}")
        for language, link in (("en", "English"), ("fr", "Français")):
            page.get_by_role("link", name=link).click()
            assert (page.url, page.evaluate("document.documentElement.lang")) == (
                f"http://notice.test/{PAGES[language]}", language,
            )  # fmt: skip


# The form.


def fill(page: Page, place: Site, language: str) -> None:
    """The form of a new disruption, without the chosen line."""
    page.goto(place.address + PATHS[language])
    page.locator("main summary").first.click()
    page.locator("#a-reason_fr").fill("panne")
    page.locator("#a-start").fill("2026-11-24T09:12")


@pytest.mark.parametrize(
    ("language", "preview", "copy", "copied"),
    [
        ("fr", "Aperçu de l’avis", "Copier le texte anglais", "Copié."),
        ("en", "Preview of the notice", "Copy the English text", "Copied."),
    ],
)
def test_a_notice_is_corrected_previewed_and_copied(
    browser: Browser, place: Site, language: str, preview: str, copy: str, copied: str
) -> None:
    with shown(browser, place, PATHS[language]) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        fill(page, place, language)
        page.locator("#a-reason_fr").press("Enter")  # previews, and announces nothing
        page.wait_for_selector("#refused")
        assert (page.evaluate(FOCUS), page.locator("#a-start").input_value()) == ("a-line", "2026-11-24T09:12")
        assert wrong(page) == []
        page.keyboard.press("Space")  # the focus is on the first line
        page.locator("#a-reason_en").fill("failure")
        page.get_by_role("button", name=preview).first.click()
        page.wait_for_selector("#preview")
        assert (page.evaluate(FOCUS), wrong(page), page.evaluate(TOO_SMALL)) == ("preview", [], [])
        page.get_by_role("button", name=copy).click()
        page.wait_for_selector(f"text={copied}")
        text = page.evaluate("navigator.clipboard.readText()").replace("\u202f", " ").replace("\xa0", " ")
        assert text.splitlines() == [
            "Temporary disruption of the telephone service",
            "Lines affected: General inquiries, Toronto (416-327-2422)",
            "Start: Tuesday 24 November 2026, 9:12 a.m.", "Reason: failure", "Expected end: not announced yet",
            "Alternative: not announced yet",
        ]  # fmt: skip
        assert page.evaluate("getSelection().toString()").split() == text.split()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_preview_reflows_and_is_text_to_select_without_script(
    browser: Browser, place: Site, language: str
) -> None:
    for script in (True, False):
        with shown(browser, place, PATHS[language], width=320, height=640, script=script) as page:
            fill(page, place, language)
            page.locator("#a-line").check()
            page.locator("form button[name=preview]").first.click()
            page.wait_for_selector("#preview")
            assert (page.locator("[data-copy]:visible").count(), page.locator("#public-en").is_visible()) == (
                2 if script else 0, True,
            )  # fmt: skip
            if script:
                assert page.evaluate(OVERFLOW) == 0


def test_the_forms_are_valid_when_refused_and_previewed(place: Site) -> None:
    found = {}
    for language, path in PATHS.items():
        one = tell(place, path, **FORM).request.url.path
        found |= {
            f"refused {language}": tell(place, path, action="plan", line="tty").text,
            f"preview {language}": tell(place, path, preview="1", **FORM).text,
            f"one {language}": tell(place, one, preview="1", action="announce", reason_en="x").text,
            f"one refused {language}": tell(place, one, action="end", when="2099-01-01T10:00").text,
        }
    with needed("browser"):
        assert vnu.wrong(found) == []
