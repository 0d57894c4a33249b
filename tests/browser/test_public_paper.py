"""The public edition and its card on paper: the same figures as the other files, tagged and named."""

from __future__ import annotations

from io import BytesIO

import pikepdf
import pytest

from callmon.config.settings import Settings
from callmon.features.months.model import Report
from tests.report import pdf_tables
from tests.report.expected_figures import Page
from tests.report.test_public_files import LANGUAGES, bare, made, published, settings

pytestmark = pytest.mark.lab
__all__ = ["published", "settings"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_the_pdf_show_what_the_page_shows(
    pango: None, published: Report, settings: Settings, language: str
) -> None:
    tables = Page(made(published, settings, "html", language)).tables
    printed = pdf_tables.tables(made(published, settings, "pdf", language))
    for name, table in zip(("headlines", "services", "lines", "standards"), printed, strict=False):
        assert [[bare(x) for x in row] for row in table] == [[bare(x) for x in row] for row in tables[name]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_is_one_page_on_paper_tagged_and_named(
    pango: None, published: Report, settings: Settings, language: str
) -> None:
    with pikepdf.open(BytesIO(made(published, settings, "pdf", language, is_card=True))) as document:
        assert (len(document.pages), str(document.Root.Lang)) == (1, f"{language}-CA")
        assert "2024" in str(document.docinfo["/Title"])
        assert document.Root.MarkInfo.Marked
        assert document.pages[0].Contents.read_bytes().count(b"/Pagination") == 0  # it has no running foot
