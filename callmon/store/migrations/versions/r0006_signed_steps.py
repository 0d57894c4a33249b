"""Each row of `sign_off` has the code of its step. `store/opening.py` gives it to the rows that are there."""

from alembic import op
from sqlalchemy import Column, String

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("sign_off", Column("mac", String, nullable=False, server_default=""))
