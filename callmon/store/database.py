"""Opens and migrates the database: SQLite by default, PostgreSQL by its URL.

Only `upgrade` creates a SQLite file. It is readable by its owner only, since it has numbers.

Refuses: a database that was never migrated, is older than this program, or newer. The message has the remedy and
never a password.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DisconnectionError, OperationalError, SQLAlchemyError

from callmon.config.wording import ADDRESS, UNREADABLE, hidden
from callmon.errors import CallmonError, Sentence, StoreError
from callmon.store.encryption import NO_KEYS, KeyRing
from callmon.store.migrations import HEAD, KNOWN, refusal
from callmon.store.sqlite_file import close_to_others, file_identity, make_file
from callmon.store.view import View, listen

JUST_WRITTEN = 1.5  # seconds: longer than between two looks, of which the second sees a write of the same tick
BUSY_SECONDS = 2.0  # how long SQLite waits for its write lock before its error "database is locked"
# A job of many transactions beside a daemon waits longer. SQLite polls the lock without a queue: while the daemon
# writes without a pause, each poll may find it taken.
JOB_BUSY_SECONDS = 60.0
QUESTION_MILLISECONDS = 10_000
SCRIPTS = "callmon:store/migrations"  # alembic's folder
UPGRADE_KEY = 0x63616C6C6D6F6E + (1 << 40)  # of an advisory lock
# A lost network is detected within seconds, not after TCP's default of two hours.
POSTGRES_DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "callmon",
    "target_session_attrs": "primary",  # of several hosts: the one that accepts writes
}
# FULL: a commit also survives a power cut. One fsync per batch of 100 ms makes it affordable. SQLite truncates a
# write-ahead log that a long reader made huge to 64 MiB.
# What is deleted or replaced is overwritten in the file: the token of a disposed number leaves no trace.
PRAGMAS = (
    *("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"),
    *("journal_size_limit=67108864", "secure_delete=ON"),
)


class Database:
    """One database, and the keys to the numbers in it. Each `reading()` and `writing()` is one transaction."""

    def __init__(self, url: URL, ring: KeyRing = NO_KEYS, reads_only: bool = False) -> None:
        self.url, self.ring = url, ring
        self.path = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
        # The file that records account changes outside the database (`store/access.py`).
        self.notes = None if self.path is None else Path(f"{self.path}-accounts")
        self.engine = listen(_engine(url, self.path, reads_only))
        self.view: View | None = None
        self._identity = file_identity(self.path)
        self._log_state: tuple[int, int] | None = None

    def reader(self) -> Database:
        """A database for queries only. On PostgreSQL a query lasts at most QUESTION_MILLISECONDS."""
        return Database(self.url, self.ring, reads_only=True).seen_as(self.view)

    def seen_as(self, view: View | None) -> Database:
        """The same database with another view, by the same connections."""
        other = copy(self)
        other.view, other.engine = view, self.engine.execution_options(view=view)
        return other

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One read transaction of which all queries see one state, independent of concurrent writes."""
        engine = self.engine
        if self.path is None:  # on SQLite every transaction is a snapshot already
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, busy_seconds: float | None = None) -> Iterator[Connection]:
        """One write transaction. `busy_seconds`: how long to wait for SQLite's write lock; None: BUSY_SECONDS."""
        options = {"writes": True, "busy_seconds": busy_seconds}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def writing_piece(self) -> AbstractContextManager[Connection]:
        """One transaction of a job of many transactions that runs beside a daemon."""
        return self.writing(JOB_BUSY_SECONDS)

    def check_in_place(self) -> None:
        """Raises StoreError when the SQLite file is not the one that was opened.

        SQLite continues to write to a deleted or moved file, which no program would ever read.
        """
        if self.path is not None and file_identity(self.path) != self._identity:
            raise StoreError("the database {path} was replaced by another file", path=self.path)

    def may_have_changed(self) -> bool:
        """Whether a program may have written since the last call: by SQLite's write-ahead log. Does not block."""
        if self.path is None:
            return True
        try:
            log_file = os.stat(f"{self.path}-wal")
        except OSError:
            return True
        before, self._log_state = self._log_state, (log_file.st_mtime_ns, log_file.st_size)
        return before != self._log_state or abs(time() - log_file.st_mtime) < JUST_WRITTEN

    def find_again(self) -> None:
        """Drops all connections, so that the next one opens the database that is there now."""
        self.engine.dispose()
        self._identity = file_identity(self.path) or self._identity

    def close(self) -> None:
        self.engine.dispose()

    def __str__(self) -> str:
        return hidden(self.url.render_as_string(hide_password=True))


