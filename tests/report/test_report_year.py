"""Every figure of a generated year equals an independent count of what happened, in every format and language.

A year of another number of calls, which takes about an hour for the million:
    CALLMON_YEAR=1000000 pytest tests/report/test_report_year.py tests/browser/test_report_year_pdf.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.disruptions.disruption import Disruption
from callmon.core.statistics import period
from callmon.core.statistics.coverage import Coverage
from callmon.core.verdicts import VERDICTS
from callmon.features.months.builder import PeriodTotals, ReportBuilder
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutBuilder
from callmon.features.months.model import WHOLE as WHOLE_CUT
from callmon.features.months.model import Cut, Place, Report
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.features.months.signature import SignatureBuilder
from callmon.store.database import Database, upgrade
from tests.report.expected_figures import APART, Expected, Page, places, reported, rows_of, same, shown
from tests.support import year
from tests.support.environment import GIVEN
from tests.support.examples import WHOLE, examples
from tests.support.report_json import listed
from tests.support.year import TORONTO, Owing, YearTruth
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

CALLS = int(GIVEN.get("CALLMON_YEAR", examples(20_000, 6_000)))
OBLIGATIONS = CALLS * 3 // 40
LATER = datetime(2025, 6, 1, tzinfo=UTC)
MONTHS = [f"2024-{number:02}" for number in range(1, 13)]
# February 29, both changes of the clocks, a line that begins in mid-July.
PARTICULAR = ["2024-02", "2024-03", "2024-07", "2024-11"]
MARCH_2025 = datetime(2025, 3, 1, tzinfo=TORONTO), datetime(2025, 4, 1, tzinfo=TORONTO)
RATED = ("answer_by_third_ring", "voicemail_after_fourth_ring", "one_transfer_at_most", "callbacks_24_hours")
REASONED = (".exempt", ".not_met", ".unknown", ".cause")
DASH = "\N{EN DASH}"
NOON_TO_ONE = datetime(2024, 7, 9, 16, tzinfo=UTC), datetime(2024, 7, 9, 17, 30, tzinfo=UTC)


@dataclass
class SeededYear:
    """A database with a year of calls, and what happened in them."""

    store: Database
    settings: Settings
    calls: list[YearTruth]
    obligations: list[Owing]

    def report(self, name: str, compare: bool = False, now: datetime = LATER) -> Report:
        return gathered(self.store, self.settings, period.month(name, TORONTO), now, compare=compare)


class SameYear(SeededYear):
    """One whose rows never change: each of its reports is made once."""

    @cache  # noqa: B019  it lives as long as the module
    def report(self, name: str, compare: bool = False, now: datetime = LATER) -> Report:
        return super().report(name, compare, now)

    __hash__ = object.__hash__


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeededYear]:
    store = upgrade(f"sqlite:///{tmp_path_factory.mktemp('year')}/callmon.db")
    settings = year.settings()
    calls, obligations = year_rows.stored(
        store, settings, year_stories.calls(CALLS), year_owing.owings(OBLIGATIONS, settings)
    )
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER, [NOON_TO_ONE, MARCH_2025])
    yield SameYear(store, settings, calls, obligations)
    store.close()


def different(calls: list[YearTruth], obligations: list[Owing], report: Report) -> list[tuple[Any, ...]]:
    """The figures that are not what happened."""
    expected = Expected(calls, obligations, report)
    wanted = [(place, reported(one), expected.at(one)) for place, one in places(report)]
    return [(place, got, want) for place, got, want in wanted if not same(got, want)]


@pytest.mark.parametrize("name", MONTHS if WHOLE else PARTICULAR)
def test_every_figure_of_the_month_is_what_happened_in_it(known: SeededYear, name: str) -> None:
    report = known.report(name)
    assert different(known.calls, known.obligations, report) == []
    assert len(report.figures) > 5_000


def test_every_call_and_every_callback_of_the_year_is_in_one_month(known: SeededYear) -> None:
    reports = [known.report(name) for name in MONTHS]
    for name, count in (("calls_offered", CALLS), ("callbacks_opened", None), ("complaints_opened", None)):
        kinds = {"callbacks_opened": "callback", "complaints_opened": "complaint"}
        wanted = count or sum(x.kind == kinds[name] for x in known.obligations)
        assert sum(int(report.figure(name).value or 0) for report in reports) == wanted


def test_a_planted_fault_is_found(known: SeededYear) -> None:
    report = known.report("2024-02")
    known.calls[0].language = "fr" if known.calls[0].language == "en" else "en"
    name = f"2024-{known.calls[0].local.month:02}"
    found = different(known.calls, known.obligations, report if name == "2024-02" else known.report(name))
    known.calls[0].language = "fr" if known.calls[0].language == "en" else "en"
    assert {place.cut.kind for place, _, _ in found} >= {"language"}


def test_a_line_that_was_added_in_mid_month_has_its_calls_from_then_on(known: SeededYear) -> None:
    before, during = known.report("2024-06"), known.report("2024-07")
    new = Cut("line", year.NEW_LINE)
    mine = [x for x in known.calls if x.line == year.NEW_LINE and x.local.month == 7]
    assert (
        before.figure("calls_offered", cut=new).value,
        during.figure("calls_offered", cut=new).value,
    ) == (0, len(mine))
    assert before.figure("answer_rate", cut=new).state == "not_applicable"


def test_a_month_without_a_call_has_counts_of_0_and_no_rates(known: SeededYear) -> None:
    report = known.report("2025-02")
    assert report.figure("calls_offered").value == 0
    assert report.figure("answer_by_third_ring.rate").state == "not_applicable"
    assert report.figure("time_to_answer", "median").state == "not_applicable"
    assert report.figure("unheard_hours", "toronto").value == 0


def test_a_month_with_only_unheard_hours_has_no_figure_at_0(known: SeededYear) -> None:
    report = known.report("2025-03")
    assert report.figure("unheard_hours", "toronto").value == 743  # the clocks go forward in it
    apart = ("unheard", "disruptions")  # of a language there are no disruptions
    states = {one.state for place, one in report.figures.items() if not place.name.startswith(apart)}
    assert states == {"not_available", "known"}
    assert [x for x, one in report.figures.items() if one.state == "known" and one.value == 0] == [
        next(x for x in report.figures if x.name == "calls_in_progress")
    ]


def test_unreceived_hours_are_reported_with_those_in_opening_hours(known: SeededYear) -> None:
    report = known.report("2024-07")
    assert report.figure("unheard_hours", "toronto").value == 1.5
    assert report.figure("unheard_open_hours", "toronto").value == 1.5
    assert known.report("2024-08").figure("unheard_hours", "toronto").value == 0


def test_the_month_before_and_the_same_month_last_year_stand_beside_it(known: SeededYear) -> None:
    report = known.report("2024-03", compare=True)
    before, last_year = report.compared
    assert (before.month, last_year.month) == ("2024-02", "2023-03")
    assert before.figures == known.report("2024-02").figures
    unheard = {place.name for place, one in last_year.figures.items() if one.state == "known"}
    assert unheard == {"unheard_hours", "unheard_open_hours", "calls_in_progress"}  # callmon was not there yet


def test_a_month_is_provisional_until_what_was_opened_in_it_has_fallen_due(known: SeededYear) -> None:
    late = known.report("2024-07").month.end
    report = known.report("2024-07", now=late)
    assert (report.is_final, report.final_after is not None) == (False, True)
    assert report.final_after is not None
    assert known.report("2024-07", now=report.final_after).is_final is False
    assert known.report("2024-07", now=report.final_after.replace(year=2025)).is_final is True
    assert int(report.figure("callbacks_24_hours", "not_due").value or 0) > 0


@pytest.mark.parametrize(
    ("arrived", "months"),
    [
        (datetime(2024, 11, 1, tzinfo=TORONTO), [0, 1]),  # the very first moment of November
        (datetime(2024, 10, 31, 23, 59, 59, 999_999, tzinfo=TORONTO), [1, 0]),
        (datetime(2024, 10, 17, tzinfo=TORONTO), [1, 0]),  # between two days
        (datetime(2024, 11, 1, 0, 30, tzinfo=UTC), [1, 0]),  # November in Greenwich
    ],
)
def test_a_call_belongs_once_to_the_local_month_in_which_it_arrived(
    sqlite_store: Database, arrived: datetime, months: list[int]
) -> None:
    settings = year.settings()
    call = year_stories.calls(1, at=lambda _: arrived.astimezone(UTC))
    year_rows.stored(sqlite_store, settings, call)
    year_rows.listened(sqlite_store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    reports = [SeededYear(sqlite_store, settings, [], []).report(name) for name in ("2024-10", "2024-11")]
    assert [report.figure("calls_offered").value for report in reports] == months
    assert {one.value for report in reports for x, one in report.figures.items() if x.name == "check"} == {0}


def test_a_call_filled_from_the_exchanges_log_completes_the_figures(sqlite_store: Database) -> None:
    settings = year.settings()
    (facts, truth), = year_stories.calls(1, at=lambda _: datetime(2024, 10, 17, 15, tzinfo=UTC))  # fmt: skip
    filled = f.Filled(truth.name, None)
    year_rows.stored(sqlite_store, settings, [([*facts[:-1], filled, facts[-1]], truth)])
    year_rows.listened(sqlite_store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    report = SeededYear(sqlite_store, settings, [], []).report("2024-10")
    assert [report.figure("heard", part).value for part in ("full", "filled", "partly")] == [0, 1, 0]
    assert (report.figure("completeness").numerator, report.figure("completeness").denominator) == (1, 1)


def test_an_unreceived_month_is_known_from_the_exchanges_log(sqlite_store: Database) -> None:
    """Its disruptions are not: the log tells of calls alone."""
    settings = year.settings()
    ((facts, truth),) = year_stories.calls(1, at=lambda _: datetime(2024, 10, 17, 15, tzinfo=UTC))
    filled = f.Filled(truth.name, None)
    year_rows.stored(sqlite_store, settings, [([*facts[:-1], filled, facts[-1]], truth)])
    year_rows.listened(sqlite_store, datetime(2025, 1, 1, tzinfo=UTC), LATER)
    one = SeededYear(sqlite_store, settings, [truth], [])
    october, november = one.report("2024-10"), one.report("2024-11")
    wrong = different(one.calls, [], october)
    assert {place.name for place, _, _ in wrong} == {"heard", "disruptions", "disruptions_hours"}
    assert [october.figure("heard", part).value for part in ("full", "filled", "partly")] == [0, 1, 0]
    assert (october.figure("completeness").numerator, october.figure("completeness").denominator) == (1, 1)
    assert october.figure("disruptions").state == "not_available"
    assert october.figure("unheard_hours", "toronto").value == 744
    assert november.figure("calls_offered").state == "not_available"


def test_a_callbacks_verdict_is_counted_once_also_with_its_call(sqlite_store: Database) -> None:
    settings = year.settings()
    ((facts, truth),) = year_stories.calls(1, at=lambda _: datetime(2024, 10, 17, 15, tzinfo=UTC))
    one, findings, owing = next(x for x in year_owing.owings(50, settings) if x[0].kind == "callback" and x[1])
    one = msgspec.structs.replace(one, id=truth.name, call=truth.name, opened=truth.arrived)
    found = [msgspec.structs.replace(x, call=truth.name) for x in findings]
    year_rows.stored(sqlite_store, settings, [(facts, truth)], [(one, found, owing)])
    year_rows.listened(sqlite_store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    report = SeededYear(sqlite_store, settings, [], []).report("2024-10")
    for x in found:
        given = {verdict: report.figure(f"{x.standard}.verdict", verdict).value for verdict in VERDICTS}
        assert given == {verdict: int(verdict == x.verdict) for verdict in VERDICTS}
    assert report.figure("callbacks_opened").value == 1


def test_test_calls_are_in_no_figure_but_their_own(sqlite_store: Database) -> None:
    settings = year.settings()
    year_rows.stored(
        sqlite_store, settings, year_stories.calls(1, at=lambda _: datetime(2024, 10, 17, 15, tzinfo=UTC))
    )
    year_rows.listened(sqlite_store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql(
            'UPDATE "call" SET is_test = 1, data = replace(data, \'"direction":\', \'"test":true,"direction":\')'
        )
    year_rows.roll_up(sqlite_store, settings)
    report = SeededYear(sqlite_store, settings, [], []).report("2024-10")
    assert (report.figure("test_calls").value, report.figure("calls_offered").value) == (1, 0)
    counts = {one.value for x, one in report.figures.items() if one.kind == "count" and x.name != "test_calls"}
    assert counts == {0, None}


def test_disruptions_are_counted_by_their_lines_and_overlaps_once() -> None:
    begin, hour = datetime(2024, 10, 1, 4, tzinfo=UTC), timedelta(hours=1)
    settings, october = year.settings(), period.month("2024-10", TORONTO)

    def disruption(name: str, lines: tuple[str, ...], start: int, stop: int | None, **more: Any) -> Disruption:
        ended = None if stop is None else begin + stop * hour
        given = {"source": "trunk", "exchange": "toronto", "lines": lines, "began": begin + start * hour, **more}
        return Disruption(id=name, what=name, ended=ended, **given)

    found = (
        disruption("1", ("tty", "tty-toll-free"), 10, 12),
        disruption("2", ("tty",), 11, 14),
        disruption("3", ("general",), -5, 1),
        disruption("4", ("general",), 3, 9, how="measuring"),
        disruption("5", ("poci",), 740, None),
    )
    listening = {"toronto": Coverage(begin - hour, begin + 2000 * hour)}
    report = ReportBuilder(settings, october, LATER).report(PeriodTotals(listening, {}, 0, "", disruptions=found))

    def told_of(*cut: str) -> tuple[Any, Any]:
        return tuple(report.figure(name, cut=Cut(*cut)).value for name in ("disruptions", "disruptions_hours"))  # type: ignore[return-value]

    assert told_of("whole") == (4, 4 + 1 + 4)
    assert told_of("line", "tty") == (2, 4)
    assert told_of("line", "tty-toll-free") == (1, 2)
    assert told_of("line", "general") == (1, 1)
    assert told_of("service", "poci") == (1, 4)
    assert told_of("mode", "tty") == (2, 4)
    assert report.figure("disruptions", cut=Cut("language", "fr")).state == "not_applicable"


# Formats.


@pytest.fixture(scope="module")
def july(known: SeededYear) -> Report:
    return known.report("2024-07", compare=True)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_csv_has_every_figure_of_the_month_as_it_happened(
    known: SeededYear, july: Report, language: str
) -> None:
    (_, data), (_, dictionary) = files(july, known.settings, ReportRequest("", "csv", language), Path("x.csv"))
    columns = ("valeur", "numerateur", "denominateur", "affiche", "etat", "unite", "mois")
    if language == "en":
        columns = ("value", "numerator", "denominator", "shown", "state", "unit", "month")
    value, part, whole, seen, state, unit, named = columns
    rows = [row for row in rows_of(data, language) if row[named] == "2024-07"]
    expected = Expected(known.calls, known.obligations, july)
    found = dict(zip(july.figures, rows, strict=True))
    wrong = []
    for place, one in places(july):
        want, row = expected.at(one), found[place]
        got = (row[state], _read(row[value]), _whole(row[part]), _whole(row[whole]))
        text = shown(row[unit], want, language)
        if not same(got, want) or row[seen] != (f"'{text}" if text.startswith("+") else text):  # no formula
            wrong.append((place, got, want, row[seen]))
    assert wrong == []
    names = {row["nom" if language == "fr" else "name"] for row in rows_of(dictionary, language)}
    assert {place.name for place in july.figures} | set(rows[0]) == names


def _read(text: str) -> float | None:
    return float(text.replace(",", ".")) if text else None


def _whole(text: str) -> int | None:
    return int(text) if text else None


def test_the_json_has_every_figure_of_the_month_as_it_happened(known: SeededYear, july: Report) -> None:
    ((_, data),) = files(july, known.settings, ReportRequest("", "json"), Path("x.json"))
    expected = Expected(known.calls, known.obligations, july)
    found = json.loads(data)
    wrong = []
    rows = {Place(row["figure"], row["part"], Cut(row["cut"], row["of"])): row for row in listed(found["figures"])}
    assert rows.keys() == july.figures.keys()
    for place, one in july.figures.items():
        row = rows[place]
        if (place, one) in places(july) and not same(
            (row["state"], row["value"], row["numerator"], row["denominator"]), expected.at(one)
        ):
            wrong.append(row)
    assert wrong == []
    assert {x["name"] for x in found["definitions"]} == {place.name for place in july.figures}


def test_the_json_of_a_month_with_others_beside_it_is_under_1_mb(known: SeededYear) -> None:
    ((_, data),) = files(
        known.report("2024-03", compare=True), known.settings, ReportRequest("", "json"), Path("x.json")
    )
    assert 500_000 < len(data) < 1_000_000


def tables(july: Report, language: str) -> list[Any]:
    formatter = ReportFormatter(language, TORONTO)
    return [x for section in LayoutBuilder(july, formatter).sections() for x in section.tables]


def signed(july: Report, language: str) -> list[Any]:
    return [*SignatureBuilder(july, ReportFormatter(language, TORONTO)).tables().values()]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_shows_every_figure_of_its_tables_as_it_happened(
    known: SeededYear, july: Report, language: str
) -> None:
    ((_, data),) = files(july, known.settings, ReportRequest("", "html", language), Path("x.html"))
    page, expected = Page(data), Expected(known.calls, known.obligations, july)
    apart = {"comparisons", "headlines"}
    for table in (*signed(july, language), *tables(july, language)):
        head, *rows = page.tables[table.key]
        assert head == [table.first, *table.head]
        assert len(rows) == len(table.rows)
        for row, texts in zip(table.rows, rows, strict=True) if table.key not in apart else ():
            want = [shown(one.kind, expected.at(one), language) for one in row.cells]
            assert (table.key, row.label, texts[1:]) == (table.key, row.label, want)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_headline_figures_are_what_happened_in_each_of_their_months(
    known: SeededYear, july: Report, language: str
) -> None:
    ((_, data),) = files(july, known.settings, ReportRequest("", "html", language), Path("x.html"))
    june = Expected(known.calls, known.obligations, known.report("2024-06"))
    of = Expected(known.calls, known.obligations, july)
    _, *rows = Page(data).tables["headlines"]
    names = ("calls_offered", *(f"{x}.rate" for x in RATED))
    for name, texts in zip(names, rows, strict=True):
        one = july.figure(name)
        assert texts[1:] == [
            shown(one.kind, x.at(one), language) for x in (of, june)
        ]  # nobody listened in July 2023


def test_the_twelve_months_are_what_happened_in_each_of_them(known: SeededYear, july: Report) -> None:
    listened = [x for x in july.months if x.month >= "2024"]
    assert [x.month for x in july.months] == [f"2023-{n:02}" for n in range(8, 13)] + MONTHS[:6]
    for other in listened:
        given, wanted = (
            {
                place: one
                for place, one in figures.items()
                if place.cut == WHOLE_CUT and not place.part.startswith(("calls_offered.", "callbacks_opened."))
            }
            for figures in (other.figures, known.report(other.month).figures)
        )
        assert given == wanted


def test_no_row_is_all_zeros_and_the_night_has_no_half_hour(july: Report) -> None:
    found = tables(july, "en")
    by_cut = [x for x in found if x.key != "comparisons" and any(row.is_whole for row in x.rows)]
    rows = [row for table in by_cut for row in table.rows if not row.is_whole]
    empty = [row for row in rows if not any(x.value or x.kind == "rate" for x in row.cells if x.state == "known")]
    assert ([row.label for row in empty], len(rows) > 200) == ([], True)
    hours = next(x for x in found if x.key == "half_hours")
    assert [bool(hours.rows[end].cells[0].value) for end in (0, -1)] == [True, True]
    early = msgspec.structs.replace(
        july,
        figures={
            at: msgspec.structs.replace(x, value=0) if at.name.startswith("half_hour") and at.part < "10:00" else x
            for at, x in july.figures.items()
        },
    )
    hours = next(x for x in tables(early, "en") if x.key == "half_hours")
    assert (hours.rows[0].label, hours.notes) == ("10:00\u00a0a.m.".replace(":00", ""), ("At other times: 0.",))


def test_a_month_without_figures_has_no_row_among_the_twelve(july: Report) -> None:
    (table,) = (x for x in tables(july, "en") if x.key == "comparisons")
    known = [x.month for x in july.months if x.figures[Place("calls_offered")].state == "known"]
    assert [row.label for row in table.rows] == [
        ReportFormatter("en", TORONTO).month(date.fromisoformat(f"{x}-01")) for x in (*known, "2024-07")
    ]
    assert len(july.months) > len(known) > 0
    alone = msgspec.structs.replace(july, compared=(), months=())
    assert [x for x in tables(alone, "en") if x.key == "comparisons"] == []


@pytest.mark.parametrize("name", ["2024-07", "2025-02"])
def test_what_no_table_shows_is_0_or_has_no_number(known: SeededYear, name: str) -> None:
    report = known.report(name)
    expected = Expected(known.calls, known.obligations, report)
    sections = LayoutBuilder(report, ReportFormatter("en", TORONTO)).sections()
    omitted = [one for section in sections for one in section.omitted]
    assert [one for one in omitted if one.place.name not in APART and expected.at(one)[1] not in (None, 0)] == []
    assert len(omitted) > 400


def test_each_reason_is_in_a_table_or_is_the_only_one_of_its_verdict(known: SeededYear, july: Report) -> None:
    builder = LayoutBuilder(july, ReportFormatter("en", TORONTO))
    sections = builder.sections()
    in_tables = {one.place for x in sections for table in x.tables for row in table.rows for one in row.cells}
    wanted = {place: one for place, one in july.figures.items() if place.name.endswith(REASONED) and one.value}
    without_table = {"one_transfer_at_most.cause", "feedback_offered.cause"}
    alone = [x for x in wanted if x.cut == WHOLE_CUT and x.name not in without_table and x not in in_tables]
    for place in alone:
        standard, _, verdict = place.name.partition(".")
        same_name = [x.part for x in wanted if x.name == place.name and x.cut == WHOLE_CUT]
        assert same_name == [place.part]
        total = july.figure(f"{standard}.verdict", "not_met" if verdict == "cause" else verdict)
        assert total.value == wanted[place].value
    notes = [note for x in sections for note in x.absent if note.endswith("without exception.")]
    assert len(notes) == len(alone) > 5


def test_a_sign_at_the_end_of_a_sentence_brings_no_second_full_stop(known: SeededYear) -> None:
    ((_, data),) = files(known.report("2025-02"), known.settings, ReportRequest("", "html", "fr"), Path("x.html"))
    reported = data.decode()
    assert f"lecture stricte{NO_BREAK}: s. o.</p>" in reported
    assert ".." not in reported


SHEETS = {
    "fr": ["Sommaire", "Chiffres", "Rappels", "Définitions", "À propos"],
    "en": ["Summary", "Figures", "Callbacks", "Definitions", "About"],
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_workbook_has_five_sheets_with_every_figure_as_it_happened(
    known: SeededYear, july: Report, language: str
) -> None:
    ((_, data),) = files(july, known.settings, ReportRequest("", "xlsx", language), Path("x.xlsx"))
    workbook = openpyxl.load_workbook(BytesIO(data))
    assert workbook.sheetnames == SHEETS[language]
    assert [len(sheet._charts) for sheet in workbook.worksheets] == [2, 0, 0, 0, 0]
    assert all(sheet.print_area and not sheet.merged_cells.ranges for sheet in workbook.worksheets)
    summary, figures, callbacks, *_ = workbook.worksheets
    expected = Expected(known.calls, known.obligations, july)
    callback_tables = [x for x in tables(july, language) if x.key.startswith("callback")]
    wanted = ("callbacks", "callbacks_24_hours", "callbacks_business_day", "callback_delay")
    assert {*wanted} < {x.key for x in callback_tables}
    lines = next(x for x in signed(july, language) if x.key == "lines")
    for table in lines, *(x for x in callback_tables if "callback_in_french" not in x.key):
        sheet = summary if table.key == "lines" else callbacks
        assert different_cells(sheet, table, expected, language) == []
    rows = [*figures.iter_rows(min_row=2, values_only=True)]
    assert len(rows) == len(july.figures)
    for one, row in zip(july.figures.values(), rows, strict=True):
        place = one.place
        cut = (place.cut.kind, place.cut.of)
        assert (row[0], *row[3:8]) == ("2024-07", place.name, place.part, *cut, UNITS[language][one.kind])
        if place.name not in APART:
            state, *numbers = expected.at(one)
            assert all(map(same_number, row[8:11], numbers)), row
            assert (row[11] == "") == (state == "known"), row


HEADS = {
    "fr": ["Mois", "Chiffre", "Appels", "Unité", "Valeur", "Numérateur", "Dénominateur", "État"],
    "en": ["Month", "Figure", "Calls", "Unit", "Value", "Numerator", "Denominator", "State"],
}
UNITS = {
    "fr": {"count": "nombre", "rate": "proportion (1 = 100\u00a0%)", "seconds": "secondes", "rings": "sonneries",
           "hours": "heures", "difference": "écart de proportions"},
    "en": {"count": "number", "rate": "share (1 = 100%)", "seconds": "seconds", "rings": "rings", "hours": "hours",
           "difference": "difference of shares"},
}  # fmt: skip
KEYS = {"fr": ["chiffre (2)", "part", "regroupement", "element"], "en": ["figure (2)", "part", "cut", "member"]}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_columns_of_the_workbook_that_people_see_are_in_its_language(
    known: SeededYear, july: Report, language: str
) -> None:
    ((_, data),) = files(july, known.settings, ReportRequest("", "xlsx", language), Path("x.xlsx"))
    _, figures, _, definitions, _ = openpyxl.load_workbook(BytesIO(data)).worksheets
    hidden = range(4, 8)  # openpyxl has equal neighbours as one column
    assert [(x.min, x.max) for x in figures.column_dimensions.values() if x.hidden] == [(4, 7)]
    head = [cell.value for cell in figures[1]]
    assert [x for number, x in enumerate(head, 1) if number not in hidden] == HEADS[language]
    assert head[3:7] == KEYS[language]
    assert definitions.column_dimensions["A"].hidden is True


def same_number(one: float | None, other: float | None) -> bool:
    return one == other if None in (one, other) else abs(one - other) < 1e-6  # type: ignore[operator]


def different_cells(sheet: Any, table: Any, expected: Expected, language: str) -> list[Any]:
    """The cells of a table, found by its title, that are not what happened."""
    begin = next(row for row in range(1, sheet.max_row) if sheet.cell(row, 1).value == table.title) + 1
    assert [sheet.cell(begin, 2 + n).value for n in range(len(table.head))] == [*table.head]
    return [
        (table.key, row.label, sheet.cell(at, column).value)
        for at, row in enumerate(table.rows, begin + 1)
        for column, one in enumerate(row.cells, 2)
        if not same_cell(sheet.cell(at, column).value, one.kind, expected.at(one), language)
    ]


def same_cell(value: Any, kind: str, want: tuple[Any, ...], language: str) -> bool:
    """A number where there is one; a rate as it is shown, a fraction as its words."""
    text = shown(kind, want, language)
    if want[0] != "known" or (kind == "rate" and want[3] < 20):
        return bool(value == text)
    if kind == "rate":
        digits = text.replace("%", "").replace("\N{NO-BREAK SPACE}", "").replace(",", ".")
        return bool(abs(value * 100 - float(digits)) < 1e-9)
    return bool(abs(value - want[1]) < 1e-6)


# Both databases.


def test_sqlite_and_postgresql_give_the_same_figures_and_fingerprint(store: Database, tmp_path: Path) -> None:
    other = upgrade(f"sqlite:///{tmp_path}/other.db")
    one, beside = a_few(store), a_few(other)
    for name in ("2024-03", "2024-11"):
        report, same_month = one.report(name), beside.report(name)
        assert different(one.calls, one.obligations, report) == []
        assert report == same_month
    other.close()


def a_few(store: Database) -> SeededYear:
    settings = year.settings()
    stories, obligations = year_stories.calls(600, seed=3), year_owing.owings(80, settings, seed=4)
    calls, owings = year_rows.stored(store, settings, stories, obligations)
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    return SeededYear(store, settings, calls, owings)


def test_a_changed_row_changes_the_fingerprint_of_the_data_and_no_other(sqlite_store: Database) -> None:
    one = a_few(sqlite_store)
    before = one.report("2024-03")
    with sqlite_store.writing() as connection:
        march = int(datetime(2024, 3, 5, tzinfo=UTC).timestamp() * 1_000_000)
        which = 'SELECT "call" FROM "call" WHERE arrived > ? AND outcome = \'answered\' AND in_hours'
        changed = connection.exec_driver_sql(
            f"UPDATE finding SET verdict = 'unknown' WHERE \"call\" = ({which} ORDER BY arrived LIMIT 1)", (march,)
        )
        assert changed.rowcount > 0
    year_rows.roll_up(sqlite_store, one.settings)
    after = one.report("2024-03")
    assert before.data_fingerprint != after.data_fingerprint
    assert before.config_fingerprint == after.config_fingerprint
    assert one.report("2024-03") == after


def test_a_removed_line_keeps_its_calls_and_the_rows_add_up(known: SeededYear) -> None:
    text = year.example_text().replace(*year.SURVEY) + year.STAFF
    begin, end = (
        text.index("[lines.poci-toll-free]"),
        text.index("[[staff]]", text.index("[lines.poci-toll-free]")),
    )
    fewer = year.parse(text[:begin] + "\n" + text[end:])
    report = gathered(known.store, fewer, period.month("2024-08", TORONTO), LATER, compare=False)
    whole = known.report("2024-08")
    gone = Cut("line", "poci-toll-free")
    assert report.figure("calls_offered").value == whole.figure("calls_offered").value
    assert report.figure("calls_offered", cut=gone).value == whole.figure("calls_offered", cut=gone).value
    assert (
        report.figure("calls_offered", cut=Cut("service", "unknown")).value
        == whole.figure("calls_offered", cut=gone).value
    )
    checks = {x.part: one.value for x, one in report.figures.items() if x.name == "check"}
    assert set(checks.values()) == {0}


def test_lengths_are_named_in_the_heads_of_a_table_of_several(july: Report) -> None:
    heads = {table.key: table.head for table in tables(july, "en")}
    ends = ("median", "95th percentile", "longest")
    lengths = ("Rings before the answer", "Time to answer", "Time from arrival")
    assert heads["waits"] == tuple(f"{length}, {end}" for length in lengths for end in ends)
    assert heads["holds"] == ("Median", "95th percentile", "Longest")
