"""Disruptions in the database, on /metrics and at a broker: each once, with what was said of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec
import pytest
from prometheus_client.core import Metric

from callmon.config.settings import example
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.core.outcome import Outcome
from callmon.core.snapshot import DaemonSnapshot
from callmon.core.statistics.counters import Figures
from callmon.sinks.metrics.exposition import OF_CALLS, families
from callmon.sinks.mqtt import topics
from callmon.store.commands import DISRUPTION_QUEUE, pending_disruption_commands, queue_disruption_command
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.queries import disruptions
from callmon.store.rejudge import counter_differences
from tests.support.fact_builder import local
from tests.support.simulated_exchange import SimulatedExchange
from tests.support.store_fixtures import account, answered_call, outcomes, plans, steps, wrote
from tests.unit.test_disruptions import LINES, TUESDAY, WHOLE, planned, well

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
BOTH = {"_101": "NOT_INUSE", "_102": "NOT_INUSE"}


def kept(heard: SimulatedExchange, into: Database) -> SimulatedExchange:
    wrote(into, *heard.outcomes)
    return heard


def a_day() -> SimulatedExchange:
    """Work in which the exchange is stopped, phones that vanish without a word, a gap, something told by staff."""
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR).at(TUESDAY + HOUR + SECOND).shut_down()
    heard.passes(60).boot()
    heard.passes(1).listed(**BOTH).passes(1).at(TUESDAY + 3 * HOUR)
    heard.device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)
    heard.lose().passes(20).listed(**BOTH).passes(2)
    later = msgspec.structs.replace(WHOLE, until=heard.now + HOUR)
    return heard.passes(300).hand("announce", lines=("poci", "tty"), start=heard.now - 5 * MINUTE, notice=later)


def test_what_stands_is_stored_beside_the_entries_that_make_it(store: Database) -> None:
    heard = kept(a_day(), store)
    assert {one.id: one for one in disruptions.all_of(store)} == heard.kept
    assert [one.source for one in disruptions.all_of(store)] == ["work", "exchange", "phones", "exchange", "staff"]
    assert [one.source for one in disruptions.live_disruptions(store)] == ["staff"]
    reported = [entry for name in heard.kept for entry in disruptions.disruption_entries(store, name)]
    assert sorted(reported, key=str) == sorted(heard.entries, key=str)


def test_what_lasted_at_some_time_of_a_period_is_found(store: Database) -> None:
    kept(a_day(), store)
    found = disruptions.all_of(store, TUESDAY + HOUR + 30 * SECOND, TUESDAY + 2 * HOUR)
    assert [one.source for one in found] == ["work", "exchange"]


def figures(found: Figures, name: str) -> dict[tuple[str, ...], float]:
    return {key[1:]: value for key, value in found.items() if key[0] == name and value}


def test_figures_count_what_was_one_with_its_rows_and_agree_with_them(store: Database) -> None:
    heard = kept(a_day(), store)
    counted = queries.counters(store)
    total = figures(counted, "callmon_disruptions_total")
    assert total == {
        **{(line, source): 1.0 for line in LINES for source in ("work", "exchange")}, ("general", "phones"): 1.0,
    }  # fmt: skip
    lasted = figures(counted, "callmon_disrupted_seconds_total")
    assert (lasted["tty", "work"], lasted["tty", "exchange"]) == (3600.0, 60.0)
    notice = figures(counted, "callmon_disruption_notice_seconds")
    assert {key: value for key, value in notice.items() if key[1] == "sum"} == {
        ("poci", "sum"): 300.0, ("tty", "sum"): 300.0,
    }  # fmt: skip
    assert counter_differences(store) == []
    assert len(heard.kept) == 5


def test_a_call_that_was_up_meanwhile_met_it(store: Database) -> None:
    """A call of 13:42 UTC; the disruption began a second before its end."""
    call = account(answered_call(0))
    assert call.arrived is not None
    assert call.ended is not None
    heard = well(call.ended - 2 * SECOND).shut_down().passes(1)
    heard.outcomes.append(Outcome("toronto", calls=(call,)))
    kept(heard, store)
    (one,) = heard.kept.values()
    assert disruptions.overlapping(store, "general", call.arrived, call.ended) == [one]
    assert disruptions.overlapping(store, "genera_", call.arrived, call.ended) == []
    assert disruptions.overlapping(store, "general", call.arrived, one.began - SECOND) == []
    assert disruptions.calls_met(store, one) == 1
    assert disruptions.disruptions_of_call(store, msgspec.structs.replace(call, line="tty")) == [one]
    assert disruptions.disruptions_of_call(store, msgspec.structs.replace(call, ended=None)) == []
    assert disruptions.calls_met(store, msgspec.structs.replace(one, lines=("tty",))) == 0
    assert disruptions.calls_met(store, msgspec.structs.replace(one, began=call.ended)) == 0


def test_a_page_counts_the_calls_that_a_disruption_met_up_to_a_bound(store: Database) -> None:
    begin = local("2026-11-24 10:00")
    # Each lasts some seconds, a minute after the one before.
    reported = [answered_call(number, begin + number * 60 * SECOND) for number in range(8)]
    wrote(store, *(outcome for facts in reported for outcome in outcomes(facts)))
    calls = [account(facts) for facts in reported]
    second = calls[1].arrived
    assert second is not None
    one = Disruption(
        id="d", source="staff", exchange="", what="", lines=("general", "tty"), began=second + SECOND,
        ended=second + 300 * SECOND,
    )  # fmt: skip
    assert disruptions.calls_met(store, one) == 5  # the second was up
    lasting = msgspec.structs.replace(one, ended=None)
    assert disruptions.calls_met(store, lasting) == 7
    assert disruptions.calls_met(store, one, 3) == 4


def test_a_bounded_count_does_not_grow_with_the_calls_of_the_day_before(sqlite_store: Database) -> None:
    begin = local("2026-11-24 10:00")
    one = Disruption(id="d", source="staff", exchange="", what="", lines=("general",), began=begin)

    def stored(count: int, first: int, arrived: datetime) -> None:
        """Calls of some minutes, a second apart (`answered_call`)."""
        calls = [account(answered_call(first + number, arrived)) for number in range(count)]
        wrote(sqlite_store, Outcome("toronto", calls=tuple(calls)))

    def asked() -> int:
        """The steps of the question once it is compiled: SQLite 3.53 counts compiling too."""
        assert disruptions.calls_met(sqlite_store, one, 3) == 4
        with steps(sqlite_store) as taken:
            assert disruptions.calls_met(sqlite_store, one, 3) == 4
        return len(taken)

    stored(10, 1, begin)
    few = asked()
    stored(200, 100, begin - 5 * HOUR)
    many = asked()
    with plans(sqlite_store) as reported:
        assert disruptions.calls_met(sqlite_store, one, 3) == 4
    by_arrival = "SEARCH call USING INDEX ix_call_line_arrived (line=? AND arrived>"
    assert [plan.startswith(by_arrival) for plan in reported if plan.split()[1] == "call"] == [True, True]
    assert (few > 50, many) == (True, few)
    assert disruptions.calls_met(sqlite_store, one) == 10


def test_planned_work_is_met_by_no_call_and_a_test_call_meets_nothing(store: Database) -> None:
    call = account(answered_call(0))
    assert call.arrived is not None
    heard = well(call.arrived - 10 * SECOND)
    work = msgspec.structs.replace(WHOLE, until=call.arrived + HOUR)
    heard.hand("plan", lines=LINES, start=heard.now, notice=work).hand("announce", lines=LINES, start=heard.now)
    heard.outcomes.append(Outcome("toronto", calls=(msgspec.structs.replace(call, test=True),)))
    kept(heard, store)
    assert [one.source for one in disruptions.disruptions_of_call(store, call)] == ["staff"]
    assert [disruptions.calls_met(store, one) for one in heard.kept.values()] == [0, 0]


def test_what_is_asked_by_hand_is_read_in_order_and_done_once(store: Database) -> None:
    at = local("2026-11-24 10:00")
    hands = [DisruptionCommand(at=at, actor="a", action="plan", lines=("tty",), start=at, notice=WHOLE),
             DisruptionCommand(at=at, actor="b", action="end", disruption="none")]  # fmt: skip
    assert [queue_disruption_command(store, hand).n for hand in hands] == [1, 2]
    asked = pending_disruption_commands(store, 0)
    assert [(hand.n, hand.actor, stored) for hand, stored in asked] == [(1, "a", None), (2, "b", None)]
    assert [hand.n for hand, _ in pending_disruption_commands(store, 1)] == [2]
    heard = well()
    reported = [
        outcome for hand, stored in asked for outcome in heard.monitor.apply_disruption_command(hand, stored)
    ]
    wrote(store, *reported)
    assert DISRUPTION_QUEUE.last_applied(store) == 2
    made = disruptions.created_by(store, hands[0])
    assert made is not None
    assert (made.source, made.lines) == ("work", ("tty",))


def test_lines_are_found_again_with_the_trunks_over_which_their_calls_came(store: Database) -> None:
    wrote(store, Outcome("toronto", calls=(account(answered_call(0)),)))
    call = account(answered_call(0))
    assert disruptions.trunks_of_lines(store, "toronto", ["general", "tty"]) == [
        ("general", "PJSIP/trunk", call.arrived)
    ]


# ── gauges ──


def gauges(heard: SimulatedExchange, at: datetime) -> list[Metric]:
    going = tuple(heard.monitor.disruptions.register.visible())
    lines = tuple(line for line in example().lines() if line.name in ("general", "tty"))
    found = families(OF_CALLS, DaemonSnapshot(at, disruptions=going, configured=lines))
    return [family for family in found if "disruption" in family.name or "planned" in family.name]


def shown(heard: SimulatedExchange, at: datetime) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in gauges(heard, at)
        for sample in family.samples
        if sample.value or "timestamp" in sample.name
    }


UNANNOUNCED = "callmon_disruption_unannounced_since_timestamp_seconds"
PLANNED = "callmon_planned_work_until_timestamp_seconds"


def test_a_disruption_is_shown_with_the_time_without_a_notice() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(11)
    one = heard.one()
    assert shown(heard, heard.now) == {
        ("callmon_disruptions_open", "general", "phones"): 1.0, (UNANNOUNCED, "general"): one.began.timestamp(),
    }  # fmt: skip
    heard.hand("announce", one.id, notice=WHOLE)
    assert shown(heard, heard.now) == {("callmon_disruptions_open", "general", "phones"): 1.0}


@pytest.mark.parametrize(
    ("minutes", "names"),
    [
        (57, []),
        (58, [PLANNED]),
        (59, [PLANNED]),
        (60, [PLANNED, "callmon_disruptions_open"]),
        (119, [PLANNED, "callmon_disruptions_open"]),
        (120, []),
    ],
)
def test_planned_work_is_shown_from_two_minutes_before_until_its_end(minutes: int, names: list[str]) -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR).at(TUESDAY + minutes * MINUTE)
    reported = shown(heard, heard.now)
    assert sorted({key[0] for key in reported}) == sorted(names)
    assert reported.get((PLANNED, "tty")) == ((TUESDAY + 2 * HOUR).timestamp() if PLANNED in names else None)


def test_every_line_and_source_is_there_at_0_and_no_time_is() -> None:
    assert {family.name: len(family.samples) for family in gauges(well(), TUESDAY)} == {
        "callmon_disruptions_open": 10, UNANNOUNCED: 0, PLANNED: 0,
    }  # fmt: skip


# ── a broker ──


def test_a_broker_is_reported_what_the_public_is_reported() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    one = heard.one()
    assert json.loads(topics.of_disruption(one)) == {
        "id": one.id,
        "source": "work",
        "exchange": None,
        "lines": list(LINES),
        "began": "2026-11-24T16:00:00.000000Z",
        "until": "2026-11-24T17:00:00.000000Z",
        "ended": None,
        "reason": {"fr": "panne de courant", "en": "power failure"},
        "alternative": {"fr": "composez le numéro sans frais", "en": "call the toll-free number"},
        "missing": [],
        "announced": "2026-11-24T15:00:01.000000Z",
        "confirmed": True,
        "work": None,
    }


def test_a_board_has_those_that_are_not_over() -> None:
    heard = planned(TUESDAY + HOUR, TUESDAY + 2 * HOUR)
    register = heard.monitor.disruptions.register
    before = register.visible()
    heard.passes(60)
    assert (register.visible(), [x.id for x in before]) == (before, [heard.one().id])
    heard.hand("announce", heard.one().id, notice=Notice(reason_en="an update"))
    assert [x.notice.reason_en for x in register.visible()] == ["an update"]
    heard.hand("end", heard.one().id)
    assert register.visible() == ()
