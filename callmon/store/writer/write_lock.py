"""The write lock and the one connection that writes: one program at a time writes to a database (`WriteLock`).

SQLite: a lock on a file beside the database. PostgreSQL: a lease that one session of the server holds, the very
session that writes. So a program that lost it cannot write. Both end with their holder, however it ends.

    waiting ──no live session holds it──▶ held ──renewed each second──▶ held
       ▲                                   │
       └────── another session has it ◀── lost: no statement for 3 s, a lost network, a server that ended

Table `writer` names the session that holds the lease (`SESSION`). The lease is free when that session has ended.
So the server itself revokes the lease of an instance that is dead, frozen or cut off. A candidate replaces the
name of the ended session by its own in one UPDATE: of two candidates one succeeds.

The holder trusts its lease for less time than the server's idle time-out. It counts from before the renewal
query. So two instances never trust a lease at the same time.

An advisory lock would suffice for callmon alone. But every role of the database can acquire one, because
`pg_locks` shows its key to all. Only the role that owns table `writer` can change its row.

Refuses: to wait. If the lock is taken, `LockTakenError` is raised and the committer retries.
Refuses: a pooler that shares one connection among several clients, because the lease belongs to a session.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from callmon.errors import Sentence, StoreError
from callmon.store import tables
from callmon.store.database import Database

# How often the holder renews the lease, and how often a candidate tries to acquire it.
RENEW_SECONDS = 1.0
ASK_SECONDS = 0.25
# How long the holder trusts its lease after a renewal. The server ends an idle session half a second later.
HOLDS_SECONDS = 2.5
# With these the server detects a lost client within seconds. Otherwise a dead connection would keep the lease.
# A setting that an older server does not have is left out.
SERVER_NOTICES: Mapping[str, str] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
    "client_connection_check_interval": "500",
}
# For an instance that shares its database: a session without statements is frozen, or hangs.
SERVER_EXPECTS: Mapping[str, str] = {
    "idle_session_timeout": "3000",
    "idle_in_transaction_session_timeout": "5000",
}
# The name of a session. A process number is reused and a role has many sessions, but never with the same start.
SESSION = "concat(pid, ' ', usesysid, ' ', (extract(epoch FROM backend_start) * 1000000)::bigint)"
# The server hides the start of another role's session. Such a session counts as the named one, so that two
# instances never lead.
IS_NAMED = (
    f"datname = current_database() AND (session = {SESSION}"
    " OR backend_start IS NULL AND starts_with(session, concat(pid, ' ', usesysid, ' ')))"
)
# The name in `writer`, and a description of the live session of that name for an operator; NULL when it has ended.
HOLDER = f"""SELECT session, (
    SELECT ARRAY[pid::text, usename, coalesce(application_name, ''), host(client_addr)]
    FROM pg_stat_activity WHERE {IS_NAMED} LIMIT 1)
FROM writer WHERE id = 1"""
# A session that has ended never comes back, so the UPDATE only checks that the name is unchanged.
TAKE = f"""UPDATE writer SET session = (SELECT {SESSION} FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE id = 1 AND session IS NOT DISTINCT FROM %s::text"""
# No server time-out applies between the messages of one query. A holder that is cut off there would keep the lease
# as long as its network reports it alive. A candidate ends such a session.
END_CUT_OFF_HOLDER = f"""SELECT pg_terminate_backend(pid) FROM writer JOIN pg_stat_activity ON {IS_NAMED}
WHERE id = 1 AND wait_event = 'ClientRead' AND state_change < now() - interval '5 s'"""


class LockTakenError(StoreError):
    """Another program holds the write lock."""


class WriteLock:
    """`writing()` is one transaction; it raises LockTakenError while another program holds the lock.

    `is_shared`: other instances may wait for the lock. They acquire it when this one is silent for a few seconds.
    """

    def __init__(self, store: Database, is_shared: bool = False) -> None:
        self.store, self._is_shared = store, is_shared
        self._connection: Connection | None = None
        self._is_held = False
        self._lock: int | None = None
        self.holder = ""  # the PostgreSQL session found to hold the lease, for an operator

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self._connection is not None and self._connection.invalidated:
            self.drop_connection()  # it would reconnect without the lock
        connection = self._connection or self._connect()
        if not self._is_held:
            self.holder = self._acquire_lease(connection) if self.store.path is None else ""
            if self.holder:
                raise _taken(self.store, self.holder)
            self._is_held = True
        with connection.begin():
            yield connection

    def heard(self) -> dict[str, datetime]:
        """After LockTakenError, by exchange: until when the holder received and committed all events."""
        if self._connection is None:
            return {}
        with self._connection.begin():
            found = self._connection.exec_driver_sql("SELECT exchange, heard FROM heartbeat")
            return {name: tables.from_microseconds(at) for name, at in found}

    def drop_connection(self) -> None:
        """Drops the connection after a failure. The next transaction connects to the database as it is then."""
        if self._connection is not None:
            with suppress(SQLAlchemyError, OSError):
                self._connection.invalidate()
                self._connection.close()
        self._connection, self._is_held = None, False
        self.store.find_again()

    def close(self) -> None:
        self.drop_connection()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _connect(self) -> Connection:
        if self.store.path is not None and self._lock is None:
            self._lock = _lock_beside(self.store)
        self._connection = connection = self.store.engine.connect().execution_options(writes=True)
        if self.store.path is None:
            _prepare(connection, self._is_shared)
        return connection

    def _acquire_lease(self, connection: Connection) -> str:
        """Acquires the lease without waiting; returns the session that holds it instead, if any."""
        with connection.begin():
            named, holder = connection.exec_driver_sql(HOLDER).one()
            if holder is None:
                taken = connection.exec_driver_sql(TAKE, (named,)).rowcount == 1
                return "" if taken else Sentence("another session that acquired it first")
            if self._is_shared:
                connection.exec_driver_sql(END_CUT_OFF_HOLDER).all()
            pid, role, application, client = holder
            away = Sentence(", from {client}", client=client) if client else ""  # or on this machine
            return Sentence(
                "session {pid} of role {role}, application {application}{away}",
                pid=pid,
                role=role,
                application=application,
                away=away,
            )


def _prepare(connection: Connection, is_shared: bool) -> None:
    """Sets the server's time-outs and keep-alives for this session, as far as the server has them."""
    wanted = {**SERVER_NOTICES, **(SERVER_EXPECTS if is_shared else {})}
    signs = ", ".join("(%s, %s)" for _ in wanted)
    question = (
        f"SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES {signs}) AS w (known, wanted)"
        " ON name = known"
    )
    with connection.begin():
        connection.exec_driver_sql(question, tuple(word for pair in wanted.items() for word in pair)).all()


def _lock_beside(store: Database) -> int:
    """Locks the file beside the SQLite database, which is never deleted: else two programs could hold locks."""
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
    by = Sentence(" ({holder})", holder=holder) if holder else ""
    return LockTakenError(
        "another callmon writes to {store}{by}: stop it, or give this callmon its own database", store=store, by=by
    )
