"""How far each import of the past is, and what it changed: marks that a command writes and a page reads."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from callmon.store.bulk import BulkWriter, replacing
from callmon.store.database import Database, database_errors
from callmon.store.tables import MARK, from_microseconds, microseconds

PREFIX = "import "


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
    values = progress._asdict() | {"at": microseconds(progress.at)}
    place = f"{PREFIX}{values.pop('exchange')} {values.pop('record')}"
    rows = [(f"{place} {name}", value) for name, value in values.items()]
    with database_errors(store), store.writing_piece() as connection:
        BulkWriter(connection).insert(MARK, rows, replacing(MARK))


def noted_imports(store: Database) -> list[ImportProgress]:
    """The last import of each record, the latest first."""
    found: dict[tuple[str, ...], dict[str, int]] = {}
    with database_errors(store), store.reading() as connection:
        marks = select(MARK.c.name, MARK.c.value).where(MARK.c.name.like(f"{PREFIX}%"))
        for name, value in connection.execute(marks):
            *place, field = name.removeprefix(PREFIX).rsplit(" ", 2)
            found.setdefault(tuple(place), {})[field] = value
    noted = [
        ImportProgress(exchange, record, from_microseconds(values.pop("at")), **values)
        for (exchange, record), values in found.items()
    ]
    return sorted(noted, key=lambda one: one.at, reverse=True)
