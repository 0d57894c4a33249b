"""The database of the settings, with the keys of the numbers in it.

Where `privacy.key_file` names no file, the keys lie beside a SQLite database (callmon.db-key), or in callmon's own
folder when the database is elsewhere; there the first one is made by itself, so that no number is ever stored in
the clear. Refuses to make a key for a database whose numbers are sealed already: theirs has gone missing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from callmon.errors import ConfigError
from callmon.store import key_file
from callmon.store.access import restored_copy
from callmon.store.database import Store, open_store, own_folder, parse_url, sealed_with, upgrade
from callmon.store.encryption import Ring
from callmon.store.privacy import key_rotation
from callmon.store.rollups import rebuild

if TYPE_CHECKING:
    from callmon.config.settings import Settings


def place(settings: Settings) -> Path:
    """The key file."""
    if settings.privacy.key_file is not None:
        return settings.privacy.key_file
    url = parse_url(settings.configuration.store.url)  # where it is needs no password
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}-key")
    return own_folder() / "callmon.key"


def for_accounts(settings: Settings) -> Store:
    """For commands that change accounts. Of PostgreSQL their changes are noted beside the key."""
    return _with_notes(open_store(settings.store.url), settings)


def _with_notes(store: Store, settings: Settings) -> Store:
    if store.path is None:
        store.notes = Path(f"{place(settings)}-accounts")
    return store


def opened(settings: Settings) -> Store:
    """For who needs numbers. Raises ConfigError without the key, StoreError when it is another one."""
    ring = Ring()
    if settings.privacy.key_file is None and not place(settings).exists():
        store = open_store(settings.store.url)
        _refuse_without_key(store, place(settings))
        return store  # there are none yet
    ring = key_file.read(place(settings))
    return open_store(settings.store.url, ring)


def ready(settings: Settings) -> Store:
    """Made, of this version, with its key.

    Roll-ups are kept from now on; those of calls that are stored already are made by `rolled.build`.
    """
    path, store = place(settings), upgrade(settings.store.url)
    if settings.privacy.key_file is None and not path.exists():
        _refuse_without_key(store, path)
        _make(path)
    store.close()
    store = _with_notes(open_store(settings.store.url, key_file.read(path)), settings)
    restored_copy.end_if_older(store)
    if store.path is None:  # another callmon, elsewhere, must not begin with a key of its own
        with store.writing() as connection:
            key_rotation.note_key(connection, store.ring)
    rebuild.settle(store, settings.timezone)
    return store


def _make(path: Path) -> None:
    try:
        key_file.make(path, date.today())  # noqa: DTZ011  the day that stands in the file is this machine's
    except ConfigError:
        if not path.exists():  # else another that is started with us was faster
            raise


def _refuse_without_key(store: Store, path: Path) -> None:
    names = sealed_with(store)
    if names:
        store.close()
        raise ConfigError(
            f"there is no key at {path}, and the database {store} holds numbers sealed with the key "
            f"{' '.join(sorted(names))}: put the key file back, or name it as privacy.key_file"
        )
