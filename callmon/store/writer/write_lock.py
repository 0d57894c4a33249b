"""The write lock (`WriteLock`) and the one connection that writes: one program at a time writes to a database.

SQLite: a lock on a file beside the database. PostgreSQL: the lease (`lease.py`). The lease belongs to the very
session that writes, so a program that lost it cannot write. Both end with their holder, however it ends.

Refuses: to wait. If the lock is taken, `LockTakenError` is raised and the committer retries.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from callmon.errors import StoreError
from callmon.store.database import Database
from callmon.store.writer import lease


class LockTakenError(StoreError):
    """Another program holds the write lock."""


class WriteLock:
    """`writing()` is one transaction; it raises LockTakenError while another program holds the lock.

    `is_shared`: other instances may wait for the lock. They acquire it when this one is silent for a few seconds.
    """

    def __init__(self, store: Database, is_shared: bool = False) -> None:
        self.store, self._is_shared = store, is_shared
        self._connection: Connection | None = None
        self._asking: Connection | None = None  # the session that failed to acquire the lock
        self._lock: int | None = None
        self.holder = ""  # the PostgreSQL session found to hold the lease, for an operator

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self._connection is not None and self._connection.invalidated:
            self.drop_connections()  # it would reconnect without the lock
        connection = self._connection or self._take()
        with connection.begin():
            yield connection

    def heard(self) -> dict[str, datetime]:
        """After LockTakenError, by exchange: until when the holder received and committed all events."""
        return {} if self._asking is None else lease.holder_heartbeats(self._asking)

    def drop_connections(self) -> None:
        """Drops the connection after a failure. The next transaction connects to the database as it is then."""
        for connection in (self._connection, self._asking):
            if connection is not None:
                with suppress(SQLAlchemyError, OSError):
                    connection.invalidate()
                    connection.close()
        self._connection = self._asking = None
        self.store.find_again()

    def close(self) -> None:
        self.drop_connections()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> Connection:
        if self.store.path is None:
            self._connection = self._asked()
            return self._connection
        if self._lock is None:
            self._lock = _lock_beside(self.store)
        self._connection = self._new()
        return self._connection

    def _asked(self) -> Connection:
        """PostgreSQL: the session that holds the lease. A session that fails to acquire it is reused next time.

        Raises LockTakenError.
        """
        if self._asking is None:
            self._asking = self._new()
            lease.prepare(self._asking, self._is_shared)
        self.holder = lease.acquire(self._asking, self._is_shared) or ""
        if self.holder:
            raise _taken(self.store, self.holder)
        connection, self._asking = self._asking, None
        return connection

    def _new(self) -> Connection:
        return self.store.engine.connect().execution_options(writes=True)


def _lock_beside(store: Database) -> int:
    """Locks the file beside the SQLite database. Raises LockTakenError.

    The file is never deleted: deleting it would let two programs hold two locks.
    """
    file = os.open(f"{store.path}-writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise _taken(store) from None
    except BaseException:
        os.close(file)
        raise
    return file


def _taken(store: Database, holder: str = "") -> LockTakenError:
    by = f" ({holder})" if holder else ""
    return LockTakenError(f"another callmon writes to {store}{by}: stop it, or give this callmon its own database")
