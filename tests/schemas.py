"""A database of each schema that ever was, with rows in it: `python -m tests.schemas` writes `tests/data/schemas`.

A dump is written once, when its revision is the newest, and never again: it is what a database looked like then.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, Table, insert, inspect

from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import added
from callmon.core.verdicts import Gap
from callmon.store.database import Store, parse_url
from callmon.store.migrations import KNOWN
from callmon.store.row_mapping import Rows
from callmon.store.tables import METADATA
from callmon.store.writer.transaction import figure_key
from tests.store_fixtures import EXCHANGE, START, answered_call, of_calls, seconds

HERE = Path(__file__).parent / "data" / "schemas"
CALLS = 3
GAP = Gap(EXCHANGE, START + seconds(100), START + seconds(107))
OUTCOMES = [*of_calls(CALLS), Outcome(EXCHANGE, gaps=(GAP,)), Outcome(EXCHANGE, (answered_call(CALLS)[0],))]


def made(url: str, revision: str) -> None:
    """A new database of that revision, with the rows of three calls, of one in progress and of a gap."""
    store = Store(parse_url(url))
    config = Config()
    config.set_main_option("script_location", "callmon:store/migrations")
    with store.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _fill(connection)
    store.close()


def _fill(connection: Connection) -> None:
    rows = Rows(1)
    rows.take(OUTCOMES)
    told = {"fact": rows.facts, "call": rows.call_rows(), "finding": rows.finding_rows(), "gap": rows.gap_rows()}
    for name, values in told.items():
        _insert(
            connection, name, [dict(zip(METADATA.tables[name].columns.keys(), x, strict=True)) for x in values]
        )
    _insert(connection, "open_call", [{"call": answered_call(CALLS)[0].call, "exchange": EXCHANGE}])
    numbers = [
        {"call": call, "exchange": exchange, "role": role, "number": number, "token": None}
        for (call, exchange, role), number in rows.numbers.items()
    ]
    if "token" not in {column["name"] for column in inspect(connection).get_columns("number")}:
        _insert(connection, "number", numbers)  # in the clear, as they were then
    figures: dict[Any, float] = {}
    for outcome in OUTCOMES:
        for figure, amount in added(outcome).items():
            figures[figure] = figures.get(figure, 0.0) + amount
    values = [{"figure": figure_key(figure), "value": value} for figure, value in figures.items()]
    known = {"callmon_calls_completeness_total"} if not _has_completeness(connection) else set()
    _insert(connection, "counter", [x for x in values if not any(name in str(x["figure"]) for name in known)])


def _has_completeness(connection: Connection) -> bool:
    """The counter came with the column `is_test`."""
    return "is_test" in {column["name"] for column in inspect(connection).get_columns("call")}


def _insert(connection: Connection, name: str, rows: list[dict[str, Any]]) -> None:
    """What of these columns the table has already."""
    table = Table(name, MetaData(), autoload_with=connection)
    known = table.columns.keys()
    if rows:
        connection.execute(insert(table), [{key: row[key] for key in row if key in known} for row in rows])


def dump(revision: str) -> str:
    """As text, that SQLite reads again."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "callmon.db").touch()
        made(f"sqlite:///{folder}/callmon.db", revision)
        connection = sqlite3.connect(Path(folder, "callmon.db"))
        try:
            return "\n".join(connection.iterdump()) + "\n"
        finally:
            connection.close()


def restored(text: str, path: Path) -> None:
    """The file that a dump was made of."""
    connection = sqlite3.connect(path)
    try:
        connection.executescript(text)
    finally:
        connection.close()


if __name__ == "__main__":
    for name in KNOWN:
        if not (HERE / f"{name}.sql").exists():
            HERE.mkdir(exist_ok=True)
            (HERE / f"{name}.sql").write_text(dump(name), encoding="utf-8")
            sys.stdout.write(f"{name}\n")
