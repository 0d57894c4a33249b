"""Roll-ups of ended calls by local day, line, language and exchange; calls found by their time.

The roll-ups of calls that are stored already are made afterwards (`store/rollups/rebuild.py`): their days are
those of the configured time zone, which a migration does not know. In SQLite calls are no longer kept in the order
of their key: there an account, longer than a quarter of a page, took a whole page beside it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from callmon.store.migrations.versions.r0001_first_tables import column, table, text

revision = "r0008"
down_revision = "r0013"


def upgrade() -> None:
    key = ("day", "line", "language", "exchange")
    table(
        "rollup",
        key,
        *(text(name) for name in key),
        *(column(name, sa.BigInteger, nullable=False) for name in ("stored", "calls")),
        text("seal"),
        column("cell", sa.Text, nullable=False),
        rowid=True,
    )
    table(
        "rollup_state",
        ("id",),
        column("id", sa.Integer, nullable=False),
        text("zone"),
        *(column(name, sa.BigInteger, nullable=False) for name in ("version", "until")),
        rowid=True,
    )
    op.execute("INSERT INTO rollup_state (id, zone, version, until) VALUES (1, '', 0, 0)")
    if op.get_bind().dialect.name == "sqlite":
        _with_rowid()
    op.create_index("ix_call_arrived", "call", ["arrived"])


def _with_rowid() -> None:
    before = op.get_bind().execute(sa.text("SELECT sql FROM sqlite_master WHERE name = 'call'")).scalar_one()
    op.execute('ALTER TABLE "call" RENAME TO call_before')
    op.execute(before.replace("WITHOUT ROWID", ""))
    op.execute('INSERT INTO "call" SELECT * FROM call_before')
    op.execute("DROP TABLE call_before")
    op.create_index("ix_call_line_arrived", "call", ["line", "arrived"])
