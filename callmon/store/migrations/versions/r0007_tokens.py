"""The table `token`: the tokens with which programs read the API."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "token",
        Column("id", String, primary_key=True),
        Column("name", String, nullable=False),
        Column("roles", String, nullable=False),
        Column("made", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("used", BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_token_name", "token", ["name"], unique=True)
