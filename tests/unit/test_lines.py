"""Lines: known by what was dialled; two that cannot be told apart are refused (R-43)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.lines import Line, Lines, Target
from callmon.errors import ConfigError


def line(name: str, *numbers: str, arrives_as: tuple[str, ...] = ()) -> Line:
    return Line(name, "voice", "s", f"{name} (fr)", f"{name} (en)", numbers, arrives_as)


LINES = Lines(
    [line("general", "+14163272422", arrives_as=("s", "7329")), line("tty", "+14163250866", "+18668532137")]
)


@pytest.mark.parametrize(
    ("dialled", "name"),
    [
        ("4163272422", "general"),
        ("14163272422", "general"),
        ("+14163272422", "general"),
        ("01114163272422", "general"),
        ("s", "general"),
        ("7329", "general"),
        ("4163250866", "tty"),
        ("18668532137", "tty"),
        ("416327242", None),
        ("94163272422", None),
        ("0114163272422", None),
        ("S", None),
        ("", None),
        ("101", None),
    ],
)
def test_a_line_is_known_by_every_form_in_which_its_number_is_delivered(dialled: str, name: str | None) -> None:
    found = LINES.by_number(dialled)
    assert (found and found.name) == name


@given(st.text(max_size=20))
def test_any_other_text_is_on_no_line(dialled: str) -> None:
    assert (LINES.by_number(dialled) is None) == (dialled not in {"s", "7329"})


def test_lines_are_found_by_name_and_come_in_order() -> None:
    assert [found.name for found in LINES] == ["general", "tty"]
    assert (LINES["tty"].mode, len(LINES), "tty" in LINES, "fax" in LINES) == ("voice", 2, True, False)
    with pytest.raises(KeyError):
        LINES["fax"]


def test_two_lines_with_one_number_are_refused_once_with_the_advice() -> None:
    with pytest.raises(ConfigError) as caught:
        Lines([line("a", "+14163272422"), line("b", "+14163272422")])
    assert caught.value.sentences == (
        'lines.a and lines.b cannot be told apart: a call to "4163272422" is on both. Give each a number of its '
        "own; if one number is delivered for both (a toll-free number that ends on the local one), ask the "
        "carrier for a DID of its own and put it in arrives_as.",
    )


@pytest.mark.parametrize("form", ["4163272422", "14163272422", "+14163272422", "01114163272422"])
def test_a_line_that_arrives_as_anothers_number_is_refused(form: str) -> None:
    with pytest.raises(ConfigError):
        Lines([line("a", "+14163272422"), line("b", "+18002677329", arrives_as=(form,))])


def test_each_set_of_lines_that_clash_is_reported_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Lines(
            [
                line("a", "+14163272422", arrives_as=("s",)),
                line("b", "+14163272422", arrives_as=("s", "7")),
                line("c", arrives_as=("7",)),
            ]
        )
    reported = [sentence.partition(" cannot")[0] for sentence in caught.value.sentences]
    assert reported == ["lines.a and lines.b", "lines.b and lines.c"]


def test_one_line_may_name_its_number_twice() -> None:
    assert (
        Lines([line("a", "+14163272422", "+14163272422", arrives_as=("4163272422",))]).by_number("4163272422")
        is not None
    )


def test_a_ring_has_six_seconds_two_of_sound_unless_the_line_differs() -> None:
    assert (line("a").ring_cycle, line("a").ring_tone) == (timedelta(seconds=6), timedelta(seconds=2))


def test_titles_are_french_for_french_and_english_for_every_other_language() -> None:
    assert [line("a").title(language) for language in ("fr", "en", "unknown")] == ["a (fr)", "a (en)", "a (en)"]


def test_the_latest_target_that_has_begun_is_in_force() -> None:
    first = Target("answer_by_third_ring", 80, date(2026, 1, 1), "A")
    second = Target("answer_by_third_ring", 90, date(2026, 4, 1), "B")
    both = Line("a", "voice", "s", "A", "A", targets=(second, first))
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1))
    assert [both.target("answer_by_third_ring", day) for day in days] == [None, first, first, second]


def test_lines_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        line("a").name = "b"  # type: ignore[misc]
    assert hash(line("a")) == hash(line("a"))
