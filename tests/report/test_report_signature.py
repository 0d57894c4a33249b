"""The signature edition: its sentence, its state, and what a public edition leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.statistics import period
from callmon.features.months.formats import html
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import Figure, Place, Report
from callmon.features.months.open_data import edition
from callmon.features.months.request import gathered
from callmon.features.months.signature import MOST_LINES, MOST_REMARKS, SignatureBuilder
from callmon.store.database import Database, upgrade
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

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
        "March 2024: 1,769 calls received; of the calls that the standard covers, 44.1% were answered by a person "
        "by the third ring; of the callbacks that fell due, 3 of 4 were made within 24 hours."
    )
    assert SignatureBuilder(report, FR).sentence().replace(NO_BREAK, " ") == (
        "Mars 2024 : 1 769 appels reçus; des appels que la norme vise, 44,1 % ont été pris par une personne au "
        "plus tard après la troisième sonnerie; des rappels échus, 3 sur 4 ont été faits dans les 24 heures."
    )


def test_the_sentence_has_no_clause_for_a_rate_that_is_not_known(march: Report) -> None:
    calls, hidden = Place("calls_offered"), Figure(Place("calls_offered"), "count", "not_available")
    rates = Figure(THIRD, "rate", "not_applicable"), Figure(BACK, "rate", "not_available")
    few = with_figures(march, Figure(calls, "count", "known", 12), *rates)
    assert SignatureBuilder(few, EN).sentence() == "March 2024: 12 calls received."
    for count, french, english in (
        (0, "0 appel reçu", "0 calls received"),
        (1, "1 appel reçu", "1 call received"),
    ):
        one = with_figures(march, Figure(calls, "count", "known", count), *rates)
        assert SignatureBuilder(one, FR).sentence().replace(NO_BREAK, " ") == f"Mars 2024 : {french}."
        assert SignatureBuilder(one, EN).sentence() == f"March 2024: {english}."
    secret = with_figures(march, hidden, rates[0], Figure(BACK, "rate", "known", 0.75, 3, 4))
    assert SignatureBuilder(secret, EN).sentence().replace(NO_BREAK, " ") == (
        "March 2024: of the callbacks that fell due, 3 of 4 were made within 24 hours."
    )
    assert SignatureBuilder(with_figures(march, hidden, *rates), EN).sentence() == "March 2024."


def test_a_public_edition_has_no_cause_and_no_month_that_was_not_published(march: Report) -> None:
    published = edition.edition(march)
    assert [*SignatureBuilder(march, EN).tables()] == ["headlines", "lines", "causes", "fates"]
    assert [*SignatureBuilder(published, EN).tables()] == ["headlines", "services", "lines"]
    assert (len(march.months), published.months) == (11, ())


def test_a_month_without_compared_months_has_a_dash_in_their_columns(march: Report) -> None:
    alone = msgspec.structs.replace(march, compared=(), months=())
    table = SignatureBuilder(alone, EN).headlines()
    assert table.head == ("March 2024", "Previous month", "Same month last year")
    shown = [[html.cell_text(one, table, EN) for one in row.cells[1:]] for row in table.rows]
    assert shown == [["\N{EN DASH}"] * 2] * 5


def test_the_first_page_has_the_busiest_lines_and_names_the_annex(march: Report) -> None:
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
        reported = html.html(march, year.settings(), said, EN).decode()
        signed, annex = reported.split("<nav ")
        return ["a" * length in part for part in (signed, annex)]

    assert (pages(MOST_REMARKS), pages(MOST_REMARKS + 1)) == ([True, False], [False, True])


@pytest.mark.parametrize("known", [5, 8, 20, 79, 80, 81, 399, 400, 1769])
def test_the_public_completeness_is_true_and_tells_no_small_number(march: Report, known: int) -> None:
    reported = {missing: public_completeness(march, known, missing) for missing in range(known + 1)}
    assert len({reported[missing] for missing in range(5)}) == 1
    assert [x for x, limit in reported.items() if 100 * (known - x) < (limit or 0) * known] == []


def public_completeness(report: Report, known: int, missing: int) -> int | None:
    place = Place("completeness")
    one = Figure(place, "rate", "known", 1 - missing / known, known - missing, known)
    return edition.edition(with_figures(report, one)).complete_at_least


@pytest.mark.parametrize(
    ("known", "missing", "text"),
    [(1_769, 3, "at least 99%"), (714, 12, "at least 98%"), (100, 0, "at least 95%"), (4, 0, "too few calls")],
)
def test_a_public_edition_says_how_complete_it_is_at_least(
    march: Report, known: int, missing: int, text: str
) -> None:
    one = Figure(Place("completeness"), "rate", "known", 1 - missing / known, known - missing, known)
    shown = edition.edition(with_figures(march, one))
    page = html.html(shown, year.settings(), {}, EN).decode()
    assert f"<strong>Completeness: {text}</strong>" in page


def test_a_public_edition_has_no_signatures_and_states_its_rounding(march: Report) -> None:
    pages = [html.html(x, year.settings(), {}, EN).decode() for x in (march, edition.edition(march))]
    assert [page.count('class="sign"') for page in pages] == [3, 0]
    assert [page.count('class="sheet') for page in pages] == [2, 1]
    assert [page.count("is rounded to tens: 0 means 0 to 4") for page in pages] == [0, 1]
    assert [page.count("Each number is rounded to tens, and") for page in pages] == [0, 1]


def test_a_month_that_is_not_over_says_so_and_an_empty_one_is_never_final(store: Database, march: Report) -> None:
    settings = year.settings()

    def state(month: str, now: datetime) -> tuple[bool, str]:
        report = gathered(store, settings, period.month(month, TORONTO), now, compare=False)
        return report.is_final, html.state(report, EN)

    assert (march.is_final, html.state(march, EN)) == (True, "final")
    assert state("2024-03", datetime(2024, 3, 20, tzinfo=UTC)) == (False, "provisional: the month is not over")
    empty = "provisional: no call was received; check the numbers of the lines"
    assert state("2025-02", LATER) == (False, empty)
