"""Page 1: changes with a sign, lines of twelve months, targets, what to watch; none that was not heard."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from callmon.config.phone_numbers import NO_BREAK
from callmon.core.statistics import period
from callmon.features.months.formats import html
from callmon.features.months.formatter import ReportFormatter, formatter_of
from callmon.features.months.model import ComparedMonth, Cut, Figure, Place, Report
from callmon.features.months.notes import notes_of
from callmon.features.months.open_data import card, edition
from callmon.features.months.request import gathered
from callmon.features.months.signature import SignatureBuilder
from callmon.features.months.titles import HEADLINES
from callmon.features.months.trends import Trends
from callmon.store.database import Database, upgrade
from callmon.text.formatter import MINUS
from tests.report.expected_figures import Page
from tests.support import year
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

FR, EN = ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO)
THIRD = "answer_by_third_ring.rate"
CALLS, RATE = Place("calls_offered"), Place(THIRD)
UNHEARD = Place("unheard_open_hours", "toronto")
KNOWN = Place("unheard_known_hours", "toronto")
WHOLE = Place("unheard_hours", "toronto")
GENERAL, TTY = Cut("line", "general"), Cut("line", "tty")
MORE = """
[ministry]
name_fr = "Ministère de l'Exemple"
name_en = "Ministry of \\"Example\\""
[lines.general.target.answer_by_third_ring]
percent = 80
since = 2024-01-01
signed_by = "A. Roy"
[lines.tty.target.answer_by_third_ring]
percent = 1.5
since = 2024-01-01
signed_by = "A. Roy"
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    store, settings = upgrade(f"sqlite:///{tmp_path_factory.mktemp('trends')}/callmon.db"), year.settings()
    fill_year(store, settings, 3000, 200)
    yield store
    store.close()


@pytest.fixture(scope="module")
def may(store: Database) -> Report:
    return gathered(store, year.settings(more=MORE), period.month("2024-05", TORONTO), LATER)


def count(number: int) -> Figure:
    return Figure(CALLS, "count", "known", number)


def rate(met: int, judged: int, place: Place = RATE) -> Figure:
    return Figure(place, "rate", "known", met / judged, met, judged)


def hours(place: Place, number: float | None) -> Figure:
    return Figure(place, "hours", "not_available" if number is None else "known", number)


def month(report: Report, *figures: Figure, has_imported: bool = False, name: str = "2024-04") -> ComparedMonth:
    given = {**report.figures, **{x.place: x for x in figures}}
    return ComparedMonth(name, "before", given, has_imported)


def compared(report: Report, before: ComparedMonth, *figures: Figure) -> Report:
    given = {**report.figures, **{x.place: x for x in figures}}
    return msgspec.structs.replace(report, figures=given, compared=(before,), months=())


def changes(report: Report, formatter: ReportFormatter = EN) -> list[str]:
    trends = Trends(report, formatter)
    return [trends.written(name, "before").replace(NO_BREAK, " ") for name in ("calls_offered", THIRD)]


@pytest.mark.parametrize(
    ("after", "before", "english", "french"),
    [
        ((1250, 441, 1000), (1200, 400, 1000), ["+50", "+4.1 points"], ["+50", "+4,1 points"]),
        (
            (1200, 400, 1000),
            (3200, 441, 1000),
            [f"{MINUS}2,000", f"{MINUS}4.1 points"],
            [f"{MINUS}2 000", f"{MINUS}4,1 points"],
        ),
        ((7, 79, 100), (7, 79, 100), ["0", "0.0 points"], ["0", "0,0 point"]),
        ((7, 2, 3), (8, 441, 1000), [f"{MINUS}1", ""], [f"{MINUS}1", ""]),
        ((7, 441, 1000), (8, 19, 19), [f"{MINUS}1", ""], [f"{MINUS}1", ""]),
    ],
)
def test_a_change_has_its_sign_and_none_is_of_few_judged_calls(
    may: Report,
    after: tuple[int, int, int],
    before: tuple[int, int, int],
    english: list[str],
    french: list[str],
) -> None:
    other = month(may, count(before[0]), rate(*before[1:]))
    report = compared(may, other, count(after[0]), rate(*after[1:]))
    assert (changes(report), changes(report, FR)) == (english, french)


def test_a_change_of_a_rate_is_that_of_the_two_that_are_shown(may: Report) -> None:
    report = compared(may, month(may, rate(1004, 10_000)), rate(1106, 10_000))  # 10.0 %, 11.1 %
    assert changes(report)[1] == "+1.1 points"


NO_CHANGE, NO_COUNT = "no change is shown.", "no change in the calls is shown."


