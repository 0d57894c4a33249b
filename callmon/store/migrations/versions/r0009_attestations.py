"""What people found who tried a line: a way to a person everywhere, greetings in both languages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from callmon.store.migrations.versions.r0001_first_tables import column, text

revision = "r0009"
down_revision = "r0010"


def upgrade() -> None:
    op.create_table(
        "attestation",
        sa.Column("id", sa.Integer(), primary_key=True),
        *(text(name) for name in ("line", "subject", "tested", "by")),
        column("is_so", sa.Boolean, nullable=False),
    )
