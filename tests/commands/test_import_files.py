"""Shapes of a file of a record: each is read as the plain file, or refused with what was seen and the cure."""

from __future__ import annotations

import csv
import io
import lzma
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callmon.backfill.cel.rows import COLUMNS
from callmon.backfill.imported.cdr import BEFORE
from callmon.backfill.imported.job import Import
from callmon.config.settings import example_text, parse
from callmon.core.facts import Fact
from callmon.errors import ConfigError
from callmon.store.database import Database
from tests.support.fact_builder import TORONTO
from tests.support.made_queue_log import made

NOW = datetime(2026, 12, 2, 12, tzinfo=UTC)
PLAIN = {kind: made(2, 15, record=kind)[0] for kind in ("queue_log", "cdr", "cel")}
LOG = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")
METRICS = ("time_id", "call_id", "queue", "agent", "verb", *LOG[5:])
CDR = ("accountcode", "src", "dst", "dcontext", "clid", *BEFORE, "disposition", "amaflags", "uniqueid",
       "userfield", "peeraccount", "linkedid", "sequence")  # fmt: skip
HEADS: dict[str, Sequence[str]] = {"queue_log": LOG, "cdr": CDR, "cel": COLUMNS}
Row = list[str]


def rows(kind: str) -> list[Row]:
    if kind == "queue_log":
        return [(line.split("|") + [""] * len(LOG))[: len(LOG)] for line in PLAIN[kind].splitlines()]
    return [*csv.reader(io.StringIO(PLAIN[kind]))]


def table(kind: str, head: Sequence[str], by: str = ",", change: Callable[[Row], Row] = list) -> str:
    """An export of the record's table."""
    text = io.StringIO()
    csv.writer(text, delimiter=by, lineterminator="\n").writerows(filter(None, [head, *map(change, rows(kind))]))
    return text.getvalue()


def dated(form: str, zone: tzinfo = TORONTO) -> Callable[[Row], Row]:
    """The row of queue_log with its time in this form, in local time."""
    return lambda row: [f"{datetime.fromtimestamp(int(row[0]), zone):{form}}", *row[1:]]


def turned(row: Row) -> Row:
    return row[::-1]


def named(kind: str, *names: str) -> str:
    """The CDR with these names of a caller in turn."""
    found = rows(kind)
    for number, row in enumerate(found):
        row[4] = f'"{names[number % len(names)]}" <{row[1]}>'
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(found)
    return text.getvalue()


def nothing(row: Row) -> Row:
    return [x or "NULL" for x in row]


def numbered(draw: Callable[[], float]) -> str:
    """An export of the table with the numbers of its rows, ORDER BY time DESC."""
    found = [[*row, str(number)] for number, row in enumerate(rows("queue_log"))]
    text = io.StringIO()
    newest = sorted(found, key=lambda row: (-int(row[0]), draw()))
    csv.writer(text, lineterminator="\n").writerows([[*LOG, "id"], *newest])
    return text.getvalue()


TEXTS: dict[str, tuple[str, str | bytes]] = {
    f"{kind}, {name}": (kind, PLAIN[kind].encode(name))
    for kind in PLAIN
    for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
}
TEXTS |= {f"{kind}, lines of DOS": (kind, PLAIN[kind].replace("\n", "\r\n")) for kind in PLAIN}
TEXTS |= {
    f"{kind}, {name}": (kind, table(kind, HEADS[kind], by))
    for kind in PLAIN
    for name, by in (("head", ","), ("head and ;", ";"), ("head and tabs", "\t"))
}
TEXTS |= {f"{kind}, columns turned": (kind, table(kind, HEADS[kind][::-1], ",", turned)) for kind in PLAIN}
TEXTS |= {f"{kind}, NULL": (kind, table(kind, HEADS[kind], "\t", nothing)) for kind in PLAIN}
TEXTS |= {
    "queue_log, QueueMetrics": ("queue_log", table("queue_log", METRICS)),
    "queue_log, QueueMetrics and ;": ("queue_log", table("queue_log", METRICS, ";")),
    "queue_log, local time": ("queue_log", table("queue_log", LOG, ",", dated("%Y-%m-%d %H:%M:%S"))),
    "queue_log, time with its zone": ("queue_log", table("queue_log", LOG, ",", dated("%Y-%m-%dT%H:%M:%S%z"))),
    "cdr, ; without a head": ("cdr", table("cdr", (), ";")),
    "cdr, names with a line break": ("cdr", named("cdr", "Zoé\nRoy", "Roy", "A\r\nB\n\nC, D")),
    "cdr, names with a line break and BOM": ("cdr", named("cdr", "Zoé\nRoy").encode("utf-8-sig")),
    "cel, head in capitals": ("cel", table("cel", [x.upper() for x in COLUMNS])),
    "cel, numbers of events": ("cel", PLAIN["cel"].replace('"CHAN_START"', '"1"').replace('"ANSWER"', '"4"')),
}  # fmt: skip
LINES = {kind: text.splitlines(keepends=True) for kind, text in PLAIN.items()}
TEXTS |= {f"{kind}, newest first": (kind, "".join(LINES[kind][::-1])) for kind in PLAIN}
TEXTS |= {f"{kind}, halves swapped": (kind, "".join(LINES[kind][40:] + LINES[kind][:40])) for kind in PLAIN}
TEXTS |= {
    "queue_log, newest first, of one second in any order": ("queue_log", numbered(random.Random(4).random)),
}  # fmt: skip


