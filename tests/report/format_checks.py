"""Checks of every report that people read. Each returns a list of faults, [] if there is none."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import outloud  # type: ignore[import-untyped]  # it ships no types
import pikepdf
from playwright.sync_api import Browser, Page

from tests.lab.browser import Medium, opened, overflowing, stops, violations

# Two charts at the head of two pages that show the same number are no running header. A table with one column of
# figures has more head cells than figures.
NO_FAULT = {"PAG-001", "TBL-010"}


def on_screen(browser: Browser, html: bytes, medium: Medium = "screen", contrast: bool = False) -> list[str]:
    """axe-core's faults, with nothing undecided, and `ours`. `contrast`: also by axe's own rule, which is slow."""
    with opened(browser, html, medium=medium) as page:
        unfold(page)
        return [*violations(page, contrast), *ours(page)]


def unfold(page: Page) -> None:
    """Open every section: what is closed is checked by no rule."""
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")


def ours(page: Page) -> list[str]:
    """Faults that axe does not find: a header cell without scope, a drawing without its texts or its table."""
    bare = page.locator("th:not([scope])").count()
    drawn = page.evaluate(
        "[...document.querySelectorAll('svg')].filter((e) => !e.querySelector('title')?.textContent.trim()"
        " || !e.querySelector('desc')?.textContent.trim()"
        " || !(e.closest('td') || e.closest('figure').nextElementSibling?.querySelector('table'))).length"
    )
    captions = page.locator("table:not(:has(caption))").count()
    reported = {"heads without a scope": bare, "drawings without title, description or table": drawn}
    return [
        f"{count} {what}" for what, count in {**reported, "tables without a caption": captions}.items() if count
    ]


def narrow(browser: Browser, html: bytes) -> list[str]:
    """At 320 px, and at 200 % of a window of 1280 (WCAG 1.4.10, 1.4.4): only tables scroll, each by itself."""
    found = []
    for name, width, zoom in (("320 px", 320, 1.0), ("200 %", 1280, 2.0)):
        with opened(browser, html, width=width, zoom=zoom) as page:
            found += [f"{name}, closed: {what}" for what in overflowing(page)]
            unfold(page)
            found += [f"{name}: {what}" for what in overflowing(page)]
    return found


def by_keyboard(browser: Browser, html: bytes) -> list[str]:
    """Tab leads to the skip link, every link, section and scrolling table, and the focus is visible."""
    with opened(browser, html) as page:
        unfold(page)
        wanted = page.locator("a[href], summary, .scroll").count()
        found = stops(page)
        faults = [f"no focus is seen on {said}" for _, said, is_seen in found if not is_seen]
        if len(found) != wanted:
            faults.append(f"{len(found)} of {wanted} stops are reached")
        return faults


def in_forced_colours(browser: Browser, html: bytes) -> list[str]:
    """A drawing's bars and texts differ from the page's background in the reader's forced colours."""
    with opened(browser, html, forced_colours=True) as page:
        page_colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shown: list[str] = page.evaluate(
            "[...document.querySelectorAll('svg rect, svg text')].map((e) => getComputedStyle(e).fill)"
        )
    return [f"drawn in the page's own colour {page_colour}"] if page_colour in shown else []


def of_pdf(path: Path) -> list[str]:
    """PDF/UA faults by outloud, and by own checks."""
    checked = outloud.check(str(path))
    assert checked.error is None, checked.error
    faults = [f"{x.severity} {x.rule}: {x.message}" for x in checked.findings if x.rule not in NO_FAULT]
    with pikepdf.open(BytesIO(path.read_bytes())) as document:
        return [*faults, *_of_document(document), *_of_elements(document)]


def _of_document(document: Any) -> list[str]:
    root, faults = document.Root, []
    if str(root.get("/Lang", "")) not in ("fr-CA", "en-CA"):
        faults.append("no language")
    if not root.get("/MarkInfo", {}).get("/Marked", False) or "/StructTreeRoot" not in root:
        faults.append("not tagged")
    if not str(document.docinfo.get("/Title", "")) or not root.get("/ViewerPreferences", {}).get(
        "/DisplayDocTitle"
    ):
        faults.append("no title")
    with document.open_metadata() as metadata:
        if metadata.get("pdfuaid:part") != "1":
            faults.append("does not say that it is PDF/UA")
    return faults


def _of_elements(document: Any) -> list[str]:
    elements = [x for x in document.objects if isinstance(x, pikepdf.Dictionary) and "/S" in x]
    heads = [x for x in elements if x.S == "/TH"]
    figures = [x for x in elements if x.S == "/Figure"]
    bare = sum("/A" not in x or "/Scope" not in x.A for x in heads)
    undescribed = sum(not str(x.get("/Alt", "")).strip() for x in figures)
    faults = [f"{bare} heads without a scope"] if bare else []
    faults += [f"{undescribed} figures without a text"] if undescribed else []
    return faults if heads else [*faults, "no table has a head"]
