"""Click-to-dial: recorded in every layout, whole and with a gap anywhere; and in any order that Asterisk may tell.

CALLMON_CUTS=300 .venv/bin/python -m pytest tests/recordings/test_clicked.py      more gaps in each recorded call
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from callmon.config.schema import CallbackRules
from callmon.core import facts as f
from callmon.core.callbacks.outbound_call import TrackedOutboundCall
from callmon.core.calls.endpoints import is_number
from callmon.core.facts import Fact
from tests.lab.recordings import cut
from tests.recordings.test_cel import reported as by_cel
from tests.recordings.test_cel import rows_of
from tests.support.ami_builders import Channel, Exchange, replayed
from tests.support.cut_recordings import Recording, known_after_a_cut, known_after_a_kill
from tests.support.environment import GIVEN
from tests.unit.test_unusual_calls import ABROAD, reported

RECORDINGS = Path(__file__).parents[1] / "recordings"
RUNS = ("run-22-clicked", "run-16-clicked")
CUTS = int(GIVEN.get("CALLMON_CUTS", "8"))  # of a call
SEED = 3
# A listing does not tell the number, or (of chan_sip, which no configuration names) not that the trunk is one.
UNLISTED = ("click_phone_to_application", "click_local_to_application", "click_number_in_variable", "click_sip_")


@lru_cache
def made(run: str) -> tuple[dict[str, Any], ...]:
    calls: list[dict[str, Any]] = json.loads((RECORDINGS / f"{run}.truth.json").read_text(encoding="utf-8"))
    return tuple(calls)


def number(call: dict[str, Any]) -> str:
    """What the person outside is called by: the agent dials a 9 first."""
    return str(call["dialled"]).removeprefix("9")


CLICKED = [(run, n) for run in RUNS for n, call in enumerate(made(run)) if call["situation"].startswith("click_")]


@pytest.mark.parametrize("run", RUNS)
def test_a_recorded_click_dials_its_number_from_the_agents_phone(run: str) -> None:
    said = {call["call"]: call for call in replayed((RECORDINGS / f"{run}.ami").read_bytes()).calls()}
    clicks = [call for call in made(run) if call["expect"].get("direction") == "outbound"]
    assert len(clicks) == {"run-22-clicked": 45, "run-16-clicked": 12}[run]
    known = [said[call["linkedid"]] for call in clicks]
    assert [(x["dialled"], x["caller"]) for x in known] == [(number(x), x["caller"]) for x in clicks]
    phones = [x["caller_channel"].partition("/")[2].partition("-")[0] for x in known]
    assert phones == [x["caller"] for x in clicks]


def test_cel_alone_tells_each_click_as_it_was_made() -> None:
    known = by_cel(rows_of(RECORDINGS / "run-22-clicked.cel.csv"))
    for call in made("run-22-clicked"):
        facts = known.get(call["linkedid"], [])
        arrivals = [fact for fact in facts if isinstance(fact, f.Arrived)]
        by = [fact.phone for fact in facts if isinstance(fact, f.Answered)]
        expect = call["expect"]
        directions = [] if expect["direction"] is None else [expect["direction"]]
        assert [fact.direction for fact in arrivals] == directions, call["situation"]
        assert {fact.dialled for fact in arrivals} <= {number(call), call["dialled"]}
        assert by == ([expect["answered_by"]] if expect.get("outcome") == "answered" else []), call["situation"]


def callback(known: Iterable[Fact], whom: str) -> str:
    """What the calls out to this number amount to, for somebody who waits."""
    calls: dict[str, TrackedOutboundCall] = {}
    for fact in known:
        if isinstance(fact, f.Arrived) and fact.direction == "outbound" and is_number(fact.dialled):
            assert fact.dialled[-len(whom) :] == whom
            calls.setdefault(fact.call, TrackedOutboundCall("toronto", fact.call, whom, ""))
        if fact.call in calls:
            calls[fact.call].hear(fact, CallbackRules())
    assert len(calls) <= 1
    return next(
        ("paid" if one.is_paid else "attempt" if one.attempt else "open" for one in calls.values()), "none"
    )


@pytest.mark.parametrize(("run", "n"), CLICKED)
def test_a_click_with_a_gap_settles_what_was_received_and_nothing_else(run: str, n: int) -> None:
    call = made(run)[n]
    heard = Recording.of(cut((RECORDINGS / f"{run}.ami").read_bytes(), call["linkedid"]))
    end = len(heard.blocks) + 1
    pairs = [(i, j) for i in range(heard.first, end) for j in range(i, end)]
    for begin, listed in random.Random(SEED).sample(pairs, min(CUTS, len(pairs))):
        for known in (known_after_a_cut, known_after_a_kill):
            said = callback(known(heard.before(begin), heard.after(listed, listed, ())), number(call))
            assert said in may_be(call, heard, begin, listed), (call["situation"], known.__name__, begin, listed)


def may_be(call: dict[str, Any], heard: Recording, begin: int, listed: int) -> set[str]:
    expect = call["expect"]
    if expect.get("direction") != "outbound":
        return {"none"}
    if expect["outcome"] != "answered":
        return {"none", "open", "attempt"} if expect["outcome"] == "no_answer" else {"none", "open"}
    since, until = heard.times[max(begin - 1, heard.first)], heard.times[min(listed, len(heard.times) - 1)]
    first = heard.heads[heard.first]["Linkedid"]  # once it is optimised away nothing shows that it was originated
    is_gone = first not in heard.shown[listed - 1]
    hidden = float(until) - float(since) >= 10.0 or is_gone or call["situation"].startswith(UNLISTED)
    return {"none", "open", "attempt", "paid"} if hidden else {"paid"}


def test_a_mobile_dialled_for_a_caller_is_no_click_between_two_dials() -> None:
    """A channel that dials is named, but not known yet: that is no Originate, which has none."""
    heard = Recording.of((RECORDINGS / "confirm_refused.ami").read_bytes())
    first, mobile = (n for n, head in enumerate(heard.heads) if head.get("Event") == "DialBegin")
    known = known_after_a_cut(heard.before(0), heard.after(first + 1, mobile + 1, ()))
    caller = heard.heads[heard.first]["Uniqueid"]
    assert [(fact.call, fact.direction) for fact in known if isinstance(fact, f.Arrived)] == [(caller, "inbound")]
    assert {fact.call for fact in known} == {caller}


# Local channels are dialled by several threads at once, and what they say may come in any order.


def local(exchange: Exchange, name: str, linkedid: str = "") -> tuple[Channel, Channel]:
    """The two halves of a Local channel."""
    one = exchange.new(f"Local/{name}-00000001;1", 0, "s", linkedid)
    two = exchange.new(f"Local/{name}-00000001;2", 4, "s", one.linkedid)
    halves = {"LocalOne": one, "LocalTwo": two}
    exchange.event("LocalBridge", **{f"{which}{key}": value for which, half in halves.items()
                                     for key, value in exchange._of(half).items()})  # fmt: skip
    return one, two


def dials(exchange: Exchange, source: Channel | None, channel: Channel, string: str) -> None:
    exchange._dial("DialBegin", source, channel, DialString=string)


def rings_agent(exchange: Exchange, late: bool) -> tuple[Channel, Channel, Channel]:
    """Originate through two Local channels: the first one, and the second's half that dials, and the phone."""
    first, runs = local(exchange, "313@click")
    inner, inner_runs = local(exchange, "313@member", first.linkedid)
    agent = exchange.new("PJSIP/313", 0, "s", first.linkedid, caller="313")
    if not late:
        dials(exchange, None, first, "313@click")
        dials(exchange, runs, inner, "313@member")
    dials(exchange, inner_runs, agent, "313")
    if late:
        dials(exchange, runs, inner, "313@member")
        dials(exchange, None, first, "313@click")
    exchange.at(-0.2).answer(inner_runs, agent)
    exchange._dial("DialEnd", runs, inner, DialStatus="ANSWER")
    exchange.join(runs, inner)
    exchange._dial("DialEnd", None, first, DialStatus="ANSWER")
    exchange.up(first)
    return first, inner_runs, agent


