"""The internal report says how many callers reached a person, and why the month differs from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import msgspec
import openpyxl
import pytest
from msgspec.structs import replace

from callmon import __version__
from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings, example_text, parse
from callmon.core.replay.needs import Needs, count_needs
from callmon.core.replay.planned import Wanted
from callmon.core.replay.record import Rule, SeenDay
from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.features.months.explained import explained
from callmon.features.months.explained_text import needs_sentences, why_sentences
from callmon.features.months.formats import html, json, xlsx
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import ExplainedPart, Figure, MonthExplained, Place, Report
from callmon.features.months.notes import notes_of
from callmon.features.months.open_data import edition
from callmon.features.months.planned_layout import planned_sections
from callmon.features.months.request import ReportRequest, gathered, made
from callmon.store.database import Database, upgrade
from callmon.store.queries.contacts import read_contacts
from callmon.store.queries.staffing import planned_rows
from callmon.text.formatter import MINUS
from tests.support.environment import QUESTIONS_ON
from tests.support.fact_builder import TORONTO, local
from tests.support.ringing_site import disrupt, stored
from tests.support.ringing_world import RingingSite, declined, simulated
from tests.support.store_fixtures import RING
from tests.support.year.rows import listened

FR, EN = ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO)
LATER = datetime(2026, 12, 20, 15, tzinfo=UTC)
SITE = RingingSite(seed=5, days=22, calls_a_day=40, phones=4, rule=Rule(ring=15_000, voicemail=24_000))
ON, OFF = parse(QUESTIONS_ON + example_text()), parse(example_text())
WEEK = [date(2026, 12, day) for day in range(1, 8)]
OCTOBER, NOVEMBER = (period.month(name, TORONTO) for name in ("2026-10", "2026-11"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """October with four phones, November with one, and with a disruption of a line that had no call."""
    with closing(
        store_of(tmp_path_factory.mktemp("explained"), simulated(replace(SITE, seed=6, phones=1)))
    ) as made:
        disrupt(made, "tty", date(2026, 11, 1), date(2026, 11, 30))
        yield made


def store_of(folder: Path, november: list[SeenDay]) -> Database:
    store = upgrade(f"sqlite:///{folder}/callmon.db", RING)
    stored(store, [*simulated(SITE), *november], date(2026, 10, 1))
    listened(store, datetime(2026, 9, 1, tzinfo=UTC), LATER)
    return store


def report_of(store: Database, settings: Settings = ON, month: period.Month = NOVEMBER) -> Report:
    return gathered(store, settings, month, LATER)


@pytest.fixture(scope="module")
def november(store: Database) -> Report:
    return report_of(store)


def test_a_month_with_fewer_phones_is_explained_by_its_phones(november: Report) -> None:
    found = november.explained
    assert found is not None
    assert (found.before, found.why_not, found.days) == ("2026-10", None, 8)
    assert found.parts is not None
    assert (found.parts[0].part, found.parts[0].points < -0.1) == ("phones", True)
    assert found.rate is not None
    assert found.usual is not None
    assert sum(part.points for part in found.parts) == pytest.approx(found.rate - found.usual, abs=1e-9)


def test_the_two_rates_are_those_of_the_report(november: Report) -> None:
    rate = Place("answer_by_third_ring.rate")
    before = next(month for month in november.compared if month.relation == "before")
    assert november.explained is not None
    assert november.explained.rate == november.figures[rate].value
    assert november.explained.usual == before.figures[rate].value


def test_the_needs_are_those_of_the_command(store: Database, november: Report) -> None:
    begin, end = NOVEMBER.begin, NOVEMBER.end
    with store.reading() as connection:
        assert november.needs == count_needs(read_contacts(connection, begin, end, ON.names("line")), begin, end)


def test_the_report_of_some_lines_has_their_needs_and_no_parts(store: Database) -> None:
    other = gathered(store, ON, NOVEMBER, LATER, ["tty"])
    assert other.needs == Needs(0, 0, 0, 0, 0, 0, 0, 0, None)
    assert other.explained is None


def test_a_question_that_is_off_is_not_in_the_report(store: Database) -> None:
    report = report_of(store, OFF)
    assert (report.needs, report.explained) == (None, None)
    only = parse('questions = ["needs"]\n' + example_text())
    assert (report_of(store, only).needs is None, report_of(store, only).explained) == (False, None)
    assert (needs_sentences(report, EN), why_sentences(report, EN)) == ([], [])


def test_a_public_edition_is_the_same_with_and_without_the_questions(store: Database, november: Report) -> None:
    public, without = (edition.edition(report) for report in (november, report_of(store, OFF)))
    assert (public.needs, public.explained) == (None, None)
    assert html.html(public, notes_of(ON, public.month, EN), {}, EN) == html.html(
        without, notes_of(OFF, without.month, EN), {}, EN
    )
    assert json.json_bytes(public, FR, EN, __version__) == json.json_bytes(without, FR, EN, __version__)


MADE = MonthExplained(
    "2026-10",
    rate=0.714,
    usual=0.84,
    z=-3.1,
    days=8,
    parts=(ExplainedPart("phones", -0.0891), ExplainedPart("volume", -0.0243), ExplainedPart("other", -0.0126)),
)


def with_causes(report: Report) -> Report:
    """The report with this difference, and few causes."""
    cause, answered = "answer_by_third_ring.cause", Place("answer_rate")

    def figures(before: bool) -> dict[Place, Figure]:
        kept = {x: y for x, y in report.figures.items() if x.name != cause}
        free = Figure(Place(cause, "nobody_free"), "count", "known", 80 if before else 1200)
        rate = Figure(answered, "rate", "known", 0.9, 900, 1000) if before else None
        return kept | {free.place: free} | ({answered: rate} if rate else {})

    compared = tuple(replace(x, figures=figures(True)) if x.relation == "before" else x for x in report.compared)
    rate = Figure(answered, "rate", "known", 0.85, 850, 1000)
    return replace(report, explained=MADE, compared=compared, figures=figures(False) | {answered: rate})


def plain(sentences: list[str]) -> list[str]:
    return [sentence.replace(NO_BREAK, " ").replace(MINUS, "-") for sentence in sentences]


def test_five_sentences_explain_the_month_in_both_languages(november: Report) -> None:
    report = with_causes(november)
    assert plain(why_sentences(report, EN)) == [
        "Third ring kept: 71.4%, 84.0% in October (-12.6 points, outside the usual spread of the days).",
        "What the difference is made of, in points: phones offered -8.9, number of calls -2.4, other -1.3.",
        "Calls that missed it, in brackets the month before: nobody free 1,200 (80).",
        "Calls answered by a person: 85.0%, 90.0% in October.",
        "This is an estimate, from 8 days of each month: it describes the line, not the people who work on it.",
    ]
    assert plain(why_sentences(report, FR)) == [
        "Réponse au plus tard après la troisième sonnerie : 71,4 %, contre 84,0 % en octobre (-12,6 points, un "
        "écart inhabituel).",
        "Composantes de la différence, en points : postes offerts -8,9, nombre d’appels -2,4, autre -1,3.",
        "Appels qui n’ont pas respecté la norme et, entre parenthèses, ceux du mois précédent : aucun poste libre "
        "1 200 (80).",
        "Appels pris par une personne : 85,0 %, contre 90,0 % en octobre.",
        "C’est une estimation, d’après 8 jours de chaque mois : elle décrit la ligne, non les personnes qui y "
        "travaillent.",
    ]


def test_a_month_whose_phones_declined_calls_is_not_explained(tmp_path: Path) -> None:
    with closing(store_of(tmp_path, [*map(declined, simulated(replace(SITE, seed=6)))])) as made:
        report = report_of(made)
    found = report.explained
    assert found is not None
    assert (found.why_not, found.parts, found.days) == ("not_explained", None, 8)
    assert [why_sentences(report, formatter)[1] for formatter in (EN, FR)] == [
        "This difference is not explained by what callmon sees.",
        "Ce que callmon observe n’explique pas cette différence.",
    ]
    others = why_sentences(replace(report, explained=MADE), EN)[2:]
    assert why_sentences(report, EN)[2:] == others  # the calls that missed it, and those that were answered


def test_the_needs_of_a_month_are_said_in_both_languages(november: Report) -> None:
    many = replace(november, needs=Needs(1000, 950, 800, 1100, 12, 60, 30, 20, 15.0))
    assert plain(needs_sentences(many, EN)) == [
        "95 of 100 callers, by their number, reached a person within 24 hours, "
        "80 of them with one call; 5 did not.",
        "Calls without a known number, counted apart: 12.",
    ]
    assert plain(needs_sentences(many, FR))[0] == (
        "Sur 100 personnes qui ont appelé, d’après leur numéro, 95 ont joint une personne en 24 heures, "
        "dont 80 en un seul appel; 5, non."
    )
    few = replace(november, needs=Needs(4, 3, 3, 5, 0, 1, 1, 1, 15.0))
    assert plain(needs_sentences(few, EN))[0] == (
        "3 of 4 callers, by their number, reached a person within 24 hours."
    )


def test_a_month_within_the_spread_of_its_days_has_no_parts(november: Report) -> None:
    quiet = replace(MADE, rate=0.835, z=-0.3, parts=None, days=0, why_not="usual")
    assert plain(why_sentences(replace(november, explained=quiet), EN)) == [
        "Third ring kept: 83.5%, 84.0% in October: within the usual spread of the days."
    ]


@pytest.mark.parametrize(
    ("change", "why_not", "sentence"),
    [
        ({"imported": {"cdr": 4}}, "imported", "Calls of this month, or of the month before, were imported"),
        ({"calls_offered": 99}, "few_calls", "Too few calls to explain the difference"),
        ({"unknown": 90}, "partly_heard", "Too much of this month, or of the month before, was not heard"),
        ({"unheard": 20}, "partly_heard", "Too much of this month, or of the month before, was not heard"),
    ],
)
def test_a_month_that_tells_too_little_is_not_explained(
    store: Database, november: Report, change: dict, why_not: str, sentence: str
) -> None:
    places = {
        "calls_offered": Place("calls_offered"),
        "unknown": Place("answer_by_third_ring.verdict", "unknown"),
        "unheard": Place("unheard_open_hours", "toronto"),
    }
    figures = {
        places[name]: Figure(places[name], "count", "known", count)
        for name, count in change.items()
        if name in places
    }
    report = replace(
        november, figures={**november.figures, **figures}, imported=change.get("imported", {}), explained=None
    )
    with store.reading() as connection:
        found = explained(connection, store.ring, ON, report, OCTOBER, None)
    assert found.explained == MonthExplained("2026-10", why_not=why_not)  # type: ignore[arg-type]  # of the table
    assert why_sentences(found, EN)[0].startswith(sentence)


def test_the_first_month_has_no_month_to_be_explained_by(store: Database) -> None:
    assert report_of(store, month=OCTOBER).explained == MonthExplained("2026-09", why_not="few_calls")


def test_the_first_page_and_the_workbook_have_the_same_sentences(november: Report) -> None:
    said = [*needs_sentences(november, EN), *why_sentences(november, EN)]
    page = html.html(november, notes_of(ON, november.month, EN), {}, EN).decode()
    first = page.split('<section class="sheet')[1]
    assert " ".join(said[:2]) in first
    assert [line for line in page.split("\n") if line.startswith('<p class="why">')] == [
        f'<p class="why">{sentence}</p>' for sentence in said[2:]
    ]
    workbook = openpyxl.load_workbook(BytesIO(xlsx.workbook(november, notes_of(ON, november.month, EN), {}, EN)))
    assert [workbook.worksheets[0].cell(row, 1).value for row in range(5, 5 + len(said))] == said


def test_the_json_has_the_counts_and_the_parts_as_they_are(november: Report) -> None:
    found = msgspec.json.decode(json.json_bytes(november, FR, EN, __version__))
    assert found["needs"] == msgspec.to_builtins(november.needs)
    assert found["explained"] == msgspec.json.decode(msgspec.json.encode(november.explained))


def test_a_month_that_is_not_over_is_not_explained(store: Database) -> None:
    report = gathered(store, ON, NOVEMBER, datetime(2026, 11, 29, 15, tzinfo=UTC))
    assert plain(why_sentences(report, FR)) == ["Le mois n’est pas terminé : la différence n’est pas expliquée."]


def test_the_annex_plans_the_week_after_from_the_days_that_are_over(store: Database) -> None:
    now = local("2026-11-26 23:30")
    report = made(store, ON, ReportRequest("2026-11", phones=True), now)
    rows = list(planned_rows(store, TORONTO, ON.calendar(), WEEK, date(2026, 11, 25), Wanted(None, 0.9, 3, None)))
    assert report.planned is not None
    assert [(x.day, x.slot, x.low, x.phones) for x in report.planned] == [
        (row["day"], row["slot"], row["calls"]["low"], None if row["out_of_reach"] else row["phones"])
        for row in rows
    ]
    (section,) = planned_sections(report, EN)
    (table,) = section.tables
    assert table.head == ("Tuesday", "Wednesday", "Thursday", "Friday", "Monday")
    page = html.html(report, notes_of(ON, report.month, EN), {}, EN).decode()
    assert page.count('<table id="table-phones">') == 1
    without = made(store, ON, ReportRequest("2026-11"), now)
    assert (
        without.planned,
        html.html(without, notes_of(ON, without.month, EN), {}, EN).decode().count("table-phones"),
    ) == (None, 0)


def test_the_annex_says_where_the_record_is_too_short(store: Database) -> None:
    report = made(store, ON, ReportRequest("2026-10", phones=True), LATER)
    (section,) = planned_sections(report, EN)
    assert section.notes == ("Fewer than eight weeks of calls are known: nothing is estimated.",)


@pytest.mark.parametrize(
    ("settings", "request_", "why"),
    [
        (OFF, ReportRequest("2026-11", phones=True), "`callmon staffing` is off"),
        (ON, ReportRequest("2026-11", phones=True, is_public=True), "--phones goes with the internal report"),
        (
            ON,
            ReportRequest("2026-11", phones=True, lines=("tty", "poci")),
            "--phones goes with the internal report",
        ),
    ],
)
def test_the_annex_is_refused(store: Database, settings: Settings, request_: ReportRequest, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        made(store, settings, request_, LATER)
