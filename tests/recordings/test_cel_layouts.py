"""Diaries as other sites keep and export them: the same calls must come out of each, whatever its form."""

from __future__ import annotations

import csv
import io
import random
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from callmon.backfill.cel.formats import COLUMNS
from callmon.backfill.cel.rows import CelReader, CelRow
from tests.recordings.test_cel import RECORDINGS, TORONTO, calls, concluding, of_public, rows_of, scripted
from tests.recordings.test_traces import NAMES, TRACES
from tests.store.test_backfill import Office
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


def written(
    fields: Sequence[Sequence[str]],
    names: Sequence[str] | None = None,
    delimiter: str = ",",
    end: str = "\n",
    quoting: int = csv.QUOTE_ALL,
) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([*([names] if names else []), *fields])
    return out.getvalue()


def padded(fields: Fields) -> Fields:
    return [row + [""] * (len(COLUMNS) - len(row)) for row in fields]


def local(text: str, form: str) -> str:
    return datetime.fromtimestamp(float(text), UTC).astimezone(TORONTO).strftime(form)


def with_time(fields: Fields, form: str) -> Fields:
    return [[*row[:AT], local(row[AT], form), *row[AT + 1 :]] for row in fields]


def in_sqlite(fields: Fields) -> str:
    """cel_sqlite3_custom, as `sqlite3 -header -csv` exports it: another order, an id, few quotes."""
    names = ["AcctId", "eventtime", "eventtype", *COLUMNS[2:]]
    body = [[str(n), row[AT], row[0], *row[2:]] for n, row in enumerate(padded(fields), 1)]
    return written(body, names, quoting=csv.QUOTE_MINIMAL)


def in_list_mode(fields: Fields) -> str:
    """`sqlite3 -header`: bars between the columns."""
    return written(padded(fields), COLUMNS, "|", quoting=csv.QUOTE_MINIMAL)


def by_mysql(fields: Fields) -> str:
    """`mysql --batch`: tabs, names first, nothing quoted, NULL for what is absent, backslashes doubled."""
    names = ["id", *(x.replace("channame", "channame").replace("eventextra", "extra") for x in COLUMNS)]
    lines = ["\t".join(names)]
    for n, row in enumerate(padded(fields), 1):
        lines.append("\t".join([str(n), *(x.replace("\\", "\\\\") or "NULL" for x in row)]))
    return "\n".join(lines) + "\n"


def into_outfile(fields: Fields) -> str:
    """`SELECT … INTO OUTFILE … ENCLOSED BY '"'` without names: quotes behind backslashes, \\N for NULL."""

    def cell(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text else "\\N"

    return "".join(",".join(map(cell, row)) + "\n" for row in padded(fields))


def from_spreadsheet(fields: Fields) -> str:
    """Opened and saved again: a mark at the beginning, semicolons, CR and LF."""
    return "\ufeff" + written(padded(fields), [name.upper() for name in COLUMNS], ";", "\r\n", csv.QUOTE_MINIMAL)


def with_numbers(fields: Fields) -> str:
    """cel_odbc into a numeric column writes Asterisk's number of the event."""
    return written([[str(NUMBERS.index(row[0]) + 1), *row[1:]] for row in fields])


def newest_first(fields: Fields) -> str:
    return written(fields[::-1])


def twice(fields: Fields) -> str:
    """Two ways of logging into one file, or a rotated file given beside its copy."""
    return written([row for row in fields for _ in (1, 2)])


def one_after_the_other(fields: Fields) -> str:
    return written([*fields, *fields])


def shuffled(fields: Fields) -> str:
    """A table without an order."""
    mixed = list(fields)
    random.Random(7).shuffle(mixed)
    return written(mixed)


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


def with_other_columns(fields: Fields) -> str:
    """A site's own mapping, with columns of its own between and what callmon does not need left out."""
    keep = [
        COLUMNS.index(x) for x in COLUMNS if x not in ("cid_ani", "cid_rdnis", "amaflags", "userfield", "peer")
    ]
    names = ["site", *(COLUMNS[n] for n in keep), "tenant"]
    return written([["hq", *(row[n] for n in keep), "9"] for row in padded(fields)], names)


LAYOUTS: list[Callable[[Fields], str]] = [
    in_sqlite, in_list_mode, by_mysql, into_outfile, from_spreadsheet,
    with_numbers, newest_first, twice,
    one_after_the_other, shuffled, with_local_fractions, with_zone, over_chan_sip, over_iax,
    without_ends, with_other_columns,
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
def test_each_recording_comes_out_the_same_however_its_diary_is_kept(layout: Callable[[Fields], str]) -> None:
    found = {
        path.parent.name: [concluding(call) for call in calls_of(*read(layout(fields_of(path))))] for path in FILES
    }
    wanted = {path.parent.name: [concluding(call) for call in calls_of(*rows_of(path))] for path in FILES}

    def plain(told: list[dict[str, object]]) -> list[str]:
        return sorted(kept(repr(call)) for call in told)

    assert [name for name in wanted if plain(found[name]) != plain(wanted[name])] == []


@pytest.mark.sampled(16)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@pytest.mark.parametrize("run", ["run-16", "run-22"])
def test_a_busy_run_agrees_with_its_script_however_its_diary_is_kept(
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
        (call,) = Office(folder).calls(str(path))
        said = call["outcome"], call["line"], len(call["transfers"]), call["answered_by"]["extension"]
        assert (name, *said) == (name, "answered", "general", 1, "101")


def test_a_file_without_the_call_s_id_is_refused_by_the_name_of_the_column(tmp_path: Path) -> None:
    names = [name for name in COLUMNS if name != "linkedid"]
    at = COLUMNS.index("linkedid")
    rows = [row[:at] + row[at + 1 :] for row in padded(fields_of(TRACES / "blind_transfer_1" / "cel.csv"))]
    (tmp_path / "Master.csv").write_text(written(rows, names), encoding="utf-8")
    result = Office(tmp_path).run("backfill", str(tmp_path / "Master.csv"), status=1)
    why = "for it has no column linkedid, which calls need"
    assert result.stderr.splitlines()[0] == f"CEL: 1 row left out, {why} (the first is row 1)."
