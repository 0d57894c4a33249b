"""The parts of a monthly report: months, rates, signs, unheard time, what became of a callback, and its texts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.settings import example_text, parse
from callmon.core.callbacks.obligation import Obligation
from callmon.core.statistics import histogram, period
from callmon.core.statistics.coverage import Coverage, nothing_was_heard, total
from callmon.errors import ConfigError
from callmon.features import months as reports
from callmon.features.months import layout, notes, titles
from callmon.features.months.figures import COUNTS, FATES, fate
from callmon.features.months.formats import csv, html, json
from callmon.features.months.formatter import MissingTextError, ReportFormatter
from callmon.features.months.model import Figure, Place
from callmon.text.formatter import permille
from tests.support.year import TORONTO, settings
from tests.support.year.obligations import made_obligation

REPORTS = Path(reports.__file__).parent
FR, EN = ReportFormatter("fr", TORONTO), ReportFormatter("en", TORONTO)
NBSP = "\N{NO-BREAK SPACE}"


def test_a_line_that_is_always_open_has_the_words_of_the_pages() -> None:
    days = "".join(
        f'{x} = "00:00-24:00"\n'
        for x in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    )
    found = settings(more=f"\n[lines.tty.hours]\n{days}[lines.poci.hours]\n{days.partition(chr(10))[0]}\n")
    shown = {formatter.language: [*notes.hours(found, formatter)][1:] for formatter in (FR, EN)}
    assert [[x.text for x in of] for of in shown.values()] == [
        ["jour et nuit", "lundi jour et nuit"],
        ["day and night", "Monday day and night"],
    ]


# ── months ──


@pytest.mark.parametrize(
    ("name", "hours"),
    [("2024-03", 743), ("2024-11", 721), ("2024-02", 29 * 24), ("2023-02", 28 * 24), ("2026-10", 744)],
)
def test_a_month_is_as_long_as_the_local_clocks_make_it(name: str, hours: int) -> None:
    found = period.month(name, TORONTO)
    assert found.end - found.begin == timedelta(hours=hours)
    assert found.begin.astimezone(TORONTO).hour == found.end.astimezone(TORONTO).hour == 0


def test_the_month_before_january_is_december_of_the_year_before() -> None:
    january, leap = period.month("2024-01", TORONTO), period.month("2024-02", TORONTO)
    assert period.before(january, TORONTO).name == "2023-12"
    assert period.earlier(leap, TORONTO, 12)[0] == period.month("2023-02", TORONTO)


def test_a_month_to_date_has_the_days_that_are_over_and_says_so() -> None:
    october = period.month("2026-10", TORONTO)
    part = period.to_date(october, date(2026, 10, 8), TORONTO)
    assert (part.after, part.to_date) == (date(2026, 10, 8), True)
    assert period.to_date(october, date(2026, 12, 8), TORONTO) == october
    with pytest.raises(ConfigError, match="2026-10: no day of it is over yet"):
        period.to_date(october, date(2026, 10, 1), TORONTO)


@pytest.mark.parametrize("written", ["2026", "2026-13", "2026-00", "10-2026", "2026-1", "2026-10-01", ""])
def test_what_is_no_month_is_refused_with_the_form_that_is(written: str) -> None:
    with pytest.raises(ConfigError, match="a month is written as 2026-10"):
        period.month(written, TORONTO)


@pytest.mark.parametrize(
    ("today", "due"),
    [("2026-11-01", False), ("2026-11-02", True), ("2026-11-30", True),  # the 1st is a Sunday
     ("2026-01-01", False), ("2026-01-02", True), ("2026-07-01", False), ("2026-07-02", True),
     ("2026-08-03", False), ("2026-08-04", True),  # Civic Holiday on the first Monday, after a weekend
     ("2026-12-01", True)],
)  # fmt: skip
def test_last_months_statistics_are_due_from_the_first_business_day_on(today: str, due: bool) -> None:
    assert period.is_due(settings().calendar(), date.fromisoformat(today)) is due


def test_last_month_is_the_one_before_also_in_january() -> None:
    assert (period.last(date(2026, 1, 2)), period.last(date(2026, 3, 31))) == ("2025-12", "2026-02")


# ── rates and signs ──


@pytest.mark.parametrize(
    ("part", "whole", "tenths"),
    [(9996, 10_000, 999), (10_000, 10_000, 1000), (4, 10_000, 1), (0, 10_000, 0), (985, 1000, 985), (1, 3, 333),
     (2, 3, 667), (19_999, 20_000, 999), (1, 1_000_000, 1)],
)  # fmt: skip
def test_100_percent_is_all_and_0_percent_is_none(part: int, whole: int, tenths: int) -> None:
    assert permille(part, whole) == tenths


@pytest.mark.parametrize(
    ("part", "whole", "french", "english"),
    [
        (3, 4, f"3{NBSP}sur{NBSP}4", f"3{NBSP}of{NBSP}4"),
        (19, 19, f"19{NBSP}sur{NBSP}19", f"19{NBSP}of{NBSP}19"),
        (20, 20, f"100{NBSP}%", "100%"),
        (0, 20, f"0{NBSP}%", "0%"),
        (197, 200, f"98,5{NBSP}%", "98.5%"),
        (1, 2, f"1{NBSP}sur{NBSP}2", f"1{NBSP}of{NBSP}2"),
    ],
)
def test_a_rate_of_fewer_than_20_is_a_fraction(part: int, whole: int, french: str, english: str) -> None:
    one = Figure(Place("answer_rate"), "rate", "known", part / whole, part, whole)
    assert (FR.figure(one), EN.figure(one)) == (french, english)


def test_no_two_reasons_for_a_missing_figure_have_the_same_sign() -> None:
    states = ("not_applicable", "not_available", "too_few")
    for formatter, signs in ((FR, ["s. o.", "n. d."]), (EN, ["n/a", "not available"])):
        shown = [formatter.figure(Figure(Place("answer_rate"), "rate", state)) for state in states]  # type: ignore[arg-type]
        assert shown[:2] == signs
        assert len({*shown}) == 3


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [(17.999, "17,9 s", "17.9 s"), (0.0, "0,0 s", "0.0 s"), (119.99, "119,9 s", "119.9 s"),
     (120.0, "2,0 min", "2.0 min"), (86_399.0, "23,9 h", "23.9 h")],
)  # fmt: skip
def test_a_length_is_cut_off_and_never_rounded_up(seconds: float, french: str, english: str) -> None:
    one = Figure(Place("time_to_answer", "median"), "seconds", "known", seconds, None, 1)
    assert (FR.figure(one), EN.figure(one)) == (french.replace(" ", NBSP), english.replace(" ", NBSP))


def test_numbers_days_and_times_are_as_each_language_prints_them() -> None:
    assert (FR.count(12_345), EN.count(12_345)) == (f"12{NBSP}345", "12,345")
    assert (FR.day(date(2026, 11, 1)), EN.day(date(2026, 11, 1))) == (
        f"1er{NBSP}novembre{NBSP}2026", f"1{NBSP}November{NBSP}2026"
    )  # fmt: skip
    assert (FR.time_of_day(8, 30), EN.time_of_day(8, 30), FR.time_of_day(17, 0)) == (
        f"8{NBSP}h{NBSP}30", f"8:30{NBSP}a.m.", f"17{NBSP}h"
    )  # fmt: skip


def test_nobody_must_know_whether_12_am_is_noon() -> None:
    assert [EN.time_of_day(0, 0), EN.time_of_day(12, 0), EN.time_of_day(12, 30)] == [
        "midnight",
        "noon",
        f"12:30{NBSP}p.m.",
    ]
    assert [FR.time_of_day(0, 0), FR.time_of_day(12, 0)] == [f"0{NBSP}h", f"12{NBSP}h"]


@pytest.mark.parametrize(
    ("values", "found"),
    [([5], (5, 5, 5)), ([1, 2], (1, 2, 2)), ([3, 1, 2], (2, 3, 3)), (list(range(1, 101)), (50, 95, 100))],
)
def test_median_and_percentile_are_values_that_happened(values: list[int], found: tuple[int, int, int]) -> None:
    assert histogram.ends(sum(map(histogram.once, values))) == found
    assert histogram.ends(3 * sum(map(histogram.once, values))) == found


@pytest.mark.parametrize(
    ("length", "cut"),
    [(0, 0), (0.0999, 0), (0.1, 0.1), (17.999, 17.9), (18, 18), (119.999, 119.9), (120, 120), (125.9, 120),
     (126, 126), (7199.9, 7194), (7200, 7200), (7559.9, 7200), (7560, 7560), (86_400, 86_400), (-0.5, 0)],
)  # fmt: skip
def test_a_length_is_cut_to_the_tenth_that_is_shown(length: float, cut: float) -> None:
    assert histogram.step_seconds(histogram.step_of(timedelta(seconds=length))) == cut


@given(st.lists(st.integers(0, 90_000_000), max_size=30), st.lists(st.integers(0, 90_000_000), max_size=30))
def test_numbers_that_are_added_have_counted_what_both_had(one: list[int], other: list[int]) -> None:
    def total(values: list[int]) -> int:
        return sum(histogram.once(histogram.step_of(timedelta(milliseconds=x))) for x in values)

    both = histogram.decode_histogram(histogram.encode_histogram(total(one))) + total(other)
    assert both == total(one + other)
    assert both - total(one) == total(other)
    assert sum(histogram.counts(both)) == len(one + other)
    found = histogram.ends(both)
    ordered = sorted(one + other)
    ranks = [-(-len(ordered) // 2), -(-len(ordered) * 95 // 100), len(ordered)]
    cut = [histogram.step_of(timedelta(milliseconds=ordered[rank - 1])) for rank in ranks] if ordered else None
    assert (None if found is None else list(found)) == cut


# ── listening ──

T0 = datetime(2026, 10, 1, 4, tzinfo=UTC)


def hours(count: float) -> datetime:
    return T0 + timedelta(hours=count)


@pytest.mark.parametrize(
    ("listening", "unheard"),
    [
        (Coverage(hours(-5), hours(50)), 0),
        (Coverage(None, None), 24),
        (Coverage(hours(6), hours(50)), 6),
        (Coverage(hours(-5), hours(20)), 4),
        (Coverage(hours(-5), hours(50), ((hours(2), hours(4)), (hours(3), hours(5)))), 3),
        (Coverage(hours(-5), hours(50), ((hours(-2), hours(1)), (hours(23), hours(30)))), 2),
        (Coverage(hours(6), hours(12), ((hours(5), hours(7)), (hours(11), hours(13)))), 20),
    ],
)
def test_unheard_is_the_time_before_and_after_and_every_gap_once(listening: Coverage, unheard: float) -> None:
    assert total(listening.unheard_spans(hours(0), hours(24))) == timedelta(hours=unheard)


@pytest.mark.parametrize(
    ("listening", "known"),
    [
        (Coverage(hours(-5), hours(50), ((hours(2), hours(5)),)), 0),
        (Coverage(hours(-5), hours(50), ((hours(2), hours(5)),), ((hours(0), hours(24)),)), 3),
        (Coverage(hours(-5), hours(50), ((hours(2), hours(5)),), ((hours(4), hours(24)),)), 1),
        (Coverage(hours(-5), hours(50), ((hours(2), hours(5)),), ((hours(24), hours(48)),)), 0),
        (Coverage(hours(6), hours(20), (), ((hours(0), hours(24)),)), 4),  # nobody compares what was before
        (Coverage(None, None, (), ((hours(0), hours(24)),)), 0),
    ],
)
def test_unheard_time_is_known_where_the_exchanges_log_was_compared(listening: Coverage, known: float) -> None:
    assert total(listening.covered_by_log(hours(0), hours(24))) == timedelta(hours=known)


def test_nothing_was_received_when_no_exchange_was() -> None:
    never, always = Coverage(None, None), Coverage(hours(-5), hours(50))
    assert nothing_was_heard({"a": never, "b": never}, hours(0), hours(24)) is True
    assert nothing_was_heard({"a": never, "b": always}, hours(0), hours(24)) is False
    assert nothing_was_heard({}, hours(0), hours(24)) is True


# ── callbacks ──

OPENED = datetime(2026, 10, 6, 14, tzinfo=UTC)  # a Tuesday
DUE = OPENED + timedelta(hours=24)
AFTER = DUE + timedelta(days=30)


def obligation(**changes: Any) -> Obligation:
    given = settings()
    from callmon.core.callbacks.due_dates import DueDatePolicies

    terms = DueDatePolicies(given)
    return msgspec.structs.replace(made_obligation("1.1", "callback", "general", "fr", OPENED, terms), **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "paid", "settled": DUE}, "called_back"),
        ({"state": "paid", "settled": DUE + timedelta.resolution}, "late"),
        ({"attempts": (DUE,)}, "attempted"),
        ({"attempts": (DUE + timedelta.resolution,)}, "late"),
        ({"attempts": (DUE,), "state": "paid", "settled": DUE}, "called_back"),
        ({"attempts": (DUE,), "state": "paid", "settled": AFTER}, "attempted"),
        ({"state": "reached_us", "settled": DUE}, "reached_us"),
        ({"state": "reached_us", "settled": AFTER}, "late"),
        ({"state": "closed", "reason": "no_request", "settled": DUE}, "no_request"),
        ({"state": "closed", "reason": "otherwise", "settled": DUE}, "late"),
        ({"hidden": "withheld", "state": "paid", "settled": OPENED}, "not_returnable"),
        ({"opening": "unheard"}, "unknown"),
        ({"fell_due": 0}, "not_due"),
        ({}, "late"),
    ],
)
def test_what_became_of_a_callback_by_its_due_time(changes: dict[str, Any], expected: str) -> None:
    assert fate(obligation(**changes), DUE, False, AFTER, attempt_counts=True) == expected


def test_before_its_due_time_a_callback_is_made_or_not_yet_due() -> None:
    now = OPENED + timedelta(hours=5)
    attempted = obligation(fell_due=0, attempts=(OPENED + timedelta(hours=1),))
    assert fate(attempted, DUE, False, now, True) == "not_due"
    assert fate(obligation(fell_due=0, state="paid", settled=now), DUE, False, now, True) == "called_back"


def test_where_a_gap_may_hide_the_callback_nothing_is_claimed() -> None:
    assert fate(obligation(), DUE, True, AFTER, True) == "unknown"
    assert (
        fate(obligation(state="paid", settled=AFTER), DUE, True, AFTER, True) == "unknown"
    )  # that verdict stands


def test_where_an_attempt_does_not_count_who_reached_us_is_not_late() -> None:
    reached = obligation(attempts=(OPENED,), state="reached_us", settled=DUE)
    assert fate(reached, DUE, False, AFTER, attempt_counts=False) == "reached_us"
    assert fate(reached, DUE, False, AFTER, attempt_counts=True) == "attempted"
    unsure = obligation(attempts=(OPENED,))  # it may have been a callback: its end was not heard
    assert fate(unsure, DUE, True, AFTER, attempt_counts=False) == "unknown"
    assert fate(unsure, DUE, False, AFTER, attempt_counts=False) == "attempted"


# ── texts ──


SECTIONS = (*layout.SECTIONS, *layout.PUBLIC_SECTIONS)


def test_a_text_without_its_translation_stops_the_report() -> None:
    with pytest.raises(MissingTextError, match="fr: 'a sentence' is not translated"):
        FR.say("a sentence")
    assert EN.say("a sentence") == "a sentence"


def test_every_count_and_every_part_has_its_name_in_both_languages() -> None:
    for formatter in (FR, EN):
        for name, parts in COUNTS.items():
            shown = [formatter.part(name, part) for part in parts]
            assert formatter.meaning(name).term
            assert len({*shown}) == len(shown)


def test_no_fate_of_a_callback_is_without_its_word() -> None:
    assert tuple(titles.PARTS["callbacks_24_hours"]) == FATES


def test_french_marks_stand_behind_a_space_that_does_not_break() -> None:
    assert FR.typeset("Taux : 3 %, « s. o. »") == f"Taux{NBSP}: 3{NBSP}%, «{NBSP}s. o.{NBSP}»"


# ── the schema ──


def test_the_published_schema_is_that_of_what_is_written() -> None:
    published = (REPORTS / "report.schema.json").read_bytes()
    assert msgspec.json.decode(published) == json.schema()


def test_what_begins_like_a_formula_is_none() -> None:
    rows = [["=1+1", "+cmd", "-x", "@a", "\tb", "-1,5", "12", "3 sur 4"]]
    data = csv.csv_bytes(rows, "fr").decode("utf-8-sig")
    assert data == "'=1+1;'+cmd;'-x;'@a;'\tb;-1,5;12;3 sur 4\r\n"
    assert csv.csv_bytes([["-1.5", "-1,5"]], "en").decode("utf-8-sig") == '-1.5,"\'-1,5"\r\n'


def test_a_setting_is_reported_in_whole_hours_where_it_is_whole() -> None:
    assert (FR.span(timedelta(hours=24)), FR.span(timedelta(seconds=10)), EN.span(timedelta(seconds=2.5))) == (
        f"24{NBSP}h", f"10{NBSP}s", f"2.5{NBSP}s"
    )  # fmt: skip


def test_hours_are_reported_as_people_write_them() -> None:
    saturday = settings(more='\n[lines.tty.hours]\nmonday = "08:30-12:00"\nsaturday = "10:00-12:00"\n')
    shown = [[one.text for one in notes.hours(saturday, formatter)] for formatter in (FR, EN)]
    assert shown == [
        [
            f"du lundi au vendredi de 8{NBSP}h{NBSP}30 à 17{NBSP}h",
            f"lundi de 8{NBSP}h{NBSP}30 à 12{NBSP}h; samedi de 10{NBSP}h à 12{NBSP}h",
        ],
        [
            f"Monday to Friday 8:30{NBSP}a.m. to 5{NBSP}p.m.",
            f"Monday 8:30{NBSP}a.m. to noon; Saturday 10{NBSP}a.m. to noon",
        ],
    ]


def test_the_report_in_another_format_or_whom_to_ask_is_named() -> None:
    contact = 'accessible_contact = "accessible@ministry.example"'
    nobody, somebody = parse(example_text()), parse(f"{contact}\n{example_text()}")
    assert (
        notes.accessible(nobody, EN) == "Accessible formats on request, from the person who gave you this report."
    )
    assert notes.accessible(somebody, EN) == "Accessible formats on request: accessible@ministry.example."
    assert notes.accessible(somebody, FR) == (
        f"Formats accessibles sur demande{NBSP}: accessible@ministry.example."
    )


def test_a_row_does_not_say_twice_what_it_is() -> None:
    known, unknown = layout.LayoutRow("Anglais", (), "Langue"), layout.LayoutRow("Langue inconnue", (), "Langue")
    assert html.row_label(known, FR) == f"Langue{NBSP}: Anglais"
    assert html.row_label(unknown, FR) == "Langue inconnue"


@pytest.mark.parametrize(("formatter", "name"), [(FR, "jour de Noël"), (EN, "Christmas Day")])
def test_a_closed_day_in_the_notes_has_the_name_of_the_language(formatter: ReportFormatter, name: str) -> None:
    settings = parse(example_text())
    (first, *_) = notes.closed_days(settings, period.month("2026-12", TORONTO), formatter)
    assert first.text == name
