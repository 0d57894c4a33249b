"""How far each import of the past is, and what it changed: marks that a command writes and a page reads."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select

from callmon.store.database import Database, database_errors
from callmon.store.instances import insert_rows
from callmon.store.tables import MARK, from_microseconds, microseconds
from callmon.store.tables.callbacks import MarkRow

PREFIX = "import"


class ImportProgress(NamedTuple):
    """The last import of a record of an exchange: `read` of its `lines`, and the calls it created and replaced."""

    exchange: str
    record: str
    at: datetime
    lines: int
    read: int
    created: int
    replaced: int


def note_import(store: Database, progress: ImportProgress) -> None:
    """Replaces what is noted of this record."""
    place = f"{PREFIX} {progress.exchange} {progress.record}"
    values = progress._asdict() | {"at": microseconds(progress.at)}
    rows = [MarkRow(name=f"{place} {name}", value=values[name]) for name in ImportProgress._fields[2:]]
    with database_errors(store), store.writing_piece() as connection:
        connection.execute(delete(MARK).where(MARK.c.name.in_([row.name for row in rows])))
        insert_rows(connection, *rows)


def noted_imports(store: Database) -> list[ImportProgress]:
    """The last import of each record, the latest first."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    with database_errors(store), store.reading() as connection:
        for name, value in connection.execute(
            select(MARK.c.name, MARK.c.value).where(MARK.c.name.like("import %"))
        ):
            exchange, record, field = name.removeprefix(f"{PREFIX} ").rsplit(" ", 2)
            found.setdefault((exchange, record), {})[field] = value
    noted = [_progress(*place, values) for place, values in found.items()]
    return sorted(noted, key=lambda one: one.at, reverse=True)


def _progress(exchange: str, record: str, values: dict[str, int]) -> ImportProgress:
    at, *rest = (values.get(name, 0) for name in ImportProgress._fields[2:])
    return ImportProgress(exchange, record, from_microseconds(at), *rest)
