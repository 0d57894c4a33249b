"""The encrypted numbers: the names of the keys they need, and the tokens that older keys left in other columns."""

from sqlalchemy import Connection, and_, select

from callmon.store import tables
from callmon.store.bulk import BulkWriter
from callmon.store.database import Database, database_errors
from callmon.store.encryption import KeyRing
from callmon.store.tables import NUMBER, OBLIGATION


def token_renewals(store: Database) -> dict[str, str]:
    """Maps the tokens under older keys to the newest token, for all numbers of calls with an obligation."""
    if len(store.ring.names) < 2:
        return {}
    here = and_(OBLIGATION.c["call"] == NUMBER.c["call"], OBLIGATION.c.exchange == NUMBER.c.exchange)
    question = select(NUMBER.c.number).join(OBLIGATION, here).distinct()
    with database_errors(store), store.reading() as connection:
        found = [store.ring.tokens(store.ring.decrypt(sealed)) for (sealed,) in connection.execute(question)]
    return {old: newest for newest, *older in found for old in older}


def record_key(connection: Connection, ring: KeyRing) -> None:
    """Stores the newest key's name after an encryption: the key file must contain that key from now on."""
    BulkWriter(connection).insert(tables.NUMBER_KEY, [(ring.name,)], "ON CONFLICT DO NOTHING")


def overwrite_deleted(connection: Connection) -> None:
    """Makes SQLite overwrite deleted and replaced content in its file instead of only releasing the space."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
