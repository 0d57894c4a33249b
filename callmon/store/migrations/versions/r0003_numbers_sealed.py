"""Numbers are sealed, and found by a token; who looked at them and what was disposed of is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"

TIME = sa.BigInteger


def upgrade() -> None:
    op.drop_index("ix_number_number", "number")
    op.add_column("number", sa.Column("token", sa.String(), nullable=True))
    op.create_index("ix_number_token", "number", ["token"])
    op.create_table("number_key", sa.Column("name", sa.String(), primary_key=True), sqlite_with_rowid=False)
    op.drop_table("secret")  # what numbers were matched by lay beside them: it is derived from the key file now
    _kept()


def _kept() -> None:
    op.create_table(
        "access",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", TIME(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=True),
    )
    op.create_index("ix_access_token", "access", ["token"])
    op.create_table(
        "disposal",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", TIME(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("unused_since", TIME(), nullable=False),
        sa.Column("first_use", TIME(), nullable=True),
        sa.Column("last_use", TIME(), nullable=True),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
    )
