"""The table of the reports sent by e-mail."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT, NUMBER = sa.String, sa.Integer
KEYS = {"month": TEXT, "edition": TEXT, "revision": NUMBER, "stage": TEXT, "recipient": TEXT, "copy": NUMBER}
TEXTS = ("state", "fingerprint", "reason", "detail")
TIMES = ("since", "changed", "next")


def upgrade() -> None:
    op.create_table(
        "report_mail",
        *(sa.Column(name, kind, primary_key=True, autoincrement=False) for name, kind in KEYS.items()),
        *(sa.Column(name, TEXT, nullable=False) for name in TEXTS),
        sa.Column("attempts", NUMBER, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in TIMES),
    )
