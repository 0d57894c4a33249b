"""The database's revisions, oldest first. Only these names are imported; alembic reads the files."""

KNOWN = ("0001", "0002", "0003", "0004", "0005")
HEAD = KNOWN[-1]
