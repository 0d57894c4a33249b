"""Log lines: one for a record, whatever text a stranger sent; and few about strangers."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.logs import KeyValueFormatter, Seldom


def line(message: str, *given_: object, **fields: object) -> str:
    record = logging.makeLogRecord(
        {"msg": message, "args": given_, "levelname": "WARNING", "created": 0.0} | fields
    )
    return KeyValueFormatter().format(record)


@given(st.text(), st.text(), st.text())
def test_a_record_is_one_line_that_can_be_printed(message: str, argument: str, field: str) -> None:
    reported = line("said " + message.replace("%", "") + " %s", argument, said=field)
    assert reported.replace("\u00a0", "").replace("\u202f", "").isprintable()


def test_a_forged_line_stays_in_its_field_and_an_escape_becomes_a_mark() -> None:
    reported = line("refused %s", "x\n2026-11-24T13:42:13Z INFO callmon stops", why="\x1b[2J é\u00a0: \u202e")
    assert reported == (
        '1970-01-01T00:00:00Z WARNING refused x 2026-11-24T13:42:13Z INFO callmon stops why="?[2J é\u00a0: ?"'
    )


def test_a_field_cannot_end_its_quotes_and_begin_another() -> None:
    assert line("refused", why='x" by="root') == "1970-01-01T00:00:00Z WARNING refused why=\"x' by='root\""


def test_the_lines_of_a_traceback_are_indented() -> None:
    try:
        raise ValueError("x\n2026-11-24T13:42:13Z INFO callmon stops\x1b[2J")
    except ValueError:
        reported = line("internal error", exc_info=sys.exc_info())
    first, *rest = reported.split("\n")
    assert first == "1970-01-01T00:00:00Z WARNING internal error"
    assert rest[0] == "  Traceback (most recent call last):"
    assert rest[-2:] == ["  ValueError: x", "  2026-11-24T13:42:13Z INFO callmon stops?[2J"]
    assert [part for part in rest if not part.startswith("  ")] == []


def test_what_strangers_can_cause_is_logged_once_a_minute_with_a_count(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([0.0, 1.0, 59.9, 60.0, 61.0, 200.0])
    seldom = Seldom(logging.getLogger("callmon.test"), "refused", lambda: next(times))
    for number in range(6):
        seldom(address=number)
    assert [(vars(record)["address"], vars(record)["count"]) for record in caplog.records] == [
        (0, 1),
        (3, 3),
        (5, 2),
    ]
