"""The documentation as a site (`make docs`): no warning, every page, no other host, both languages."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser

from dashboards.source.drawn import served
from tests.lab.browser import opened, violations
from tests.support.daemon_process import ROOT
from tests.unit.test_project import FRONT_PAGES, WRITTEN

pytestmark = pytest.mark.lab  # it installs Sphinx
LINK = re.compile(r'<a [^>]*?href="([^"]+)"')
LOADED = re.compile(r'<(?:link|script|img)[^>]*? (?:href|src)="([^"]+)"')
OTHER = re.compile(r"[a-z]+:|//")
FRENCH = ("LISEZMOI.html", "recherche.html")
ENGLISH = re.compile(
    r"Please activate|Toggle |Skip to|Search|Back to top|>Next<|>Previous<|>Home<|On this page|Made with"
)
PAGES = [*FRONT_PAGES, "docs/en/index.md", "docs/fr/index.md", "docs/fr/how-to/runbook.md"]
PAGES += ["docs/en/reference/settings.md", "docs/fr/reference/standards.md"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([ROOT / ".ci/docs", sys.executable, folder], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # Sphinx prints each warning
    return folder


def texts(site: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(site.rglob("*.html")):
        yield path, path.read_text(encoding="utf-8")


def test_every_page_of_the_documentation_is_in_the_site_and_in_its_menu(site: Path) -> None:
    pages = [path.relative_to(ROOT).with_suffix(".html") for path in WRITTEN]
    assert [str(page) for page in pages if not (site / page).is_file()] == []
    front = (site / "index.html").read_text(encoding="utf-8")
    menu = set(re.findall(r'<li class="toctree-l\d[^>]*><a [^>]*href="([^"]+)"', front))
    assert sorted({str(page) for page in pages} - menu) == []


def test_every_link_of_the_site_leads_to_a_page_and_a_place_in_it(site: Path) -> None:
    places = {path: set(re.findall(r' id="([^"]+)"', text)) for path, text in texts(site)}
    lost = set()
    for path, text in texts(site):
        for link in map(unescape, LINK.findall(text)):
            file, _, anchor = link.partition("#")
            target = (path.parent / unquote(file)).resolve() if file else path
            is_known = target.is_file() and (not anchor or unquote(anchor) in places[target])
            if not OTHER.match(link) and not is_known:
                lost.add((str(path.relative_to(site)), link))
    assert lost == set()


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    loaded = {link for _, text in texts(site) for link in LOADED.findall(text)}
    assert len(loaded) > 10
    assert sorted(link for link in loaded if OTHER.match(link)) == []


def test_a_french_page_says_so_and_has_a_french_frame(site: Path) -> None:
    french = {path: text for path, text in texts(site) if "/docs/fr/" in str(path) or path.name in FRENCH}
    assert len(french) > 10
    assert [path.name for path, text in french.items() if '<html class="no-js" lang="fr"' not in text] == []
    frames = {
        path.name: re.sub(r"<article.*?</article>", "", text, flags=re.DOTALL) for path, text in french.items()
    }
    assert {name: found for name, text in frames.items() if (found := ENGLISH.findall(text))} == {}


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as address:
        yield address


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_the_site_reads_on_a_telephone_and_a_screen_reader(
    page: str, address: str, browser: Browser
) -> None:
    with opened(browser, f"{address}/{page.removesuffix('.md')}.html", width=390) as seen:
        assert seen.evaluate("document.querySelector('.content').scrollWidth") <= 390
        assert violations(seen) == []
