"""The database: what goes in comes out, exactly once, whatever happens to it. SQLite and a real PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from callmon.core import facts as f
from callmon.core.calls.call import Call
from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.verdicts import Gap
from callmon.errors import StoreError
from callmon.store import database as engine
from callmon.store.database import Database, open_store, upgrade
from callmon.store.queries import calls
from callmon.store.tables import METADATA, from_microseconds, microseconds
from tests.support.store_fixtures import (
    CALLER,
    EXCHANGE,
    RING,
    SOON,
    STANDARDS,
    START,
    account,
    answered_call,
    copy,
    database,
    finding,
    of_calls,
    outcomes,
    rows,
    seconds,
    summed,
    wrote,
)

# Opening.


def is_of_a_model(one: Any, name: str, kind: str, *_: Any) -> bool:
    """Partitions of `fact`, and their index in place of a key, are PostgreSQL's alone (test_months)."""
    return not name.startswith("fact_") and name != "ix_fact_call"


def test_models_and_migrations_agree(store: Database) -> None:
    with store.reading() as connection:
        assert (
            compare_metadata(
                MigrationContext.configure(connection, opts={"include_object": is_of_a_model}), METADATA
            )
            == []
        )


def test_upgrading_twice_changes_nothing(url: str) -> None:
    first = upgrade(url, RING)
    wrote(first, *of_calls(1))
    before = rows(first)
    first.close()
    second = upgrade(url)
    assert rows(second) == before
    second.close()


