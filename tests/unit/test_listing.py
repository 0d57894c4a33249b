"""What a gap hides, and what the listing after it can settle: never a wrong verdict.

The oracle is the same call heard throughout: what callmon says after a gap is that, or less.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.support.ami_builders import BANNER, MORNING, Channel, Exchange, judged, left, replayed
from tests.support.examples import examples

Step = tuple[float, Callable[[], None]]


class Script:
    """A call as steps in time, to be played with and without a gap."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.steps: list[Step] = []
        self.now = 0.0
        self.caller: Channel
        self.phones: list[Channel] = []

    def after(self, seconds: float, step: Callable[[], None]) -> None:
        self.now = round(self.now + seconds, 3)
        self.steps.append((self.now, step))

    def play(self, *gaps: tuple[float, float]) -> None:
        exchange, waiting = self.exchange, list(self.steps)

        def upto(end: float | None) -> None:
            while waiting and (end is None or waiting[0][0] < end):
                at, step = waiting.pop(0)
                exchange.at(at)
                step()

        for start, end in gaps:
            upto(start)
            exchange.at(start).event("PeerStatus", Peer="PJSIP/9")  # the last that was heard
            with exchange.unheard(end):
                upto(end)
        upto(None)

    # What may happen.

    def arrives(self) -> None:
        def step() -> None:
            self.caller = self.exchange.call()

        self.after(0, step)

    def menu(self, seconds: float) -> None:
        self.after(0.1, lambda: self.exchange.menu(self.caller))
        self.now += seconds

    def dial(self, *endpoints: str, ring: bool = True) -> None:
        def step() -> None:
            self.phones = [self.exchange.dial(self.caller, endpoint) for endpoint in endpoints]

        self.after(0.1, step)
        if ring:
            self.after(0.1, lambda: self.exchange.ring(self.caller, *self.phones))

    def stop(self, seconds: float, status: str = "NOANSWER") -> None:
        def step() -> None:
            for phone in self.phones:
                self.exchange.stop(self.caller, phone, status, {"BUSY": 17, "CHANUNAVAIL": 20}.get(status, 0))
            self.phones = []

        self.after(seconds, step)

    def answer(self, seconds: float, talk: float = 20) -> None:
        def step() -> None:
            self.exchange.answer(self.caller, *self.phones)

        self.after(seconds, step)
        self.after(talk, lambda: self.exchange.ends(self.caller, self.phones[0]))

    def give_up(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.gives_up(self.caller, self.caller, *self.phones))

    def voicemail(self, message: bool, seconds: float = 15) -> None:
        self.after(0.02, lambda: self.exchange.voicemail(self.caller))
        if message:
            self.after(seconds, lambda: self.exchange.message(self.caller))
        self.after(seconds, lambda: self.exchange.ends(self.caller))

    def queue(self, seconds: float = 0.5) -> None:
        def up() -> None:
            self.caller.answered = self.exchange.now
            self.exchange.up(self.caller, "queue")

        self.after(0.1, up)
        self.after(seconds, lambda: self.exchange.queue(self.caller))

    def leave_queue(self) -> None:
        self.after(0.01, lambda: self.exchange.leave_queue(self.caller))

    def hang_up(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.hangup(self.caller))

    def end_by_caller(self, seconds: float) -> None:
        self.after(seconds, lambda: self.exchange.ends(self.caller))


class Plan(NamedTuple):
    """Drawn once, played several times."""

    menu: float | None
    queue: bool
    stages: tuple[tuple[int, str, float], ...]  # phones, how they take it, for how long
    last: str
    wait: float
    message: bool


