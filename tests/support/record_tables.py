"""Recorded CEL, CDR and queue_log as tables of a database, with the columns that FreePBX gives them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, text

from callmon.backfill.cel.rows import COLUMNS

RECORDED = Path(__file__).parents[1] / "data" / "imported" / "22"
# Of cdr_csv, by the place of each column there. FreePBX's table has `calldate`, and no `answer` and `end`.
CDR = {
    "clid": 4, "src": 1, "dst": 2, "dcontext": 3, "channel": 5, "dstchannel": 6, "lastapp": 7, "lastdata": 8,
    "calldate": 9, "duration": 12, "billsec": 13, "disposition": 14, "uniqueid": 16, "linkedid": 19,
}  # fmt: skip
QUEUE_LOG = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")
CEL = {"channame": "channel", "userdeftype": "userdeftype", "eventextra": "extra"}
TYPES = {"calldate": "DATETIME", "duration": "INTEGER", "billsec": "INTEGER"}


def table(url: str, record: str, name: str = "") -> None:
    """Makes the table `name` of this record, with the rows that were recorded, newest first."""
    columns, rows = _OF[record]()
    engine, name = create_engine(url), name or record
    times = "TIMESTAMP" if engine.dialect.name == "postgresql" else "DATETIME"
    typed = ", ".join(f"{x} {TYPES.get(x, 'VARCHAR(500)').replace('DATETIME', times)}" for x in columns)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
        connection.execute(text(f"CREATE TABLE {name} (id INTEGER, {typed})"))
        fields = ", ".join(f":{x}" for x in columns)
        numbered = list(enumerate(rows, 1))[::-1]
        values = [{"id": n, **dict(zip(columns, row, strict=True))} for n, row in numbered]
        connection.execute(text(f"INSERT INTO {name} (id, {', '.join(columns)}) VALUES (:id, {fields})"), values)
    engine.dispose()


def _cdr() -> tuple[Sequence[str], Iterator[list[object]]]:
    lines = csv.reader((RECORDED / "cdr-csv.csv").read_text(encoding="utf-8").splitlines())
    return [*CDR], ([line[place] for place in CDR.values()] for line in lines)


def _queue_log() -> tuple[Sequence[str], Iterator[list[object]]]:
    """`time` is text, in local time: as queue_log writes it into a realtime table."""
    lines = (RECORDED / "queue_log").read_text(encoding="utf-8").splitlines()
    padded = ([*line.split("|"), *[None] * 10][:10] for line in lines)
    return QUEUE_LOG, ([_local(str(row[0])), *row[1:]] for row in padded)


def _local(seconds: str) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M:%S.000000}"


def _cel() -> tuple[Sequence[str], Iterator[list[object]]]:
    with gzip.open(RECORDED / "cel.csv.gz", "rt", encoding="utf-8") as file:
        rows = [*csv.reader(file)]
    return [CEL.get(x, x) for x in COLUMNS], iter(rows)


_OF = {"cdr": _cdr, "queue_log": _queue_log, "cel": _cel}