@pytest.mark.parametrize(
    ("unheard", "shown", "note"),
    [
        (0.9, ["+5", "+10.0 points"], []),
        (1.0, ["", "+10.0 points"], [f"Of April 2024, 1.0 h of opening hours were not heard: {NO_COUNT}"]),
        (16.9, ["", "+10.0 points"], [f"Of April 2024, 16.9 h of opening hours were not heard: {NO_COUNT}"]),
        (17.0, ["", ""], [f"Of April 2024, 17.0 h of opening hours were not heard: {NO_CHANGE}"]),
    ],
)
def test_no_change_is_shown_against_what_was_not_heard(
    may: Report, unheard: float, shown: list[str], note: list[str]
) -> None:
    before = month(may, count(10), rate(50, 100), hours(UNHEARD, unheard))
    report = compared(may, before, count(15), rate(60, 100))
    assert (changes(report), [x.replace(NO_BREAK, " ") for x in Trends(report, EN).notes()]) == (shown, note)
    itself = compared(may, month(may, count(10), rate(50, 100)), count(15), rate(60, 100), hours(UNHEARD, unheard))
    assert changes(itself) == shown


def test_what_the_exchanges_log_has_is_as_good_as_heard(may: Report) -> None:
    gap = hours(UNHEARD, 20.0), hours(WHOLE, 30.0)
    shown = [
        changes(compared(may, month(may, count(10), *gap, hours(KNOWN, known)), count(15)))[0]
        for known in (30.0, 29.0, None)
    ]
    assert shown == ["+5", "", ""]


def test_no_change_is_shown_against_imported_calls_or_of_a_running_month(may: Report) -> None:
    imported = compared(may, month(may, count(10), rate(50, 100), has_imported=True), count(15), rate(60, 100))
    assert changes(imported) == ["", ""]
    assert [*Trends(imported, EN).notes()] == [f"April 2024 rests in part on imported calls: {NO_CHANGE}"]
    assert SignatureBuilder(imported, EN).sentences().startswith("May 2024. The ministry received 15 calls. ")
    heard = compared(may, month(may, count(10), rate(50, 100)), count(15), rate(60, 100))
    assert changes(msgspec.structs.replace(heard, imported={"CDR": 3})) == ["", ""]
    running = msgspec.structs.replace(heard, is_running=True)
    assert (changes(running), [*Trends(running, EN).notes()]) == (
        ["", ""],
        ["The month is not over: no change is shown."],
    )


def test_an_imported_month_is_known_from_the_database(store: Database, may: Report) -> None:
    assert [(x.month, x.has_imported) for x in may.compared] == [("2024-04", False), ("2023-05", False)]


# Twelve months.


def test_the_line_has_a_point_for_each_month_that_was_heard(may: Report) -> None:
    trends = Trends(may, EN)
    line = trends.line("calls_offered", "Calls offered")
    assert line is not None
    # Nobody listened before December 2023; June 2023 is the oldest of the twelve.
    assert [len(run) for run in line.runs] == [6]
    assert (line.runs[-1][0][0], line.runs[-1][-1][0]) == (65.2, 117.0)
    counts = [x.figures[CALLS].value for x in may.months[-5:]]
    counts.append(may.figures[CALLS].value)
    assert sorted(range(6), key=lambda n: -line.runs[0][n][1]) == sorted(range(6), key=counts.__getitem__)  # type: ignore[arg-type]
    assert line.span == f"{EN.count(min(counts))} to {EN.count(max(counts))}"  # type: ignore[type-var,arg-type]


def test_a_month_of_imported_calls_breaks_the_line(may: Report) -> None:
    earlier = tuple(
        msgspec.structs.replace(x, has_imported=True) if x.month == "2024-02" else x for x in may.months
    )
    line = Trends(msgspec.structs.replace(may, months=earlier), EN).line("calls_offered", "")
    assert line is not None
    assert [len(run) for run in line.runs] == [2, 3]


def test_one_month_is_no_line_and_a_table_without_a_line_has_no_column(may: Report) -> None:
    alone = msgspec.structs.replace(may, compared=(), months=())
    assert Trends(alone, EN).line("calls_offered", "") is None
    settings = year.settings()
    pages = [
        html.html(x, notes_of(settings, x.month, EN), {}, EN).decode() for x in (may, alone, edition.edition(may))
    ]
    known = [Trends(may, EN).line(name, "") for name in HEADLINES]
    assert [page.count('class="trend"') for page in pages] == [len(known) - known.count(None), 0, 0]
    assert known.count(None) == 1
    assert [page.count(">Twelve months<") for page in pages] == [1, 0, 0]


# Targets.


def test_a_line_with_a_target_shows_it_and_whether_its_rate_is_below(may: Report) -> None:
    row = next(x for x in SignatureBuilder(may, EN).lines().rows if x.label == "General inquiries, Toronto")
    assert (row.under, row.targets) == (("", "below target: 80%", "", "", ""), (None, 80.0, None, None, None))
    tty = next(x for x in SignatureBuilder(may, FR).lines().rows if x.label == "ATS, Toronto")
    assert [x.replace(NO_BREAK, " ") for x in tty.under] == ["", "cible : 1,5 %", "", "", ""]
    page = html.html(may, notes_of(year.settings(more=MORE), may.month, EN), {}, EN).decode()
    assert [page.count('class="aim b80"'), "below target: 80%" in Page(page.encode()).under] == [1, True]


