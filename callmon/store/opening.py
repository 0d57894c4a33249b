"""Opens the database of the settings, with the keys of its numbers.

Without `privacy.key_file` the key file is beside a SQLite database (callmon.db-key). For PostgreSQL it is in
callmon's own folder. There the first key is created automatically, so that no number is ever stored unencrypted.

Refuses: to create a key for a database with encrypted numbers, whose own key is missing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from callmon.errors import ConfigError
from callmon.store import access, key_file
from callmon.store.bulk import record_key
from callmon.store.database import (
    Database,
    beside_database,
    database_errors,
    names_of_needed_keys,
    open_store,
    parse_url,
    stored_revision,
    upgrade,
)
from callmon.store.pairs.open import open_to_read
from callmon.store.rollups import rebuild

if TYPE_CHECKING:
    from callmon.config.settings import Settings


def key_path(settings: Settings) -> Path:
    """The path of the key file."""
    if settings.privacy.key_file is not None:
        return settings.privacy.key_file
    url = settings.configuration.store.url  # the path needs no password
    return beside_database(url, "-key", "callmon.key")


def open_for_accounts(settings: Settings) -> Database:
    """The store for commands that change accounts. On PostgreSQL these changes are recorded beside the key."""
    return _with_notes(open_store(settings.store.url), settings)


def _with_notes(store: Database, settings: Settings) -> Database:
    if store.path is None:
        store.notes = Path(f"{key_path(settings)}-accounts")
    return store


def revision_found(settings: Settings) -> str | None:
    """The revision of the database as it is; None: there is none yet, or it has no tables. Raises StoreError."""
    store = Database(parse_url(settings.store.url))
    if store.path is not None and not store.path.exists():
        return None
    with database_errors(store):
        found = stored_revision(store)
    store.close()
    return found


def open_with_keys(settings: Settings) -> Database:
    """The store for commands that need numbers. Raises ConfigError without the key, StoreError with another."""
    if settings.privacy.key_file is None and not key_path(settings).exists():
        store = open_to_read(settings.store)
        _refuse_without_key(store, key_path(settings))
        return store  # the database has no numbers yet
    ring = key_file.read_keys(key_path(settings))
    return open_to_read(settings.store, ring)


def open_for_writing(settings: Settings) -> Database:
    """The store, created or upgraded to this version, with its key, which is created if there is none.

    Roll-ups are updated from now on; `rebuild_rollups` makes those of calls stored before.
    Raises ConfigError, StoreError.
    """
    path, store = key_path(settings), upgrade(settings.store.url)
    if settings.privacy.key_file is None and not path.exists():
        _refuse_without_key(store, path)
        _make(path)
    store.close()
    store = _with_notes(open_store(settings.store.url, key_file.read_keys(path)), settings)
    access.end_if_older(store)
    if store.path is None:  # an instance on another machine must not create its own key
        with store.writing() as connection:
            record_key(connection, store.ring)
    rebuild.ensure_rollups(store, settings.timezone)
    return store


def _make(path: Path) -> None:
    try:
        key_file.add_new_key(path, date.today())  # noqa: DTZ011  the day that stands in the file is this machine's
    except ConfigError:
        if not path.exists():  # otherwise another instance, started at the same time, was faster
            raise


def _refuse_without_key(store: Database, path: Path) -> None:
    names = names_of_needed_keys(store)
    if names:
        store.close()
        raise ConfigError(
            "no key file at {path}, but the database {store} holds numbers encrypted with the key {names}: "
            "restore the file, or name it as privacy.key_file",
            path=path,
            store=store,
            names=" ".join(sorted(names)),
        )
