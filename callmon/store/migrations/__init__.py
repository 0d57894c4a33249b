"""The database's revisions, oldest first. Only these names are imported; alembic reads the files."""

KNOWN = ("r0001", "r0002", "r0003", "r0007", "r0013", "r0008", "r0010", "r0009", "r0011", "r0014", "r0015")
HEAD = KNOWN[-1]
