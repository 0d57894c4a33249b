"""The tables of the first release: `store/creation.py` creates them. No earlier revision was released."""

revision = "0008"
down_revision = None


def upgrade() -> None:
    """Nothing: a new database gets all tables as they are now, and the newest revision's name."""