@pytest.mark.parametrize("late_outside", [False, True])
@pytest.mark.parametrize("late_inside", [False, True])
def test_a_click_through_chains_is_one_call_in_any_order_of_dials(late_inside: bool, late_outside: bool) -> None:
    exchange = Exchange()
    first, _, agent = rings_agent(exchange.at(-3.1), late_inside)
    outer, outer_runs = local(exchange.at(-0.1), "94165550101@out", first.linkedid)
    far = exchange.new("PJSIP/trunk", 0, "s", first.linkedid)
    if not late_outside:
        dials(exchange, first, outer, "94165550101@out/n")
    dials(exchange, outer_runs, far, ABROAD)
    if late_outside:
        dials(exchange, first, outer, "94165550101@out/n")
    exchange.at(0).ring(outer_runs, far)
    exchange.at(8).answer(outer_runs, far)
    exchange.answer(first, outer)
    exchange.at(20).ends(*reversed(list(exchange.channels.values())))
    assert reported(exchange) == [("outbound", None, "answered", 2, "outside")]
    call = exchange.one()
    assert (call["dialled"], call["caller"], call["caller_channel"]) == ("4165550101", "313", agent.name)
    assert call["answered"] == "2026-11-24T14:00:08.000000Z"


def test_a_click_with_no_number_in_its_extension_dials_as_its_trunk() -> None:
    exchange = Exchange()
    first, _, _ = rings_agent(exchange.at(-3.1), late=False)
    outer, outer_runs = local(exchange.at(-0.1), "s@out", first.linkedid)
    dials(exchange, first, outer, "s@out/n")
    far = exchange.dial(outer_runs, "PJSIP/trunk", dial_string=ABROAD)
    exchange.at(1).stop(outer_runs, far, "BUSY", 17)
    for channel in list(exchange.channels.values()):
        exchange.at(5).hangup(channel)
    assert reported(exchange) == [("outbound", None, "busy", None, None)]
    assert exchange.one()["dialled"] == "4165550101"


