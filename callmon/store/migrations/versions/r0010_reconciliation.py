"""What each night's comparison with the exchange's own records found."""

from __future__ import annotations

import sqlalchemy as sa

from callmon.store.migrations.versions.r0001_first_tables import TIME, column, table, text

revision = "r0010"
down_revision = "r0008"


def upgrade() -> None:
    table(
        "reconciliation",
        ("exchange", "day", "line"),
        *(text(name) for name in ("exchange", "day", "line")),
        column("done", TIME, nullable=False),
        *(column(name, sa.Integer, nullable=False) for name in ("of_exchange", "of_callmon")),
    )
    table(
        "reconciliation_call",
        ("exchange", "day", "call"),
        *(text(name) for name in ("exchange", "day", "call", "line")),
        column("arrived", TIME, nullable=False),
        text("counted_by"),
    )
