"""CEL as other sites write it: the same calls must come out of each, whatever its form."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from callmon.backfill.cel.rows import COLUMNS, CelReader, CelRow
from tests.recordings.test_cel import RECORDINGS, TORONTO, calls, concluding, of_public, rows_of, scripted
from tests.recordings.test_traces import NAMES, TRACES
from tests.store.test_backfill import BackfillOffice
from tests.support.scripted_truth import unlike

Fields = list[list[str]]
AT, EXTEN, CHANNEL, DATA, UNIQUEID, EXTRA = (
    COLUMNS.index(name) for name in ("eventtime", "exten", "channame", "appdata", "uniqueid", "eventextra")
)
FILES = [TRACES / name / "cel.csv" for name in NAMES]
RUNS = [RECORDINGS / "run-16.cel.csv", RECORDINGS / "run-22.cel.csv"]
NUMBERS = (
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT",
    "PARK_START", "PARK_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP",
    "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF",
)  # fmt: skip


def fields_of(path: Path) -> Fields:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return list(csv.reader(file))


def written(fields: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(fields)
    return out.getvalue()


def padded(fields: Fields) -> Fields:
    return [row + [""] * (len(COLUMNS) - len(row)) for row in fields]


def local(text: str, form: str) -> str:
    return datetime.fromtimestamp(float(text), UTC).astimezone(TORONTO).strftime(form)


def with_time(fields: Fields, form: str) -> Fields:
    return [[*row[:AT], local(row[AT], form), *row[AT + 1 :]] for row in fields]


def with_numbers(fields: Fields) -> str:
    """cel_odbc into a numeric column writes Asterisk's number of the event."""
    return written([[str(NUMBERS.index(row[0]) + 1), *row[1:]] for row in fields])


def twice(fields: Fields) -> str:
    """Two ways of logging into one file, or a rotated file given beside its copy."""
    return written([row for row in fields for _ in (1, 2)])


def one_after_the_other(fields: Fields) -> str:
    return written([*fields, *fields])


def with_local_fractions(fields: Fields) -> str:
    """dateformat = %F %T.%6q"""
    return written(with_time(fields, "%Y-%m-%d %H:%M:%S.%f"))


def with_zone(fields: Fields) -> str:
    """A PostgreSQL column with a time zone."""
    return written(with_time(fields, "%Y-%m-%d %H:%M:%S.%f%z"))


def over_chan_sip(fields: Fields) -> str:
    """Every endpoint is SIP's."""
    return written([[x.replace("PJSIP/", "SIP/") for x in row] for row in fields])


def over_iax(fields: Fields) -> str:
    """The trunk is IAX2's."""
    return written(
        [[re.sub(r"PJSIP/(\d+)@trunk", r"IAX2/trunk/\1", x).replace("PJSIP/trunk-", "IAX2/trunk-") for x in row]
         for row in fields]
    )  # fmt: skip


def over_dahdi(fields: Fields) -> str:
    """The trunk is an ISDN span: its channels bear the number."""

    def named(text: str) -> str:
        text = re.sub(r"PJSIP/(\d+)@trunk", r"DAHDI/g1/\1", text)
        return re.sub(r"PJSIP/trunk-0*([0-9a-f]+)", r"DAHDI/i1/4165550101-\1", text)

    return written([[named(x) for x in row] for row in fields])


def without_ends(fields: Fields) -> str:
    """`events` of cel.conf names neither CHAN_END nor LINKEDID_END."""
    return written([row for row in fields if row[0] not in ("CHAN_END", "LINKEDID_END")])


LAYOUTS: list[Callable[[Fields], str]] = [
    with_numbers, twice, one_after_the_other, with_local_fractions, with_zone, over_chan_sip, over_iax,
    without_ends,
]  # fmt: skip


def read(text: str) -> list[CelRow]:
    reader = CelReader(TORONTO)
    rows = list(reader.read_lines(text.splitlines(keepends=True)))
    assert reader.bad.kinds == {}
    return rows


@cache
def calls_of(*rows: CelRow) -> list[dict[str, Any]]:
    """Of most layouts exactly the same rows are read: what callmon makes of these is worked out once."""
    return calls(rows)


def kept(text: str) -> str:
    text = re.sub(r"DAHDI/i1/4165550101-([0-9a-f]+)", lambda found: f"PJSIP/trunk-{found[1]:>08}", text)
    return text.replace("SIP/", "PJSIP/").replace("PJPJSIP/", "PJSIP/").replace("IAX2/trunk", "PJSIP/trunk")


@pytest.mark.parametrize("layout", [*LAYOUTS, over_dahdi], ids=lambda layout: layout.__name__)
def test_each_recording_gives_the_same_by_any_layout_of_its_log(layout: Callable[[Fields], str]) -> None:
    found = {
        path.parent.name: [concluding(call) for call in calls_of(*read(layout(fields_of(path))))] for path in FILES
    }
    wanted = {path.parent.name: [concluding(call) for call in calls_of(*rows_of(path))] for path in FILES}

    def plain(reported: list[dict[str, object]]) -> list[str]:
        return sorted(kept(repr(call)) for call in reported)

    assert [name for name in wanted if plain(found[name]) != plain(wanted[name])] == []


@pytest.mark.sampled(6)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_a_busy_run_agrees_with_its_script_by_any_layout_of_its_log(
    layout: Callable[[Fields], str], run: str
) -> None:
    got = calls_of(*read(layout(fields_of(RECORDINGS / f"{run}.cel.csv"))))
    assert of_public(unlike(scripted(run), got)) == []


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    for layout in LAYOUTS:
        path = folder / f"{layout.__name__}.csv"
        path.write_text(layout(fields_of(TRACES / "blind_transfer_1" / "cel.csv")), encoding="utf-8", newline="")
        yield layout.__name__, path


def test_the_command_takes_each_of_these_files(tmp_path: Path) -> None:
    for name, path in files(tmp_path):
        folder = tmp_path / name
        folder.mkdir()
        (call,) = BackfillOffice(folder).calls(str(path))
        said = call["outcome"], call["line"], len(call["transfers"]), call["answered_by"]["extension"]
        assert (name, *said) == (name, "answered", "general", 1, "101")
