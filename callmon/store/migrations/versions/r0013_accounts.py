"""Accounts of callmon's own, sessions of whoever is signed in, and the record of what people did on the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from callmon.store.migrations.versions.r0001_first_tables import TIME, column, table, text

revision = "r0013"
down_revision = "r0007"


def upgrade() -> None:
    table(
        "account",
        ("name",),
        *(text(name) for name in ("name", "password", "roles")),
        column("is_locked", sa.Boolean, nullable=False),
        column("made", TIME, nullable=False),
        column("changed", TIME, nullable=False),
    )
    table(
        "session",
        ("id",),
        *(text(name) for name in ("id", "person", "source", "roles")),
        column("made", TIME, nullable=False),
        column("seen", TIME, nullable=False),
    )
    op.create_index("ix_session_person", "session", ["person", "source"])
    op.create_index("ix_session_made", "session", ["made"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        column("at", TIME, nullable=False),
        *(text(name) for name in ("who", "act", "about", "address")),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