def test_a_click_that_dials_before_the_agent_picks_up_is_no_call() -> None:
    """The dialplan answers the agent's side for an announcement, or voicemail does: nobody knows with whom."""
    exchange = Exchange()
    first, runs = local(exchange.at(-3.1), "313@click")
    dials(exchange, None, first, "313@click")
    exchange._dial("DialEnd", None, first, DialStatus="ANSWER")
    exchange.up(first)
    far = exchange.dial(first, "PJSIP/trunk", dial_string=ABROAD)
    exchange.at(0).ring(first, far)
    (agent,) = exchange.rings(runs, "PJSIP/313")
    exchange.at(3).answer(first, far)
    exchange.at(4).answer(runs, agent)
    exchange.at(20).ends(far, first, runs, agent)
    assert reported(exchange) == []


def test_a_second_phone_that_rings_for_the_agent_is_no_party_of_the_call() -> None:
    exchange = Exchange()
    first, runs = local(exchange.at(-3.1), "313@click")
    dials(exchange, None, first, "313@click")
    desk, soft = exchange.rings(runs, "PJSIP/313", "PJSIP/314")
    exchange.at(-0.2).answer(runs, soft, desk)
    exchange._dial("DialEnd", None, first, DialStatus="ANSWER")
    exchange.up(first)
    far = exchange.at(-0.1).dial(first, "PJSIP/trunk", dial_string=ABROAD)
    exchange.at(0).ring(first, far)
    exchange.at(8).answer(first, far)
    exchange.at(20).ends(far, first, runs, soft)
    assert reported(exchange) == [("outbound", None, "answered", 2, "outside")]
    assert exchange.one()["caller"] == "314"
