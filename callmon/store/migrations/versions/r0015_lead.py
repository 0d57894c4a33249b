"""The session that has the right to write is a name in `writer`: any role can take an advisory lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"


def upgrade() -> None:
    op.add_column("writer", sa.Column("session", sa.String(), nullable=True))
