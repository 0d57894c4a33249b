"""How the boards' real run compares: it sees what is empty, too many or in another unit. Without an exchange."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.source import lint
from dashboards.source.lint import TWIN
from tests.boards.compared import CURVES, OF_WEEKS, different, is_empty, wrong_units
from tests.boards.seen import truth_of
from tests.boards.truths import TRUTHS
from tests.boards.truths.counting import Either, Near, at, lasting, percent

Json = dict[str, Any]


def panel(kind: str = "table", **units: str) -> Json:
    overrides = [
        {"matcher": {"options": column}, "properties": [{"id": "unit", "value": unit}]}
        for column, unit in units.items()
    ]
    defaults = {"unit": "none"}
    return {
        "type": kind,
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "targets": [{"refId": "A", "rawSql": "SELECT"}],
    }


def test_every_panel_has_a_truth_and_every_truth_a_panel() -> None:
    titles = {
        name: [one["title"] for one in board["panels"]]
        for name, board in lint.read("en").items()
        if name != OF_WEEKS
    }
    known = {(name, title) for name, reported in TRUTHS.items() for title in reported} | CURVES
    asked = {(name, title) for name, all_of in titles.items() for title in all_of}
    assert known - asked == set()
    without = {
        one for one in asked if truth_of(*one) is None and (one[0], one[1].removesuffix(TWIN["en"])) not in CURVES
    }
    assert without == set()
    assert len(asked) > 80


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"": "A", "sink": "database", "Value #A": 0, "Value #B": 0.0}],
        [{"": "A", "part": "nobody free", "calls": 0.0}],
        [{"": "A", "standard": "Answer", "rate": 100.0, "of_all": 0}],
        [{"": "A", "promise": "0 of 57"}],
        [{"": "A", "promise": "57 sur 57"}],
        [{"": "A", "notice": None}],
    ],
)
def test_nothing_zeros_and_all_or_none_of_a_hundred_are_empty(rows: list[Json]) -> None:
    assert is_empty(panel(rate="percent"), rows)


@pytest.mark.parametrize(
    "row",
    [
        {"calls": 1.0, "others": 0},
        {"rate": 99.9},
        {"promise": "1 of 57"},
        {"notice": "▲ carrier failure"},
        {"before": 1795582800000, "left": 0},
    ],
)
def test_what_tells_something_is_not_empty(row: Json) -> None:
    assert not is_empty(panel(rate="percent"), [row])


@pytest.mark.parametrize(
    ("value", "unit", "is_wrong"),
    [
        (3, "none", False),
        (3, "s", True),
        (lasting(3, 1), "dthms", False),
        (lasting(3, 1), "ms", True),
        (lasting(3, 1), "none", True),
        (percent(92.5), "percent", False),
        (percent(92.5), "percentunit", True),
        (at(1795582800), "time:HH:mm", False),
        (at(1795582800), "s", True),
        (Near(3, 1), "s", False),  # of which nothing is said
        ("words", "s", False),
    ],
)
def test_a_unit_that_does_not_say_what_was_measured_is_reported(value: object, unit: str, is_wrong: bool) -> None:
    assert bool(wrong_units(panel(x=unit), [{"x": value}])) == is_wrong


def test_each_row_is_asked_for_once_and_none_may_be_too_many() -> None:
    truth = [{"a": 1, "b": Near(2, 0.5)}, {"a": 1, "b": Either(("x", "y"))}]
    assert different(truth, [{"a": 1.0, "b": 2.5, "c": 9}, {"a": 1, "b": "y"}], in_order=True) == []
    assert different(truth, [{"a": 1, "b": "y"}, {"a": 1, "b": 2}], in_order=False) == []
    for rows in (
        [{"a": 1, "b": "y"}, {"a": 1, "b": 2}],  # in another order
        [{"a": 1, "b": 2.6}, {"a": 1, "b": "y"}],
        [{"a": 1, "b": 2}, {"a": 1, "b": "z"}],
        [{"a": 1, "b": 2}, {"a": 1}],
        [{"a": 1, "b": 2}],
        [{"a": 1, "b": 2}, {"a": 1, "b": "y"}, {"a": 1, "b": "y"}],
    ):
        assert different(truth, rows, in_order=True) != []
