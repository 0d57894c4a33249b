"""The write lock and the one connection that writes: one program at a time writes to a database (`WriteLock`).

SQLite: a lock on a file beside the database. PostgreSQL: a lease that one session of the server holds, the very
session that writes. So a program that lost it cannot write. Both end with their holder, however it ends.

    waiting ──no live session holds it──▶ held ──renewed each second──▶ held
       ▲                                   │
       └────── another session has it ◀── lost: no statement for 3 s, a lost network, a server that ended

Table `writer` names the session that holds the lease. The lease is free when that session has ended: the server
itself revokes the lease of an instance that is dead, frozen or cut off. Of two candidates one succeeds to
replace the name. The holder trusts its lease for less time than the server's idle time-out, counted from before
the renewal query. So two instances never trust a lease at the same time. An advisory lock could be taken by every
role of the database; only the owner of table `writer` can change its row.

Refuses: to wait; a pooler that shares one connection among several clients, as the lease belongs to a session.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

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
# With these the server detects a lost, frozen or hanging client within seconds. Otherwise a dead connection would
# keep the lease. A setting that an older server does not have is left out.
PREPARE = """SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES
    ('tcp_keepalives_idle', '2'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'),
    ('tcp_user_timeout', '5000'), ('client_connection_check_interval', '500'),
    ('idle_session_timeout', '3000'), ('idle_in_transaction_session_timeout', '5000')
) AS w (known, wanted) ON name = known"""
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

MEANWHILE = Sentence("another program has written to this database meanwhile: stop it, then restart callmon")


class LockTakenError(StoreError):
    """Another program writes to the database.

    `holder`: its PostgreSQL session, for an operator. `heard`: by exchange, until when it committed all events.
    """

    def __init__(self, why: str = MEANWHILE, holder: str = "", heard: Iterable[tuple[str, datetime]] = ()) -> None:
        super().__init__(why)
        self.holder, self.heard = holder, dict(heard)


class WriteLock:
    """`writing()` is one transaction; it raises LockTakenError while another program holds the lock."""

    def __init__(self, store: Database) -> None:
        self.store, self.is_held = store, False
        self._connection: Connection | None = None
        self._lock: int | None = None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self._connection is not None and self._connection.invalidated:
            self.drop_connection()  # it would reconnect without the lock
        connection = self._connection or self._connect()
        if not self.is_held and self.store.path is None:
            self._acquire_lease(connection)
        self.is_held = True
        with connection.begin():
            yield connection

    def drop_connection(self) -> None:
        """Drops the connection after a failure. The next transaction connects to the database as it is then."""
        if self._connection is not None:
            with suppress(SQLAlchemyError, OSError):
                self._connection.invalidate()
                self._connection.close()
        self._connection, self.is_held = None, False
        self.store.find_again()

    def close(self) -> None:
        self.drop_connection()
        if self._lock is not None:
            os.close(self._lock)

    def _connect(self) -> Connection:
        if self.store.path is not None and self._lock is None:
            # This file is never deleted: else two programs could hold locks.
            try:
                self._lock = open_locked(Path(f"{self.store.path}-writer"))
            except BlockingIOError:
                raise self._taken() from None
        self._connection = connection = self.store.engine.connect().execution_options(writes=True)
        if self.store.path is None:
            with connection.begin():
                connection.exec_driver_sql(PREPARE).all()
        return connection

    def _acquire_lease(self, connection: Connection) -> None:
        """Acquires the lease without waiting. Raises LockTakenError."""
        with connection.begin():
            named, holder = connection.exec_driver_sql(HOLDER).one()
            if holder is None and connection.exec_driver_sql(TAKE, (named,)).rowcount == 1:
                return
            if holder is not None:
                connection.exec_driver_sql(END_CUT_OFF_HOLDER).all()
            heartbeats = connection.exec_driver_sql("SELECT exchange, heard FROM heartbeat").all()
        heard = [(exchange, tables.from_microseconds(at)) for exchange, at in heartbeats]
        raise self._taken(
            _session(*holder) if holder else Sentence("another session that acquired it first"), heard
        )

    def _taken(self, holder: str = "", heard: Iterable[tuple[str, datetime]] = ()) -> LockTakenError:
        by = Sentence(" ({holder})", holder=holder) if holder else ""
        why = Sentence(
            "another callmon writes to {store}{by}: stop it, or give this callmon its own database",
            store=self.store,
            by=by,
        )
        return LockTakenError(why, holder, heard)


def _session(pid: str, role: str, application: str, client: str | None) -> Sentence:
    away = Sentence(", from {client}", client=client) if client else ""  # or on this machine
    return Sentence(
        "session {pid} of role {role}, application {application}{away}",
        pid=pid,
        role=role,
        application=application,
        away=away,
    )


def open_locked(path: Path) -> int:
    """Opens a file for this program alone, mode 0600. Raises BlockingIOError when another program has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file
