"""The ledger of callbacks and complaints, what people did by hand, and the key that numbers are matched by."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

from callmon.store.migrations.versions.r0001_first_tables import TIME, column, table, text

revision = "r0002"
down_revision = "r0001"


def upgrade() -> None:
    _ledger()
    _obligation()
    _hand()


def _ledger() -> None:
    table(
        "ledger",
        ("obligation", "exchange", "n"),
        text("obligation"),
        text("exchange"),
        column("n", sa.BigInteger, nullable=False),
        column("at", TIME, nullable=False),
        text("kind"),
        column("data", sa.Text, nullable=False),
    )


def _obligation() -> None:
    table(
        "obligation",
        ("id", "exchange"),
        *(text(name) for name in ("id", "exchange", "call", "kind", "opening", "line", "service", "language")),
        *(text(name, nullable=True) for name in ("token", "other", "hidden")),
        text("cautions"),
        column("opened", TIME, nullable=False),
        *(column(name, TIME) for name in ("due", "due_business", "actionable", "settled", "acknowledged")),
        text("state"),
        text("reason", nullable=True),
        *(column(name, sa.Integer, nullable=False) for name in ("count", "attempts")),
        *(column(name, sa.Boolean, nullable=False) for name in ("is_soon", "is_overdue", "is_live")),
        column("data", sa.Text, nullable=False),
    )
    for name in ("opened", "token", "other"):
        op.create_index(f"ix_obligation_{name}", "obligation", [name])
    op.create_index("ix_obligation_live", "obligation", ["is_live", "state"])


def _hand() -> None:
    table(
        "hand",
        ("n",),
        column("n", sa.BigInteger, nullable=False),
        column("at", TIME, nullable=False),
        *(text(name) for name in ("actor", "action", "exchange", "obligation")),
        column("data", sa.Text, nullable=False),
        rowid=True,
    )
    table("mark", ("name",), text("name"), column("value", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO mark (name, value) VALUES ('hand', 0)")
    table("secret", ("name",), text("name"), text("value"))
    key = sa.table("secret", sa.column("name"), sa.column("value"))
    op.bulk_insert(key, [{"name": "ledger", "value": secrets.token_hex(32)}])
