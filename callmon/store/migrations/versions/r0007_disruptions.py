"""The book of disruptions and of planned work, and what people said of them; test calls; how calls were heard."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from callmon.store.migrations.versions.r0001_first_tables import TIME, column, table, text

revision = "r0007"
down_revision = "r0003"


def upgrade() -> None:
    _entry()
    _disruption()
    _hand()
    op.execute("INSERT INTO mark (name, value) VALUES ('disruption_hand', 0)")
    op.add_column("call", sa.Column("is_test", sa.Boolean(), nullable=False, server_default=sa.false()))
    _completeness()


def _completeness() -> None:
    """`callmon_calls_completeness_total` of the calls that are stored already."""
    counted = (
        "SELECT line, heard, COUNT(*) FROM \"call\" WHERE direction = 'inbound' AND line IS NOT NULL "
        "GROUP BY line, heard"
    )
    connection = op.get_bind()
    for line, heard, count in connection.execute(sa.text(counted)).all():
        figure = json.dumps(["callmon_calls_completeness_total", line, heard], separators=(",", ":"))
        row = {"figure": figure, "value": float(count)}
        connection.execute(sa.text("INSERT INTO counter (figure, value) VALUES (:figure, :value)"), row)


def _entry() -> None:
    table(
        "disruption_entry",
        ("disruption", "n"),
        text("disruption"),
        column("n", sa.BigInteger, nullable=False),
        column("at", TIME, nullable=False),
        text("kind"),
        column("data", sa.Text, nullable=False),
    )


def _disruption() -> None:
    table(
        "disruption",
        ("id",),
        *(text(name) for name in ("id", "source", "exchange", "lines")),
        column("began", TIME, nullable=False),
        *(column(name, TIME) for name in ("until", "announced", "ended")),
        text("how", nullable=True),
        *(column(name, sa.Boolean, nullable=False) for name in ("counts", "is_live")),
        column("data", sa.Text, nullable=False),
        rowid=True,
    )
    op.create_index("ix_disruption_began", "disruption", ["began"])
    op.create_index("ix_disruption_live", "disruption", ["is_live"])


def _hand() -> None:
    table(
        "disruption_hand",
        ("n",),
        column("n", sa.BigInteger, nullable=False),
        column("at", TIME, nullable=False),
        *(text(name) for name in ("actor", "action", "disruption")),
        column("data", sa.Text, nullable=False),
        rowid=True,
    )
