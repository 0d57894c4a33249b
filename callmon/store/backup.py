"""A copy of a SQLite database in a new file, while callmon writes to it (SQLite's online backup).

The copy is one state of the database: it is read in one step, and a writer need not wait. It has no key of the
callers' numbers. Refuses: to replace a file.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from callmon.errors import ConfigError, StoreError
from callmon.store.database import Database, with_remedy


def backup(store: Database, file: Path) -> None:
    """Copies the SQLite database to `file`, with mode 0600. Raises ConfigError, StoreError, OSError."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise ConfigError("{file} exists and is not replaced; name a new file.", file=file) from None
    try:
        _copy(store, file)
    except BaseException:
        file.unlink()
        raise


def _copy(store: Database, file: Path) -> None:
    address = f"file:{quote(str(file.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True)) as copy, store.reading() as connection:
            source = connection.connection.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
    except sqlite3.Error as error:
        raise StoreError(
            "the database {store} cannot be copied to {file}: {why}",
            store=store,
            file=file,
            why=with_remedy(error),
        ) from None