def test_a_database_that_is_up_to_date_is_opened_without_loading_alembic(sqlite_store: Database) -> None:
    code = f"import sys; from callmon.store.database import upgrade; upgrade({str(sqlite_store.url)!r})"
    reported = subprocess.run(
        [sys.executable, "-c", f"{code}; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert reported.stdout == "True False\n"


def test_a_database_that_was_never_migrated_is_refused_with_what_to_do(url: str, tmp_path: Path) -> None:
    (tmp_path / "callmon.db").touch()
    with pytest.raises(StoreError) as refusal:
        open_store(url)
    name = engine.parse_url(url).render_as_string(hide_password=True)
    assert str(refusal.value) == f"the database {name} has no callmon tables: run `callmon db upgrade`"


def test_a_database_that_is_not_there_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(StoreError) as refusal:
        open_store(f"sqlite:///{path}")
    assert (
        str(refusal.value)
        == f"there is no database at {path}: correct store.url, or make a new one with `callmon db upgrade`"
    )
    assert not path.exists()


@pytest.mark.parametrize("using", [open_store, upgrade])
@pytest.mark.parametrize("other", ["9999", "r0015"])
def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(
    store: Database, url: str, using: Callable[[str], Database], other: str
) -> None:
    with store.writing() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{other}'"))
    with pytest.raises(StoreError) as refusal:
        using(url)
    assert str(refusal.value).removeprefix(f"the database {store} ") == (
        f"is from another callmon (revision {other}): install that version, or set store.url to a new database"
    )
    assert engine.stored_revision(store) == other


@pytest.mark.parametrize(
    ("given_url", "sentence"),
    [
        (
            "nonsense",
            "the database's URL (sqlite:///path or postgresql://…) cannot be read; a password is kept in "
            "password_file, or has : / ? # and @ written as %3A %2F %3F %23 %40",
        ),
        ("sqlite://", "an in-memory database is refused, as it ends with the process: name a file"),
        ("sqlite:///:memory:", "an in-memory database is refused, as it ends with the process: name a file"),
        ("mysql://x/y", "callmon supports SQLite and PostgreSQL, not mysql"),
    ],
)
def test_a_url_of_anything_else_is_refused(given_url: str, sentence: str) -> None:
    with pytest.raises(StoreError) as refusal:
        open_store(given_url)
    assert str(refusal.value) == sentence


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(StoreError) as refusal:
        open_store("postgresql://callmon:sesame@127.0.0.1:9/callmon")
    assert str(refusal.value).startswith(
        "the database postgresql+psycopg://callmon:***@127.0.0.1:9/callmon cannot"
    )
    assert str(refusal.value).count("sesame") == 0


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("This is not a database, " * 100)
    with pytest.raises(StoreError) as refusal:
        open_store(f"sqlite:///{path}")
    why = "file is not a database; name another file in store.url, or put a copy back"
    assert str(refusal.value) == f"the database sqlite:///{path} cannot be used: {why}"


def test_a_new_file_is_for_its_owner_alone(sqlite_store: Database) -> None:
    assert sqlite_store.path is not None
    assert sqlite_store.path.stat().st_mode & 0o777 == 0o600


def test_sqlite_writes_ahead_and_syncs_each_commit(sqlite_store: Database) -> None:
    with sqlite_store.reading() as connection:
        reported = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    assert reported == ["wal", 2]


# In and out.


def test_what_was_offered_comes_back_as_it_was(store: Database) -> None:
    facts = answered_call(0)
    wrote(store, *outcomes(facts))
    (found,) = calls.stored_calls(store, facts[0].call, numbers=True)
    call = account(facts)
    expected = tuple(finding(call, standard) for standard in sorted(STANDARDS))
    assert found == calls.StoredCall(EXCHANGE, call, tuple(facts), expected)


def test_a_call_of_no_name_is_nowhere(store: Database) -> None:
    assert calls.stored_calls(store, "1.1") == []


def test_two_exchanges_may_give_two_calls_one_name(store: Database) -> None:
    facts = answered_call(0)
    wrote(store, *outcomes(facts, "toronto"), *outcomes(facts[:6] + facts[-1:], "ottawa"))
    found = {stored.exchange: len(stored.facts) for stored in calls.stored_calls(store, facts[0].call)}
    assert found == {"toronto": 12, "ottawa": 7}
    assert [s.exchange for s in calls.stored_calls(store, facts[0].call, "ottawa")] == ["ottawa"]


def test_calls_come_by_arrival_from_the_first_moment_to_before_the_last(store: Database) -> None:
    wrote(store, *of_calls(4))
    found = calls.stream_calls(store, START + seconds(1), START + seconds(3))
    assert [call.arrived for _, call in found] == [START + seconds(1), START + seconds(2)]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_odd_text_comes_back_unchanged(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, texts: list[str]
) -> None:
    file = tmp_path_factory.mktemp("odd") / "callmon.db"
    copy(sqlite_template, file)
    assert_texts_survive(open_store(f"sqlite:///{file}", RING), texts)


def test_accents_emoji_and_quotes_come_back_unchanged(store: Database) -> None:
    assert_texts_survive(store, ["Zoé 📞 Ἀθηνᾶ", "'; DROP TABLE call; --", '"\\\n\x07%s ? :name', "‮مرحبا"])


def assert_texts_survive(store: Database, texts: list[str]) -> None:
    call, dialled, caller, channel = texts
    arrived = f.Arrived(call, START, "inbound", "general", dialled, caller, None, channel)
    facts: list[f.Fact] = [arrived, f.QueueEntered(call, START, channel), f.Ended(call, START, "caller")]
    wrote(store, *outcomes(facts))
    (found,) = calls.stored_calls(store, call, EXCHANGE, numbers=True)
    store.close()
    assert (found.facts, found.account) == (tuple(facts), account(facts))


WALL = START.replace(tzinfo=None)


@given(st.datetimes(WALL.replace(year=1900), WALL.replace(year=2200), timezones=st.timezones()))
def test_times_are_exact_to_the_microsecond(at: datetime) -> None:
    assert from_microseconds(microseconds(at)) == at.astimezone(UTC)  # a repeated hour equals nothing but itself


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        microseconds(datetime(2026, 11, 24))  # noqa: DTZ001  that is the point


def test_a_call_without_any_time_is_stored(store: Database) -> None:
    facts = [msgspec.structs.replace(fact, at=None) for fact in answered_call(0)]
    wrote(store, *outcomes(facts))
    (found,) = calls.stored_calls(store, facts[0].call, numbers=True)
    assert (found.facts, found.account) == (tuple(facts), account(facts))


# Numbers.


def outbound_call() -> list[f.Fact]:
    arrived = f.Arrived("9.9", START, "outbound", None, "+14165550199", "102", None, "PJSIP/102-00000001")
    return [arrived, f.Ended("9.9", START + seconds(5), "caller")]


def test_a_number_is_encrypted_in_its_column_and_stands_nowhere_else(store: Database) -> None:
    wrote(store, *outcomes(answered_call(0)), *outcomes(outbound_call()))
    places, encrypted = [], []
    with store.reading() as connection:
        for table in METADATA.tables.values():
            for row in connection.execute(select(table)).mappings():
                places += [(table.name, name) for name, v in row.items() if "41655501" in str(v)]
                encrypted += [RING.decrypt(row["number"]) for _ in ["number"] if table.name == "number"]
    assert (places, sorted(encrypted)) == ([], ["+14165550101", "+14165550199", "102"])


def test_numbers_are_given_only_to_those_who_ask(store: Database) -> None:
    inbound, outbound = answered_call(0), outbound_call()
    wrote(store, *outcomes(inbound), *outcomes(outbound))

    def shown(name: str, numbers: bool) -> list[tuple[str | None, str]]:
        (found,) = calls.stored_calls(store, name, numbers=numbers)
        arrived = found.facts[0]
        assert isinstance(arrived, f.Arrived)
        assert isinstance(found.account, Call)
        return [(arrived.caller, arrived.dialled), (found.account.caller, found.account.dialled)]

    assert shown(inbound[0].call, numbers=False) == [(None, "4163272422")] * 2
    assert shown(inbound[0].call, numbers=True) == [(CALLER, "4163272422")] * 2
    assert shown("9.9", numbers=False) == [(None, "outside")] * 2
    assert shown("9.9", numbers=True) == [("102", "+14165550199")] * 2


# Calls in progress.


@pytest.mark.parametrize("heard", [1, 6, 9, 11])
def test_a_call_in_progress_is_found_with_all_that_was_received_of_it(store: Database, heard: int) -> None:
    facts = answered_call(0)
    early = finding(account(facts))
    reported = [Outcome(EXCHANGE, (fact,)) for fact in facts[:heard]]
    wrote(store, *reported, Outcome(EXCHANGE, findings=(early,)), *outcomes(answered_call(1)))
    expected = {facts[0].call: calls.StoredOpenCall(tuple(facts[:heard]), (early,))}
    assert calls.open_calls(store, EXCHANGE, numbers=True) == expected
    assert calls.open_calls(store, "ottawa") == {}


def test_a_call_that_came_and_ended_in_one_group_is_not_in_progress(store: Database) -> None:
    facts = answered_call(0)
    wrote(store, Outcome(EXCHANGE, tuple(facts), calls=(account(facts),)))
    assert calls.open_calls(store, EXCHANGE) == {}
    assert rows(store)["open_call"] == 0


def test_a_call_goes_on_after_a_restart_with_its_facts_in_order(store: Database) -> None:
    facts = answered_call(0)
    reported = outcomes(facts)
    for item in reported:
        wrote(store, item)
    (found,) = calls.stored_calls(store, facts[0].call, numbers=True)
    assert found.facts == tuple(facts)


# Figures.


def test_the_figures_are_what_the_rows_add_up_to(store: Database) -> None:
    reported = [*of_calls(20), Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, START, START + seconds(2.5)),))]
    assert wrote(store, *reported) == pytest.approx(summed(reported))
    counted = rows(store)
    assert (counted["call"], counted["finding"], counted["fact"], counted["gap"]) == (20, 60, 240, 1)


