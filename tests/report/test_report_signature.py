"""The signature edition: its sentence, its state, and what a public edition leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.statistics import period
from callmon.reports.formats import html
from callmon.reports.formatter import ReportFormatter
from callmon.reports.load import gathered
from callmon.reports.model import Figure, Place, Report
from callmon.reports.public import edition
from callmon.reports.signature import MOST_LINES, MOST_REMARKS, SignatureBuilder
from callmon.store.database import Database, upgrade
from tests import year
from tests.year import TORONTO
from tests.year import obligations as year_owing
from tests.year import rows as year_rows
from tests.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
FR, EN = ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO)
THIRD, BACK = Place("answer_by_third_ring.rate"), Place("callbacks_24_hours.rate")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    store, settings = upgrade(f"sqlite:///{tmp_path_factory.mktemp('signed')}/callmon.db"), year.settings()
    year_rows.stored(store, settings, year_stories.calls(900), year_owing.owings(100, settings))
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER)
    yield store
    store.close()


@pytest.fixture(scope="module")
def march(store: Database) -> Report:
    return gathered(store, year.settings(), period.month("2024-03", TORONTO), LATER)


def with_figures(report: Report, *figures: Figure) -> Report:
    return msgspec.structs.replace(report, figures={**report.figures, **{x.place: x for x in figures}})


def test_the_month_is_one_sentence(march: Report) -> None:
    calls = Figure(Place("calls_offered"), "count", "known", 1769)
    third, back = Figure(THIRD, "rate", "known", 0.441, 441, 1000), Figure(BACK, "rate", "known", 0.75, 3, 4)
    report = with_figures(march, calls, third, back)
    assert SignatureBuilder(report, EN).sentence().replace(NO_BREAK, " ") == (
        "March 2024: 1,769 calls; of those that the standard covers, 44.1% were answered by a person by the third "
        "ring; of the callbacks that fell due, 3 of 4 were made within 24 hours."
    )
    assert SignatureBuilder(report, FR).sentence().replace(NO_BREAK, " ") == (
        "Mars 2024 : 1 769 appels; de ceux que la norme vise, 44,1 % ont été pris par une personne au plus tard "
        "après la troisième sonnerie; des rappels échus, 3 sur 4 ont été faits dans les 24 heures."
    )


def test_the_sentence_has_no_clause_for_a_rate_that_is_not_known(march: Report) -> None:
    calls = Figure(Place("calls_offered"), "count", "known", 12)
    report = with_figures(
        march, calls, Figure(THIRD, "rate", "not_applicable"), Figure(BACK, "rate", "not_available")
    )
    assert SignatureBuilder(report, EN).sentence() == "March 2024: 12 calls."


def test_a_public_edition_has_no_cause_and_no_month_that_was_not_published(march: Report) -> None:
    published = edition.edition(march)
    assert [*SignatureBuilder(march, EN).tables()] == ["headlines", "lines", "causes", "fates"]
    assert [*SignatureBuilder(published, EN).tables()] == ["headlines", "lines", "fates"]
    assert (len(march.months), published.months) == (11, ())


def test_a_month_without_those_beside_it_has_a_dash_in_each_of_their_columns(march: Report) -> None:
    alone = msgspec.structs.replace(march, compared=(), months=())
    table = SignatureBuilder(alone, EN).headlines()
    assert table.head == ("March 2024", "Previous month", "Same month last year")
    shown = [[html.cell_text(one, table, EN) for one in row.cells[1:]] for row in table.rows]
    assert shown == [["\N{EN DASH}"] * 2] * 5


def test_the_first_page_has_the_busiest_lines_and_names_the_annex_for_the_others(march: Report) -> None:
    lines = [cut for cut in march.cuts if cut.kind == "line"]
    more = [msgspec.structs.replace(lines[0], of=f"more-{n}") for n in range(MOST_LINES)]
    names = ("calls_offered", *(place.name for place in march.figures if place.name.endswith("rate")))
    copied = [
        msgspec.structs.replace(march.figure(name, cut=lines[0]), place=Place(name, "", cut), value=value)
        for cut in more
        for name in dict.fromkeys(names)
        for value in [1_000_000 if name == "calls_offered" else 0.5]
    ]
    report = msgspec.structs.replace(with_figures(march, *copied), cuts=(*march.cuts, *more))
    table = SignatureBuilder(report, EN).lines()
    assert [row.label for row in table.rows] == [cut.of for cut in more]
    assert table.notes == ("The lines that received the most calls; the others are in the annex.",)
    assert SignatureBuilder(march, EN).lines().notes == ()


def test_remarks_for_which_the_second_page_has_no_room_are_in_the_annex(march: Report) -> None:
    def pages(length: int) -> list[bool]:
        said = {"calls": dict.fromkeys(("fr", "en"), "a" * length)}
        told = html.html(march, year.settings(), said, EN).decode()
        signed, annex = told.split("<nav ")
        return ["a" * length in part for part in (signed, annex)]

    assert (pages(MOST_REMARKS), pages(MOST_REMARKS + 1)) == ([True, False], [False, True])