tenths = st.integers(26, 300).map(lambda number: number / 10)
# A phone that rang and stopped within the two seconds after the arrival is taken to be the first that rang.
seconds = st.one_of(st.sampled_from([2.6, 5.9, 12.0, 17.9, 18.1, 24.02]), tenths)
plans = st.builds(
    Plan,
    menu=st.one_of(st.none(), seconds),
    queue=st.booleans(),
    stages=st.lists(
        st.tuples(st.integers(1, 2), st.sampled_from(["ring", "ring", "BUSY", "CHANUNAVAIL", "silence"]), seconds),
        max_size=3,
    ).map(tuple),
    last=st.sampled_from(["answer", "answer", "give up", "voicemail", "hang up", "menu"]),
    wait=seconds,
    message=st.booleans(),
)


def written(plan: Plan) -> Script:
    script = Script(Exchange())
    script.arrives()
    if plan.menu is not None:
        script.menu(plan.menu)
    if plan.queue:
        script.queue()
    for phones, how, length in plan.stages:
        names = [f"PJSIP/10{n + 1}" for n in range(phones)]
        script.dial(*names, ring=how == "ring")
        script.stop(0.1 if how in ("BUSY", "CHANUNAVAIL") else length, how if how.isupper() else "NOANSWER")
    match plan.last:
        case "answer":
            script.dial("PJSIP/104", "PJSIP/105")
            script.answer(plan.wait)
        case "give up":
            script.dial("PJSIP/104")
            script.give_up(plan.wait)
        case "voicemail":
            if plan.queue:
                script.leave_queue()
            script.voicemail(plan.message)
        case "menu":
            script.end_by_caller(plan.wait)
        case _:
            script.hang_up(plan.wait)
    return script


def heard(
    plan: Plan, *gaps: tuple[float, float], from_the_start: bool = True, answers: bool = True
) -> list[dict[str, Any]]:
    script = written(plan)
    script.exchange.tells_answers = answers
    script.play(*gaps)
    connections = [bytes(data) for data in script.exchange.connections]
    replay = replayed(*(connections if from_the_start else connections[1:]))
    assert left(replay) == (0, 0, 0, 0)
    return replay.calls()


VOICEMAIL = {"voicemail_message", "voicemail_no_message"}


def wrong(reported: dict[str, Any], true: dict[str, Any]) -> list[Any]:
    """What is told after a gap and is not true."""
    found: list[Any] = []
    for standard, verdict in true["verdicts"].items():
        said = reported["verdicts"].get(standard)
        if said not in (verdict, "unknown"):
            found.append((standard, said, verdict, reported["reasons"].get(standard)))
    outcome = reported["outcome"]
    fits = outcome in (true["outcome"], "unknown") or (outcome == "voicemail" and true["outcome"] in VOICEMAIL)
    if not fits:
        found.append(("outcome", outcome, true["outcome"]))
    if reported["rings"] not in (true["rings"], None):
        found.append(("rings", reported["rings"], true["rings"]))
    if reported["answered_by"] not in (true["answered_by"], None):
        found.append(("answered_by", reported["answered_by"], true["answered_by"]))
    if reported["answered"] not in (true["answered"], None):
        found.append(("answered", reported["answered"], true["answered"]))
    if reported["language"] not in (true["language"], None):
        found.append(("language", reported["language"], true["language"]))
    return found


@effort(max_examples=examples(250), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([0.5, 1.5, 4.0, 10.0, 30.0, 90.0]))
def test_after_a_gap_nothing_is_reported_that_the_whole_call_denies(plan: Plan, start: int, length: float) -> None:
    (true,) = heard(plan)
    begun = start / 10 + 0.05
    calls = heard(plan, (begun, begun + length))
    assert [(call["call"], wrong(call, true)) for call in calls] == [(true["call"], [])]


@effort(max_examples=examples(250), deadline=None)
@given(plan=plans, start=st.integers(0, 900))
def test_a_call_joined_in_the_middle_is_reported_as_it_was_or_less(plan: Plan, start: int) -> None:
    (true,) = heard(plan)
    begun = start / 10 + 0.05
    calls = heard(plan, (-1.0, begun), from_the_start=False)
    is_up = begun < (datetime.fromisoformat(true["ended"]) - MORNING).total_seconds()
    assert [(call["call"], wrong(call, true)) for call in calls] == [(true["call"], [])] * is_up


