"""A line's last test call is found by an index; of a line that was never tested, all calls were looked through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0011"


def upgrade() -> None:
    op.create_index(
        "ix_call_test",
        "call",
        ["line", "arrived"],
        sqlite_where=sa.text("is_test = 1"),
        postgresql_where=sa.text("is_test"),
    )
