"""A real headless Chromium from the Debian folder, and the checks of a page in it.

``browser`` (a fixture of tests/conftest.py) is Playwright's own Browser. An asynchronous test takes the fixture
``chromium`` instead, and connects to its ``url`` with ``playwright.async_api``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, Page, sync_playwright

from tests.lab.folder import inside
from tests.lab.server import Server
from tests.lab.system import have

# Not /usr/bin's script, which does not exec: its child would outlive it.
SHELL = "/usr/lib/chromium/chromium-headless-shell"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"),
    # Without these it would contact hosts that no test needs.
    *("--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # For the same rendering on every machine.
    *("--font-render-hinting=none", "--force-color-profile=srgb", "--hide-scrollbars"),
)
CONTRAST = "color-contrast"
IN_PAGE = Path(__file__).with_name("in_page")  # what is run in a page, each a function of JavaScript
Colours = Literal["light", "dark"]
Medium = Literal["screen", "print"]


class Chromium(Server):
    """``with Chromium() as chromium:`` a browser for one session, at `url`. `pid` leads its processes."""

    program, debian = "chromium", "browser"
    dies_by = "TERM"
    ready = "/json/version"

    def __enter__(self) -> Self:
        have("Playwright's driver needs libatomic", ("atomic",), ("libatomic1",))
        return super().__enter__()

    def options(self) -> list[str]:
        return [f"--remote-debugging-port={self.port}", f"--user-data-dir={self.inside('data')}", "about:blank"]

    def command(self) -> list[str]:
        return inside(self.folder, "env", f"HOME={self.inside('')}", SHELL, *FLAGS, *self.options())

    def start(self) -> None:
        super().start()
        assert self._process is not None
        self.pid = self._process.pid


@contextmanager
def connected(chromium: Chromium) -> Iterator[Browser]:
    """Use for a test or two only: during the connection no asyncio can run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium.url)
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
    """A page from an address (http…), an HTML file, or HTML text. `zoom` 2 equals Ctrl-plus to 200 %.

    `script=False`: the reader allows no scripts; axe cannot run then.
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
    """A picture of the page, as PNG: the whole page, or the visible part of the window."""
    page.screenshot(path=path, full_page=whole)


def violations(page: Page, contrast: bool = True) -> list[str]:
    """axe-core's faults, one a line; also what axe leaves for a person to decide, marked "undecided".

    A page is good if this is `[]`. axe leaves the contrast of some texts undecided: in a drawing, of one letter,
    or outside the window. `faint` decides that for every text, so those are not repeated. `contrast=False`
    leaves the rule to `faint` alone: on a page of many cells it takes axe half a minute.
    """
    page.evaluate(AXE_SCRIPT)
    asked: dict[str, Any] = {"resultTypes": ["violations", "incomplete"]}
    asked |= {} if contrast else {"rules": {CONTRAST: {"enabled": False}}}
    reported: dict[str, Any] = page.evaluate("(asked) => axe.run(asked)", asked)
    wrong = [line for rule in reported["violations"] for line in _lines(rule, "")]
    left = [rule for rule in reported["incomplete"] if rule["id"] != CONTRAST]
    return wrong + [line for rule in left for line in _lines(rule, "undecided ")] + faint(page)


def _lines(rule: dict[str, Any], mark: str) -> Iterator[str]:
    for node in rule["nodes"]:
        why = next((check["message"] for kind in ("any", "all", "none") for check in node[kind]), rule["help"])
        yield f"{mark}{rule['id']}: {' '.join(map(str, node['target']))}: {why}"


# Every text against its own background. What this rule cannot decide is reported as well.
FAINT = (IN_PAGE / "faint.js").read_text("utf-8")


def faint(page: Page) -> list[str]:
    """Texts with less contrast than WCAG 1.4.3 requires, one per kind of element; and undecidable ones."""
    found: list[str] = page.evaluate(FAINT)
    return found


# Elements wider than the window and not inside a scrolling element (a table's own scroller).
OVERFLOWING = (IN_PAGE / "overflowing.js").read_text("utf-8")


def overflowing(page: Page) -> list[str]:
    """Elements that do not fit in the window's width (WCAG 1.4.10); `[]` if all fit."""
    found: list[str] = page.evaluate(OVERFLOWING)
    return found


FOCUSED = (IN_PAGE / "focused.js").read_text("utf-8")


def stops(page: Page, at_most: int = 500) -> list[tuple[str, str, bool]]:
    """The stops of the Tab key, in order: element, its text, and whether the focus is visible there."""
    found: list[tuple[str, str, bool]] = []
    for _ in range(at_most):
        page.keyboard.press("Tab")
        where = page.evaluate(FOCUSED)
        if where is None:
            break
        found.append((where[0], where[1], where[2]))
    return found
