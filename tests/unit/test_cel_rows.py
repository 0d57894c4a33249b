"""Rows of CEL as they are read: times and their zone, what is odd and what is broken; nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.backfill.cel.rows import COLUMNS, CelReader, CelRow
from tests.recordings.test_cel import TORONTO, reported
from tests.support.examples import examples

LINE = (
    '"CHAN_START","{at}","","4165550101","","","","4163272422","from-trunk","PJSIP/trunk-1","","","3","",'
    '"{id}","{id}"'
)


def read(*lines: str) -> tuple[list[CelRow], CelReader]:
    reader = CelReader(TORONTO)
    return list(reader.read_lines(lines)), reader


def at_of(text: str, uniqueid: str = "1793512000.1") -> str | None:
    rows, _ = read(LINE.format(at=text, id=uniqueid))
    return rows[0].at.isoformat() if rows else None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1795528026.612047", "2026-11-24T13:47:06.612047+00:00"),
        ("1795528026", "2026-11-24T13:47:06+00:00"),
        ("2026-11-24 08:47:06", "2026-11-24T13:47:06+00:00"),
        ("2026-11-24 08:47:06.612047", "2026-11-24T13:47:06.612047+00:00"),
        ("2026-07-24 08:47:06", "2026-07-24T12:47:06+00:00"),
        ("yesterday", None),
        ("", None),
        ("1e300", None),
        ("nan", None),
        ("-1", None),
    ],
)
def test_times_are_epoch_seconds_or_the_exchanges_local_time(text: str, at: str | None) -> None:
    assert at_of(text) == at


def test_novembers_double_hour_is_resolved_by_the_channels_birth() -> None:
    first, second = 1793511000, 1793511000 + 3600  # 01:30 EDT and 01:30 EST on 1 November 2026
    assert datetime.fromtimestamp(first, TORONTO).strftime("%F %T") == "2026-11-01 01:30:00"
    assert at_of("2026-11-01 01:30:00", f"{first}.7") == datetime.fromtimestamp(first, UTC).isoformat()
    assert at_of("2026-11-01 01:30:00", f"{second}.7") == datetime.fromtimestamp(second, UTC).isoformat()


def test_a_call_over_the_end_of_summer_time_is_placed_by_row_order() -> None:
    rows, _ = read(*(LINE.format(at=f"2026-11-01 01:{minute}:00", id="1793511000.7") for minute in (30, 58, 10)))
    assert [(row.at - rows[0].at) / timedelta(minutes=1) for row in rows] == [0, 28, 40]


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (['"HANGUP","1795528026'], {"cut off": (1, 1)}),
        (["HANGUP,1,2"], {"too few columns": (1, 1)}),
        (
            ["", "\n", LINE.format(at="soon", id="1.1")],
            {"its time cannot be parsed, or its layout is not that of the site guide": (1, 3)},
        ),
        ([LINE.format(at="1795528026", id="")], {"no event or no uniqueid": (1, 1)}),
        (['"a"b,"c', LINE.format(at="1795528026", id="1.1")], {"a quotation mark is missing": (1, 1)}),
        (["x" * 70_000], {"too long": (1, 1)}),
    ],
)
def test_what_cannot_be_read_is_counted_and_named(lines: list[str], kinds: dict[str, tuple[int, int]]) -> None:
    rows, reader = read(*lines)
    assert reader.bad.kinds == kinds
    assert len(rows) == sum(line.startswith('"CHAN_START","1795528026","') and '"1.1"' in line for line in lines)


def test_a_name_may_hold_quotes_commas_and_a_lines_end() -> None:
    line = LINE.format(at="1795528026.5", id="1.1").replace(
        '"","4165550101"', '"Jean ""le, grand""\nZoé","4165550101"'
    )
    rows, reader = read(*line.splitlines(keepends=True))
    assert [(row.name, row.number) for row in rows] == [('Jean "le, grand" Zoé', "4165550101")]
    assert reader.bad.kinds == {}


def test_the_columns_are_those_of_the_file_that_ships() -> None:
    mapping = (Path(__file__).parents[2] / "asterisk" / "cel_custom.conf").read_text(encoding="utf-8")
    assert mapping.count("CSV_QUOTE") == len(COLUMNS) == 20


FIELDS = st.one_of(
    st.sampled_from(
        ["CHAN_START", "HANGUP", "ANSWER", "APP_START", "BRIDGE_ENTER", "PARK_END", "PICKUP", "FORWARD"]
    ),
    st.sampled_from(
        ["1795528026.5", "1795528027", "1.1", "1.2", "1.3", "s", "4163272422", "", "Dial", "Queue", "h"]
    ),
    st.sampled_from(
        ["PJSIP/101-1", "PJSIP/trunk-2", "Local/1@x-1;1", "Local/1@x-1;2", '{"bridge_id":"a"}', "{}", "["]
    ),
    st.text(max_size=8),
)


@effort(max_examples=examples(300), deadline=None)
@given(st.lists(st.text(alphabet='",\n\r\0;abc1.5é\ud800', max_size=60), max_size=8))
def test_no_text_raises(lines: list[str]) -> None:
    rows, reader = read(*lines)
    assert len(rows) + len(reader.bad) <= len(lines)


@effort(max_examples=examples(300), deadline=None)
@given(st.lists(st.lists(FIELDS, min_size=16, max_size=20), max_size=12))
def test_no_rows_raise(table: list[list[str]]) -> None:
    quoted = [",".join('"' + field.replace('"', '""') + '"' for field in fields) for fields in table]
    rows, _ = read(*quoted)
    assert isinstance(reported(rows), dict)