def open_store(url: str, ring: KeyRing = NO_KEYS) -> Database:
    """The database at `url`, of this version. Without keys all but numbers can be used. Raises StoreError."""
    parsed = parse_url(url)
    store = Database(parsed, ring)
    if store.path is not None and not store.path.exists():
        raise StoreError(
            "there is no database at {path}: correct store.url, or make a new one with `callmon db upgrade`",
            path=store.path,
        )
    close_to_others(store.path)
    with database_errors(store):
        if why := refusal(stored_revision(store), store):
            raise StoreError(why)
        missing = sorted(names_of_needed_keys(store) - {*ring.names})
        if ring and missing:
            raise StoreError("the database {store}: {why}", store=store, why=ring.lacks(missing[0]))
    return store


def upgrade(url: str, ring: KeyRing = NO_KEYS) -> Database:
    """Creates the database if there is none, migrates it to this version, and opens it. Raises StoreError."""
    store = Database(parse_url(url), ring)
    with database_errors(store):
        if store.path is not None and not store.path.exists():
            make_file(store.path)
            store.find_again()
        close_to_others(store.path)
        found = stored_revision(store)
        if found not in (None, *KNOWN) and (why := refusal(found, store)):
            raise StoreError(why)
        if found != HEAD:
            _migrate(store)
    return store


def _migrate(store: Database) -> None:
    from callmon.store.creation import create_tables

    with store.writing() as connection:
        one_upgrade_at_a_time(connection)  # two instances may be started together
        found = _revision(connection)
        if found is None:
            create_tables(connection)
        elif found != HEAD:
            run_revisions(connection)


def run_revisions(connection: Connection) -> None:
    """Runs the revisions that the database lacks, in the current transaction."""
    from alembic import command  # takes 11 MB, which a daemon would keep
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def one_upgrade_at_a_time(connection: Connection) -> None:
    """Waits until the transaction of another program that creates or upgrades the tables has ended.

    Once there are tables it locks one of them, which needs a right to it: another role cannot block an upgrade.
    """
    if connection.dialect.name != "postgresql":
        return
    if inspect(connection).has_table("alembic_version"):
        connection.exec_driver_sql("LOCK TABLE alembic_version IN SHARE ROW EXCLUSIVE MODE")
    else:
        question = "SELECT pg_advisory_xact_lock(%s + hashtext(current_schema()))"
        connection.exec_driver_sql(question, (UPGRADE_KEY,))


def names_of_needed_keys(store: Database) -> set[str]:
    """The names of the keys that may have encrypted numbers in the database."""
    with store.reading() as connection:
        return {name for (name,) in connection.execute(text("SELECT name FROM number_key"))}


def stored_revision(store: Database) -> str | None:
    """The revision stored in the database; None when it was never migrated."""
    with store.reading() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def parse_url(url: str) -> URL:
    """The parsed URL. Raises StoreError for anything but SQLite in a file or PostgreSQL."""
    try:
        parsed = make_url(url) if ADDRESS.fullmatch(url) else None
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None:
        raise StoreError("the database's URL (sqlite:///path or postgresql://…) {why}", why=UNREADABLE)
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return parsed
        case "postgresql" | "postgres":
            return _split_hosts(parsed).set(drivername="postgresql+psycopg")
        case "sqlite":
            raise StoreError("an in-memory database is refused, as it ends with the process: name a file")
        case other:
            raise StoreError("callmon supports SQLite and PostgreSQL, not {other}", other=other)


def _split_hosts(url: URL) -> URL:
    """`?host=a:5432,b:5432` as SQLAlchemy reads it: several values. It takes a list for the name of one host."""
    hosts = url.query.get("host")
    if isinstance(hosts, str) and ":" in hosts:
        return url.update_query_dict({"host": hosts.split(",")})
    return url


@contextmanager
def database_errors(store: Database) -> Iterator[None]:
    """Raises the driver's error as a StoreError: one sentence without a password. The next query reconnects."""
    try:
        yield
    except StoreError:
        store.close()
        raise
    except (SQLAlchemyError, OSError) as error:
        store.close()
        why = with_remedy(error)
        raise StoreError("the database {store} cannot be used: {why}", store=store, why=why) from None


DAMAGE = ("malformed", "file is not a database")  # in SQLite's words
PUT_BACK = Sentence("put a copy back")
# What a driver says, and what can be done.
REMEDIES = {
    Sentence("file is not a database"): Sentence("name another file in store.url, or put a copy back"),
    Sentence("database disk image is malformed"): PUT_BACK,
    "malformed": PUT_BACK,
    Sentence("unable to open database file"): Sentence(
        "store.url must name a file that this user may read and write"
    ),
    Sentence("attempt to write a readonly database"): Sentence(
        "run the command as a user who may write to the file and its folder"
    ),
    Sentence("database is locked"): Sentence("another program writes to it; try again"),
    Sentence("database or disk is full"): Sentence("free space there"),
    "connection failed": Sentence("check that its server runs, and that store.url has its address and user"),
}
OF_THE_SYSTEM = Sentence("check the path in store.url, and that this user may write there")


