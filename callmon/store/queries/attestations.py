"""Attestations (what a person states about a line after testing it): insert and read. Every function blocks."""

import msgspec
from sqlalchemy import Connection, insert, select

from callmon.core.attestations import Attestation
from callmon.store.database import Database, database_errors
from callmon.store.tables import ATTESTATION


def insert_attestations(store: Database, given: list[Attestation]) -> None:
    """Inserts all attestations in one transaction. Raises StoreError."""
    rows = [msgspec.structs.asdict(x) | {"tested": x.tested.isoformat()} for x in given]
    with database_errors(store), store.writing() as connection:
        connection.execute(insert(ATTESTATION), rows)


def attestations_in(connection: Connection) -> list[Attestation]:
    """All attestations, in the order in which they were inserted."""
    columns = (ATTESTATION.c[name] for name in Attestation.__struct_fields__)
    found = connection.execute(select(*columns).order_by(ATTESTATION.c.id))
    return [msgspec.convert(dict(row._mapping), Attestation) for row in found]


def attestations(store: Database) -> list[Attestation]:
    """As `all_of`, on a connection of its own. Raises StoreError."""
    with database_errors(store), store.reading() as connection:
        return attestations_in(connection)
