"""A verdict given by a wrong clock: what corrects it, what does not, and what is stored and counted of it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from callmon.config.settings import example
from callmon.core import facts as f
from callmon.core.monitor import Monitor
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.store.rejudge import counter_differences, inconsistencies
from callmon.store.rollups import rebuild
from callmon.store.writer.writer import Writer
from tests.support.ami_builders import Channel, Exchange
from tests.support.fact_builder import CALLER, TORONTO, Office, local
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import database, until
from tests.unit.test_false_times import OTHER

TUESDAY = local("2026-11-24 10:00")
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
STANDARD = "callback_within_24_hours"
CORRECTED = ("callmon_verdicts_corrected_total", STANDARD, "general")


def judged_too_early() -> Office:
    """A message at ten, and for some seconds a clock that is two days ahead."""
    office = Office().hear(Office().message(TUESDAY))
    office.tick(TUESDAY + 2 * DAY)
    assert office.verdicts() == [("not_met", "not_called_back")]
    return office.tick(TUESDAY + SECOND)


def corrections(office: Office) -> list[tuple[str, str, str]]:
    return [(x.standard, x.verdict, x.reason_key) for x in office.corrections]


@pytest.mark.parametrize(
    ("after", "reported"),
    [
        (MINUTE, [(STANDARD, "met", "called_back")]),
        (DAY, [(STANDARD, "met", "called_back")]),
        (DAY + timedelta(milliseconds=1), []),
    ],
)
def test_a_callback_in_time_corrects_a_not_met_and_a_later_one_does_not(
    after: timedelta, reported: list[tuple[str, str, str]]
) -> None:
    office = judged_too_early()
    office.hear(office.call_out(TUESDAY + after, talked=13))
    assert (office.one().state, corrections(office)) == ("paid", reported)
    assert office.verdicts() == [("not_met", "not_called_back")]  # as first given


def test_it_is_corrected_also_over_a_restart() -> None:
    office = judged_too_early().restart()
    office.hear(office.call_out(TUESDAY + MINUTE, talked=13))
    assert corrections(office) == [(STANDARD, "met", "called_back")]


def test_an_attempt_in_time_corrects_it_and_the_callback_nothing_more() -> None:
    office = judged_too_early()
    office.hear(office.call_out(None, rang_at=TUESDAY + MINUTE, rang=30))
    assert corrections(office) == [(STANDARD, "met", "attempted_in_time")]


def test_a_complaint_acknowledged_by_a_call_in_time_is_corrected() -> None:
    office = Office()
    call, *rest = office.call_in(TUESDAY)
    office.hear([call, (TUESDAY, f.ComplaintMade(call[1].call, TUESDAY)), *rest]).tick(TUESDAY + 9 * DAY)
    office.hear(office.call_out(TUESDAY + MINUTE, talked=13))
    assert corrections(office) == [("complaint_within_2_business_days", "met", "acknowledged")]


@pytest.mark.parametrize("result", ["spoke", "no_answer"])
def test_what_a_person_types_after_the_due_time_corrects_nothing(result: str) -> None:
    office = judged_too_early().hand("attempt", TUESDAY + 3 * DAY, when=TUESDAY + MINUTE, result=result)
    assert corrections(office) == []


def test_a_caller_who_reaches_us_in_time_corrects_nothing() -> None:
    office = judged_too_early()
    office.hear(office.call_in(TUESDAY + MINUTE))
    assert (office.one().state, corrections(office)) == ("reached_us", [])


def test_a_callback_by_a_clock_in_doubt_is_not_late_but_unknown() -> None:
    office = Office().hear(Office().message(TUESDAY))
    office.monitor.ledger.unbelieved = ["toronto"]
    office.hear(office.call_out(TUESDAY + 2 * DAY, talked=13))
    assert office.verdicts() == [("unknown", "gap")]


def test_what_was_due_by_a_doubted_clock_is_unknown_without_a_call() -> None:
    office = Office()
    office.monitor.ledger.unbelieved = ["toronto"]
    office.hear(office.message(TUESDAY))
    office.monitor.ledger.unbelieved = []
    assert office.restart().tick(TUESDAY + 2 * DAY).verdicts() == [("unknown", "gap")]


def test_a_callback_is_as_long_as_it_was_when_the_clock_is_set_meanwhile() -> None:
    office = Office().hear(Office().message(TUESDAY))
    *begun, over = office.call_out(TUESDAY + MINUTE, talked=3)
    at = TUESDAY + MINUTE + SECOND + 2 * DAY
    office.hear(begun, [(at, f.ClockSet(over[1].call, at, 2 * DAY))])
    ended = TUESDAY + MINUTE + 3 * SECOND + 2 * DAY
    office.hear([(ended, f.Ended(over[1].call, ended, "caller"))])
    assert office.one().state == "open"


# ── stored ──


def kept(office: Office, sink: Writer, groups: int) -> None:
    """In one group, or each outcome in one of its own."""
    for outcome in office.outcomes:
        sink.offer(outcome)
        if groups > 1:
            assert sink.flush(120)
    assert sink.flush(120)


def disagreements(store: Database) -> list[str]:
    """What `callmon db check` says."""
    days = [said for day in rebuild.rollup_differences(store, TORONTO) for said in day]
    return [*counter_differences(store), *inconsistencies(store, Monitor(example(), token=str)), *days]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_correction_is_counted_once_and_figures_rows_and_roll_ups_agree(store: Database, groups: int) -> None:
    office = judged_too_early()
    office.hear(office.call_out(TUESDAY + MINUTE, talked=13))
    with database(store) as sink:
        rebuild.ensure_rollups(store, TORONTO)
        kept(office, sink, groups)
    figures = calls.counters(store)
    first = ("callmon_verdicts_total", STANDARD, "general", "unknown")
    assert (figures[*first, "not_met"], figures.get((*first, "met"), 0.0)) == (1.0, 0.0)
    assert figures[*CORRECTED, "not_met", "met"] == 1.0
    (stored,) = calls.stored_calls(store, office.one().call)
    (found,) = [x for x in stored.findings if x.standard == STANDARD]
    assert (found.verdict, found.reason_key, found.cause) == ("met", "called_back", None)
    assert disagreements(store) == []


# ── a daemon, and exchanges whose clock is two days ahead for some seconds ──


class CorrectedVerdict(Exchange):
    """What happens is told at once, with the time of the false exchange."""

    def __init__(self, wire: FalseExchange) -> None:
        self._wire = wire
        super().__init__()

    def write(self, data: bytes) -> None:
        self._wire.send(data)

    def instant(self, seconds: float | None = None) -> float:
        return self._wire.time()


def message(exchange: CorrectedVerdict) -> None:
    caller = exchange.call()
    exchange.voicemail(caller)
    exchange.message(caller)
    exchange.ends(caller)


def called_back(exchange: CorrectedVerdict) -> tuple[Channel, Channel]:
    phone = exchange.new("PJSIP/102", 4, "9" + CALLER[2:], caller="102", context="internal")
    far = exchange.dial(phone, "PJSIP/trunk", dial_string=CALLER[2:] + "@trunk")
    exchange.ring(phone, far)
    exchange.answer(phone, far)
    return phone, far


def is_heard_ahead(place: Path) -> bool:
    with closing(sqlite3.connect(place / "callmon.db")) as stored:
        ((until,),) = stored.execute("SELECT min(heard) FROM heartbeat").fetchall()
    return until is not None and until > (time.time() + 86_400) * 1_000_000


def health(callmon: WarmCallmon) -> str:
    return str(callmon.health()[1])


@pytest.mark.parametrize("exchanges", [1, 2])
def test_a_clock_two_days_ahead_for_seconds_judges_no_callback(tmp_path: Path, exchanges: int) -> None:
    with FalseExchange() as toronto, FalseExchange() as ottawa:
        more = OTHER.format(port=ottawa.port) * (exchanges - 1)
        callmon = WarmCallmon(tmp_path, toronto.port, "secret", more=more)
        with callmon:
            reported, ahead = CorrectedVerdict(toronto), "The clock of the exchange toronto is 1728"
            message(reported)
            assert until(lambda: callmon.total("callmon_callbacks_open") == 1.0)
            toronto.ahead = ottawa.ahead = 2 * 86_400.0
            assert until(lambda: ahead in health(callmon), 60)
            assert until(lambda: is_heard_ahead(tmp_path), 60)  # stored after what fell due with it
            toronto.ahead = ottawa.ahead = 0.0
            assert until(lambda: ahead not in health(callmon), 60)
            pair = called_back(reported)
            assert until(lambda: callmon.total("callmon_verdicts_total", standard=STANDARD) == 1.0, 60)
            reported.ends(*pair)
            assert callmon.total("callmon_verdicts_total", standard=STANDARD, verdict="met") == 1.0
            assert callmon.total("callmon_verdicts_corrected_total", standard=STANDARD) == 0.0
            assert callmon.total("callmon_callbacks_open") == 0.0


def test_a_talk_settles_when_long_enough_without_further_events(tmp_path: Path) -> None:
    with FalseExchange() as toronto:
        callmon = WarmCallmon(tmp_path, toronto.port, "secret")
        written = callmon.config.read_text(encoding="utf-8").replace('# talked_for = "10s"', 'talked_for = "1s"')
        rarely = written.replace('username = "callmon"\n', 'username = "callmon"\nping_every = "1h"\n', 1)
        callmon.config.write_text(rarely, encoding="utf-8")
        with callmon:
            reported = CorrectedVerdict(toronto)
            message(reported)
            assert until(lambda: callmon.total("callmon_callbacks_open") == 1.0)
            called_back(reported)
            assert until(lambda: callmon.total("callmon_callbacks_open") == 0.0)
