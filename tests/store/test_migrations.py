"""The upgrade of an older database loses and changes nothing of a call, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from callmon.core import facts as f
from callmon.core.outcome import Outcome
from callmon.store.database import Database, stored_revision, upgrade
from callmon.store.migrations import HEAD
from callmon.store.migrations.versions.r0002_one_row_of_facts import convert
from callmon.store.queries import calls
from callmon.store.row_mapping import call_of, encoded, without_numbers
from callmon.store.tables import creation, microseconds
from tests.support.store_fixtures import EXCHANGE, RING, account, answered_call, facts_on, outcomes, wrote

KEYS = '"call" VARCHAR NOT NULL, exchange VARCHAR NOT NULL'
FACT = f"CREATE TABLE fact ({KEYS}, n BIGINT NOT NULL, at BIGINT, kind VARCHAR NOT NULL, data TEXT NOT NULL"
OPEN = f'CREATE TABLE open_call ({KEYS}, PRIMARY KEY ("call", exchange))'
SQLITE = (f'{FACT}, PRIMARY KEY ("call", exchange, n)) WITHOUT ROWID', f"{OPEN} WITHOUT ROWID")
POSTGRESQL = (
    f"{FACT}) PARTITION BY RANGE (at)",
    "CREATE TABLE fact_default PARTITION OF fact DEFAULT",
    'CREATE INDEX ix_fact_call ON fact ("call", exchange, n)',
    OPEN,
)
LATER = ("report_mail", "signed_file", "sign_off", "contact")
OCTOBER, NOVEMBER = datetime(2026, 10, 31, 23, 59, 30, tzinfo=UTC), datetime(2026, 11, 15, tzinfo=UTC)


def as_in_0001(connection: Connection) -> None:
    """Makes the tables of revision 0001 of those of now: each fact is a row."""
    sign = "?" if connection.dialect.name == "sqlite" else "%s"
    facts = [
        (x.call, exchange, n, None if x.at is None else microseconds(x.at), f.tag_of(type(x)), _json(x))
        for n, (exchange, x) in enumerate(facts_on(connection))
    ]
    open_now = [tuple(row) for row in connection.exec_driver_sql('SELECT "call", exchange FROM open_call')]
    for table in LATER:
        connection.exec_driver_sql(f"DROP TABLE {table}")
    for statement in ("DROP TABLE fact", "DROP TABLE open_call", *(SQLITE if sign == "?" else POSTGRESQL)):
        connection.exec_driver_sql(statement)
    if sign != "?":
        creation.create_ahead(connection, OCTOBER)
    put(connection, "fact", facts)
    put(connection, "open_call", open_now)
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")


def _json(fact: f.Fact) -> str:
    return msgspec.json.encode(fact).decode()


def put(connection: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    sign = "?" if connection.dialect.name == "sqlite" else "%s"
    connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join([sign] * len(rows[0]))})", rows)


@pytest.fixture
def told(store: Database) -> list[str]:
    """Stores calls of two exchanges and months, one in progress, one that is told twice, one without a time."""
    timeless = msgspec.structs.replace(answered_call(9)[0], at=None)
    late = f.Held(answered_call(2)[0].call, NOVEMBER, "102")
    wrote(
        store,
        *outcomes(answered_call(1, OCTOBER)),
        *outcomes(answered_call(2, NOVEMBER)),
        *outcomes(answered_call(2, NOVEMBER), "ottawa"),
        *outcomes(answered_call(3, NOVEMBER))[:7],
        Outcome(EXCHANGE, (timeless,)),
    )
    wrote(store, Outcome(EXCHANGE, (late,)))
    return [answered_call(n)[0].call for n in (1, 2, 3, 9)]


def stored(store: Database, told: list[str]) -> Any:
    found = [calls.stored_calls(store, call, name, numbers=True) for call in told for name in (EXCHANGE, "ottawa")]
    return found, calls.open_calls(store, EXCHANGE, numbers=True)


def test_all_facts_of_a_call_become_one_row_and_are_read_as_before(store: Database, told: list[str]) -> None:
    before = stored(store, told)
    with store.writing() as connection:
        as_in_0001(connection)
    upgrade(store.url.render_as_string(hide_password=False), RING).close()
    assert (stored_revision(store), stored(store, told)) == (HEAD, before)
    with store.reading() as connection:
        ended, open_now = (
            [
                tuple(row)
                for row in connection.exec_driver_sql(f'SELECT "call", exchange, n FROM {table} ORDER BY n')
            ]
            for table in ("fact", "open_call")
        )
    first, second, third, timeless = told
    assert sorted(ended) == [(first, EXCHANGE, 11), (second, "ottawa", 23), (second, EXCHANGE, 36)]
    assert sorted(open_now) == [(third, EXCHANGE, 37), (timeless, EXCHANGE, 44)]


@pytest.mark.parametrize("batch", [1, 5, 12, 13, 40])
def test_batches_that_end_within_a_call_convert_the_same(store: Database, told: list[str], batch: int) -> None:
    before = stored(store, told)
    with store.writing() as connection:
        as_in_0001(connection)
        convert(connection, batch)
    assert stored(store, told) == before


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_call_is_in_the_month_in_which_it_ended_and_the_months_are_kept(
    store: Database, told: list[str]
) -> None:
    with store.writing() as connection:
        as_in_0001(connection)
        convert(connection)
        question = 'SELECT tableoid::regclass::text, "call" FROM fact WHERE exchange = %s ORDER BY 1'
        found = [tuple(row) for row in connection.exec_driver_sql(question, (EXCHANGE,))]
        creation.create_ahead(connection, OCTOBER)
    assert found == [("fact_2026_11", told[0]), ("fact_2026_11", told[1])]


def test_what_is_told_after_the_upgrade_continues_the_calls_in_progress(store: Database, told: list[str]) -> None:
    with store.writing() as connection:
        as_in_0001(connection)
        convert(connection)
    wrote(store, *outcomes(answered_call(3, NOVEMBER))[7:])
    (call,) = calls.stored_calls(store, told[2], numbers=True)
    assert call.facts == tuple(answered_call(3, NOVEMBER))
    assert list(calls.open_calls(store, EXCHANGE)) == [told[3]]


def test_an_account_that_was_stored_with_all_its_fields_is_read_as_the_same() -> None:
    call = without_numbers(account(answered_call(1)))
    whole = {name: getattr(call, name) for name in call.__struct_fields__}
    assert (call_of(msgspec.json.encode(whole).decode(), {}), call_of(encoded(call), {})) == (call, call)
    assert None not in msgspec.json.decode(encoded(call)).values()
