"""A real Chromium without a screen, out of the Debian folder, and what a test asks of a page in it.

``browser`` (a fixture of tests/conftest.py) is Playwright's own Browser. A test that is itself asynchronous takes
the fixture ``chromium`` instead, and connects to its ``address`` with ``playwright.async_api``.
"""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, sync_playwright

from tests.lab.exchange import free_port
from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 60
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    # It would look for hosts that no test asks for.
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # What is drawn is the same on every machine.
    *("--font-render-hinting=none", "--force-color-profile=srgb", "--hide-scrollbars"),
)
Colours = Literal["light", "dark"]
Medium = Literal["screen", "print"]


class Chromium:
    """``with Chromium() as chromium:`` a browser of its own, which `address` leads to."""

    def __enter__(self) -> Chromium:
        self._folder = folder("browser")
        self._home = Place(self._folder, "web")
        self.address = f"http://{HOME}:{(port := free_port(socket.SOCK_STREAM, HOME))}"
        within = f"/{self._home.path.relative_to(self._folder)}"
        # Chromium reads /proc. It is mounted where this process alone sees it, and goes with it.
        inside = f'mount -t proc proc "{self._folder}/proc" && exec chroot "{self._folder}" "$@"'
        self._process = begin(
            [
                *("unshare", "--mount", "--propagation=private", "sh", "-c", inside, "sh"),
                *("env", f"HOME={within}", "/usr/bin/chromium", *FLAGS),
                *(f"--remote-debugging-port={port}", f"--user-data-dir={within}/data", "about:blank"),
            ],
            self._home.path / "log",
        )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self._process)
        self._home.leave()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.address}/json/version", timeout=5).close()
                return
            except OSError:
                time.sleep(0.05)
        said = (self._home.path / "log").read_text(errors="replace")[-300:]
        raise LabUnavailable(f"Chromium did not answer in {SECONDS_TO_START} s: {said}")


@contextmanager
def connected(chromium: Chromium) -> Iterator[Browser]:
    """Not for longer than a test or two: while it lasts, no asyncio can run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium.address)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    what: str | bytes | Path,
    width: int = 1280,
    height: int = 800,
    colours: Colours = "light",
    medium: Medium = "screen",
    forced_colours: bool = False,
    zoom: float = 1,
    script: bool = True,
) -> Iterator[Page]:
    """A page: an address (http…), a file of HTML, or HTML itself. `zoom` 2 is what Ctrl-plus to 200 % does.

    `script=False` is a reader who allows none; axe cannot look then.
    """
    context = browser.new_context(
        viewport={"width": round(width / zoom), "height": round(height / zoom)},
        device_scale_factor=zoom,
        color_scheme=colours,
        forced_colors="active" if forced_colours else "none",
        java_script_enabled=script,
    )
    try:
        page = context.new_page()
        page.emulate_media(media=medium)
        if isinstance(what, str) and what.startswith("http"):
            page.goto(what)
        else:
            held = what.read_bytes() if isinstance(what, Path) else what
            page.set_content(held.decode() if isinstance(held, bytes) else held)
        yield page
    finally:
        context.close()


def shot(page: Page, path: Path, whole: bool = True) -> None:
    """A picture of the page, as PNG: all of it, or what stands in the window."""
    page.screenshot(path=path, full_page=whole)


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong, one a line; also what axe leaves for eyes to decide, marked "undecided".

    A page is good when this is `[]`. Who must decide something by eye says it in the test, line by line.
    """
    page.evaluate(AXE_SCRIPT)
    told: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations', 'incomplete']})")
    wrong = [line for rule in told["violations"] for line in _lines(rule, "")]
    return wrong + [line for rule in told["incomplete"] for line in _lines(rule, "undecided ")]


def _lines(rule: dict[str, Any], mark: str) -> Iterator[str]:
    for node in rule["nodes"]:
        why = next((check["message"] for kind in ("any", "all", "none") for check in node[kind]), rule["help"])
        yield f"{mark}{rule['id']}: {' '.join(map(str, node['target']))}: {why}"


# What is wider than the window and not inside something that scrolls by itself (a table's own scroller).
OVERFLOWING = """() => {
    const scrolls = (e) => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX);
    const kept = (e) => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (scrolls(p) && p.getBoundingClientRect().right <= innerWidth + 1) return true; return false; };
    const name = (e) => [e.tagName.toLowerCase(), ...e.classList].join('.') + (e.id && '#' + e.id);
    const wide = [...document.body.querySelectorAll('*')].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && (box.right > innerWidth + 1 || box.left < -1)
            && !kept(e) && !(e.ownerSVGElement) && getComputedStyle(e).position !== 'absolute';
    }).map(name);
    const sideways = document.documentElement.scrollWidth > innerWidth;
    return sideways ? ['the page scrolls sideways', ...wide] : wide;
}"""


def overflowing(page: Page) -> list[str]:
    """What does not fit in the window's width (WCAG 1.4.10), by element; `[]` when all does."""
    found: list[str] = page.evaluate(OVERFLOWING)
    return found


FOCUSED = """() => {
    const e = document.activeElement;
    if (!e || e === document.body) return null;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== 'none';
    const label = document.getElementById(e.getAttribute('aria-labelledby') || '')?.innerText;
    const said = label || e.getAttribute('aria-label') || e.innerText || e.value || e.getAttribute('name') || '';
    return [e.tagName.toLowerCase(), said.trim().split('\\n')[0], seen && box.width > 0];
}"""


def stops(page: Page, at_most: int = 500) -> list[tuple[str, str, bool]]:
    """Where the Tab key leads, in order: element, what it says, and whether the focus can be seen there."""
    found: list[tuple[str, str, bool]] = []
    for _ in range(at_most):
        page.keyboard.press("Tab")
        where = page.evaluate(FOCUSED)
        if where is None:
            break
        found.append((where[0], where[1], where[2]))
    return found
