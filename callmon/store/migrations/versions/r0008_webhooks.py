"""The deliveries to webhooks: a table and its index."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, String, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "webhook",
        Column("id", String, primary_key=True),
        Column("webhook", String, primary_key=True),
        Column("n", BigInteger, nullable=False),
        Column("event", String, nullable=False),
        Column("state", String, nullable=False),
        Column("since", BigInteger, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("next", BigInteger, nullable=False),
        Column("answer", String, nullable=False),
        Column("data", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_webhook_since", "webhook", ["since"])
    op.create_index("ix_webhook_due", "webhook", ["webhook", "state", "n"])
