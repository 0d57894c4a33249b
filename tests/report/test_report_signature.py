"""The signature edition: its sentences, its state, and what a public edition leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.statistics import period
from callmon.features.months.formats import html
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import ComparedMonth, Figure, Place, Report
from callmon.features.months.notes import notes_of
from callmon.features.months.open_data import edition
from callmon.features.months.request import gathered
from callmon.features.months.signature import MOST_LINES, MOST_REMARKS, SignatureBuilder
from callmon.store.database import Database, upgrade
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

FR, EN = ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO)
CALLS, UNHEARD = Place("calls_offered"), Place("unheard_open_hours", "toronto")
THIRD, BACK = Place("answer_by_third_ring.rate"), Place("callbacks_24_hours.rate")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    store, settings = upgrade(f"sqlite:///{tmp_path_factory.mktemp('signed')}/callmon.db"), year.settings()
    fill_year(store, settings, 900, 100)
    yield store
    store.close()


@pytest.fixture(scope="module")
def march(store: Database) -> Report:
    return gathered(store, year.settings(), period.month("2024-03", TORONTO), LATER)


def with_figures(report: Report, *figures: Figure) -> Report:
    return msgspec.structs.replace(report, figures={**report.figures, **{x.place: x for x in figures}})


def alone(report: Report, *figures: Figure) -> Report:
    """The report with these figures, beside no other month."""
    return msgspec.structs.replace(with_figures(report, *figures), compared=(), months=())


def said(report: Report, formatter: ReportFormatter) -> str:
    return SignatureBuilder(report, formatter).sentences().replace(NO_BREAK, " ")


def test_the_month_is_what_a_person_would_say(march: Report) -> None:
    calls = Figure(CALLS, "count", "known", 1769)
    third, back = Figure(THIRD, "rate", "known", 0.441, 441, 1000), Figure(BACK, "rate", "known", 0.75, 3, 4)
    report = alone(march, calls, third, back)
    assert said(report, EN) == (
        "March 2024. The ministry received 1,769 calls. A person answered before the fourth ring in 44.1% of the "
        "calls that the standard covers. 3 of 4 callbacks that fell due were made within 24 hours."
    )
    assert said(report, FR) == (
        "Mars 2024. Le ministère a reçu 1 769 appels. Une personne a répondu avant la quatrième sonnerie à 44,1 % "
        "des appels que la norme vise. 3 des 4 rappels exigibles ont été faits dans les 24 heures."
    )


def test_the_sentences_have_the_figures_of_the_month_before(march: Report) -> None:
    calls = Figure(CALLS, "count", "known", 714)
    third = rate(THIRD, 790)
    back = rate(BACK, 900)
    before = {CALLS: Figure(CALLS, "count", "known", 698), THIRD: rate(THIRD, 812), BACK: rate(BACK, 905)}
    report = beside(with_figures(march, calls, third, back), before)
    assert said(report, EN) == (
        "March 2024. The ministry received 714 calls (February: 698). A person answered before the fourth ring in "
        "79.0% of the calls that the standard covers (February: 81.2%). 90.0% of the callbacks that fell due were "
        "made within 24 hours (February: 90.5%)."
    )
    of_lines = msgspec.structs.replace(alone(march, calls), is_of_lines=True)
    assert said(of_lines, EN).startswith("March 2024. These lines received 714 calls. ")


def test_there_is_no_sentence_for_a_rate_that_is_not_known(march: Report) -> None:
    hidden = Figure(CALLS, "count", "not_available")
    rates = Figure(THIRD, "rate", "not_applicable"), Figure(BACK, "rate", "not_available")
    for count, french, english in (
        (0, "0 appel", "0 calls"),
        (1, "1 appel", "1 call"),
        (12, "12 appels", "12 calls"),
    ):
        one = alone(march, Figure(CALLS, "count", "known", count), *rates)
        assert said(one, FR) == f"Mars 2024. Le ministère a reçu {french}."
        assert said(one, EN) == f"March 2024. The ministry received {english}."
    secret = alone(march, hidden, rates[0], Figure(BACK, "rate", "known", 0.75, 3, 4))
    assert said(secret, EN) == "March 2024. 3 of 4 callbacks that fell due were made within 24 hours."
    assert said(alone(march, hidden, *rates), EN) == "March 2024."


def test_a_number_is_no_more_exact_than_what_was_heard(march: Report) -> None:
    rates = Figure(THIRD, "rate", "not_applicable"), Figure(BACK, "rate", "not_applicable")
    known = alone(march, Figure(CALLS, "count", "known", 710), *rates)
    unheard = with_figures(known, Figure(UNHEARD, "hours", "known", 3.5))
    assert said(unheard, EN) == "March 2024. The ministry received at least 710 calls."
    public = msgspec.structs.replace(known, is_public=True)
    assert said(public, EN) == "March 2024. The ministry received about 710 calls."
    running = msgspec.structs.replace(known, is_running=True)
    assert said(running, FR) == "Mars 2024, en cours. Le ministère a reçu 710 appels."


def rate(place: Place, permille: int) -> Figure:
    return Figure(place, "rate", "known", permille / 1000, permille, 1000)


def beside(report: Report, before: dict[Place, Figure]) -> Report:
    """The report beside a February with these figures."""
    february = ComparedMonth("2024-02", "before", {**report.figures, **before})
    return msgspec.structs.replace(report, compared=(february,), months=())


def test_a_public_edition_has_no_cause_and_no_month_that_was_not_published(march: Report) -> None:
    published = edition.edition(march)
    assert [*SignatureBuilder(march, EN).tables()] == ["headlines", "lines", "causes", "fates"]
    assert [*SignatureBuilder(published, EN).tables()] == ["headlines", "services", "lines"]
    assert (len(march.months), published.months) == (11, ())


def test_a_compared_month_without_a_figure_has_no_column(march: Report) -> None:
    table = SignatureBuilder(march, EN).headlines()
    assert table.head == ("March 2024", "Month before: February 2024")
    assert table.notes == ("There are no figures for March 2023.",)
    assert SignatureBuilder(alone(march), EN).headlines().head == ("March 2024",)


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
        reported = html.html(march, notes_of(year.settings(), march.month, EN), said, EN).decode()
        signed, annex = reported.split("<nav ")
        return ["a" * length in part for part in (signed, annex)]

    assert (pages(MOST_REMARKS), pages(MOST_REMARKS + 1)) == ([True, False], [False, True])


@pytest.mark.sampled(3)
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
    page = html.html(shown, notes_of(year.settings(), shown.month, EN), {}, EN).decode()
    assert f"<strong>Completeness: {text}</strong>" in page


def test_a_public_edition_has_no_signatures_and_states_its_rounding(march: Report) -> None:
    pages = [
        html.html(x, notes_of(year.settings(), x.month, EN), {}, EN).decode()
        for x in (march, edition.edition(march))
    ]
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
