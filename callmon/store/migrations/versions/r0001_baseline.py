"""The tables of the first release. Frozen: a later change of a table is a revision of its own.

On PostgreSQL `fact` is partitioned by month, so that one statement drops an old month. A fact without a time, or
of a month without a partition, goes to `fact_default`. There an index replaces the primary
key of a call's facts. The primary key of a partitioned table must contain the time, which may be unknown.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Columns = list[sa.Column[Any]]

PARTITIONED = (
    'CREATE TABLE fact ("call" VARCHAR NOT NULL, exchange VARCHAR NOT NULL, n BIGINT NOT NULL, at BIGINT, '
    "kind VARCHAR NOT NULL, data TEXT NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE fact_default PARTITION OF fact DEFAULT",
    'CREATE INDEX ix_fact_call ON fact ("call", exchange, n)',
)
FIRST_ROWS = (
    "INSERT INTO writer (id, batch, token) VALUES (1, 0, '')",
    "INSERT INTO mark (name, value) VALUES ('hand', 0), ('disruption_hand', 0)",
    "INSERT INTO rollup_state (id, zone, version, until) VALUES (1, '', 0, 0)",
)


def upgrade() -> None:
    _calls()
    _ledger()
    _disruptions()
    _counters()
    _rollups()
    _reconciliation()
    _people()
    for statement in FIRST_ROWS:
        op.execute(statement)


def _of(kind: Any, names: str, nullable: bool = False) -> Columns:
    return [sa.Column(name, kind(), nullable=nullable) for name in names.split()]


def text(names: str, nullable: bool = False) -> Columns:
    return _of(sa.String, names, nullable)


def time(names: str, nullable: bool = False) -> Columns:
    """Whole microseconds since 1970."""
    return _of(sa.BigInteger, names, nullable)


def big(names: str) -> Columns:
    return _of(sa.BigInteger, names)


def integer(names: str, nullable: bool = False) -> Columns:
    return _of(sa.Integer, names, nullable)


def flag(names: str, nullable: bool = False) -> Columns:
    return _of(sa.Boolean, names, nullable)


def json(name: str) -> Columns:
    return _of(sa.Text, name)


def table(name: str, key: str, *columns: Iterable[sa.Column[Any]], rowid: bool = False) -> None:
    """Creates a table. `rowid`: SQLite stores rows in the order of their insertion, not of their key."""
    flat = [column for some in columns for column in some]
    op.create_table(name, *flat, sa.PrimaryKeyConstraint(*key.split()), sqlite_with_rowid=rowid)


def index(table: str, *columns: str, name: str = "", **options: Any) -> None:
    op.create_index(f"ix_{table}_{name or '_'.join(columns)}", table, [*columns], **options)


def _calls() -> None:
    _fact()
    _call()
    table("open_call", "call exchange", text("call exchange"))
    table(
        "finding",
        "call exchange standard",
        text("call exchange standard"),
        time("at", nullable=True),
        text("line language"),
        flag("in_hours", nullable=True),
        text("verdict reason_key"),
        integer("number", nullable=True),
        text("cause", nullable=True),
    )
    table("number", "call exchange role", text("call exchange role number"), text("token", nullable=True))
    index("number", "token")
    table("number_key", "name", text("name"))
    table("gap", "exchange began", text("exchange"), time("began ended"), rowid=True)


def _fact() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in PARTITIONED:
            op.execute(statement)
        return
    columns = (text("call exchange"), big("n"), time("at", nullable=True), text("kind"), json("data"))
    table("fact", "call exchange n", *columns)


def _call() -> None:
    """With a rowid: without one, SQLite stores a row longer than a quarter of a page on another page."""
    table(
        "call",
        "call exchange",
        text("call exchange"),
        text("line", nullable=True),
        text("direction language"),
        flag("in_hours", nullable=True),
        time("arrived answered ended", nullable=True),
        text("outcome"),
        integer("rings", nullable=True),
        flag("rings_estimated"),
        _of(sa.BigInteger, "waited", nullable=True),
        text("heard"),
        json("data"),
        [sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false())],
        rowid=True,
    )
    index("call", "line", "arrived")
    index("call", "arrived")
    only_tests = {"sqlite_where": sa.text("is_test = 1"), "postgresql_where": sa.text("is_test")}
    index("call", "line", "arrived", name="test", **only_tests)


def _ledger() -> None:
    key = text("obligation exchange")
    table("ledger", "obligation exchange n", key, big("n"), time("at"), text("kind"), json("data"))
    table(
        "obligation",
        "id exchange",
        text("id exchange call kind opening line service language"),
        text("token other hidden", nullable=True),
        text("cautions"),
        time("opened"),
        time("due due_business actionable settled acknowledged", nullable=True),
        text("state"),
        text("reason", nullable=True),
        integer("count attempts"),
        flag("is_soon is_overdue is_live"),
        json("data"),
    )
    index("obligation", "opened")
    index("obligation", "token")
    index("obligation", "other")
    index("obligation", "is_live", "state", name="live")
    table("hand", "n", big("n"), time("at"), text("actor action exchange obligation"), json("data"), rowid=True)


def _disruptions() -> None:
    key = text("disruption")
    table("disruption_entry", "disruption n", key, big("n"), time("at"), text("kind"), json("data"))
    table(
        "disruption",
        "id",
        text("id source exchange lines"),
        time("began"),
        time("until announced ended", nullable=True),
        text("how", nullable=True),
        flag("counts is_live"),
        json("data"),
        rowid=True,
    )
    index("disruption", "began")
    index("disruption", "is_live", name="live")
    table("disruption_hand", "n", big("n"), time("at"), text("actor action disruption"), json("data"), rowid=True)


def _counters() -> None:
    table("counter", "figure", text("figure"), _of(sa.Float, "value"))
    table("heartbeat", "exchange", text("exchange"), time("heard"), rowid=True)
    table("mark", "name", text("name"), big("value"))
    table("writer", "id", integer("id"), big("batch"), text("token"), text("session", nullable=True), rowid=True)


def _rollups() -> None:
    key = "day line language exchange"
    table("rollup", key, text(key), big("stored calls"), text("seal"), json("cell"), rowid=True)
    table("rollup_state", "id", integer("id"), text("zone"), big("version until"), rowid=True)


def _reconciliation() -> None:
    key = "exchange day line"
    table("reconciliation", key, text(key), time("done"), integer("of_exchange of_callmon"))
    columns = (text("exchange day call line"), time("arrived"), text("counted_by"))
    table("reconciliation_call", "exchange day call", *columns)


def _people() -> None:
    """Access to numbers and their disposal; accounts, sessions and the audit log; attestations of a line."""
    columns = (time("at"), text("who purpose command"), integer("found"), text("token", nullable=True))
    table("access", "id", integer("id"), *columns, rowid=True)
    index("access", "token")
    table(
        "disposal",
        "id",
        integer("id"),
        time("at"),
        text("who authority"),
        time("unused_since"),
        time("first_use last_use", nullable=True),
        integer("numbers uses files"),
        rowid=True,
    )
    table("account", "name", text("name password roles"), flag("is_locked"), time("made changed"))
    table("session", "id", text("id person source roles"), time("made seen"))
    index("session", "person", "source", name="person")
    index("session", "made")
    table("audit", "id", integer("id"), time("at"), text("who act about address"), rowid=True)
    index("audit", "at")
    table("attestation", "id", integer("id"), text("line subject tested by"), flag("is_so"), rowid=True)
