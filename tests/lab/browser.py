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
FAINT = """() => {
    const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
    const light = (c) => { const [r, g, b] = c.slice(0, 3).map((x) => x / 255)
        .map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05); };
    const alpha = (c) => c.length > 3 ? c[3] : 1;
    const behind = (e) => { for (let p = e; p; p = p.parentElement) { const style = getComputedStyle(p);
        if (style.backgroundImage !== 'none' || style.opacity !== '1' || style.filter !== 'none') return null;
        const colour = parts(style.backgroundColor); if (alpha(colour) === 1) return colour;
        if (alpha(colour) > 0) return null; } return [255, 255, 255]; };
    const found = new Map(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
        if (!text || ['SCRIPT', 'STYLE'].includes(e.tagName)) continue;
        const style = getComputedStyle(e), box = e.getBoundingClientRect(), drawn = !!e.ownerSVGElement;
        if (box.width < 1 || box.height < 1 || style.visibility !== 'visible') continue;
        if (drawn && ['title', 'desc'].includes(e.tagName)) continue;
        const ground = behind(e), colour = parts(drawn ? style.fill : style.color);
        const size = parseFloat(style.fontSize);
        const needed = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
        const where = [e.tagName.toLowerCase(), ...e.classList].join('.');
        const seen = ground && alpha(colour) === 1 ? ratio(colour, ground) : null;
        const told = text.slice(0, 40);
        if (seen === null) found.set(where + '?', `undecided color-contrast: ${where}: ${told}`);
        else if (seen < needed) found.set(where, `color-contrast: ${where}: ${seen.toFixed(2)}: ${told}`);
    }
    return [...found.values()];
}"""


def faint(page: Page) -> list[str]:
    """Texts with less contrast than WCAG 1.4.3 requires, one per kind of element; and undecidable ones."""
    found: list[str] = page.evaluate(FAINT)
    return found


# Elements wider than the window and not inside a scrolling element (a table's own scroller).
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
    """Elements that do not fit in the window's width (WCAG 1.4.10); `[]` if all fit."""
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
    """The stops of the Tab key, in order: element, its text, and whether the focus is visible there."""
    found: list[tuple[str, str, bool]] = []
    for _ in range(at_most):
        page.keyboard.press("Tab")
        where = page.evaluate(FOCUSED)
        if where is None:
            break
        found.append((where[0], where[1], where[2]))
    return found