@effort(max_examples=examples(150), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([1.5, 4.0, 10.0, 30.0]))
def test_an_exchange_that_tells_no_times_of_answers_misleads_nobody(plan: Plan, start: int, length: float) -> None:
    (true,) = heard(plan)
    begun = start / 10 + 0.05
    (call,) = heard(plan, (begun, begun + length), answers=False)
    assert wrong(call, true) == []


@effort(max_examples=examples(150), deadline=None)
@given(plan=plans, cuts=st.lists(st.integers(0, 900), min_size=4, max_size=4, unique=True))
def test_two_gaps_in_one_call_lead_to_nothing_wrong(plan: Plan, cuts: list[int]) -> None:
    (true,) = heard(plan)
    one, two, three, four = (cut / 10 + 0.05 for cut in sorted(cuts))
    (call,) = heard(plan, (one, two), (three, four))
    assert wrong(call, true) == []


@effort(max_examples=examples(150), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([1.5, 4.0, 10.0, 30.0]))
def test_an_exchange_that_started_anew_lost_its_calls(plan: Plan, start: int, length: float) -> None:
    script = written(plan)
    begun = start / 10 + 0.05
    script.play()
    (whole,) = replayed(bytes(script.exchange.connections[0])).calls()

    script = written(plan)
    done = [step for step in script.steps if step[0] < begun]
    remaining = len(script.steps) - len(done)
    script.steps = done
    exchange = script.exchange
    script.play()
    exchange.at(begun).event("PeerStatus", Peer="PJSIP/9")
    with exchange.unheard(begun + length):
        exchange.at(begun + length / 2).restart()
    replay = exchange.replayed()
    (call,) = replay.calls()
    assert left(replay) == (0, 0, 0, 0)
    outcome = left_as(plan, remaining)
    assert call["outcome"] == (outcome if remaining else whole["outcome"])
    assert remaining > 0 or call == whole
    assert outcome == "lost" or wrong(call, whole) == []


def left_as(plan: Plan, remaining: int) -> str:
    """What had come of the call when that many of its steps were not taken."""
    match plan.last, plan.message, remaining:
        case "answer", _, 1:
            return "answered"
        case ("voicemail", True, 2) | ("voicemail", False, 1):
            return "voicemail"
        case "voicemail", True, 1:
            return "voicemail_message"
    return "lost"


def test_a_listing_that_comes_again_changes_nothing() -> None:
    def reported(times: int) -> list[dict[str, Any]]:
        script = written(Plan(3.0, False, ((2, "ring", 12.0),), "answer", 5.0, False))
        script.play()
        whole, script = script.now, written(Plan(3.0, False, ((2, "ring", 12.0),), "answer", 5.0, False))
        again = [(second + 0.05, script.exchange.list_channels) for second in range(int(whole) + 2)] * times
        script.steps = sorted([*script.steps, *again], key=lambda step: step[0])
        script.play()
        return script.exchange.calls()

    assert reported(1) == reported(0)
    assert reported(3) == reported(0)


def test_a_channel_that_hung_up_while_the_listing_came_is_not_found_again() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.at(1).rings(caller, "PJSIP/101")[0]
    with exchange.unheard(3):
        exchange.at(2).answer(caller, phone)
    data = bytes(exchange.connections[-1])
    head, sep, tail = data.partition(b"Event: StatusComplete")
    exchange.connections[-1] = bytearray(head)
    exchange.at(3.1).ends(caller, phone)
    exchange.write(sep + tail)
    replay = exchange.replayed()
    (call,) = replay.calls()
    assert (call["outcome"], call["verdicts"]["answer_by_third_ring"]) == ("unknown", "unknown")
    assert left(replay) == (0, 0, 0, 0)


