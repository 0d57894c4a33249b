"""The nightly comparison with the exchange's own records: exactly the calls that one side alone has."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from callmon.backfill.job import Backfill
from callmon.backfill.tasks import NightlyReconciliation, reconcile, span
from callmon.config.settings import Settings, example, parse
from callmon.core.facts import Arrived
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.reconciliation import SIDES, ArrivedCall, Difference, LineDay, Reconciliation, compare
from callmon.core.verdicts import Gap
from callmon.errors import ConfigError
from callmon.store.database import Database
from callmon.store.queries import reconciliations
from callmon.store.tables.columns import table_of
from callmon.store.tables.figures import ReconciliationCallRow, ReconciliationRow
from tests.recordings.test_cel import reported, rows_of
from tests.recordings.test_traces import NAMES, truth
from tests.store.test_backfill import EXAMPLE, BackfillOffice
from tests.store.test_backfill_sources import later, sourced, write_csv
from tests.support.store_fixtures import EXCHANGE, answered_call, wrote

TESTED = 'test_callers = ["416 555-0101"]'
DAY = date(2026, 11, 24)
MIDNIGHT = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)  # in Toronto
INBOUND = [name for name in NAMES if all(call.get("line") for call in truth(name)) and name != "two_calls"]


def counted(*calls: str, line: str = "general") -> dict[str, ArrivedCall]:
    return {call: ArrivedCall(call, line, MIDNIGHT + timedelta(hours=1)) for call in calls}


def test_each_sides_own_calls_are_listed_and_the_others_agree() -> None:
    logged = counted("1.0", "2.0") | counted("3.0", line="tty")
    kept = counted("2.0", "4.0", "5.0")
    one = compare(EXCHANGE, DAY, ["general", "poci", "tty"], logged, {"1.0", "2.0", "3.0", "5.0"}, kept, {"2.0"})
    assert [(x.counted_by, x.call, x.line) for x in one.differences] == [
        ("exchange", "1.0", "general"), ("exchange", "3.0", "tty"), ("callmon", "4.0", "general"),
    ]  # fmt: skip
    assert [(x.line, x.exchange, x.callmon) for x in one.lines] == [
        ("general", 3, 3), ("poci", 0, 0), ("tty", 1, 0),
    ]  # fmt: skip


def test_a_call_that_is_stored_under_another_day_or_in_progress_is_known() -> None:
    one = compare(EXCHANGE, DAY, ["general"], counted("1.0"), {"1.0"}, {}, {"1.0"})
    assert (one.differences, one.lines[0].exchange, one.lines[0].callmon) == ((), 1, 1)


def test_a_day_is_the_ministrys_also_when_clocks_are_put_back() -> None:
    assert span(example(), DAY) == (MIDNIGHT, MIDNIGHT + timedelta(hours=24))
    begin, end = span(example(), date(2026, 11, 1))
    assert end - begin == timedelta(hours=25)


# Recordings of a real exchange.


def diary_of(folder: Path) -> tuple[Settings, list[str]]:
    """The CEL of several recordings as one file, and the calls on lines that are in it."""
    rows = [row for name in INBOUND for row in later(name, 0)]
    write_csv(folder / "Master.csv", rows)
    settings = sourced(folder, f'file = "{folder}/Master.csv"')
    found = reported(rows_of(folder / "Master.csv")).items()
    return settings, [call for call, (first, *_) in found if isinstance(first, Arrived) and first.line is not None]


def lines_of_calls(file: Path) -> list[str | None]:
    """Of each call in a diary."""
    arrived = (facts[0] for facts in reported(rows_of(file)).values())
    return [fact.line for fact in arrived if isinstance(fact, Arrived)]


def filled_but(store: Database, settings: Settings, hidden: set[str], folder: Path) -> None:
    """callmon has every call but these."""
    rows = [row for row in rows_of(folder / "Master.csv") if row.linkedid not in hidden]
    list(Backfill(settings, store, EXCHANGE).run(rows))


def kept_of_day(store: Database, day: date) -> Reconciliation | None:
    """What the database has of that day; None if it was not reconciled."""
    which = {"exchange": EXCHANGE, "day": day.isoformat()}
    with store.reading() as connection:
        lines = (
            connection.execute(select(table_of(ReconciliationRow)).filter_by(**which).order_by(text("line")))
            .mappings()
            .all()
        )
        calls = connection.execute(select(table_of(ReconciliationCallRow)).filter_by(**which)).mappings().all()
    if not lines:
        return None
    found = [Difference(x["counted_by"], x["call"], x["line"], x["arrived"]) for x in calls]
    counts = tuple(LineDay(x["line"], x["of_exchange"], x["of_callmon"]) for x in lines)
    return Reconciliation(EXCHANGE, day, counts, tuple(sorted(found, key=lambda x: (x.arrived, x.call))))


def only(store: Database, settings: Settings, day: date = DAY) -> dict[str, list[str]]:
    one = reconcile(settings, store, EXCHANGE, day)
    return {side: sorted(x.call for x in one.only(side)) for side in SIDES}


def test_exactly_the_hidden_calls_are_listed_and_none_after_a_backfill(store: Database, tmp_path: Path) -> None:
    settings, calls = diary_of(tmp_path)
    hidden = set(calls[::3])
    assert len(hidden) > 4
    filled_but(store, settings, hidden, tmp_path)
    assert only(store, settings) == {"exchange": sorted(hidden), "callmon": []}
    list(Backfill(settings, store, EXCHANGE).run(rows_of(tmp_path / "Master.csv")))
    assert only(store, settings) == {"exchange": [], "callmon": []}


def test_exactly_the_calls_that_the_exchange_does_not_have_are_listed(store: Database, tmp_path: Path) -> None:
    settings, calls = diary_of(tmp_path)
    filled_but(store, settings, set(), tmp_path)
    gone = set(calls[::3])
    rows = [row for name in INBOUND for row in later(name, 0) if row[15] not in gone]
    write_csv(tmp_path / "Master.csv", rows)
    assert only(store, settings) == {"exchange": [], "callmon": sorted(gone)}


def test_what_was_found_is_stored_by_day_and_found_anew_in_its_place(store: Database, tmp_path: Path) -> None:
    settings, calls = diary_of(tmp_path)
    filled_but(store, settings, {calls[0]}, tmp_path)
    found = reconcile(settings, store, EXCHANGE, DAY)
    assert kept_of_day(store, DAY) == found
    assert kept_of_day(store, DAY + timedelta(days=1)) is None
    (last,) = reconciliations.latest_comparisons(store, [EXCHANGE, "ottawa"])
    assert (last.day, last.only) == (DAY, {"exchange": 1, "callmon": 0})
    filled_but(store, settings, set(), tmp_path)
    reconcile(settings, store, EXCHANGE, DAY)
    (last,) = reconciliations.latest_comparisons(store, [EXCHANGE])
    assert last.only == {"exchange": 0, "callmon": 0}
    with store.reading() as connection:
        said = {"days": 1, "exchange_only": 0, "callmon_only": 0}
        assert reconciliations.reconciled_counts(connection, DAY, DAY + timedelta(days=1)) == said
        assert reconciliations.reconciled_counts(connection, date(2026, 10, 1), DAY) is None


def test_a_call_of_the_night_belongs_to_the_day_in_which_it_arrived(store: Database, tmp_path: Path) -> None:
    rows = later("answered_ring2", 0)
    begins = datetime.fromtimestamp(float(rows[0][1]), UTC)
    by = (MIDNIGHT + timedelta(days=1) - timedelta(seconds=1) - begins).total_seconds()
    for row in rows:
        row[1] = f"{float(row[1]) + by:.6f}"
    write_csv(tmp_path / "Master.csv", rows)
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"')
    assert [len(only(store, settings, DAY + timedelta(days=n))["exchange"]) for n in (-1, 0, 1)] == [0, 1, 0]


def test_a_test_call_is_reconciled_too_and_a_call_of_staff_is_not(store: Database, tmp_path: Path) -> None:
    write_csv(tmp_path / "Master.csv", [*later("callback_answered", 0), *later("answered_ring2", 0)])
    written = EXAMPLE.read_text(encoding="utf-8").replace('# test_callers = ["416 555-0199"]', TESTED)
    settings = parse(f'{written}\n[exchanges.toronto.cel]\nfile = "{tmp_path}/Master.csv"\n')
    assert len(only(store, settings)["exchange"]) == 1
    list(Backfill(settings, store, EXCHANGE).run(rows_of(tmp_path / "Master.csv")))
    assert only(store, settings) == {"exchange": [], "callmon": []}


# The command.


def test_the_command_lists_differences_and_agrees_after_a_backfill(tmp_path: Path) -> None:
    _, calls = diary_of(tmp_path)
    office = BackfillOffice(tmp_path, f'\n[exchanges.toronto.cel]\nfile = "{tmp_path}/Master.csv"\n')
    lines = office.run("reconcile", "2026-11-24", status=1).stdout.splitlines()
    assert sorted(line.split("  ")[4] for line in lines[:-1]) == sorted(calls)
    assert {line.split("  ")[5] for line in lines[:-1]} == {"not in callmon"}
    count = len(calls)
    said = f"{count} calls in the exchange's records, 0 here. {count} not in callmon, 0 not in the records."
    assert lines[-1] == f"toronto  2026-11-24: {said}"
    office.run("backfill")
    (printed,) = map(json.loads, office.run("reconcile", "2026-11-24", "--json").stdout.splitlines())
    general = lines_of_calls(tmp_path / "Master.csv").count("general")
    assert (printed["agree"], printed["exchange_only"], printed["callmon_only"]) == (True, [], [])
    assert printed["lines"]["general"] == {"exchange": general, "callmon": general}
    agree = f"{count} calls in the exchange's records, {count} here. They agree.\n"
    assert office.run("reconcile", "2026-11-24").stdout == f"toronto  2026-11-24: {agree}"


# By itself, each night.


def nightly_reconciliation(
    settings: Settings, store: Database, leads: bool = True, gaps: int = 0
) -> NightlyReconciliation:
    return NightlyReconciliation(lambda: settings, store, lambda: leads, lambda: gaps)


async def test_a_day_is_reconciled_ten_minutes_after_midnight_once(store: Database, tmp_path: Path) -> None:
    settings, calls = diary_of(tmp_path)
    filled_but(store, settings, {calls[-1]}, tmp_path)
    watch, midnight = nightly_reconciliation(settings, store), MIDNIGHT + timedelta(days=1)
    await watch.reconcile_if_due(midnight + timedelta(minutes=9, seconds=59))
    assert watch.compared == []  # of the day before that callmon had heard nothing
    await watch.reconcile_if_due(midnight + timedelta(minutes=10))
    assert [(one.day, one.only) for one in watch.compared] == [(DAY, {"exchange": 1, "callmon": 0})]
    with store.writing() as connection:
        connection.execute(text("DELETE FROM reconciliation_call"))
    await watch.reconcile_if_due(midnight + timedelta(hours=20))
    again = nightly_reconciliation(settings, store)
    again.restore()
    await again.reconcile_if_due(midnight + timedelta(hours=21))
    assert [one.only["exchange"] for one in again.compared] == [0]  # it was not done again


@pytest.mark.parametrize(("leads", "gaps"), [(False, 0), (True, 1)])
async def test_who_stands_by_or_has_gaps_to_fill_first_does_not(
    store: Database, tmp_path: Path, leads: bool, gaps: int
) -> None:
    settings, _ = diary_of(tmp_path)
    filled_but(store, settings, set(), tmp_path)
    watch = nightly_reconciliation(settings, store, leads, gaps)
    await watch.reconcile_if_due(MIDNIGHT + timedelta(days=1, hours=1))
    assert watch.compared == []


async def test_what_came_before_callmon_is_not_held_against_it(store: Database, tmp_path: Path) -> None:
    settings, calls = diary_of(tmp_path)
    watch = nightly_reconciliation(settings, store)
    await watch.reconcile_if_due(MIDNIGHT + timedelta(days=1, hours=1))
    assert watch.compared == []  # it has never heard this exchange
    wrote(store, Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, MIDNIGHT, MIDNIGHT + timedelta(seconds=1)),)))
    watch = nightly_reconciliation(settings, store)
    await watch.reconcile_if_due(MIDNIGHT + timedelta(days=1, hours=1))
    assert [one.only["exchange"] for one in watch.compared] == [len(calls)]


async def test_a_diary_that_cannot_be_read_is_tried_again_later(store: Database, tmp_path: Path) -> None:
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"')
    outcome = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, answered_call(1))
    assert outcome is not None
    wrote(store, outcome)
    watch, at = nightly_reconciliation(settings, store), MIDNIGHT + timedelta(days=1, hours=1)
    await watch.reconcile_if_due(at)
    write_csv(tmp_path / "Master.csv", [])
    await watch.reconcile_if_due(at + timedelta(minutes=29))
    assert watch.compared == []
    await watch.reconcile_if_due(at + timedelta(minutes=30))
    assert [one.only for one in watch.compared] == [{"exchange": 0, "callmon": 1}]


def test_without_a_source_there_is_nothing_to_compare_with(store: Database) -> None:
    with pytest.raises(ConfigError):
        reconcile(example(), store, EXCHANGE, DAY)
