"""What persons state about lines: the results of their test calls. Blocks."""

import msgspec
import sqlmodel
from sqlalchemy import Connection

from callmon.core.attestations import Attestation
from callmon.store.database import Database, database_errors
from callmon.store.instances import found_rows, insert_rows
from callmon.store.tables.reports import AttestationRow


def insert_attestations(store: Database, given: list[Attestation]) -> None:
    """Inserts all attestations in one transaction. Raises StoreError."""
    rows = [AttestationRow(**msgspec.structs.asdict(x) | {"tested": x.tested.isoformat()}) for x in given]
    with database_errors(store), store.writing() as connection:
        insert_rows(connection, *rows)


def attestations_in(connection: Connection) -> list[Attestation]:
    """All attestations, in the order in which they were inserted."""
    found = found_rows(connection, sqlmodel.select(AttestationRow).order_by(sqlmodel.col(AttestationRow.id)))
    return [msgspec.convert(row.model_dump(exclude={"id"}), Attestation) for row in found]


def attestations(store: Database) -> list[Attestation]:
    """As `attestations_in`, on a connection of its own. Raises StoreError."""
    with database_errors(store), store.reading() as connection:
        return attestations_in(connection)
