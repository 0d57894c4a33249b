"""Every figure of a PDF's tables is what happened: its cells are read by the tags that a screen reader goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pikepdf
import pytest

from callmon.config.settings import Settings
from callmon.core.statistics import period
from callmon.features.months.formats import pdf
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutBuilder, LayoutTable
from callmon.features.months.model import Report
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.features.months.signature import MOST_REMARKS, SignatureBuilder
from callmon.store.database import upgrade
from tests.report import pdf_tables as report_pdf
from tests.report.expected_figures import Expected, shown
from tests.support import year
from tests.support.environment import GIVEN
from tests.support.year import TORONTO, Owing, YearTruth
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

pytestmark = pytest.mark.lab

CALLS = int(GIVEN.get("CALLMON_YEAR", "6000"))
LATER = datetime(2025, 6, 1, tzinfo=UTC)
APART = {"comparisons", "headlines"}  # other months' figures
FIRST = {"Ensemble", "All"}  # the row that a table by line begins with
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])


class YearPdf(NamedTuple):
    """July of the generated year, when a line was new, and what happened in it."""

    report: Report
    settings: Settings
    calls: list[YearTruth]
    obligations: list[Owing]

    def page(self, language: str) -> bytes:
        said = dict.fromkeys(("fr", "en"), ("Trois jours de tempête. " * MOST_REMARKS)[:MOST_REMARKS])
        ((_, data),) = files(
            self.report,
            self.settings,
            ReportRequest("", "html", language, remarks={"calls": said}),
            Path("x.html"),
        )
        return data

    def tables(self, language: str) -> list[LayoutTable]:
        formatter = ReportFormatter(language, TORONTO)
        sections = LayoutBuilder(self.report, formatter).sections()
        signed = SignatureBuilder(self.report, formatter).tables().values()
        return [*signed, *(x for section in sections for x in section.tables)]


@pytest.fixture(scope="module")
def july(pango: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[YearPdf]:
    settings = year.settings()
    store = upgrade(f"sqlite:///{tmp_path_factory.mktemp('year')}/callmon.db")
    calls, obligations = year_rows.stored(
        store, settings, year_stories.calls(CALLS), year_owing.owings(800, settings)
    )
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    report = gathered(store, settings, period.month("2024-07", TORONTO), LATER)
    yield YearPdf(report, settings, calls, obligations)
    store.close()


def wrong(july: YearPdf, language: str, data: bytes) -> list[tuple[Any, ...]]:
    """The cells of a PDF that do not say what happened, by table and row."""
    expected, found = Expected(july.calls, july.obligations, july.report), []
    reported = july.tables(language)
    given = _whole(report_pdf.tables(data))
    for table, (head, *rows) in zip(reported, given, strict=True):
        assert _letters(head)[: len(table.head) + 1] == _letters([table.first, *table.head])
        for row, texts in zip(table.rows, rows, strict=True) if table.key not in APART else ():
            want = [shown(one.kind, expected.at(one), language) for one in row.cells]
            if texts[1:] != want:
                found.append((table.key, row.label, texts[1:], want))
    return found


def upright(data: bytes) -> list[int]:
    """The pages that are higher than wide."""
    with pikepdf.open(BytesIO(data)) as document:
        boxes = [[float(x) for x in page.mediabox] for page in document.pages]
    return [at for at, (left, low, right, high) in enumerate(boxes) if high - low > right - left]


def page_count(data: bytes) -> int:
    with pikepdf.open(BytesIO(data)) as document:
        return len(document.pages)


def _whole(given: list[list[list[str]]]) -> list[list[list[str]]]:
    """What goes on on the next page, under the same head, does not begin with all calls again."""
    made: list[list[list[str]]] = []
    for table in given:
        goes_on = made and table[0] == made[-1][0] and table[1][0] not in FIRST
        made = [*made[:-1], [*made[-1], *table[1:]]] if goes_on else [*made, table]
    return made


def _letters(texts: list[str]) -> list[str]:
    """Without what the breaks of lines add and take: spaces and hyphens."""
    return ["".join(x for x in text if x.isalnum()) for text in texts]


@LANGUAGES
def test_the_pdf_shows_every_figure_of_its_tables_as_it_happened(july: YearPdf, language: str) -> None:
    data = pdf.pdf(july.page(language))
    assert wrong(july, language, data) == []
    assert upright(data) == [0, 1]  # the signature edition, also with the longest remarks
    assert page_count(data) <= 27
    assert sum(len(row.cells) for table in july.tables(language) for row in table.rows) > 3_000


def test_a_wrong_figure_in_a_pdf_is_seen(july: YearPdf) -> None:
    """One more call, in one cell."""
    calls = july.report.figure("calls_offered")
    right = f">{shown('count', (calls.state, calls.value, None, None), 'en')}</td>".encode()
    begin, table, rest = july.page("en").partition(b'<table id="table-calls"')
    assert right in rest
    false = rest.replace(right, f">{int(calls.value or 0) + 1:,}</td>".encode(), 1)
    ((key, label, texts, want),) = wrong(july, "en", pdf.pdf(begin + table + false))
    assert (key, label) == ("calls", "All")
    assert [at for at, (one, other) in enumerate(zip(texts, want, strict=True)) if one != other] == [0]