def test_a_call_that_begins_while_the_listing_comes_is_reported_once() -> None:
    exchange = Exchange()
    with exchange.unheard(3):
        pass
    exchange.connections[-1] = bytearray(BANNER)
    caller = exchange.at(3).call()
    exchange.list_channels()
    phone = exchange.at(4).rings(caller, "PJSIP/101")[0]
    exchange.list_channels()
    exchange.at(9).answer(caller, phone)
    exchange.at(20).ends(caller, phone)
    call = exchange.one()
    assert (call["outcome"], call["rings"], call["heard"]) == ("answered", 1, "full")


@pytest.mark.parametrize("phase", ["before ringing", "ringing", "menu", "queue", "voicemail", "talking"])
def test_a_call_with_an_unreceived_end_is_unknown_unless_settled_before(phase: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1)
    match phase:
        case "ringing":
            exchange.rings(caller, "PJSIP/101")
        case "menu":
            exchange.menu(caller)
        case "queue":
            exchange.up(caller, "queue")
            exchange.queue(caller)
        case "voicemail":
            exchange.voicemail(caller)
        case "talking":
            exchange.answer(caller, exchange.rings(caller, "PJSIP/101")[0])
    exchange.at(5).event("PeerStatus", Peer="PJSIP/9")
    with exchange.unheard(60):
        exchange.channels.clear()
    call = exchange.one()
    assert (call["outcome"], call["ended"]) == ("answered" if phase == "talking" else "unknown", None)
    # `0` in the greeting may have led to a person; voicemail took the call all the same.
    third = {"talking": "met", "voicemail": "not_met"}.get(phase, "unknown")
    reached = {"talking": "met"}.get(phase, "unknown")
    assert (judged(call)[0], judged(call, "reach_a_person")[0]) == (third, reached)
    assert call["gaps"] == [{"start": "2026-11-24T14:00:05.000000Z", "end": "2026-11-24T14:01:00.000000Z"}]


def test_an_answer_in_a_long_gap_without_time_has_unknown_promptness() -> None:
    exchange = Exchange()
    exchange.tells_answers = False
    caller = exchange.at(0).call()
    phone = exchange.at(1).rings(caller, "PJSIP/101")[0]
    with exchange.unheard(30):
        exchange.at(8.25).answer(caller, phone)
    exchange.at(40).ends(caller, phone)
    call = exchange.one()
    assert (call["outcome"], call["rings"], call["answered"]) == ("answered", None, None)
    assert (judged(call)[0], judged(call, "reach_a_person")[0]) == ("unknown", "met")


def test_a_ring_joined_midway_is_reported_if_earliest_and_latest_agree() -> None:
    reported = []
    for wait in (10.0, 6.1):  # after a start between second 0 and the listing at 3
        exchange = Exchange()
        with exchange.unheard(3):
            caller = exchange.at(0.2).call()
            phone = exchange.at(0.4).rings(caller, "PJSIP/101")[0]
        exchange.at(0.4 + wait).answer(caller, phone)
        exchange.at(40).ends(caller, phone)
        (call,) = replayed(bytes(exchange.connections[-1])).calls()
        reported.append((call["rings"], call["rings_estimated"], judged(call | {"keys": {}})[0]))
    assert reported == [(2, True, "met"), (None, True, "met")]


@effort(max_examples=examples(150), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.floats(1, 20), late=st.sampled_from([0.3, 3.0]))
def test_what_is_received_before_a_late_listing_misleads_nobody(
    plan: Plan, start: int, length: float, late: float
) -> None:
    (true,) = heard(plan)
    script, begun = written(plan), start / 10 + 0.05
    exchange, listing = script.exchange, script.exchange.list_channels
    exchange.list_channels = lambda: None  # type: ignore[method-assign]
    script.steps = sorted([*script.steps, (begun + length + late, listing)], key=lambda step: step[0])
    script.play((begun, begun + length))
    replay = exchange.replayed()
    assert [wrong(call, true) for call in replay.calls()] == [[]]
    assert left(replay) == (0, 0, 0, 0)


