"""Every report can be read by everybody: on a screen of any size, by keyboard, on paper, as PDF/UA."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import msgspec
import openpyxl
import pikepdf
import pytest
from playwright.sync_api import Browser

from callmon.config.settings import Settings
from callmon.core.statistics import period
from callmon.features.months.formats import pdf
from callmon.features.months.formats.json import Published, json_bytes, revised
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import Report
from callmon.features.months.open_data import edition
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.store.database import Database, upgrade
from tests.lab import office
from tests.lab.browser import Chromium, opened
from tests.report import format_checks as report_gate
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

pytestmark = pytest.mark.lab

LATER = datetime(2025, 6, 1, tzinfo=UTC)
MID_MAY = datetime(2024, 5, 16, 15, tzinfo=UTC)
REMARKS = {"calls": {"fr": "Mai a compté trois jours de tempête.", "en": "May had three days of storm."}}
LINES = ("general", "tty")  # axe needs seconds for a table's every cell: of all lines one report will do
KINDS = ("internal", "public", "empty", "unheard", "provisional", "revision")


class AccessibleReport(NamedTuple):
    report: Report
    settings: Settings
    is_card: bool = False

    def page(self, language: str) -> bytes:
        ((_, data),) = files(
            self.report, self.settings, ReportRequest("", "html", language, remarks=REMARKS, is_card=self.is_card)
        )
        return data


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], AccessibleReport]]:
    """One of each kind that people may get to read."""
    folder = tmp_path_factory.mktemp("access")
    settings = year.settings()
    store, silent = upgrade(f"sqlite:///{folder}/a.db"), upgrade(f"sqlite:///{folder}/b.db")
    year_rows.stored(store, settings, year_stories.calls(4_000), year_owing.owings(300, settings))
    for one in (store, silent):
        year_rows.listened(one, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    never = upgrade(f"sqlite:///{folder}/c.db")

    @lru_cache
    def made(kind: str) -> AccessibleReport:
        where = {"empty": silent, "unheard": never}.get(kind, store)
        when = MID_MAY if kind == "provisional" else LATER
        lines = None if kind == "whole" else LINES
        report = gathered(where, settings, period.month("2024-05", TORONTO), when, lines)
        return AccessibleReport(_edited(kind, report, where, settings), settings, kind == "card")

    yield made
    for each in (store, silent, never):
        each.close()


def _edited(kind: str, report: Report, store: Database, settings: Settings) -> Report:
    if kind in ("public", "card"):
        return edition.edition(report)
    if kind == "revision":
        before = gathered(store, settings, period.month("2024-05", TORONTO), MID_MAY, LINES)
        reported = json_bytes(before, ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO), "0")
        return revised(report, msgspec.json.decode(reported, type=Published), "before.json")
    return report


EACH = [("whole", "fr"), *((kind, language) for kind in KINDS for language in ("fr", "en"))]


@pytest.mark.parametrize(("kind", "language"), [*EACH, ("card", "fr"), ("card", "en")])
def test_nothing_is_wrong_with_a_page_at_any_width_or_zoom(
    browser: Browser, reports: Callable[[str], AccessibleReport], kind: str, language: str
) -> None:
    page = reports(kind).page(language)
    assert report_gate.on_screen(browser, page, contrast=kind == "whole") == []
    if kind in ("whole", "revision"):
        assert report_gate.on_screen(browser, page, medium="print") == []
    assert report_gate.narrow(browser, page) == []
    assert report_gate.in_forced_colours(browser, page) == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_all_of_a_page_is_reached_by_keyboard_and_the_focus_is_seen(
    browser: Browser, reports: Callable[[str], AccessibleReport], language: str
) -> None:
    page = reports("revision").page(language)
    assert report_gate.by_keyboard(browser, page) == []
    with opened(browser, page, width=640) as shown:
        shown.keyboard.press("Tab")
        shown.keyboard.press("Enter")
        assert shown.evaluate("location.hash") == "#main"
        report_gate.unfold(shown)
        wide = shown.locator(".scroll", has=shown.locator("#table-outcomes"))
        wide.focus()
        shown.keyboard.press("ArrowRight")
        shown.wait_for_function("document.querySelector('.scroll:has(#table-outcomes)').scrollLeft > 0")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_is_short_and_a_link_of_the_contents_opens_a_section(
    browser: Browser, reports: Callable[[str], AccessibleReport], language: str
) -> None:
    with opened(browser, reports("whole").page(language), width=1280) as page:
        assert page.evaluate("document.documentElement.scrollHeight") <= 8_000
        page.locator("nav a[href='#callbacks']").click()
        page.wait_for_function("document.querySelector('#callbacks').parentElement.open")
        assert page.locator("details[open]").count() == 1
        assert page.evaluate("document.querySelector('nav').getBoundingClientRect().top") >= 0  # it stays
        report_gate.unfold(page)
        heights = page.evaluate("[...document.querySelectorAll('details')].map((e) => e.offsetHeight)")
        assert [height for height in heights if height > 8_000] == []
        assert len(heights) > 15


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        (b"<title>", b"<title></title><desc>", "document-title: html"),
        (b'<html lang="fr-CA">', b"<html>", "html-has-lang: html"),
        (b"td.none { color: #595959; }", b"td.none { color: #999; }", "color-contrast: td.none: 2.85: "),
        (b'<th scope="row">', b"<th>", "heads without a scope"),
        (b"<desc ", b"<metadata ", "drawings without title, description or table"),
        (b'id="caption-calls"', b'id="caption-heard"', "duplicate-id-aria: "),
        (b"<summary><h2>", b"<summary><h5>", "heading-order: "),
        (b"<caption ", b"<colgroup ", "tables without a caption"),
    ],
)
def test_a_planted_fault_is_seen(
    browser: Browser, reports: Callable[[str], AccessibleReport], right: bytes, wrong: bytes, fault: str
) -> None:
    page = reports("provisional").page("fr")
    assert right in page
    found = report_gate.on_screen(browser, page.replace(right, wrong))
    assert [line for line in found if fault in line] != []


def test_a_planted_fault_of_width_keyboard_or_colour_is_seen(
    browser: Browser, reports: Callable[[str], AccessibleReport]
) -> None:
    page = reports("internal").page("en")
    wide = page.replace(b".scroll { overflow-x: auto;", b".scroll {")
    assert "320 px: the page scrolls sideways" in report_gate.narrow(browser, wide)
    unseen = page.replace(b"outline: 3px solid #1a5a96", b"outline: none")
    assert report_gate.by_keyboard(browser, unseen) != []
    unreached = page.replace(b' tabindex="0"', b' tabindex="-1"')
    assert report_gate.by_keyboard(browser, unreached) != []
    drawn = page.replace(b"fill: CanvasText", b"fill: Canvas")
    assert report_gate.in_forced_colours(browser, drawn) != []


# PDF.


@pytest.fixture(scope="module")
def pdfs(
    pango: None, reports: Callable[[str], AccessibleReport], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    folder = tmp_path_factory.mktemp("pdf")

    @lru_cache
    def made(kind: str, language: str) -> Path:
        path = folder / f"{kind}-{language}.pdf"
        path.write_bytes(pdf.pdf(reports(kind).page(language)))
        return path

    return made


@pytest.mark.parametrize(("kind", "language"), EACH)
def test_every_pdf_is_pdf_ua(pdfs: Callable[[str, str], Path], kind: str, language: str) -> None:
    assert report_gate.of_pdf(pdfs(kind, language)) == []


def _without_language(document: pikepdf.Pdf) -> None:
    del document.Root.Lang


def _without_tags(document: pikepdf.Pdf) -> None:
    del document.Root.MarkInfo


def _without_title(document: pikepdf.Pdf) -> None:
    del document.docinfo["/Title"]
    with document.open_metadata(set_pikepdf_as_editor=False) as metadata:
        del metadata["dc:title"]


def _without_scopes(document: pikepdf.Pdf) -> None:
    for one in document.objects:
        if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/TH":
            del one["/A"]


def _without_texts(document: pikepdf.Pdf) -> None:
    for one in document.objects:
        if isinstance(one, pikepdf.Dictionary) and one.get("/S") == "/Figure":
            del one["/Alt"]


@pytest.mark.parametrize(
    ("plant", "fault"),
    [
        (_without_language, "no language"),
        (_without_tags, "not tagged"),
        (_without_title, "no title"),
        (_without_scopes, "heads without a scope"),
        (_without_texts, "figures without a text"),
    ],
)
def test_a_planted_fault_of_a_pdf_is_seen(
    pdfs: Callable[[str, str], Path], tmp_path: Path, plant: Callable[[pikepdf.Pdf], None], fault: str
) -> None:
    spoilt = tmp_path / "spoilt.pdf"
    with pikepdf.open(pdfs("provisional", "fr")) as document:
        plant(document)
        document.save(spoilt)
    found = report_gate.of_pdf(spoilt)
    assert [line for line in found if line.endswith(fault)] != []
    assert [line for line in found if line.startswith("error")] != []


def test_a_pdf_is_the_same_bytes_at_another_time(
    pango: None,
    reports: Callable[[str], AccessibleReport],
    monkeypatch: pytest.MonkeyPatch,
    pdfs: Callable[[str, str], Path],
) -> None:
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert pdf.pdf(reports("empty").page("fr")) == pdfs("empty", "fr").read_bytes()


# The workbook.


@pytest.mark.parametrize(("kind", "language"), [("internal", "fr"), ("public", "en")])
def test_libreoffice_opens_a_workbook_and_prints_what_stands_in_it(
    chromium: Chromium, reports: Callable[[str], AccessibleReport], kind: str, language: str
) -> None:
    made = reports(kind)
    ((_, data),) = files(made.report, made.settings, ReportRequest("", "xlsx", language, remarks=REMARKS))
    printed = "".join(office.text_of(office.as_pdf(data, "report.xlsx")).split())
    workbook = openpyxl.load_workbook(BytesIO(data))
    summary, figures, callbacks, *texts = workbook.worksheets
    shown = [str(row[0].value) for sheet in (summary, callbacks) for row in sheet.iter_rows() if row[0].value]
    shown += [
        str(cell.value)
        for sheet in texts
        for row in sheet.iter_rows(max_row=9)
        for cell in row
        if cell.value and not sheet.column_dimensions[cell.column_letter].hidden
    ]
    shown += [str(row[1].value) for row in figures.iter_rows(min_row=2, max_row=30)]
    assert [text for text in shown if "".join(text.split()) not in printed] == []
    assert len(shown) > 80
