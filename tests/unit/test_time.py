"""Clocks that are set, or were never right: what is due, and how long callers waited, stays what it was."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from callmon.ami import events as e
from callmon.ami.clock import ClockStepped
from callmon.ami.decoding import decode
from callmon.ami.framing import Framer
from callmon.ami.session import Session
from callmon.core import facts as f
from callmon.core import takeover
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.daemon.exchanges import ExchangeTime
from callmon.store.row_mapping import facts_of
from tests.support.ami_builders import BANNER, MORNING, Exchange, listener

EXCHANGE = "toronto"
NOON = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


# ── ours ──


@pytest.mark.parametrize("step", [HOUR, -HOUR, timedelta(days=400), timedelta(0)])
def test_a_step_of_our_own_clock_moves_nothing(step: timedelta) -> None:
    reported = ExchangeTime()
    reported.set_time("toronto", NOON, 100.0)
    assert reported.now(NOON + step, 100.0) == NOON
    assert reported.now(NOON + step, 130.5) == NOON + seconds(30.5)


def test_before_anything_was_received_there_is_only_our_own_clock() -> None:
    assert ExchangeTime().now(NOON, 5.0) == NOON


def test_of_several_exchanges_the_one_that_is_least_far_on_decides() -> None:
    reported = ExchangeTime()
    reported.set_time("toronto", NOON, 100.0)
    reported.set_time("ottawa", NOON - seconds(40), 90.0)
    assert reported.now(NOON + HOUR, 110.0) == NOON - seconds(20)
    reported.keep(["toronto"])
    assert reported.now(NOON + HOUR, 110.0) == NOON + seconds(10)


@pytest.mark.parametrize(
    ("toronto", "ottawa", "deadlines", "unbelieved"),
    [
        (0, 0, 0, []),
        (60, 50, 50, []),
        (60.001, 61, 0, ["toronto", "ottawa"]),
        (2 * 86_400, 0, 0, ["toronto"]),
        (2 * 86_400, 3 * 86_400, 0, ["toronto", "ottawa"]),
        (2 * 86_400, -30, -30, ["toronto"]),
        (-2 * 86_400, 0, -2 * 86_400, ["toronto"]),
    ],
)
def test_nothing_falls_due_by_a_clock_a_minute_ahead_of_ours(
    toronto: float, ottawa: float, deadlines: float, unbelieved: list[str]
) -> None:
    reported = ExchangeTime()
    reported.set_time("toronto", NOON + seconds(toronto), 100.0)
    reported.set_time("ottawa", NOON + seconds(ottawa), 100.0)
    assert reported.for_deadlines(NOON, 100.0) == NOON + seconds(deadlines)
    assert reported.unbelieved(NOON, 100.0) == unbelieved


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_step_of_our_own_clock_makes_nothing_due(step: timedelta) -> None:
    reported = ExchangeTime()
    reported.set_time("toronto", NOON, 100.0)
    assert reported.for_deadlines(NOON + step, 100.0) == NOON + min(step, timedelta(0))


# ── the exchange's ──

AT = MORNING


class TimedWire:
    """An exchange on one connection: what it says at a moment of ours, by a clock that may be set."""

    def __init__(self) -> None:
        self.session = Session(EXCHANGE, "callmon", "s3cret", 100.0, md5=False)
        self.ahead = 0.0  # of what its clock said in the beginning
        self.accepted = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"
        self.now = 100.0
        self.heard: list[e.Event] = []
        self.says(BANNER + self.accepted)
        self.answers()

    def stamp(self) -> bytes:
        return b"%.6f" % (AT.timestamp() + self.now - 100.0 + self.ahead)

    def says(self, data: bytes) -> list[e.Event]:
        heard = self.session.receive_data(data, self.now)
        self.heard += heard
        return heard

    def event(self, state: int) -> bytes:
        return (
            b"Event: Newstate\r\nTimestamp: %s\r\nChannel: PJSIP/101-1\r\nChannelState: %d\r\n"
            b"Uniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n" % (self.stamp(), state)
        )

    def tells(self, state: int = 5) -> list[e.Event]:
        return self.says(self.event(state))

    def asked(self) -> bool:
        """Whether it was asked for its time since the last look."""
        return b"Action: Ping" in self.session.data_to_send()

    def answer(self) -> bytes:
        return b"Response: Success\r\nPing: Pong\r\nTimestamp: %s\r\n\r\n" % self.stamp()

    def answers(self) -> list[e.Event]:
        return self.says(self.answer())

    def at(self, seconds: float) -> TimedWire:
        self.now = 100.0 + seconds
        return self


def kinds(events: list[e.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def steps(events: list[e.Event]) -> list[float]:
    return [round(event.by.total_seconds(), 1) for event in events if isinstance(event, ClockStepped)]


@pytest.mark.parametrize("by", [3600.0, -3600.0, 1.2, -1.2])
def test_an_event_by_a_set_clock_waits_for_the_answer_that_says_so(by: float) -> None:
    wire = TimedWire()
    assert kinds(wire.at(2).tells()) == ["Newstate"]
    wire.asked()
    wire.ahead = by
    assert (wire.at(2.1).tells(), wire.asked(), wire.session.heard_until()) == ([], True, None)
    assert wire.tells(6) == []
    reported = wire.at(2.101).answers()
    assert (kinds(reported), steps(reported)) == (["ClockStepped", "Newstate", "Newstate"], [by])
    assert kinds(wire.at(4).tells()) == ["Newstate"]
    assert wire.session.heard_until() == AT + seconds(4 + by)


def test_a_late_reply_without_a_time_does_not_prove_longer_reception() -> None:
    wire = TimedWire()
    wire.at(2).tells()
    wire.at(2.025).says(
        b"Response: Success\r\nActionID: callmon-presentation-1.1\r\n"
        b"Variable: CALLERID(num-pres)\r\nValue: allowed\r\n\r\n"
    )
    assert kinds(wire.heard[-1:]) == ["Presentation"]
    assert [wire.session.heard_until(), wire.session.lost().at] == [AT + seconds(2)] * 2


@pytest.mark.parametrize("by", [0.9, -0.9])
def test_less_than_a_second_is_no_step(by: float) -> None:
    wire = TimedWire()
    wire.at(2).tells()
    wire.ahead = by
    assert (kinds(wire.at(2.1).tells()), kinds(wire.at(5).answers())) == (["Newstate"], [])


def test_a_step_while_nothing_happens_is_reported_by_the_next_answer() -> None:
    wire = TimedWire()
    wire.ahead = -30.0
    assert steps(wire.at(5).answers()) == [-30.0]
    assert wire.at(10).answers() == []


def test_what_came_before_a_clock_steps_answer_is_reported_first() -> None:
    wire = TimedWire()
    event = b"Event: Newstate\r\nTimestamp: %s\r\nUniqueid: 1.1\r\n\r\n" % wire.at(5).stamp()
    wire.ahead = -30.0
    heard = wire.says(event + b"Response: Success\r\nPing: Pong\r\nTimestamp: %s\r\n\r\n" % wire.stamp())
    assert (kinds(heard), steps(heard)) == (["Newstate", "ClockStepped"], [-30.0])


def test_events_that_come_late_are_in_order_and_say_nothing_of_the_clock() -> None:
    """We had stopped reading for a minute: all of it comes at once, and the answer with it."""
    wire = TimedWire()
    wire.at(1).tells()
    wire.asked()
    said = b""
    for second in range(2, 62, 3):
        wire.at(second)
        said += b"Event: Newstate\r\nTimestamp: %s\r\nUniqueid: 1.1\r\n\r\n" % wire.stamp()
    answer = b"Response: Success\r\nPing: Pong\r\nTimestamp: %s\r\n\r\n" % wire.at(5).stamp()
    wire.session.tick(105.0)
    heard = wire.at(62).says(said + answer)
    assert (kinds(heard), wire.asked()) == (["Newstate"] * 20, True)
    assert steps(wire.at(62.2).answers()) == []
    assert kinds(wire.at(63).tells()) == ["Newstate"]


@pytest.mark.parametrize("by", [30.0, -30.0])
@pytest.mark.parametrize("together", [True, False])
def test_what_waits_keeps_its_place_between_what_came_with_it_and_after_it(by: float, together: bool) -> None:
    """Rung, up: in the other order nobody would have answered."""
    wire = TimedWire()
    wire.at(1).tells(0)
    said = [wire.at(2).event(1), wire.at(2.1).event(2)]
    wire.ahead = by
    said += [wire.at(2.2).event(3), wire.at(2.25).event(4)]
    for data in [b"".join(said)] if together else said:
        wire.says(data)
    wire.at(2.3).says(wire.event(5) + wire.answer() + wire.event(6))
    wire.at(2.4).tells(7)
    heard = [getattr(event, "state", "set") for event in wire.heard]
    assert heard == ["0", "1", "2", "set", "3", "4", "5", "6", "7"]


def test_an_event_that_is_reported_late_keeps_its_place() -> None:
    wire = TimedWire()
    late = wire.at(1).event(3)
    wire.at(3).tells(0)
    wire.at(4).says(wire.event(1) + wire.event(2) + late)
    wire.at(4.1).answers()
    assert [getattr(event, "state", "set") for event in wire.heard] == ["0", "1", "2", "3"]


def test_an_answer_to_a_question_from_before_the_step_does_not_decide() -> None:
    wire = TimedWire()
    wire.at(1).tells()
    wire.session.tick(105.0)  # asks
    before = b"Response: Success\r\nPing: Pong\r\nTimestamp: %s\r\n\r\n" % wire.at(5.001).stamp()
    wire.asked()
    wire.ahead = -3600.0
    assert wire.at(5.01).tells() == []
    assert (wire.says(before), wire.asked()) == ([], True)
    assert (kinds(wire.at(5.02).answers()), steps(wire.heard)) == (["ClockStepped", "Newstate"], [-3600.0])


@pytest.mark.parametrize("are_named", [True, False])
def test_an_answer_belongs_to_its_question_though_two_were_asked(are_named: bool) -> None:
    """We were behind with reading: an exchange that still talked was asked again."""
    wire = TimedWire()
    wire.asked()
    wire.at(1).tells()
    answers = []
    for second in (5, 10):
        wire.session.tick(100.0 + second)
        name = wire.session.data_to_send().partition(b"ActionID: ")[2].partition(b"\r\n")[0]
        said = b"Response: Success\r\nActionID: %s\r\nPing: Pong\r\nTimestamp: %s\r\n\r\n"
        stamp = wire.at(second + 0.1).stamp()
        answers.append(said % (name if are_named else b"", stamp))
        wire.at(second + 3).says(b"Event: PeerStatus\r\n\r\n")
    for later, answer in enumerate(answers):
        wire.at(13.5 + later / 10).says(answer)
    assert kinds(wire.at(14).tells()) == ["Newstate"]
    assert wire.at(14.1).answers() == []
    assert steps(wire.heard) == []
    assert wire.session.clock.skew(AT, 114.1) == pytest.approx(14.1)


def test_a_recording_played_faster_has_no_clock_to_be_set() -> None:
    """Its events are by another clock than the answers of whoever plays it."""
    wire = TimedWire()
    for number in range(1, 40):
        wire.ahead = number * 20.0
        wire.tells()
        wire.ahead = 0.0
        wire.now += 0.1
        wire.answers()
    assert (kinds(wire.heard), steps(wire.heard)) == (["Newstate"] * 39, [])


def test_one_that_answers_by_played_time_is_found_out_after_one_step() -> None:
    wire = TimedWire()
    for number in range(1, 40):
        wire.ahead = number * 20.0
        wire.tells()
        wire.now += 0.1
        wire.answers()
    assert (len(steps(wire.heard)), kinds(wire.heard).count("Newstate")) == (1, 39)


def test_what_waited_is_received_when_the_connection_ends() -> None:
    wire = TimedWire()
    wire.at(1).tells()
    wire.ahead = 50.0
    assert wire.at(2).tells() == []
    assert (kinds(wire.session.odd()), wire.session.odd()) == (["Newstate"], [])


@pytest.mark.parametrize("ahead", [0.0, 42.5, -3600.0])
def test_how_far_its_clock_is_ahead_is_known_by_its_answers_alone(ahead: float) -> None:
    wire = TimedWire()
    wire.at(3)
    wire.asked()
    wire.session.tick(105.0)
    wire.at(5.2)
    wire.answers()  # asked at 5, read somewhere until 5.2
    ours = AT + seconds(9 - ahead)
    assert wire.session.clock.skew(ours, 109.0) == pytest.approx(ahead + 0.1)
    wire.at(9).tells()
    assert wire.session.clock.skew(ours, 109.0) == pytest.approx(ahead + 0.1)


# ── what is concluded of the calls ──


def played(step_at: float, by: float, answered_at: float) -> tuple[Monitor, list[Outcome]]:
    """A call that rings from its second second on, is answered, ends 30 s later; the clock is set meanwhile."""
    exchange, monitor = Exchange(), listener()
    caller = exchange.at(0).call()
    (phone,) = exchange.at(1).rings(caller, "PJSIP/101")
    exchange.at(answered_at).answer(caller, phone)
    exchange.at(answered_at + 30).ends(caller, phone)
    events = [
        said for said in decode(Framer().receive(bytes(exchange.connections[0]))) if isinstance(said, e.Event)
    ]
    moment, jump = AT + seconds(step_at), seconds(by)
    before = [event for event in events if event.at is None or event.at < moment]
    after = [msgspec.structs.replace(x, stamp=x.at + jump) for x in events if x.at is not None and x.at >= moment]
    reported = [monitor.feed(EXCHANGE, event) for event in (*before, ClockStepped(moment + jump, jump), *after)]
    return monitor, [outcome for outcome in reported if outcome is not None]


HOUR_ON, HOUR_BACK = 3600.0, -3600.0


@pytest.mark.parametrize(
    ("step_at", "by", "answered_at", "verdict", "rings"),
    [
        (5, HOUR_BACK, 9, "met", 2),
        (5, HOUR_BACK, 18.85, "met", 3),
        (5, HOUR_BACK, 18.95, "unknown", None),
        (5, HOUR_BACK, 19.05, "unknown", None),
        (5, HOUR_BACK, 19.15, "not_met", 4),
        (5, HOUR_ON, 9, "unknown", None),
        (5, HOUR_ON, 25, "not_met", None),
        (5, 5.0, 9, "met", None),
        (5, 1.5, 9, "met", 2),
        (0.5, HOUR_ON, 9, "met", 2),
        (0.5, HOUR_BACK, 19, "not_met", 4),
        (20, HOUR_ON, 9, "met", 2),
        (20, HOUR_BACK, 18.999, "met", 3),
        (20, HOUR_BACK, 19, "not_met", 4),
    ],
)
def test_a_wait_over_a_step_of_the_clock_is_what_it_was_or_is_not_known(
    step_at: float, by: float, answered_at: float, verdict: str, rings: int | None
) -> None:
    monitor, reported = played(step_at, by, answered_at)
    (call,) = [call for outcome in reported for call in outcome.calls]
    (found,) = [x for outcome in reported for x in outcome.findings if x.standard == "answer_by_third_ring"]
    assert (found.verdict, call.rings, call.talked) == (verdict, rings, seconds(30))
    assert call.arrived == AT + seconds(by)
    assert monitor.calls_in_progress(EXCHANGE) == []


def test_the_same_facts_read_back_tell_the_same_call() -> None:
    monitor, reported = played(5, HOUR_BACK, 9)
    facts = [fact for outcome in reported for fact in outcome.facts]
    assert [fact.by for fact in facts if isinstance(fact, f.ClockSet)] == [seconds(HOUR_BACK)]
    again = monitor.retell(EXCHANGE, facts_of(msgspec.json.encode(facts).decode(), {}))
    assert again is not None
    assert [call for outcome in reported for call in outcome.calls] == list(again.calls)


def test_a_call_that_begins_after_the_step_is_none_of_its_business() -> None:
    (call,) = [call for outcome in played(-1, HOUR_ON, 9)[1] for call in outcome.calls]
    assert (call.rings, call.heard, call.rings_estimated, call.arrived) == (2, "full", False, AT + HOUR)


@pytest.mark.parametrize("year", [1970, 9999])
def test_a_clock_of_another_age_makes_no_call_raise(year: int) -> None:
    exchange, monitor = Exchange(), listener()
    exchange.at(0).call()
    at = datetime(year, 6, 1, tzinfo=UTC)
    for said in decode(Framer().receive(bytes(exchange.connections[0]))):
        if isinstance(said, e.Event):
            monitor.feed(EXCHANGE, said)
    for by in (at - AT, AT - at, at - AT, at - AT):
        monitor.feed(EXCHANGE, ClockStepped(at, by))
    assert len(monitor.calls_in_progress(EXCHANGE)) == 1


@pytest.mark.parametrize(("by", "later", "is_told"), [(0.02, 4.9, True), (0.6, 1.0, False), (0.0, 20.0, False)])
def test_one_step_that_two_callmons_received_is_reported_once(by: float, later: float, is_told: bool) -> None:
    """Each asked for the time by itself: what both say of it is not quite the same."""
    first = f.ClockSet("1.1", AT, seconds(3600))
    second = f.ClockSet("1.1", AT + seconds(later), seconds(3600 + by))
    assert takeover._is_stored(second, [f.Held("1.1", AT, "101"), first]) is is_told
    assert takeover._is_stored(f.Held("1.1", AT, "101"), [first]) is False


# ── by another time zone ──


def test_a_timestamp_is_of_the_world_and_of_no_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk's Timestamp counts seconds since 1970: where its clock hangs, or ours, is of no matter."""
    here = [call for outcome in played(20, 1.5, 9)[1] for call in outcome.calls]
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert [call for outcome in played(20, 1.5, 9)[1] for call in outcome.calls] == here
    finally:
        monkeypatch.undo()
        time.tzset()
