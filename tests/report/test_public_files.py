"""Every file of one public edition has the same figures: CSV, JSON, XLSX, Parquet, HTML, PDF, and the card."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import openpyxl
import pytest

from callmon.config.settings import Settings
from callmon.core.statistics import period
from callmon.features.months.formatter import formatter_of
from callmon.features.months.model import WHOLE, Figure, Place, Report
from callmon.features.months.open_data import card, edition
from callmon.features.months.open_data.package import package
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.features.months.titles import PUBLIC_HEADLINES
from callmon.store.database import upgrade
from tests.report.expected_figures import Page, rows_of
from tests.support import year
from tests.support.report_json import listed
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

LANGUAGES = ("fr", "en")
OPEN_DATA = '\n[open_data]\npublisher = "ministry"\npublisher_fr = "Ministère"\npublisher_en = "Ministry"\n'
OPEN_DATA += 'standards_url_fr = "https://m.example/fr"\nstandards_url_en = "https://m.example/en"\n'
Key = tuple[str, str, str, str]  # figure, part, cut, member


@pytest.fixture(scope="module")
def settings() -> Settings:
    return year.settings(more=OPEN_DATA)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Iterator[Report]:
    """The public edition of a month in which half of the lines have few calls."""
    store = upgrade(f"sqlite:///{tmp_path_factory.mktemp('published')}/callmon.db")
    fill_year(store, settings, 6_000, 1_350, seeds=(5, 11))
    yield edition.edition(gathered(store, settings, period.month("2024-05", TORONTO), LATER, compare=False))
    store.close()


def made(report: Report, settings: Settings, kind: str, language: str | None, is_card: bool = False) -> bytes:
    return files(report, settings, ReportRequest("", kind, language, is_card=is_card))[0][1]


def key(row: dict[str, str]) -> Key:
    return row["figure"], row["part"], row["cut"], row["member"]


def numbers(*texts: str) -> list[float | None]:
    return [float(x) if x else None for x in texts]


@pytest.fixture(scope="module")
def figures(published: Report, settings: Settings) -> dict[Key, list[float | None]]:
    """Value, numerator and denominator of each figure in the CSV."""
    rows = rows_of(made(published, settings, "csv", "en"), "en")
    return {key(row): numbers(row["value"], row["numerator"], row["denominator"]) for row in rows}


def test_json_xlsx_and_parquet_have_the_numbers_of_the_csv(
    published: Report, settings: Settings, figures: dict[Key, list[float | None]], tmp_path: Path
) -> None:
    reported = listed(json.loads(made(published, settings, "json", None))["figures"])
    assert {
        (x["figure"], x["part"], x["cut"], x["of"]): [x[y] for y in ("value", "numerator", "denominator")]
        for x in reported
    } == figures
    workbook = openpyxl.load_workbook(BytesIO(made(published, settings, "xlsx", "en")))
    cells = [[x.value for x in row] for row in workbook["Figures"].iter_rows(min_row=2)]
    assert {tuple(x or "" for x in row[3:7]): row[8:11] for row in cells} == figures
    (tmp_path / "x.parquet").write_bytes(package(published, settings)["figures.parquet"])
    query = "SELECT figure, part, cut, member, value, numerator, denominator FROM read_parquet(?)"
    rows = duckdb.execute(query, [str(tmp_path / "x.parquet")]).fetchall()
    assert {row[:4]: [*row[4:]] for row in rows} == figures


def shown_in(report: Report, settings: Settings, language: str) -> dict[tuple[str, str, str], str]:
    """What the CSV shows of each headline, by title of column, kind and title of group."""
    formatter, of = (
        formatter_of(report, language, TORONTO),
        ("chiffre", "regroupement", "titre_element", "affiche"),
    )
    names = of if language == "fr" else ("figure", "cut", "member_title", "shown")
    reported: dict[tuple[str, str, str], str] = {}
    for row in rows_of(made(report, settings, "csv", language), language):
        figure, cut, member, text = (row[x] for x in names)
        for form in ("short", "term") if figure in PUBLIC_HEADLINES else ():
            reported[formatter.say(PUBLIC_HEADLINES[figure][form]), cut, member] = text
    return reported


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_the_page_show_what_the_csv_shows(
    published: Report, settings: Settings, language: str
) -> None:
    reported = shown_in(published, settings, language)
    tables = Page(made(published, settings, "html", language)).tables
    for name, kind in (("services", "service"), ("lines", "line")):
        head, *rows = tables[name]
        assert {(column, kind, label): text for label, *cells in rows
                for column, text in zip(head[1:], cells, strict=True)} == {
            (column, kind, label): reported[column, kind, label] for label, *_ in rows for column in head[1:]
        }  # fmt: skip
        assert len(rows) > 1
    whole = formatter_of(published, language, TORONTO).cut(WHOLE, published)
    assert [row[1] for row in tables["headlines"][1:]] == [
        reported[row[0], "whole", whole] for row in tables["headlines"][1:]
    ]


def bare(text: str) -> str:
    """The text without spaces and hyphens: in a PDF it is broken over lines."""
    return re.sub(r"[\s\N{HYPHEN}\N{SOFT HYPHEN}-]", "", text)


# The card.


def card_of(report: Report, settings: Settings, language: str) -> list[tuple[str, str, str]]:
    """The term, the value and the line below of each figure of the card."""
    page = made(report, settings, "html", language, is_card=True).decode()
    found = re.findall(r'<dt>(.*?)</dt>\n<dd class="value">(.*?)</dd>\n<dd class="more">(.*?)</dd>', page)
    return [(term, value, more) for term, value, more in found]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_has_five_figures_of_the_whole_as_the_csv_shows_them(
    published: Report, settings: Settings, language: str
) -> None:
    reported, formatter = shown_in(published, settings, language), formatter_of(published, language, TORONTO)
    whole = formatter.cut(WHOLE, published)
    terms = [formatter.say(PUBLIC_HEADLINES[x]["term"]) for x in card.FIGURES]
    shown = card_of(published, settings, language)
    assert [x[:2] for x in shown] == [(term, reported[term, "whole", whole]) for term in terms]
    assert len(shown) == 5


def with_rate(report: Report, name: str, met: int, judged: int) -> Report:
    figure = Figure(Place(name), "rate", "known", met / judged, met, judged)
    return msgspec.structs.replace(report, figures={**report.figures, figure.place: figure})


def test_the_card_says_what_a_percentage_is_made_of(published: Report, settings: Settings) -> None:
    report = with_rate(published, "reach_a_person.rate", 1_250, 5_000)
    assert card_of(report, settings, "en")[2] == ("Calls that a person answered", "25%", "1,250 of 5,000")
    report = with_rate(published, "reach_a_person.rate", 60, 90)
    assert card_of(report, settings, "en")[2] == (
        "Calls that a person answered",
        "60\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}90",
        "",
    )


def test_the_card_names_who_publishes_and_without_open_data_the_services(
    published: Report, settings: Settings
) -> None:
    def head(by: Any) -> str:
        return re.findall(r'<p class="of">(.*?)</p>', made(published, by, "html", "en", is_card=True).decode())[0]

    assert head(settings) == "Ministry"
    assert head(year.settings()) == "General inquiries; Ontario Immigrant Nominee Program (OINP)"


@pytest.mark.parametrize(("is_public", "third"), [(True, "Service standards"), (False, "Callbacks")])
def test_a_month_without_callbacks_has_a_workbook(
    settings: Settings, tmp_path: Path, is_public: bool, third: str
) -> None:
    store = upgrade(f"sqlite:///{tmp_path}/callmon.db")
    fill_year(store, settings, 200, seeds=(5, 11))
    report = gathered(store, settings, period.month("2024-05", TORONTO), LATER, compare=False)
    store.close()
    data = made(edition.edition(report) if is_public else report, settings, "xlsx", "en")
    names = openpyxl.load_workbook(BytesIO(data)).sheetnames
    assert names == ["Summary", "Figures", third, "Definitions", "About"]
