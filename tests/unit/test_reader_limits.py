"""What the role of boards may hold of a PostgreSQL: no lead, ten connections, nothing that other sessions need."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from callmon.store.database import Database, upgrade
from callmon.store.writer.writer import Writer
from tests.store.test_reader import SCRIPT, as_reader
from tests.support.store_fixtures import RING, SOON, of_calls, rows, seconds, until

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
# The key by which an earlier version took the lead in schema public.
KNOWN_KEY = "x'63616C6C6D6F6E'::bigint + hashtext('public')"
OF_CALLMON = "FROM pg_stat_activity WHERE application_name = 'callmon' AND datname = current_database()"


def plain(store: Database, **other: str) -> str:
    return store.url.set(drivername="postgresql", **other).render_as_string(hide_password=False)


@contextmanager
def waiting_for(reader: psycopg.Connection[tuple[object, ...]], lock: str) -> Iterator[None]:
    """While the role holds this lock, or waits for it."""

    def take() -> None:
        reader.execute("SET statement_timeout = 0")
        reader.execute(lock.encode())

    thread = threading.Thread(target=take)
    thread.start()
    yield
    reader.cancel_safe()
    thread.join()


def test_the_boards_role_cannot_hold_the_lead_with_advisory_locks(store: Database) -> None:
    """Each session of callmon ends while the role holds the key, or is the next to get it."""
    reader, reported = as_reader(store), of_calls(2)
    sink = Writer(store, seconds(0.01), is_shared=True)
    with psycopg.connect(plain(store), autocommit=True) as owner, reader:
        owner.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC")
        assert until(lambda: sink.leads)
        with waiting_for(reader, f"SELECT pg_advisory_lock({KNOWN_KEY})"):
            locks = (
                f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = {reader.info.backend_pid}"
            )
            assert until(lambda: owner.execute(locks.encode()).fetchone() == (1,))
            owner.execute(f"SELECT pg_terminate_backend(pid) {OF_CALLMON}".encode())
            for item in reported:
                sink.offer(item)
            assert sink.flush(SOON / 3)
            assert until(lambda: sink.leads, SOON / 3)
            assert (sink.stands_by, rows(store)["fact"]) == (False, 24)
    sink.close(SOON)


def test_an_upgrade_does_not_wait_for_a_lock_of_the_boards_role(store: Database) -> None:
    reader = as_reader(store)
    with psycopg.connect(plain(store), autocommit=True) as owner, reader:
        owner.execute("GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC")
        reader.execute(f"SELECT pg_advisory_lock({KNOWN_KEY} + (1::bigint << 40))".encode())
        done = threading.Event()

        def again() -> None:
            upgrade(store.url.render_as_string(hide_password=False), RING).close()
            done.set()

        thread = threading.Thread(target=again)
        thread.start()
        was_done = done.wait(SOON / 3)
        reader.close()
        thread.join()
    assert was_done


REFUSED = {
    "a lock of the lead's table": "BEGIN; LOCK TABLE public.writer IN ACCESS SHARE MODE",
    "a lock of the lead's row": "SELECT FROM public.writer FOR UPDATE",
    "the lead itself": "UPDATE public.writer SET session = NULL",
    "an advisory lock": "SELECT pg_advisory_lock(1)",
    "an advisory lock for a transaction": "SELECT pg_try_advisory_xact_lock_shared(1, 1)",
    "a large object": "SELECT lo_from_bytea(0, '\\x00')",
    "another large object": "SELECT lo_creat(-1)",
    "a temporary table": "CREATE TEMPORARY TABLE full_disk AS SELECT 1",
    "a table": "CREATE TABLE public.full_disk AS SELECT 1",
    "more connections": "ALTER ROLE callmon_boards CONNECTION LIMIT 100",
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_role_is_refused_what_other_sessions_need(store: Database, what: str) -> None:
    with psycopg.connect(plain(store), autocommit=True) as owner:
        owner.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")  # as in every database before PostgreSQL 15
    with as_reader(store) as reader:
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(REFUSED[what].encode())


def test_the_role_has_ten_connections_and_limits_of_time(store: Database) -> None:
    with ExitStack() as held:
        first = held.enter_context(as_reader(store))
        names = (
            "statement_timeout",
            "idle_session_timeout",
            "idle_in_transaction_session_timeout",
            "lock_timeout",
        )
        asked = [first.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        assert asked == [("30s",), ("10min",), ("30s",), ("5s",)]
        role = plain(store, username="callmon_boards")
        for _ in range(9):
            held.enter_context(psycopg.connect(role))
        with pytest.raises(psycopg.OperationalError, match='too many connections for role "callmon_boards"'):
            psycopg.connect(role)


def test_an_owner_who_is_no_superuser_runs_the_script_and_reads_its_gaps(store: Database) -> None:
    """callmon goes on writing with the rights that are left to its role."""
    with psycopg.connect(plain(store), autocommit=True) as superuser:
        superuser.execute("DROP ROLE IF EXISTS callmon_owner")
        superuser.execute("CREATE ROLE callmon_owner LOGIN CREATEROLE")
        superuser.execute("CREATE DATABASE callmon_owned OWNER callmon_owner")
    url = store.url.set(username="callmon_owner", database="callmon_owned")
    owned = upgrade(url.render_as_string(hide_password=False), RING)
    with psycopg.connect(plain(store, database="callmon_owned"), autocommit=True) as superuser:
        superuser.execute(
            "DO $$ BEGIN CREATE ROLE callmon_boards LOGIN; EXCEPTION WHEN duplicate_object THEN END $$"
        )
        superuser.execute("GRANT callmon_boards TO callmon_owner WITH ADMIN OPTION")
    try:
        said: list[str | None] = []
        with psycopg.connect(plain(owned), autocommit=True) as owner:
            owner.add_notice_handler(lambda notice: said.append(notice.message_primary))
            owner.execute(SCRIPT.read_bytes())
        assert said[-1] == "callmon_boards can still use what every role can: advisory locks, large objects"
        with as_reader_of(owned) as reader:
            reader.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("CREATE TEMPORARY TABLE full_disk AS SELECT 1")
        wrote_by(owned)
    finally:
        owned.close()
        with psycopg.connect(plain(store), autocommit=True) as superuser:
            superuser.execute("DROP DATABASE callmon_owned WITH (FORCE)")
            superuser.execute("DROP ROLE callmon_owner")


def as_reader_of(store: Database) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(plain(store, username="callmon_boards"), autocommit=True)


def wrote_by(store: Database) -> None:
    sink = Writer(store, seconds(0.01), is_shared=True)
    for item in of_calls(1):
        sink.offer(item)
    assert sink.flush(SOON)
    sink.close(SOON)


def test_the_tables_owner_keeps_what_a_superuser_took_from_others(store: Database) -> None:
    with psycopg.connect(plain(store), autocommit=True) as superuser:
        superuser.execute("DROP ROLE IF EXISTS callmon_plain")
        superuser.execute("CREATE ROLE callmon_plain LOGIN")
        superuser.execute("GRANT CREATE ON SCHEMA public TO callmon_plain")
        for name in rows(store):
            superuser.execute(f'ALTER TABLE "{name}" OWNER TO callmon_plain'.encode())
    as_reader(store).close()
    with psycopg.connect(plain(store, username="callmon_plain"), autocommit=True) as owner:
        assert owner.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)
        owner.execute("CREATE TEMPORARY TABLE of_its_own AS SELECT 1")
    with psycopg.connect(plain(store), autocommit=True) as superuser:
        superuser.execute("DROP OWNED BY callmon_plain CASCADE")
        superuser.execute("DROP ROLE callmon_plain")
