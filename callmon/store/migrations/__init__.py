"""The database's revisions, oldest first. Only this file is imported; alembic reads the others."""

from callmon.errors import Sentence

UNRELEASED = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")  # of development, before the first release
KNOWN = ("0008",)
HEAD = KNOWN[-1]


def refusal(found: str | None, store: object) -> Sentence | None:
    """Why the database `store` of this revision cannot be used; None: it is of this version."""
    if found == HEAD:
        return None
    if found is None:
        return Sentence("the database {store} has no callmon tables: run `callmon db upgrade`", store=store)
    if found in UNRELEASED:
        return Sentence(
            "the database {store} is from before callmon's first release (revision {found}) and cannot be "
            "upgraded: its administrator sets store.url to a new database",
            store=store,
            found=found,
        )
    if found in KNOWN:
        return Sentence("the database {store} is from an older callmon: run `callmon db upgrade`", store=store)
    return Sentence(
        "the database {store} is from another callmon (revision {found}): install that version, or set store.url "
        "to a new database",
        store=store,
        found=found,
    )
