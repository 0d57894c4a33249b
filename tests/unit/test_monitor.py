"""All of the reasoning in one place: restarts of callmon, changes of configuration, several exchanges."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.framing import Framer
from callmon.config.settings import example
from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import Endpoints
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.tools.replay import Replay, chunks
from tests.support.ami_builders import MORNING, Exchange, left, listener, settings
from tests.support.examples import examples
from tests.unit.test_listing import Plan, plans, written, wrong


def heard(replay: Replay, data: bytes) -> list[Outcome]:
    return list(replay.connection(chunks(io.BytesIO(data))))


def daemon(every_call: bool = False) -> Monitor:
    return Monitor(example(), "toronto", every_call=every_call, token=str)


def fed(made: Monitor, data: bytes, exchange: str = "toronto") -> list[Outcome]:
    outcomes = []
    for message in Framer().receive(data):
        event = decoding.event(message)
        if isinstance(event, e.Event):
            outcomes.append(made.feed(exchange, event))
    return [outcome for outcome in outcomes if outcome is not None]


def restarted(plan: Plan, begun: float, length: float) -> list[dict[str, Any]]:
    """callmon itself stops at `begun`; the next one takes the calls up by their stored facts."""
    script = written(plan)
    script.play((begun, begun + length))
    before, after = map(bytes, script.exchange.connections)
    first = Replay(listener(), "toronto")
    reported: dict[str, list[Fact]] = {}
    for outcome in heard(first, before):
        for fact in outcome.facts:
            reported.setdefault(fact.call, []).append(fact)
    over = {call.call for call in first.ended}
    second = Replay(listener(), "toronto")
    second.findings = {call: list(found) for call, found in first.findings.items()}
    given = {call: [finding.standard for finding in found] for call, found in first.findings.items()}
    upto = MORNING + timedelta(seconds=begun)
    open_calls = {call: facts for call, facts in reported.items() if call not in over}
    second.monitor.restore("toronto", upto, open_calls, {call: given.get(call, []) for call in open_calls})
    heard(second, after)
    assert left(second) == (0, 0, 0, 0)
    return [call for call in first.calls() if call["call"] in over] + second.calls()


@effort(max_examples=examples(200), deadline=None)
@given(plan=plans, start=st.integers(0, 900), length=st.sampled_from([0.5, 4.0, 30.0]))
def test_a_restart_of_callmon_under_a_call_misleads_nobody(plan: Plan, start: int, length: float) -> None:
    script = written(plan)
    script.play()
    (true,) = script.exchange.calls()
    begun = start / 10 + 0.05
    calls = restarted(plan, begun, length)
    assert [wrong(call, true) for call in calls] == [[]]
    (call,) = calls
    assert sorted(call["verdicts"]) == sorted(true["verdicts"])


@effort(max_examples=examples(100), deadline=None)
@given(plan=plans)
def test_the_stored_facts_of_a_call_tell_the_same_call_again(plan: Plan) -> None:
    script = written(plan)
    script.play()
    replay = Replay(listener(), "toronto")
    facts = [fact for outcome in heard(replay, bytes(script.exchange.connections[0])) for fact in outcome.facts]
    (call,) = replay.ended
    account = CallAccount(facts[0], None, call.cycle, call.in_hours)  # type: ignore[arg-type]
    for fact in facts[1:]:
        account.record_fact(fact)
    assert account.call() == call


def answered(exchange: Exchange, number: str, trunk: str = "PJSIP/trunk", **more: Any) -> None:
    caller = exchange.call(number, trunk, **more)
    phone = exchange.rings(caller, "PJSIP/102")[0]
    exchange.at(exchange.now + 3).answer(caller, phone)
    exchange.at(exchange.now + 6).ends(caller, phone)


def test_the_daemon_counts_calls_of_no_line_and_tells_nothing_of_them() -> None:
    exchange = Exchange()
    answered(exchange, "102", "PJSIP/101", caller="101")
    answered(exchange, "4165559999")
    made = daemon()
    assert fed(made, bytes(exchange.connections[0])) == []
    assert made.others == {"inbound": 1, "outbound": 0, "internal": 1, "stranger": 0}


def test_calls_in_progress_are_counted_by_line_and_state() -> None:
    exchange = Exchange()
    made = daemon()

    def counts() -> dict[tuple[str, str], int]:
        data, exchange.connections[0] = bytes(exchange.connections[0]), bytearray()
        fed(made, data)
        return made.count_in_progress()

    caller = exchange.at(0).call()
    assert counts() == {("general", "arriving"): 1}
    exchange.at(0.1).menu(caller)
    assert counts() == {("general", "menu"): 1}
    phone = exchange.at(9).rings(caller, "PJSIP/101")[0]
    assert counts() == {("general", "ringing"): 1}
    exchange.at(12).answer(caller, phone)
    assert counts() == {("general", "talking"): 1}
    exchange.at(13).event("Hold", **exchange._of(phone))
    assert counts() == {("general", "held"): 1}
    exchange.at(14).event("Unhold", **exchange._of(phone))
    exchange.at(15).call(caller="9055550102")
    assert counts() == {("general", "talking"): 1, ("general", "arriving"): 1}
    exchange.at(20).ends(caller, phone)
    assert counts() == {("general", "arriving"): 1}


def test_a_change_of_configuration_keeps_the_calls_in_progress() -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    phone = exchange.at(0.1).rings(caller, "PJSIP/101")[0]
    older, newer = (
        daemon(),
        Monitor(settings(more="[standards.answer_by_third_ring]\nrings = 1"), "toronto", token=str),
    )
    fed(older, bytes(exchange.connections[0]))
    newer.adopt(older)
    exchange.connections[0].clear()
    exchange.at(8).answer(caller, phone)
    exchange.at(9).ends(caller, phone)
    outcomes = fed(newer, bytes(exchange.connections[0]))
    findings = {finding.standard: finding.verdict for outcome in outcomes for finding in outcome.findings}
    assert findings["answer_by_third_ring"] == "not_met"
    assert [call.outcome for outcome in outcomes for call in outcome.calls] == ["answered"]


def test_a_changed_configuration_keeps_the_learned_and_heeds_the_new() -> None:
    ours = Endpoints(trunks=("PJSIP/trunk*",))
    ours.learn("PJSIP/carrier-00000001", outside=True)
    ours.learn("PJSIP/gate-00000001", outside=True)
    assert ours.is_outside_caller("PJSIP/trunk-00000001", "") is True
    theirs = Endpoints(phones=("PJSIP/gate",))
    theirs.keep(ours)
    callers = ("PJSIP/carrier-9", "PJSIP/gate-9", "PJSIP/trunk-9")
    assert [theirs.is_outside_dialled(caller, "x") for caller in callers] == [True, False, False]


def test_an_exchange_is_unheard_until_its_first_listing_is_whole() -> None:
    exchange = Exchange()
    made = daemon()
    fed(made, bytes(exchange.connections[0]))
    assert made.exchanges["toronto"].tracker.state.is_unheard is True
    with exchange.unheard(3):
        pass
    fed(made, bytes(exchange.connections[-1]))
    assert made.exchanges["toronto"].tracker.state.is_unheard is False
    made.feed("toronto", e.ConnectionLost(None))
    assert made.exchanges["toronto"].tracker.state.is_unheard is True


def test_one_gap_is_reported_once() -> None:
    exchange = Exchange()
    exchange.at(1).call()
    with exchange.unheard(8):
        pass
    exchange.at(9).list_channels()
    gaps = [
        gap
        for outcome in heard(Replay(listener(), "toronto"), bytes(exchange.connections[0]))
        for gap in outcome.gaps
    ]
    assert gaps == []
    replay = Replay(listener(), "toronto")
    reported = [
        gap for data in exchange.connections for outcome in heard(replay, bytes(data)) for gap in outcome.gaps
    ]
    assert [gap.length for gap in reported] == [timedelta(seconds=7)]
