"""Test calls are out of every figure and listed; each line's last call is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from callmon.ami import events as e
from callmon.config.settings import example
from callmon.core.calls.call import Call
from callmon.core.exchange import NEVER, LastCalls
from callmon.core.outcome import Outcome
from callmon.core.snapshot import DaemonSnapshot
from callmon.core.statistics import period
from callmon.core.statistics.counters import figures_of
from callmon.core.statistics.today import Today
from callmon.features.months import queries as reports
from callmon.sinks.metrics.exposition import OF_CALLS, families
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.queries.coverage import Fingerprint
from callmon.store.queries.months import lines_in_progress
from callmon.store.rejudge import counter_differences
from callmon.text import records
from tests.support.ami_builders import settings
from tests.support.fact_builder import OTHER, TORONTO, Office, local
from tests.support.simulated_exchange import SimulatedExchange
from tests.support.store_fixtures import answered_call, summed, wrote

TUESDAY = local("2026-11-24 10:00")
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
TESTED = settings({'region = "CA"': 'region = "CA"\ntest_callers = ["416 555-0101", "1 416 555-0105"]'})


def heard_from(given: str, test_callers: bool = True) -> SimulatedExchange:
    """A caller of this number calls the line `general` and hangs up."""
    heard = SimulatedExchange(TUESDAY, TESTED if test_callers else example()).listed()
    call = e.Newchannel(
        heard.now, "PJSIP/trunk-00000001", "4", given, "", "en", "", "4163272422", "1795532400.1", "1795532400.1"
    )
    heard.feed(call).passes(3)
    assert heard.monitor.count_in_progress() == (
        {} if test_callers and given != "4165550102" else {("general", "arriving"): 1}
    )
    return heard.feed(e.Hangup(heard.now, "en", "", "s", "1795532400.1", "16"))


def ended(heard: SimulatedExchange) -> Call:
    ((call,),) = [outcome.calls for outcome in heard.outcomes if outcome.calls]
    return call


@pytest.mark.parametrize("number", ["4165550101", "+14165550101", "14165550101", "4165550105"])
def test_a_test_call_is_reported_and_neither_judged_nor_counted(number: str) -> None:
    heard = heard_from(number)
    call = ended(heard)
    assert (call.test, call.line, call.outcome) == (True, "general", "announcement")
    assert [outcome.findings for outcome in heard.outcomes if outcome.findings] == []
    assert summed(heard.outcomes) == {}
    assert Today(TORONTO).record_outcome(Outcome("toronto", calls=(call,))) == []
    assert records.as_json("toronto", call, ())["test"] is True


@pytest.mark.parametrize(("number", "test_callers"), [("4165550102", True), ("4165550101", False)])
def test_every_other_call_is_the_publics(number: str, test_callers: bool) -> None:
    heard = heard_from(number, test_callers)
    call = ended(heard)
    assert call.test is False
    figures = figures_of((call,))
    assert figures["callmon_calls_completeness_total", "general", "full"] == 1.0
    assert len([x for outcome in heard.outcomes for x in outcome.findings]) == 4
    assert "test" not in records.as_json("toronto", call, ())


def test_a_test_message_is_due_to_nobody_and_settles_nothing() -> None:
    office = Office()
    office.hear(office.message(TUESDAY, test=True))
    assert office.kept == {}
    office.hear(office.message(TUESDAY + HOUR), office.message(TUESDAY + 2 * HOUR, test=True))
    assert office.one().count == 1
    office.restart().hear(office.message(TUESDAY + 3 * HOUR, OTHER, test=True))
    assert len(office.kept) == 1


def test_it_stays_a_test_call_whatever_the_settings_say_later(store: Database) -> None:
    """What it was is a fact of the call."""
    heard = heard_from("4165550101")
    wrote(store, *heard.outcomes)
    begin, end = TUESDAY - HOUR, TUESDAY + HOUR
    assert [
        (where, call.call, call.test) for where, call in queries.stream_calls(store, begin, end, tests=True)
    ] == [("toronto", "1795532400.1", True)]
    assert list(queries.stream_calls(store, begin, end)) == []
    assert queries.count_ended_calls(store, ["general"], begin, end) == ({}, {})
    assert queries.last_calls(store, tests=True) == queries.last_calls(store) == {"general": TUESDAY}
    with store.snapshot() as connection:
        day = period.period(TUESDAY.date(), TUESDAY.date() + DAY, TORONTO)
        found = reports.aggregate_calls(connection, TORONTO, day, Fingerprint())
        ((place, cell),) = found.cells.items()
        assert (place, dict(cell.counts)) == (("general", "unknown"), {("test_calls", ""): 1})  # counted apart
        assert (found.calls[place], reports.call_names(connection, begin, end)) == (0, [])
    (stored,) = queries.stored_calls(store, "1795532400.1")
    retold = Office().monitor.retell("toronto", stored.facts)
    assert retold is not None
    assert (retold.calls[0].test, retold.findings) == (True, ())
    assert counter_differences(store) == []


# ── the last call of a line ──


def times(last: LastCalls) -> dict[tuple[str, str], float]:
    snapshot = DaemonSnapshot(TUESDAY, last_calls=last, configured=tuple(example().lines()))
    return {
        (
            sample.name.removeprefix("callmon_line_").removesuffix("_timestamp_seconds"),
            sample.labels["line"],
        ): sample.value
        for family in families(OF_CALLS, snapshot)
        if family.name.startswith("callmon_line_") and family.name.endswith("_timestamp_seconds")
        for sample in family.samples
    }


def test_a_line_shows_its_last_call_its_last_test_and_when_the_next_is_due() -> None:
    last = LastCalls()
    last.record_call("general", TUESDAY, test=False)
    last.record_call("general", TUESDAY - DAY, test=False)
    last.record_call("tty", TUESDAY - 2 * DAY, test=True)
    last.record_call("tty", None, test=True)
    at = TUESDAY.timestamp()
    assert times(last) == {
        ("last_call", "general"): at,
        ("last_call", "tty"): at - 2 * 86400,
        ("last_test_call", "tty"): at - 2 * 86400,
        ("test_call_due", "tty"): at + 29 * 86400,
        ("test_call_due", "tty-toll-free"): 0.0,
    }


def test_a_plan_is_a_setting_of_the_line_and_a_tty_line_has_one() -> None:
    given = settings({'mode = "voice"': 'mode = "voice"\ntest_call_every = "7 days"'})
    plans = {line.name: line.test_call_every for line in given.lines()}
    assert plans == {
        "general": 7 * DAY, "general-toll-free": 7 * DAY, "tty": 31 * DAY, "tty-toll-free": 31 * DAY,
        "poci": 7 * DAY, "poci-toll-free": 7 * DAY,
    }  # fmt: skip
    assert LastCalls().test_due(given.lines()["poci"]) == NEVER
    assert LastCalls().test_due(example().lines()["poci"]) is None


def test_the_last_calls_outlive_a_restart() -> None:
    heard = heard_from("4165550101")
    heard.restart()
    heard.monitor.learn_last_calls({"tty": TUESDAY, "general": TUESDAY - DAY}, {"general": TUESDAY - DAY})
    heard.call()
    last = heard.monitor.last_calls()
    assert (last.calls, last.tests) == (
        {"tty": TUESDAY, "general": heard.now}, {"general": heard.now},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "lines"),
    [({}, ["general"]), ({"test": True}, []), ({"direction": "outbound"}, []), ({"line": None}, [])],
)
def test_of_calls_in_progress_a_month_counts_those_of_the_public(
    sqlite_store: Database, change: dict[str, Any], lines: list[str]
) -> None:
    arrival = msgspec.structs.replace(answered_call(0, TUESDAY)[0], **change)
    wrote(sqlite_store, Outcome("toronto", (arrival,)))
    with sqlite_store.reading() as connection:
        assert lines_in_progress(connection, TUESDAY, TUESDAY + HOUR) == lines
