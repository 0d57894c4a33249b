"""Opens the database of the settings as they want it read: over all pairs (`store.over`), or by itself.

Refuses: to read some of the pairs as if they were all. A pair that cannot be read is named.
"""

from collections.abc import Iterable

from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from callmon.config.store import StoreSettings
from callmon.errors import Sentence, StoreError
from callmon.store.database import Database, cause, database_errors, names_of_needed_keys, open_store
from callmon.store.encryption import NO_KEYS, KeyRing
from callmon.store.migrations import HEAD
from callmon.store.queries.calls import heartbeats
from callmon.store.view import View


def open_to_read(settings: StoreSettings, ring: KeyRing = NO_KEYS) -> Database:
    """The database, as `open_store`; with `over` it shows what all pairs have stored. Raises StoreError."""
    store = open_store(settings.url, ring)
    if not settings.over:
        return store
    if troubles := pair_troubles(store, settings.over):
        store.close()
        raise StoreError(*troubles.values())
    return over(store, settings.over)


def over(store: Database, pairs: Iterable[str], is_whole: bool = True) -> Database:
    """The database as it shows these pairs. `is_whole`: these are all."""
    return store.seen_as(View(tuple(pairs), is_whole=is_whole))


def pair_troubles(store: Database, pairs: Iterable[str]) -> dict[str, Sentence]:
    """By pair, why its tables cannot be read together with those of the pairs before it."""
    found, owners = dict[str, Sentence](), dict[str, str]()
    for pair in pairs:
        try:
            why, names = _complaint(store, pair)
        except (SQLAlchemyError, OSError) as error:
            why, names = cause(error), []
        if same := next((x for x in names if owners.setdefault(x, pair) != pair), None):
            why = Sentence(
                "its exchange {exchange} has the name of one of {other}", exchange=same, other=owners[same]
            )
        if why:
            found[pair] = Sentence("pair {name}: {why}", name=pair, why=why)
    return found


def _complaint(store: Database, pair: str) -> tuple[str, list[str]]:
    """Why the pair cannot be read, or its exchanges."""
    tables = store.seen_as(View(schema=pair))
    with tables.reading() as connection:
        if not inspect(connection).has_table("alembic_version", schema=pair):
            return Sentence("its schema has no callmon tables"), []
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if version != HEAD:
        return Sentence("its tables are of another version of callmon ({version})", version=version), []
    missing = names_of_needed_keys(tables) - {*store.ring.names}
    if store.ring and missing:
        return store.ring.lacks(min(missing)), []
    return "", [*heartbeats(tables)]


def owner(store: Database, exchange: str) -> Database:
    """Where to write about this exchange: its pair's tables; without pairs, `store`. Raises StoreError."""
    with database_errors(store):
        for pair in store.view.pairs if store.view is not None else ():
            if exchange in heartbeats(tables := store.seen_as(View(schema=pair))):
                return tables
    return store
