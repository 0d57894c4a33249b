"""The first tables: facts, calls, findings, gaps, counters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

# Times are whole microseconds since 1970.
TIME = sa.BigInteger


def text(name: str, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def column(name: str, kind: Any, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def table(name: str, key: tuple[str, ...], *columns: sa.Column[Any], rowid: bool = False) -> None:
    op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=rowid)


def upgrade() -> None:
    _what_was_heard()
    _what_was_concluded()
    _what_was_counted()


def _what_was_heard() -> None:
    call = ("call", "exchange")
    table(
        "fact",
        (*call, "n"),
        *(text(name) for name in call),
        column("n", sa.BigInteger, nullable=False),
        column("at", TIME),
        text("kind"),
        column("data", sa.Text, nullable=False),
    )
    table("open_call", call, *(text(name) for name in call))
    table("number", (*call, "role"), *(text(name) for name in (*call, "role", "number")))
    op.create_index("ix_number_number", "number", ["number"])
    table(
        "gap",
        ("exchange", "began"),
        text("exchange"),
        column("began", TIME, nullable=False),
        column("ended", TIME, nullable=False),
        rowid=True,
    )


def _what_was_concluded() -> None:
    table(
        "call",
        ("call", "exchange"),
        text("call"),
        text("exchange"),
        text("line", nullable=True),
        text("direction"),
        text("language"),
        column("in_hours", sa.Boolean),
        column("arrived", TIME),
        column("answered", TIME),
        column("ended", TIME),
        text("outcome"),
        column("rings", sa.Integer),
        column("rings_estimated", sa.Boolean, nullable=False),
        column("waited", sa.BigInteger),
        text("heard"),
        column("data", sa.Text, nullable=False),
    )
    op.create_index("ix_call_line_arrived", "call", ["line", "arrived"])
    table(
        "finding",
        ("call", "exchange", "standard"),
        text("call"),
        text("exchange"),
        text("standard"),
        column("at", TIME),
        text("line"),
        text("language"),
        column("in_hours", sa.Boolean),
        text("verdict"),
        text("reason_key"),
        column("number", sa.Integer),
        text("cause", nullable=True),
    )


def _what_was_counted() -> None:
    table("counter", ("figure",), text("figure"), column("value", sa.Float, nullable=False))
    table("heartbeat", ("exchange",), text("exchange"), column("heard", TIME, nullable=False), rowid=True)
    table(
        "writer",
        ("id",),
        column("id", sa.Integer, nullable=False),
        column("batch", sa.BigInteger, nullable=False),
        text("token"),
        rowid=True,
    )
    op.execute("INSERT INTO writer (id, batch, token) VALUES (1, 0, '')")
