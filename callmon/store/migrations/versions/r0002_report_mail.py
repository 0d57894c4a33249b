"""The table of the reports sent by e-mail."""

from alembic import op

from callmon.store.tables import REPORT_MAIL

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    REPORT_MAIL.create(op.get_bind())
