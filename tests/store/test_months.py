"""`fact` by month on PostgreSQL: nothing is lost for want of a partition; old months go in one statement."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import text

from callmon.config.settings import example
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.store import creation as months
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.store.rejudge import inconsistencies
from tests.support.store_fixtures import EXCHANGE, answered_call, outcomes, rows, wrote

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def at(year: int, month: int, day: int = 15) -> datetime:
    return datetime(year, month, day, 14, 30, tzinfo=UTC)


def by_partition(store: Database) -> dict[str, int]:
    """How many rows each has that has any."""
    question = "SELECT tableoid::regclass::text, count(*) FROM fact GROUP BY 1"
    with store.reading() as connection:
        return {name: count for name, count in connection.execute(text(question))}  # noqa: C416  rows


def partitions(store: Database) -> list[str]:
    question = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'fact'::regclass ORDER BY 1"
    with store.reading() as connection:
        return list(connection.scalars(text(question)))


def make(store: Database, now: datetime) -> None:
    with store.writing() as connection:
        months.create_ahead(connection, now)


def test_this_month_and_the_next_two_are_made_ahead_once(store: Database) -> None:
    assert partitions(store) == ["fact_default"]
    make(store, at(2026, 11))
    make(store, at(2026, 12))
    wanted = ["fact_2026_11", "fact_2026_12", "fact_2027_01", "fact_2027_02"]
    assert partitions(store) == [*wanted, "fact_default"]


def test_each_call_lies_in_the_month_of_its_end_and_none_is_lost(store: Database) -> None:
    make(store, at(2026, 11))
    reported = [outcome for n, when in enumerate((at(2026, 11), at(2027, 1, 1), at(2031, 5))) for outcome in
            outcomes(answered_call(n, when))]  # fmt: skip
    timeless = tuple(msgspec.structs.replace(fact, at=None) for fact in answered_call(9))
    wrote(store, *reported, Outcome(EXCHANGE, timeless))
    # The writer has made the months of today beside these.
    assert by_partition(store) == {"fact_2026_11": 1, "fact_2027_01": 1, "fact_default": 2}
    for n, when in enumerate((at(2026, 11), at(2027, 1, 1), at(2031, 5))):
        (call,) = calls.stored_calls(store, answered_call(n, when)[0].call)
        assert len(call.facts) == 12
    (call,) = calls.stored_calls(store, timeless[0].call, numbers=True)
    assert (call.facts, calls.open_calls(store, EXCHANGE)) == (timeless, {})


def test_a_month_of_which_facts_lie_in_the_default_already_stays_there(store: Database) -> None:
    wrote(store, *outcomes(answered_call(1, at(2031, 6))))
    make(store, at(2031, 5))
    assert [name for name in partitions(store) if "2031" in name] == ["fact_2031_05", "fact_2031_07"]
    assert by_partition(store) == {"fact_default": 1}


def test_an_old_month_is_dropped_in_one_statement_and_calls_stay(store: Database) -> None:
    make(store, at(2026, 10))
    reported = [*outcomes(answered_call(1, at(2026, 10))), *outcomes(answered_call(2, at(2026, 11)))]
    before = wrote(store, *reported)
    with store.writing() as connection:
        connection.exec_driver_sql("DROP TABLE fact_2026_10")
    assert (rows(store)["fact"], rows(store)["call"], rows(store)["finding"]) == (12, 2, 6)
    assert calls.counters(store) == before
    told_of = " ".join(inconsistencies(store, Monitor(example(), token=str)))
    assert "no fact of it is stored" not in told_of


def test_a_call_s_facts_are_found_by_an_index_in_every_month(store: Database) -> None:
    make(store, at(2026, 11))
    question = "EXPLAIN SELECT data FROM fact WHERE \"call\" = '1.1' AND exchange = 'toronto' ORDER BY n"
    with store.reading() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(connection.scalars(text(question)))
    assert (plan.count("Index Scan"), plan.count("Seq Scan")) == (len(partitions(store)), 0)