@effort(max_examples=examples(150), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([1.5, 4.0, 10.0]))
def test_a_gap_after_which_no_listing_comes_misleads_nobody(plan: Plan, start: int, length: float) -> None:
    (true,) = heard(plan)
    script, begun = written(plan), start / 10 + 0.05
    script.exchange.list_channels = lambda: None  # type: ignore[method-assign]
    script.play((begun, begun + length))
    for call in script.exchange.calls():
        assert wrong(call, true | {"verdicts": {k: true["verdicts"][k] for k in call["verdicts"]}}) == []


def test_channels_that_vanish_in_a_gap_are_forgotten() -> None:
    exchange = Exchange()
    exchange.new("PJSIP/101", 0, "s")
    exchange.new("Local/1@a-0;1", 0, "s")
    exchange.at(1).new("PJSIP/103", 4, "*98", caller="103")
    with exchange.unheard(5):
        exchange.channels.clear()
    assert left(exchange.replayed()) == (0, 0, 0, 0)


def sent_to_voicemail_in_a_gap(is_answered: bool) -> Exchange:
    """Nobody hears of the call until it is in voicemail; then a message is left."""
    exchange = Exchange()
    exchange.at(1).event("PeerStatus", Peer="PJSIP/9")
    with exchange.unheard(20):
        caller = exchange.at(2).call()
        phone = exchange.at(3).rings(caller, "PJSIP/101")[0]
        if is_answered:
            exchange.at(6).answer(caller, phone)
            exchange.at(8).hangup(phone)
        else:
            exchange.at(8).stop(caller, phone)
        exchange.at(9).voicemail(caller)
    exchange.at(40).message(caller)
    exchange.gives_up(caller)
    return exchange


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_message_is_due_though_a_person_may_have_answered_unreceived(is_answered: bool) -> None:
    replay = sent_to_voicemail_in_a_gap(is_answered).replayed()
    (call,) = replay.calls()
    assert (call["outcome"], call["answered_by"], call["rings"]) == ("unknown", None, None)
    assert call["voicemail"] == {"mailbox": "500", "rings": None, "message": True}
    assert set(call["verdicts"].values()) == {"unknown"}
    (one,) = replay.monitor.ledger.index
    assert (one.opening, one.state) == ("message", "open")


def test_whether_a_message_was_left_is_checked_for_unknown_outcomes() -> None:
    exchange = sent_to_voicemail_in_a_gap(is_answered=False)
    with exchange.unheard(60):
        pass
    replay = exchange.replayed()
    assert [call["outcome"] for call in replay.calls()] == ["unknown"]
    exchange = Exchange()
    exchange.at(1).event("PeerStatus", Peer="PJSIP/9")
    with exchange.unheard(20):
        caller = exchange.at(2).call()
        exchange.at(9).voicemail(caller)
    with exchange.unheard(60):
        exchange.at(50).gives_up(caller)
    replay = exchange.replayed()
    (call,) = replay.calls()
    assert (call["outcome"], call["voicemail"]["message"]) == ("unknown", None)
    (one,) = replay.monitor.ledger.index
    assert (one.opening, one.state) == ("unheard", "open")


@pytest.mark.parametrize("phones", [("PJSIP/trunk",), ("PJSIP/trunk", "PJSIP/102")])
def test_a_mobile_ringing_for_a_listed_caller_was_not_called_before(phones: tuple[str, ...]) -> None:
    exchange = Exchange()
    with exchange.unheard(5.0):
        exchange.at(1)
        caller = exchange.call()
        exchange.at(1.1)
        rung = [exchange.dial(caller, phone, dial_string="6475550190@trunk") for phone in phones]
        exchange.ring(caller, *rung)
    exchange.at(13)
    for phone in rung:
        exchange.stop(caller, phone)
    exchange.voicemail(caller)
    exchange.at(30).message(caller)
    exchange.ends(caller)
    reported = [
        (call["direction"], call["call"], call["outcome"], call["heard"]) for call in exchange.replayed().calls()
    ]
    assert reported == [("inbound", caller.uniqueid, "voicemail_message", "partly")]