def test_what_is_reported_again_is_neither_stored_nor_counted_again(store: Database) -> None:
    gap = Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, START, START + seconds(2)),))
    last = outcomes(answered_call(0))[-1]
    ended = Outcome(EXCHANGE, (), last.findings, last.calls)
    first = wrote(store, *of_calls(1), gap)
    before = rows(store)
    again = wrote(store, ended, gap, ended, gap)
    assert (again, rows(store)) == (first, before)


def test_a_gap_that_begins_where_one_did_before_adds_what_is_new_of_it(store: Database) -> None:
    """callmon was ended again and again before it could say that it heard the exchange."""
    for length in (2.5, 2.5, 6, 4, 7):
        found = wrote(store, Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, START, START + seconds(length)),)))
    assert [gap.length / seconds(1) for gap in calls.gaps(store, EXCHANGE)] == [2.5, 3.5, 1]
    assert list(found.values()) == pytest.approx([7])


def test_a_call_reported_again_differently_stays_as_it_was_first_reported(store: Database) -> None:
    facts = answered_call(0)
    call = account(facts)
    other = msgspec.structs.replace(call, outcome="abandoned", answered_by=None)
    wrote(store, Outcome(EXCHANGE, calls=(call,)), Outcome(EXCHANGE, calls=(other,)))
    assert [c.outcome for _, c in calls.stream_calls(store, START, START + seconds(1))] == ["answered"]


def test_figures_carry_on_where_the_last_program_left_them(store: Database) -> None:
    wrote(store, *outcomes(answered_call(0)))
    with database(store) as sink:
        before = sink.counters.snapshot()
        for item in outcomes(answered_call(1)):
            sink.offer(item)
        assert sink.flush(SOON)
        after = sink.counters.snapshot()
    assert before == pytest.approx(summed(of_calls(1)))
    assert after == pytest.approx(summed(of_calls(2)))
    assert after == pytest.approx(calls.counters(store))


def test_heartbeats_say_until_when_each_exchange_was_received(store: Database) -> None:
    with database(store) as sink:
        for moment_heard in (START, START + seconds(5)):
            sink.offer(Heartbeat(EXCHANGE, moment_heard))
        sink.offer(Heartbeat("ottawa", START))
        assert sink.flush(SOON)
    assert calls.heartbeats(store) == {EXCHANGE: START + seconds(5), "ottawa": START}
    assert all(at.tzinfo is UTC for at in calls.heartbeats(store).values())


def test_a_reader_reads_the_file_that_replaced_its_own(sqlite_store: Database, tmp_path: Path) -> None:
    assert sqlite_store.path is not None
    reader, other = sqlite_store.reader(), upgrade(f"sqlite:///{tmp_path}/other.db")
    with other.writing() as connection:
        connection.execute(text("INSERT INTO heartbeat (exchange, heard) VALUES ('ottawa', 0)"))
    assert list(calls.heartbeats(reader)) == []
    other.close()
    sqlite_store.close()
    (tmp_path / "other.db").replace(sqlite_store.path)
    assert list(calls.heartbeats(reader)) == ["ottawa"]
    reader.close()


def test_a_reader_reads_what_was_written_and_can_write_nothing(store: Database) -> None:
    reader = store.reader()
    with store.writing() as connection:
        connection.execute(text("INSERT INTO heartbeat (exchange, heard) VALUES ('toronto', 0)"))
    assert list(calls.heartbeats(reader)) == ["toronto"]
    with pytest.raises(SQLAlchemyError), reader.writing() as connection:
        connection.execute(text("DELETE FROM heartbeat"))
    assert list(calls.heartbeats(store)) == ["toronto"]
    reader.close()
