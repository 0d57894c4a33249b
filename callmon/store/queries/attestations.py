"""What somebody said of a line that they tried: written down, and asked for. Each blocks."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select

from callmon.core.attestations import Attestation
from callmon.store import tables
from callmon.store.database import Store, _told

ATTESTATION = tables.METADATA.tables["attestation"]


def put(store: Store, given: list[Attestation]) -> None:
    """All of them, or none. Raises StoreError."""
    rows = [msgspec.structs.asdict(one) | {"tested": one.tested.isoformat()} for one in given]
    with _told(store), store.writing() as connection:
        connection.execute(insert(ATTESTATION), rows)


def all_of(connection: Connection) -> list[Attestation]:
    """In the order in which they were said."""
    columns = (ATTESTATION.c[name] for name in Attestation.__struct_fields__)
    found = connection.execute(select(*columns).order_by(ATTESTATION.c.id))
    return [msgspec.convert(dict(row._mapping), Attestation) for row in found]


def stored(store: Store) -> list[Attestation]:
    """The same, by a connection of its own. Raises StoreError."""
    with _told(store), store.reading() as connection:
        return all_of(connection)