def with_remedy(error: BaseException) -> str:
    """The reason, and what can be done where that is known."""
    why = reason(error)
    remedy = next((advice for reason_part, advice in REMEDIES.items() if reason_part in why), None)
    if remedy is None and isinstance(error, OSError):
        remedy = OF_THE_SYSTEM
    return Sentence("{why}; {remedy}", why=cause(error), remedy=remedy) if remedy else cause(error)


def cause(error: BaseException) -> str:
    """The reason for a reader of either language: what a server says is quoted, in the server's words."""
    if isinstance(error, CallmonError):
        return error.sentences[0]
    why = reason(error)
    return Sentence(why) if why in REMEDIES or isinstance(error, OSError) else Sentence("{answer}", answer=why)


def reason(error: BaseException) -> str:
    """The first line of the driver's message: never the statement, never its parameters."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def is_damage(why: str) -> bool:
    """Whether SQLite says, in these words, that its file is damaged."""
    return any(sign in why for sign in DAMAGE)


def file_damage(store: Database, is_over: Callable[[], bool] = lambda: False) -> str | None:
    """The first fault that SQLite's `quick_check` finds in the file; None: no fault. It reads the whole file.

    The check polls `is_over` and stops when it is true. A locked or missing database also gives None.
    """
    if store.path is None:
        return None
    looking = _engine(store.url, store.path, reads_only=True)
    try:
        with looking.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(is_over, 1_000)
            (result,) = connection.exec_driver_sql("PRAGMA quick_check(1)").one()
    except OperationalError:  # locked, unavailable or stopped: the sinks report that
        return None
    except DatabaseError as error:
        return reason(error)
    finally:
        looking.dispose()
    return None if result == "ok" else " ".join(str(result).split())


def _engine(url: URL, path: Path | None, reads_only: bool) -> Engine:
    """With `reads_only` it cannot write, and each query reads the SQLite file that is there now."""
    if path is None:
        given = driver_options(url, reads_only)
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=given)
    engine = create_engine(url, hide_parameters=True, creator=partial(_connect, path))
    event.listen(engine, "connect", partial(_set_pragmas, ("query_only=ON",) if reads_only else PRAGMAS))
    if reads_only:
        event.listen(engine, "connect", lambda _, record: record.info.update(file=file_identity(path)))
        event.listen(engine, "checkout", partial(_check_file, path))
    event.listen(engine, "begin", _begin)
    return engine


def driver_options(url: URL, reads_only: bool = False) -> dict[str, Any]:
    """What a connection to PostgreSQL gets beside what its URL has."""
    options = f"-c default_transaction_read_only=on -c statement_timeout={QUESTION_MILLISECONDS}"
    given = POSTGRES_DEFAULTS | ({"options": options} if reads_only else {})
    given = {key: value for key, value in given.items() if key not in url.query}
    if reads_only and url.query.get("target_session_attrs") == "read-write":
        given["target_session_attrs"] = "primary"  # libpq refuses every host to a session that is read-only
    return given


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: a missing database is an error, not an empty new one.
    address = f"file:{quote(str(path.absolute()))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _set_pragmas(pragmas: Iterable[str], connection: sqlite3.Connection, _record: object) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _check_file(path: Path, _connection: sqlite3.Connection, record: Any, _proxy: object) -> None:
    """Raises DisconnectionError when the file was replaced: the pool then opens the one that is there now."""
    if record.info["file"] != file_identity(path):
        raise DisconnectionError


def _begin(connection: Connection) -> None:
    """Begins a transaction. A writer acquires SQLite's lock at once, since it could not after a first read."""
    options = connection.get_execution_options()
    if not options.get("writes"):  # does not touch the file yet; each query of a page begins so
        connection.connection.driver_connection.execute("BEGIN")  # type: ignore[union-attr]  # sqlite3's
        return
    if (seconds := options.get("busy_seconds")) is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    _set_busy(connection, seconds)
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        _set_busy(connection, BUSY_SECONDS)


def _set_busy(connection: Connection, seconds: float) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(1000 * seconds)}")


def beside_database(url: str, suffix: str, name: str) -> Path:
    """SQLite: the database's path with `suffix`. PostgreSQL: `name` in callmon's own folder."""
    parsed = parse_url(url)
    return Path(f"{parsed.database}{suffix}") if parsed.get_backend_name() == "sqlite" else own_folder() / name


def own_folder() -> Path:
    """systemd's state directory, or the working directory."""
    return Path(os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or ".")
