"""The public edition shows every headline, and no reader works out a number of 1 to 4 from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from random import Random

import msgspec
import pytest

from callmon.config.standards import ALL_STANDARDS
from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.features.months.formats import csv, json
from callmon.features.months.formats.json import Published
from callmon.features.months.formatter import ReportFormatter, RoundedFormatter, whole_percent
from callmon.features.months.model import WHOLE, ComparedMonth, Cut, Figure, Place, Report, State
from callmon.features.months.open_data import edition as public
from callmon.features.months.request import gathered
from callmon.features.months.signature import SignatureBuilder
from callmon.features.months.titles import PUBLIC_HEADLINES
from callmon.store.database import Database, upgrade
from tests.report.public_reader import ONE, RATES, REACH, SPREAD, THIRD, VOICEMAIL, Count, PublicReader, Sum, read
from tests.support import year
from tests.support.examples import examples
from tests.support.year import TORONTO
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
MONTHS = [f"2024-{number:02}" for number in range(1, 13)]
SIZES = [2_000, 6_000, *(pytest.param(x, marks=pytest.mark.long) for x in (20_000, 100_000))]  # calls of a year
GENERAL, INQUIRIES = Cut("line", "general"), Cut("service", "general_inquiries")
Reports = Callable[[int, str], Report]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    """The report of a month of a year with so many calls."""
    stores: list[Database] = []
    settings = year.settings()

    @lru_cache
    def store(calls: int) -> Database:
        made = upgrade(f"sqlite:///{tmp_path_factory.mktemp('public')}/callmon.db")
        obligations = year_owing.owings(calls * 9 // 40, settings, seed=6)
        year_rows.stored(made, settings, year_stories.calls(calls, seed=5), obligations)
        year_rows.listened(made, datetime(2023, 12, 1, tzinfo=UTC), LATER)
        stores.append(made)
        return made

    @lru_cache
    def report(calls: int, month: str) -> Report:
        return gathered(store(calls), settings, period.month(month, TORONTO), LATER, compare=False)

    yield report
    for each in stores:
        each.close()


def edition_of(reports: Reports, month: str, calls: int = 4_000) -> Report:
    return public.edition(reports(calls, month))


# What a reader works out.


def true_counts(report: Report) -> dict[Count, int]:
    """The exact count of each number that a reader looks for."""
    found: dict[Count, int] = {}
    for place, one in report.figures.items():
        cut = (place.cut.kind, place.cut.of)
        if one.kind == "count" and one.value is not None:
            found[Count(place.name, place.part, cut)] = int(one.value)
        if place.name in RATES and one.denominator is not None and one.numerator is not None:
            whole = report.figure(RATES[place.name], cut=place.cut).value
            parts = {"judged": one.denominator, "met": one.numerator, "not_met": one.denominator - one.numerator}
            parts["rest"] = int(whole or 0) - one.denominator
            found |= {Count(place.name, part, cut): count for part, count in parts.items()}
    return found


def reported(*reports: Report) -> list[tuple[Count, int, list[int]]]:
    """Each number of 1 to 4 that a reader of the public editions knows to within five values.

    The reports of a month are its revisions, in order.
    """
    named: dict[str, Report] = {}
    for report in reports:
        named[report.month.name + " r2" * (report.month.name in named)] = report
    formatter = ReportFormatter("en", TORONTO)
    reader = read({name: csv.figures(public.edition(x), formatter) for name, x in named.items()}, reports[0].lines)
    exact = {x._replace(edition=name): n for name, report in named.items() for x, n in true_counts(report).items()}
    assert [x for x, (least, most) in reader.bounds.items() if x in exact and not least <= exact[x] <= most] == []
    small = [x for x in reader.bounds if 0 < exact.get(x, 0) < 5]
    assert small
    bounded = [(x, exact[x], [*reader.bounds[x]]) for x in small if is_known(reader.bounds[x])]
    searched = [] if bounded else [(x, exact[x], sorted(reader.values(x))) for x in small]
    return bounded or [x for x in searched if is_known(x[2])]


def is_known(values: Sequence[int]) -> bool:
    return max(values) - min(values) < SPREAD


@pytest.mark.parametrize("calls", [600, *SIZES])
def test_no_reader_of_all_months_knows_a_number_of_1_to_4_closely(reports: Reports, calls: int) -> None:
    months = [reports(calls, month) for month in MONTHS[: examples(12, 2)]]
    leaks = reported(*months, with_more_calls(months[0], 3))
    assert (len(leaks), leaks[:5]) == (0, [])


EDGES = [*range(7), *(x + y for x in (10, 20, 50, 60, 100) for y in (-7, -6, -5, -2, 0, 3, 4, 5))]


def pair(random: Random, most: int) -> tuple[int, int]:
    """The two numbers of a rate."""
    judged = random.choice([x for x in EDGES if x <= most])
    return random.choice([x for x in EDGES if x <= judged]), judged


def at_the_edges(report: Report, random: Random) -> Report:
    """The report of a month whose counts are where the rounding changes, in every line and standard."""
    lines = [x for x in report.cuts if x.kind == "line"]
    calls = {line: random.choice(EDGES) for line in lines}
    numbers = {name: {line: pair(random, calls[line]) for line in lines} for name in RATES}
    for line in lines:  # as the definitions require
        third, reached = numbers[THIRD][line], numbers[REACH][line][0]
        met = min(third[0], reached)
        numbers[THIRD][line] = met, third[1]
        for name, most in ((VOICEMAIL, third[1] - met), (ONE, reached)):
            numbers[name][line] = tuple(min(x, most) for x in numbers[name][line])  # type: ignore[assignment]
    figures = dict(report.figures)
    for cut in (x for x in report.cuts if x.kind in public.CUTS):
        mine = [x for x in lines if cut in (WHOLE, x, Cut("service", report.lines[x.of][0]))]
        for name in ("calls_offered", "callbacks_opened", "complaints_opened"):
            place = Place(name, "", cut)
            figures[place] = Figure(place, "count", "known", sum(calls[x] for x in mine))
        for name, of in numbers.items():
            place, met, judged_in = Place(name, "", cut), *(sum(of[x][n] for x in mine) for n in (0, 1))
            rate = met / judged_in if judged_in else None
            state: State = "known" if judged_in else "not_applicable"
            figures[place] = Figure(place, "rate", state, rate, met, judged_in)
    return msgspec.structs.replace(report, figures=figures)


@pytest.mark.turns(15)
@pytest.mark.parametrize("seed", range(examples(60, 6)))
def test_no_reader_knows_a_monthly_number_of_1_to_4_by_rounding(reports: Reports, seed: int) -> None:
    leaks = reported(at_the_edges(reports(600, "2024-05"), Random(seed)))
    assert (len(leaks), leaks[:5]) == (0, [])


def test_the_reader_finds_what_bounds_and_whole_numbers_reveal() -> None:
    total, *parts = (Count("x", str(n), ("whole", "")) for n in range(6))
    reader = PublicReader({total: (5, 5), **dict.fromkeys(parts, (1, 9))}, [Sum(total, tuple(parts))])
    assert [reader.values(x) for x in parts] == [{1}] * 5
    one, (a, b, c, d) = total, parts[:4]
    pairs = [Sum(one, (a, b)), Sum(one, (b, c)), Sum(d, (a, c))]
    reader = PublicReader({one: (1, 1), **dict.fromkeys((a, b, c), (0, 1)), d: (0, 2)}, pairs)
    assert (reader.bounds[d], reader.values(d)) == ((0, 2), {0, 2})


# What is dropped.


def planted(report: Report, met: Sequence[int]) -> Report:
    """The report of a month in which 70 callers a line reached a person; 60 of them count, and `met` by line."""
    figures = dict(report.figures)
    for cut in (x for x in report.cuts if x.kind in public.CUTS):
        lines = [x for x in year.LINES if cut in (WHOLE, Cut("line", x), Cut("service", report.lines[x][0]))]
        figures |= {at: Figure(at, "rate", "not_applicable", None, 0, 0) for at in places(cut, RATES)}
        calls, one, reach = places(cut, ("calls_offered", ONE, REACH))
        count, judged = sum(dict(zip(year.LINES, met, strict=True))[x] for x in lines), 60 * len(lines)
        figures[calls] = Figure(calls, "count", "known", 2 * judged)
        figures[one] = Figure(one, "rate", "known", count / judged, count, judged)
        figures[reach] = Figure(reach, "rate", "known", 1.0, 70 * len(lines), 70 * len(lines))
    return msgspec.structs.replace(report, figures=figures)


def places(cut: Cut, names: Iterable[str]) -> list[Place]:
    return [Place(name, "", cut) for name in names]


FOURTEENS = (14, 14, 4, 14, 30, 30)  # 46 in the first service, which is 50: the third line has 3 or 4


def test_a_table_by_line_that_reveals_a_count_under_5_is_dropped(
    reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = planted(reports(600, "2024-05"), FOURTEENS)
    edition, one = public.edition(report), "one_transfer_at_most.rate"
    assert {x.cut.kind for x in edition.figures if x.name == one} == {"whole", "service"}
    assert {x.cut.kind for x in edition.figures if x.name == REACH} == {"whole", "service", "line"}
    assert reported(report) == []
    monkeypatch.setattr(public, "without_derivable", lambda figures, _: figures)
    assert reported(report) == [(Count(ONE, "met", ("line", "tty"), "2024-05"), 4, [3, 4])]


@pytest.mark.parametrize("met", [(14, 14, 5, 14, 30, 30), (14, 14, 4, 30, 30, 30), (20,) * 6, (60,) * 6])
def test_a_table_by_line_that_tells_no_count_under_5_is_published(reports: Reports, met: tuple[int, ...]) -> None:
    edition = public.edition(planted(reports(600, "2024-05"), met))
    assert [edition.figure(ONE, cut=Cut("line", x)).state for x in year.LINES] == ["known"] * 6


def test_an_edition_is_made_of_figures_that_contradict_each_other(reports: Reports) -> None:
    report = planted(reports(600, "2024-05"), FOURTEENS)
    calls, reached = places(GENERAL, ("calls_offered", REACH))
    few = {calls: Figure(calls, "count", "known", 3), reached: Figure(reached, "rate", "known", 1.0, 3, 3)}
    edition = public.edition(msgspec.structs.replace(report, figures=report.figures | few))
    assert (edition.figure("calls_offered").value, edition.figures[calls].state) == (720, "too_few")


def test_a_column_and_a_row_without_numbers_are_named_below_the_table(reports: Reports) -> None:
    edition = edition_of(reports, "2024-05", 2_000)
    table = SignatureBuilder(edition, RoundedFormatter("en", TORONTO)).tables()["lines"]
    assert [row.label for row in table.rows] == [
        *("General inquiries, Toronto", "General inquiries, toll-free", "OINP, Toronto"),
    ]
    assert table.head == ("Calls offered", "By the third ring", "A person answered")
    assert table.notes == (
        "Not published this month: TTY, Toronto; TTY, toll-free; OINP, toll-free; Voicemail after the 4th ring; "
        "Redirected at most once; Callbacks opened; Called back in 24\N{NO-BREAK SPACE}h.",
    )


def test_a_single_service_has_no_table_and_a_line_table_two_rows(reports: Reports) -> None:
    formatter = RoundedFormatter("en", TORONTO)
    edition = edition_of(reports, "2024-05", 600)
    one = msgspec.structs.replace(edition, cuts=tuple(x for x in edition.cuts if x != Cut("service", "poci")))
    tables = [SignatureBuilder(x, formatter).tables() for x in (edition, one)]
    assert [[*x] for x in tables] == [["headlines", "services", "lines"], ["headlines", "lines"]]
    known = [x for x in edition.figures.values() if x.place.cut.kind == "line" and x.place.name == "calls_offered"]
    assert [x.state for x in known].count("known") == 1
    assert len(tables[0]["lines"].rows) == 6


def test_an_edition_has_nothing_of_several_months_together(reports: Reports) -> None:
    april, may = (edition_of(reports, month) for month in ("2024-04", "2024-05"))
    beside = ComparedMonth("2024-04", "before", reports(4_000, "2024-04").figures)
    made = public.edition(msgspec.structs.replace(reports(4_000, "2024-05"), compared=(beside,)))
    both = public.beside(made, [(published(april), "april.json")])
    rows = [sorted(row[:-1] for row in csv.rows(x, ReportFormatter("en", TORONTO))) for x in (both, may, april)]
    assert rows[0] == sorted(rows[1] + rows[2])  # the last column has the completeness, of the edition's own month


# What is published.


@pytest.mark.parametrize("calls", SIZES)
def test_with_100_calls_in_a_month_every_headline_of_the_whole_is_a_number(reports: Reports, calls: int) -> None:
    hidden: dict[str, list[str]] = {}
    for month in MONTHS:
        report = reports(calls, month)
        edition = public.edition(report)
        shown = {name: edition.figure(name) for name in PUBLIC_HEADLINES}
        assert (report.figure("calls_offered").value or 0) >= 100
        hidden[month] = [name for name, one in shown.items() if one.state != "known"]
    assert hidden == {month: [] for month in MONTHS}


def test_a_headline_of_the_whole_is_hidden_only_below_5_judged(reports: Reports) -> None:
    for seed in range(60):
        report = at_the_edges(reports(600, "2024-05"), Random(seed))
        edition = public.edition(report)
        for name in PUBLIC_HEADLINES:
            exact = report.figure(name)
            has_number = exact.kind == "count" or (exact.denominator or 0) >= 5
            assert (edition.figure(name).state == "known") is has_number


def test_each_number_is_the_nearest_ten_and_a_rate_is_made_of_two_of_them(reports: Reports) -> None:
    report, edition = reports(4_000, "2024-05"), edition_of(reports, "2024-05")
    assert [public.tens(x) for x in (0, 4, 5, 14, 15, 1_004)] == [0, 0, 10, 10, 20, 1_000]
    for cut in (WHOLE, INQUIRIES, GENERAL):
        exact, shown = (x.figure("answer_by_third_ring.rate", cut=cut) for x in (report, edition))
        assert exact.numerator is not None
        assert exact.denominator is not None
        numbers = public.tens(exact.numerator), public.tens(exact.denominator)
        assert (shown.numerator, shown.denominator, shown.state) == (*numbers, "known")
        assert shown.value == whole_percent(*numbers) / 100
        calls = int(report.figure("calls_offered", cut=cut).value or 0)
        assert edition.figure("calls_offered", cut=cut).value == public.tens(calls)


@pytest.mark.parametrize(
    ("cut", "count", "judged"),
    [(WHOLE, 0, 10), (INQUIRIES, 20, 50), (GENERAL, 20, 50)],
)
def test_a_group_of_few_calls_has_no_number_nor_whether_it_is_none(
    reports: Reports, cut: Cut, count: int, judged: int
) -> None:
    report, places = (
        reports(4_000, "2024-05"),
        (Place("calls_offered", "", cut), Place("reach_a_person.rate", "", cut)),
    )

    def shown(calls: int, of: int) -> list[Figure]:
        given = Figure(places[0], "count", "known", calls), Figure(places[1], "rate", "known", 1.0, of, of)
        figures = {(at := Place("completeness")): report.figures[at], **dict(zip(places, given, strict=True))}
        edition = public.edition(msgspec.structs.replace(report, figures=figures))
        return [edition.figures[x] for x in places]

    least = max(0, count - 5), judged - 5
    assert [x.state for x in shown(*least)] == ["known", "known"]
    assert [(x.value, x.numerator, x.denominator) for x in shown(*least)] == [
        (count, None, None),
        (1.0, judged, judged),
    ]
    few = Figure(places[1], "rate", "too_few")
    assert [shown(0, x)[1] for x in (0, 1, judged - 6)] == [few] * 3
    if count:
        assert [shown(x, 0)[0] for x in (0, 1, 14)] == [Figure(places[0], "count", "too_few")] * 3


def test_only_counts_rates_and_hours_of_whole_services_are_published(reports: Reports) -> None:
    edition = edition_of(reports, "2024-05")
    lines = {
        *("calls_offered", "callbacks_opened", "callbacks_24_hours.rate", THIRD, REACH, VOICEMAIL, ONE),
        *("test_calls", "disruptions", "disruptions_hours"),
    }
    services = lines | {f"{standard}.rate" for standard in ALL_STANDARDS}
    whole = services | {"complaints_opened", "unheard_hours", "unheard_open_hours", "unheard_known_hours"}
    published = {kind: {x.name for x in edition.figures if x.cut.kind == kind} for kind in public.CUTS}
    assert published == {"whole": whole, "service": services, "line": lines}
    assert {x.cut.kind for x in edition.figures} == {x.kind for x in edition.cuts} == {*public.CUTS}
    assert (edition.is_public, edition.months) == (True, ())


@pytest.mark.parametrize(
    ("numbers", "percent", "text"),
    [((710, 710), 100, "100%"), ((9_980, 9_990), 99, "99%"), ((10, 9_990), 1, "1%"), ((0, 100), 0, "0%"),
     ((60, 90), 67, "60 of 90"), ((510, 650), 78, "78%")],
)  # fmt: skip
def test_a_rate_is_a_whole_percentage_from_100_calls_on(numbers: tuple[int, int], percent: int, text: str) -> None:
    assert whole_percent(*numbers) == percent
    assert RoundedFormatter("en", TORONTO).rate(*numbers).replace("\N{NO-BREAK SPACE}", " ") == text


def test_a_target_keeps_its_decimal_in_a_public_edition() -> None:
    assert [RoundedFormatter("fr", TORONTO).percent(x) for x in (925, 900)] == [
        "92,5\N{NO-BREAK SPACE}%",
        "90\N{NO-BREAK SPACE}%",
    ]


def test_the_csv_gives_the_least_completeness_beside_each_whole_figure(reports: Reports) -> None:
    edition = edition_of(reports, "2024-05")
    rows = csv.rows(edition, ReportFormatter("en", TORONTO))
    assert {(row[1] == "whole", row[-1]) for row in rows} == {
        (True, f"at least {edition.complete_at_least}%"),
        (False, ""),
    }


# Two editions of one month.


def published(edition: Report) -> Published:
    reported = json.json_bytes(edition, ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO), "0")
    return json.parse_report(reported, "before.json")


def with_more_calls(report: Report, more: int) -> Report:
    places = [Place("calls_offered", "", cut) for cut in (WHOLE, GENERAL, INQUIRIES)]
    changed = {
        x: msgspec.structs.replace(report.figures[x], value=int(report.figures[x].value or 0) + more)
        for x in places
    }
    return msgspec.structs.replace(report, figures={**report.figures, **changed})


def test_a_revision_tells_a_change_in_tens(reports: Reports) -> None:
    report, before = reports(4_000, "2024-05"), edition_of(reports, "2024-05")
    for more in range(1, 25):
        after = json.revised(public.edition(with_more_calls(report, more)), published(before), "before.json")
        changes = [(x.after, x.before) for x in after.changes]
        assert {int(new.value or 0) - int(old.value or 0) for new, old in changes if new and old} <= {10, 20, 30}
        assert (after.revision, after.is_public) == (2, True)


def test_an_edition_of_the_same_data_is_the_same_edition(reports: Reports) -> None:
    before = edition_of(reports, "2024-05")
    after = json.revised(public.edition(reports(4_000, "2024-05")), published(before), "before.json")
    assert (after.figures, after.changes) == (before.figures, ())


def test_another_month_stands_beside_an_edition_only_as_it_was_published(reports: Reports) -> None:
    april, may = edition_of(reports, "2024-04"), edition_of(reports, "2024-05")
    beside = ComparedMonth("2024-04", "before", reports(4_000, "2024-04").figures)
    made = public.edition(msgspec.structs.replace(reports(4_000, "2024-05"), compared=(beside,)))
    assert public.beside(made, []).compared == ()
    (shown,) = public.beside(made, [(published(april), "april.json")]).compared
    assert (shown.month, shown.relation, shown.figures) == ("2024-04", "before", april.figures)
    with pytest.raises(
        ConfigError, match=r"^may\.json: not the public edition of a month to stand beside this one"
    ):
        public.beside(made, [(published(may), "may.json")])
    with pytest.raises(ConfigError, match=r"^april\.json: not the public edition"):
        public.beside(made, [(published(reports(4_000, "2024-04")), "april.json")])


def test_a_public_edition_revises_none_that_is_internal(reports: Reports) -> None:
    with pytest.raises(ConfigError, match=r"^x\.json: not the public edition of the same days"):
        json.revised(public.edition(reports(4_000, "2024-05")), published(reports(4_000, "2024-05")), "x.json")