def test_a_public_edition_has_no_target_no_change_and_nothing_to_watch(may: Report) -> None:
    public = edition.edition(may)
    signature = SignatureBuilder(public, EN)
    page = Page(html.html(public, notes_of(year.settings(more=MORE), public.month, EN), {}, EN))
    assert (public.targets, signature.to_watch(), page.under) == ({}, [], [])
    assert [x.under for x in signature.headlines().rows if any(x.under)] == []


# What to watch.


def to_watch(report: Report, formatter: ReportFormatter = EN) -> list[str]:
    return [x.replace(NO_BREAK, " ") for x in SignatureBuilder(report, formatter).to_watch()]


def lines(report: Report, **rates: tuple[int, int]) -> list[Figure]:
    """These rates of these lines; no other line has a judged call, and no cause is known."""
    found = [Figure(Place(THIRD, "", x), "rate", "not_applicable") for x in report.cuts if x.kind == "line"]
    found += [msgspec.structs.replace(x, value=0) for at, x in report.figures.items() if at.name == CAUSE]
    return found + [rate(*pair, Place(THIRD, "", Cut("line", name))) for name, pair in rates.items()]


CAUSE = "answer_by_third_ring.cause"


def caused(cause: str, number: int) -> Figure:
    return Figure(Place(CAUSE, cause, TTY), "count", "known", number)


def test_the_lowest_line_with_twenty_judged_calls_is_to_watch(may: Report) -> None:
    alone = msgspec.structs.replace(may, compared=(), months=())
    low = lines(may, general=(80, 100), poci=(1, 19), tty=(12, 27))
    report = compared(alone, month(may), *low, caused("rang_unanswered", 9), caused("nobody_free", 6))
    assert to_watch(report) == [
        "TTY, Toronto: by the third ring, a person answered 12 of 27 calls (44.4%); the most frequent cause: "
        "“free phone not picked up” (9 of 15)."
    ]
    assert to_watch(report, FR) == [
        "ATS, Toronto : une personne a répondu à 12 appels sur 27 au plus tard après la troisième sonnerie "
        "(44,4 %); la cause la plus fréquente : « poste libre non décroché » (9 sur 15)."
    ]
    equal = compared(alone, month(may), *low, caused("rang_unanswered", 6), caused("nobody_free", 6))
    assert to_watch(equal) == ["TTY, Toronto: by the third ring, a person answered 12 of 27 calls (44.4%)."]


def test_a_change_of_five_points_or_more_is_to_watch(may: Report) -> None:
    none = lines(may, general=(19, 19))
    shown = {
        before: to_watch(compared(may, month(may, rate(before, 1000)), rate(800, 1000), *none))
        for before in (750, 751, 850, 849)
    }
    assert shown == {
        750: ["Answered by a person by the third ring: +5.0 points since the month before."],
        751: ["nothing stands out by rule."],
        850: [f"Answered by a person by the third ring: {MINUS}5.0 points since the month before."],
        849: ["nothing stands out by rule."],
    }


def test_what_was_not_heard_is_to_watch(may: Report) -> None:
    none = lines(may, general=(19, 19))
    missing = Figure(Place("reconciliation_exchange_only"), "count", "known", 3)
    report = compared(may, month(may), *none, hours(UNHEARD, 2.0), missing)
    assert to_watch(report) == [
        "2.0 h of opening hours were not heard: calls may be missing.",
        "Calls that the exchange counted and callmon did not: 3.",
    ]
    assert to_watch(msgspec.structs.replace(report, has_data=False)) == []


# The head and the foot of each page.


def test_each_page_has_the_ministry_the_month_the_revision_and_the_edition(may: Report) -> None:
    settings = year.settings(more=MORE)
    heads = [html.html(x, notes_of(settings, x.month, EN), {}, EN).decode() for x in (may, edition.edition(may))]
    assert [page.count('<p class="of">Ministry of &#34;Example&#34;</p>') for page in heads] == [1, 1]
    assert [page.count('content: "Ministry of \\22 Example\\22 "') for page in heads] == [1, 1]
    for page, kind in zip(heads, ("internal", "public"), strict=True):
        foot = f'content: "May 2024 · revision 1 · {kind} edition · " counter(page) " of " counter(pages);'
        assert page.count(foot) == 1
    unnamed = html.html(may, notes_of(year.settings(), may.month, FR), {}, FR).decode()
    assert unnamed.count("Renseignements généraux; Programme ontarien des candidats") == 2


@pytest.mark.parametrize(
    ("more", "head"), [(MORE, "Ministère de l&#39;Exemple"), ("", "Renseignements généraux; ")]
)
def test_the_public_card_has_the_ministry_at_its_head(may: Report, more: str, head: str) -> None:
    public = edition.edition(may)
    formatter = formatter_of(public, "fr", TORONTO)
    page = card.card(public, notes_of(year.settings(more=more), may.month, formatter), formatter)
    assert page.decode().partition('<p class="of">')[2].startswith(head)