@pytest.fixture
def store(sqlite_store: Database) -> Iterator[Database]:
    with closing(sqlite_store):
        yield sqlite_store


def calls(store: Database, kind: str, file: Path) -> tuple[list[str], int]:
    """The facts of each call of the file, and the number of its broken lines."""
    job = Import(parse(example_text()), store, kind, "toronto", writes=False, now=NOW)
    found: list[list[Fact]] = [*job.reader.whole_calls(x.lines() for x in job.examine([file]))]
    return sorted(map(str, found)), len(job.reader.errors)


@pytest.mark.parametrize("shape", TEXTS)
def test_each_shape_of_a_file_gives_the_calls_of_the_plain_file(
    store: Database, tmp_path: Path, shape: str
) -> None:
    kind, content = TEXTS[shape]
    plain, shaped = tmp_path / "plain", tmp_path / "shaped"
    plain.write_text(PLAIN[kind])
    shaped.write_bytes(content.encode() if isinstance(content, str) else content)
    found = calls(store, kind, plain)
    assert (len(found[0]), found[1]) == (30, 0)
    assert calls(store, kind, shaped) == found


DUMP = "-- MySQL dump 10.19\nCREATE TABLE `cdr` (\n"
MILLISECONDS = table("queue_log", LOG, ",", lambda row: [f"{row[0]}000", *row[1:]])
SLASHES = re.sub(r'"2026-03-(\d\d) ', r'"03/\1/2026 ', named("cdr", "Roy"))
NO_TIME = "{file}, line {line}: the time {time} cannot be read; write it as 2026-11-30 14:50:01."
ZONE = "{file}: its times are not of the zone America/Toronto"
VANCOUVER = ZoneInfo("America/Vancouver")
COMPRESSED = "{file}: is compressed with {program}; unpack it, or compress it with gzip."
REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "milliseconds": ("queue_log", MILLISECONDS,
                     NO_TIME.format(file="{file}", line=2, time=MILLISECONDS.split("\n")[1].split(",")[0])),
    "dates with slashes": ("cdr", SLASHES,
                           NO_TIME.format(file="{file}", line=1, time=next(csv.reader(SLASHES.splitlines()))[9])),
    "times of UTC": ("queue_log", table("queue_log", LOG, ",", dated("%Y-%m-%d %H:%M:%S", UTC)),
                     f"{ZONE}, but of UTC; add --timezone UTC."),
    "times of another zone": ("queue_log", table("queue_log", LOG, ",", dated("%Y-%m-%d %H:%M:%S", VANCOUVER)),
                              f"{ZONE}; name their zone with --timezone."),
    "a dump of SQL": ("cdr", DUMP, "{file}: is a dump of SQL; load it into a database, and name its address."),
    "xz": ("cel", lzma.compress(PLAIN["cel"].encode()), COMPRESSED.format(file="{file}", program="xz")),
    "zip": ("cdr", b"PK\x03\x04" + bytes(60), COMPRESSED.format(file="{file}", program="zip")),
    "a head without a column": ("queue_log", table("queue_log", [*LOG[:4], "x", *LOG[5:]]),
                                "{file}: its head has no column event; export it with that column."),
    "a head of another table": ("cel", table("cel", [*COLUMNS[:0:-1], "x"], "\t", turned),
                                "{file}: its head has no column eventtype; export it with that column."),
}  # fmt: skip


@pytest.mark.parametrize("shape", REFUSED)
def test_each_other_shape_is_refused_with_what_was_seen_and_the_cure(
    store: Database, tmp_path: Path, shape: str
) -> None:
    kind, content, sentence = REFUSED[shape]
    file = tmp_path / "given"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as refused:
        calls(store, kind, file)
    assert str(refused.value) == sentence.format(file=file)


@pytest.mark.parametrize("kind", PLAIN)
def test_a_file_cut_within_its_last_line_ends_with_the_line_before(
    store: Database, tmp_path: Path, kind: str
) -> None:
    found = []
    for name, content in (("whole", whole := "".join(LINES[kind][:-1])), ("cut", whole + LINES[kind][-1][:12])):
        (tmp_path / name).write_text(content)
        job = Import(parse(example_text()), store, kind, "toronto", writes=False, now=NOW)
        found.append(job.examine([tmp_path / name])[0].last)
    assert found[1] == found[0] > datetime(2026, 3, 3, tzinfo=UTC)


def test_an_hour_that_november_repeats_is_told_by_the_uniqueid(store: Database, tmp_path: Path) -> None:
    """The calls began between 1:05 a.m. of summer time and 1:35 a.m. of winter time."""
    first = int(datetime(2026, 11, 1, 5, 5, tzinfo=UTC).timestamp())
    row = "{at:%Y-%m-%d %H:%M:%S},{began}.1,general,NONE,{event},,4165550101,1"
    lines = []
    for began in range(first, first + 5401, 900):
        for event, wait in (("ENTERQUEUE", 0), ("ABANDON", 60)):
            lines.append(row.format(at=datetime.fromtimestamp(began + wait, TORONTO), began=began, event=event))
    file = tmp_path / "queue_log"
    file.write_text("\n".join([",".join(LOG[:8]), *lines[::-1]]))
    job = Import(parse(example_text()), store, "queue_log", "toronto", writes=False, now=NOW)
    sources = job.examine([file])
    job.reader.clock.is_in_order = not sources[0].is_sorted
    arrivals = [facts[0].at for facts in job.reader.whole_calls(x.lines() for x in sources)]
    assert arrivals == [datetime.fromtimestamp(began, UTC) for began in range(first, first + 5401, 900)]
