"""The one connection that writes, and the right to: one program at a time writes to a database.

SQLite: a lock on a file beside the database. PostgreSQL: an advisory lock held by the very connection that
writes, so that whoever lost it cannot write. Either goes with its holder, however that ends.

Refuses to wait: who asks in vain is told so, and asks again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from callmon.errors import StoreError
from callmon.store.engine import Store

ADVISORY_KEY = 0x63616C6C6D6F6E  # "callmon"; PostgreSQL keeps such locks apart by database
# The server too must notice soon that we are gone, or our own dead connection would keep the lock from us.
# What an older server does not know is left out.
SERVER_NOTICES = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "500",
}


class TakenError(StoreError):
    """Another program has the right to write."""


class Pen:
    """`writing()` is one transaction. Raises TakenError while another program has the right."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._connection: Connection | None = None
        self._lock: int | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        connection = self._connection or self._take()
        with connection.begin():
            yield connection

    def put_down(self) -> None:
        """After a failure: a new connection next time, to what is there then."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(SQLAlchemyError, OSError):
                connection.invalidate()
                connection.close()
        self.store.find_again()

    def close(self) -> None:
        self.put_down()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take(self) -> Connection:
        if self.store.path is not None and self._lock is None:
            self._lock = _lock_beside(self.store)
        connection = self.store.engine.connect().execution_options(writes=True)
        try:
            if self.store.path is None:
                _lock_in(connection, self.store)
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._connection = connection
        return connection


def _lock_beside(store: Store) -> int:
    """The file stays: to delete it would let two programs hold two locks."""
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


def _lock_in(connection: Connection, store: Store) -> None:
    with connection.begin():
        for name, value in SERVER_NOTICES.items():
            question = "SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s"
            connection.exec_driver_sql(question, (value, name))
        question = "SELECT pg_try_advisory_lock(%s)"
        if not connection.exec_driver_sql(question, (ADVISORY_KEY,)).scalar_one():
            raise _taken(store)


def _taken(store: Store) -> TakenError:
    return TakenError(f"another callmon writes to {store}: stop that one, or give this one a database of its own")
