"""The public edition keeps small numbers back, also from who subtracts every published number from every other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import product
from random import Random

import msgspec
import pytest

from callmon.core.calls.call import LANGUAGES
from callmon.core.statistics import period
from callmon.errors import ConfigError
from callmon.reports.formats import json
from callmon.reports.formats.json import Published
from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import WHOLE, ComparedMonth, Cut, Place, Report
from callmon.reports.public import edition as public
from callmon.reports.public.edition import SMALL
from callmon.reports.public.suppression import LinearConstraint, suppress
from callmon.reports.request import gathered
from callmon.store.database import Database, upgrade
from tests import year
from tests.support.examples import examples
from tests.year import TORONTO
from tests.year import obligations as year_owing
from tests.year import rows as year_rows
from tests.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
Cells = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Report]]:
    """Of a year in which many a number is small."""
    store: Database = upgrade(f"sqlite:///{tmp_path_factory.mktemp('small')}/callmon.db")
    settings = year.settings()
    year_rows.stored(store, settings, year_stories.calls(4_000, seed=5), year_owing.owings(900, settings, seed=6))
    year_rows.listened(store, datetime(2023, 12, 1, tzinfo=UTC), LATER)

    @lru_cache
    def report(name: str) -> Report:
        return gathered(store, settings, period.month(name, TORONTO), LATER, compare=False)

    yield report
    store.close()


MONTHS = [f"2024-{number:02}" for number in range(1, 13)][:: examples(1, 4)]


@lru_cache
def edition_of(reports: Callable[[str], Report], name: str) -> Report:
    return public.edition(reports(name))


def cells(cut: Cut, report: Report) -> Cells:
    """The lines and languages that a cut counts together."""
    return frozenset((line, language) for line, language in product(report.lines, LANGUAGES) if {
        "whole": True, "line": line == cut.of, "language": language == cut.of,
        "service": report.lines[line][0] == cut.of, "mode": report.lines[line][1] == cut.of,
    }[cut.kind])  # fmt: skip


def known(edition: Report) -> dict[Place, int]:
    shown = edition.figures.items()
    return {x: int(one.value) for x, one in shown if one.kind == "count" and one.value is not None}


@pytest.mark.parametrize("name", MONTHS)
def test_no_published_number_and_no_difference_of_two_is_small(
    reports: Callable[[str], Report], name: str
) -> None:
    report = reports(name)
    shown = known(edition_of(reports, name))
    assert [place for place, count in shown.items() if 0 < count < SMALL] == []
    leaks = []
    for of in {(x.name, x.part) for x in shown}:
        mine = [(cells(x.cut, report), count) for x, count in shown.items() if (x.name, x.part) == of]
        leaks += [(of, a, b) for (one, a), (other, b) in product(mine, mine) if one < other and 0 < b - a < SMALL]
    assert leaks == []


@pytest.mark.parametrize("name", MONTHS)
def test_no_total_less_any_of_its_published_parts_is_small(reports: Callable[[str], Report], name: str) -> None:
    shown = known(edition_of(reports, name))
    totals = {"outcomes": "calls_offered", "hours": "calls_offered", "callbacks_24_hours": "callbacks_opened"}
    totals |= {f"{x}.verdict": public.VERDICT_PARTS[f"{x}.verdict"][0] for x in public.ALL_STANDARDS}
    leaks: list[object] = []
    for of, total in totals.items():
        for cut in {x.cut for x in shown}:
            whole = shown.get(Place(total, "", cut))
            parts = [count for x, count in shown.items() if x.name == of and x.cut == cut]
            if whole is not None and 0 < whole - sum(parts) < SMALL:
                leaks.append((of, cut, whole, parts))
    for place, count in shown.items():
        if place.name == "weekday.answered":
            offered = shown.get(Place("weekday.offered", place.part, place.cut), count)
            leaks += [(place, offered)] if 0 < offered - count < SMALL else []
    assert leaks == []


@pytest.mark.parametrize("name", ["2024-01", "2024-06", "2024-12"])
def test_solving_all_sums_of_lines_and_outcomes_together_gives_no_number_that_was_kept_back(
    reports: Callable[[str], Report], name: str
) -> None:
    """The attack: exact fractions, over the sums as a reader knows them."""
    report = reports(name)
    edition = edition_of(reports, name)
    wanted = [x for x in edition.figures if x.name in ("outcomes", "calls_offered")]
    hidden = {x for x in wanted if edition.figures[x].state == "suppressed"}
    assert hidden
    equations: list[tuple[Place, list[Place]]] = []
    kinds = ("service", "mode", "line", "language")
    for of in {(x.name, x.part) for x in wanted}:
        equations += [
            (Place(*of), [x for x in wanted if (x.name, x.part) == of and x.cut.kind == kind]) for kind in kinds
        ]
        for cut in {x.cut for x in wanted if x.cut.kind in ("service", "mode")}:
            lines = [x for x in wanted if (x.name, x.part) == of and x.cut.kind == "line"]
            within = [x for x in lines if cells(x.cut, report) < cells(cut, report)]
            equations.append((Place(*of, cut), within))
    for cut in {x.cut for x in wanted}:
        parts = [x for x in wanted if x.name == "outcomes" and x.cut == cut]
        equations.append((Place("calls_offered", "", cut), parts))
    rows = [{x: Fraction(1) for x in parts if x in hidden} for _, parts in equations]
    for row, (total, _) in zip(rows, equations, strict=True):
        if total in hidden:
            row[total] = Fraction(-1)
    assert solved([row for row in rows if row]) == []


def solved(rows: list[dict[Place, Fraction]]) -> list[Place]:
    """The unknowns that have one solution."""
    done: list[tuple[Place, dict[Place, Fraction]]] = []
    for row in rows:
        row = dict(row)
        for lead, other in done:
            subtract(row, other, row.get(lead, Fraction(0)))
        if not row:
            continue
        lead = min(row)
        row = {x: value / row[lead] for x, value in row.items()}
        for _, other in done:
            subtract(other, row, other.get(lead, Fraction(0)))
        done.append((lead, row))
    return [lead for lead, row in done if len(row) == 1]


def subtract(row: dict[Place, Fraction], other: dict[Place, Fraction], times: Fraction) -> None:
    for x, value in other.items():
        row[x] = row.get(x, Fraction(0)) - times * value
        if not row[x]:
            del row[x]


def test_the_attack_itself_finds_what_two_subtractions_tell() -> None:
    a, b, c = (Place("outcomes", x) for x in "abc")
    one = Fraction(1)
    assert solved([{a: one, b: one}, {a: one}]) == [a, b]
    assert solved([{a: one, b: one}, {b: one, c: one}]) == []
    assert set(solved([{a: one, b: one}, {b: one, c: one}, {a: one, c: one}])) == {a, b, c}


@pytest.mark.parametrize("name", MONTHS)
def test_a_rate_is_kept_back_with_either_of_its_numbers(reports: Callable[[str], Report], name: str) -> None:
    edition = edition_of(reports, name)
    rates = [(x, one) for x, one in edition.figures.items() if x.name == "reach_a_person.rate"]
    assert rates
    for place, one in rates:
        counts = [edition.figure("reach_a_person.verdict", part, place.cut) for part in ("met", "not_met")]
        is_told = all(count.state == "known" for count in counts)
        assert (one.state != "suppressed") is is_told
        assert is_told or (one.numerator, one.denominator, one.value) == (None, None, None)


def test_what_is_not_made_safe_is_not_published(reports: Callable[[str], Report]) -> None:
    edition = edition_of(reports, "2024-05")
    names = {x.name for x in edition.figures}
    assert edition.is_public
    assert not [x for x in names if x.startswith(("half_hour", "relay", "signs", "time_", "rings.", "early_hold"))]
    assert not [x for x in names if x.endswith((".cause", ".not_met"))]
    assert "outcomes_in_hours" not in names


def test_large_numbers_are_published(reports: Callable[[str], Report]) -> None:
    report = reports("2024-05")
    edition = edition_of(reports, "2024-05")
    for place in (Place("calls_offered"), Place("outcomes", "answered"), Place("answer_by_third_ring.rate")):
        assert edition.figures[place] == report.figures[place]


# Sums by themselves.

P = [Place("outcomes", str(n)) for n in range(6)]
TOTAL = Place("calls_offered")


def closed(*parts: int, left: int | None = None) -> list[int]:
    """Which parts of one sum are kept back; -1: the total."""
    members = P[: len(parts)]
    counts = dict(zip(members, parts, strict=True)) | {TOTAL: sum(parts) + (left or 0)}
    found = suppress(counts, [LinearConstraint(TOTAL, tuple(members), left)], SMALL)
    return sorted(-1 if x == TOTAL else P.index(x) for x in found)


@pytest.mark.parametrize(
    ("parts", "left", "found"),
    [
        ((10, 20, 30), None, []),
        ((10, 3, 30), None, [0, 1]),  # the smallest beside it
        ((10, 0, 30), None, []),  # zero is shown
        ((2, 2, 30), None, [0, 1, 2]),  # together 4: small as well
        ((3, 2, 30), None, [0, 1]),
        ((3, 0, 0), None, [-1, 0]),
        ((10, 20), 3, [0]),  # what is left over would be 3
        ((10, 20), 7, []),
        ((4, 20), 7, [0]),
    ],
)
def test_of_a_sum_nothing_small_can_be_worked_out(
    parts: tuple[int, ...], left: int | None, found: list[int]
) -> None:
    assert closed(*parts, left=left) == found


def test_three_sums_that_share_three_hidden_numbers_do_not_tell_them() -> None:
    a, b, c = P[:3]
    totals = [Place("outcomes", f"t{n}") for n in range(3)]
    counts = {a: 3, b: 4, c: 2, P[3]: 40, P[4]: 50, P[5]: 60, totals[0]: 47, totals[1]: 56, totals[2]: 65}
    sums = [
        LinearConstraint(totals[0], (a, b, P[3]), None),
        LinearConstraint(totals[1], (b, c, P[4]), None),
        LinearConstraint(totals[2], (a, c, P[5]), None),
    ]
    found = suppress(counts, sums, SMALL)
    assert {a, b, c} < found


def test_what_is_kept_back_does_not_hang_on_the_order_of_sums_being_looked_at_twice() -> None:
    random = Random(1)
    counts = {place: random.randrange(12) for place in P}
    counts[TOTAL] = sum(counts.values())
    one = LinearConstraint(TOTAL, tuple(P), None)
    assert suppress(counts, [one], SMALL) == suppress(counts, [one, one], SMALL)


def test_the_whole_is_published_of_a_month_with_enough_calls(reports: Callable[[str], Report]) -> None:
    edition = edition_of(reports, "2024-03")
    assert edition.figure("calls_offered").state == "known"
    assert edition.figure("calls_offered", cut=WHOLE).value == reports("2024-03").figure("calls_offered").value


# Two editions of one month.


def published(edition: Report) -> Published:
    told = json.json_bytes(edition, ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO), "0")
    return json.parse_report(told, "before.json")


def corrected(report: Report, random: Random, count: int) -> Report:
    """The report after a backfill that moved `count` calls of random lines from "unknown" to other outcomes, or
    found them: as a reader's sums have it, from the lines' cells up.
    """
    added: dict[tuple[str, str, str, str], int] = {}
    lines = sorted(report.lines)
    for _ in range(count):
        line, language = random.choice(lines), random.choice(LANGUAGES)
        hours, outcome = random.choice(["open", "closed"]), random.choice(["answered", "busy", "abandoned"])
        key = (line, language, hours, outcome)
        added[key] = added.get(key, 0) + 1
    figures = dict(report.figures)
    for place, one in report.figures.items():
        if place.name in ("calls_offered", "hours", "outcomes", "outcomes_in_hours") and one.value is not None:
            within = cells(place.cut, report)
            more = sum(
                n for (line, language, hours, outcome), n in added.items()
                if (line, language) in within
                and (place.name != "hours" or place.part == hours)
                and (not place.name.startswith("outcomes") or place.part == outcome)
                and (place.name != "outcomes_in_hours" or hours == "open")
            )  # fmt: skip
            figures[place] = msgspec.structs.replace(one, value=one.value + more)
    return msgspec.structs.replace(report, figures=figures)


def told_by_two(report: Report, before: Report, after: Report) -> list[Place]:
    """The attack: what was published twice, subtracted; then every sum of such changes, solved together."""
    first, second = known(before), known(after)
    names = ("calls_offered", "hours", "outcomes")
    places = [x for x in report.figures if x.name in names]
    changed = {x: Fraction(second[x] - first[x]) for x in places if x in first and x in second}
    sums = [(Place("calls_offered", "", cut), [x for x in places if x.name == of and x.cut == cut])
            for cut in {x.cut for x in places} for of in ("hours", "outcomes")]  # fmt: skip
    for name, part in {(x.name, x.part) for x in places}:
        mine = [x for x in places if (x.name, x.part) == (name, part)]
        for kind in ("service", "mode", "line", "language"):
            sums.append((Place(name, part), [x for x in mine if x.cut.kind == kind]))
        for total in [x for x in mine if x.cut.kind in ("service", "mode")]:
            within = [x for x in mine if x.cut.kind == "line" and cells(x.cut, report) < cells(total.cut, report)]
            sums.append((total, within))
    rows, one = [], Place("the number one")
    for total, members in sums:
        row: dict[Place, Fraction] = {}
        for place, sign in (*((x, 1) for x in members), (total, -1)):
            key, times = (one, changed[place]) if place in changed else (place, Fraction(1))
            row[key] = row.get(key, Fraction(0)) + sign * times
        rows.append({x: value for x, value in row.items() if value})
    found = list(changed.items())
    found += solved_with(rows, one)
    return sorted(place for place, value in found if 0 < abs(value) < SMALL)


def solved_with(rows: list[dict[Place, Fraction]], one: Place) -> list[tuple[Place, Fraction]]:
    """The unknowns that have one solution, with it."""
    done: list[tuple[Place, dict[Place, Fraction]]] = []
    for row in rows:
        row = dict(row)
        for lead, other in done:
            subtract(row, other, row.get(lead, Fraction(0)))
        leads = [x for x in row if x != one]
        if not leads:
            assert not row, "the editions contradict each other"
            continue
        lead = min(leads)
        row = {x: value / row[lead] for x, value in row.items()}
        for _, other in done:
            subtract(other, row, other.get(lead, Fraction(0)))
        done.append((lead, row))
    return [(lead, -row.get(one, Fraction(0))) for lead, row in done if row.keys() <= {lead, one}]


@pytest.mark.parametrize("seed", range(examples(6, 2)))
def test_no_edition_tells_beside_an_earlier_one_how_few_calls_a_correction_was_about(
    reports: Callable[[str], Report], seed: int
) -> None:
    random = Random(seed)
    report, before = reports(MONTHS[seed]), edition_of(reports, MONTHS[seed])
    later = corrected(report, random, random.choice([1, 3, 12, 60]))
    assert told_by_two(report, before, public.edition(later)) != []  # without regard to the earlier one
    after = public.succeeding(later, published(before), "before.json")
    assert told_by_two(report, before, after) == []
    assert (after.revision, after.is_public) == (2, True)
    shown = known(after)
    assert {x: shown[x] for x in shown} == {x: int(later.figures[x].value or 0) for x in shown}


def test_an_edition_of_the_same_data_is_the_same_edition(reports: Callable[[str], Report]) -> None:
    before = edition_of(reports, "2024-05")
    after = public.succeeding(reports("2024-05"), published(before), "before.json")
    assert (after.figures, after.changes) == (before.figures, ())


def test_a_correction_of_many_calls_of_one_line_is_published(reports: Callable[[str], Report]) -> None:
    report, before = reports("2024-05"), edition_of(reports, "2024-05")
    figures = dict(report.figures)
    for place in (Place("calls_offered"), Place("outcomes", "answered"), Place("hours", "open")):
        for cut in (WHOLE, Cut("line", "general"), Cut("service", "general_inquiries"), Cut("mode", "voice"),
                    Cut("language", "en")):  # fmt: skip
            at = msgspec.structs.replace(place, cut=cut)
            if at in figures:
                figures[at] = msgspec.structs.replace(figures[at], value=int(figures[at].value or 0) + 40)
    later = msgspec.structs.replace(report, figures=figures)
    after = public.succeeding(later, published(before), "before.json")
    assert after.figure("calls_offered").value == int(report.figure("calls_offered").value or 0) + 40


def test_another_month_stands_beside_an_edition_only_as_it_was_published(
    reports: Callable[[str], Report],
) -> None:
    april = edition_of(reports, "2024-04")
    may = edition_of(reports, "2024-05")
    beside = ComparedMonth("2024-04", "before", reports("2024-04").figures)
    made = public.edition(msgspec.structs.replace(reports("2024-05"), compared=(beside,)))
    assert public.beside(made, []).compared == ()
    (shown,) = public.beside(made, [(published(april), "april.json")]).compared
    assert (shown.month, shown.relation, shown.figures) == ("2024-04", "before", april.figures)
    with pytest.raises(
        ConfigError, match=r"^may\.json: not the public edition of a month to stand beside this one"
    ):
        public.beside(made, [(published(may), "may.json")])
    with pytest.raises(ConfigError, match=r"^april\.json: not the public edition"):
        public.beside(made, [(published(reports("2024-04")), "april.json")])


def test_a_public_edition_revises_none_that_is_internal(reports: Callable[[str], Report]) -> None:
    with pytest.raises(ConfigError, match=r"^x\.json: not the public edition of the same days"):
        public.succeeding(reports("2024-05"), published(reports("2024-05")), "x.json")


def test_a_part_that_shows_no_number_is_left_of_its_sum(reports: Callable[[str], Report]) -> None:
    """A line that nobody listened to, beside one that was heard."""
    whole, heard, unheard = (
        Place("calls_offered", "", cut) for cut in (WHOLE, Cut("line", "general"), Cut("line", "tty"))
    )
    beside = {Place("callbacks_opened", "", unheard.cut): 0}

    def sums_of(counts: dict[Place, int]) -> list[LinearConstraint]:
        return [x for x in public.sums(counts, reports("2024-05")) if x.total == whole]

    for seen, left in ((10, 3), (7, 0)):
        assert sums_of({whole: seen, heard: 7} | beside) == [LinearConstraint(whole, (heard,), left)]
    assert sums_of({whole: 7, heard: 7}) == [LinearConstraint(whole, (heard,), None)]
    assert sums_of({whole: 7} | beside) == []
