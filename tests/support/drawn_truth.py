"""Each fact of a drawn call as told, against the script (what people did) and the wire (what the caller heard)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tests.lab.listener import messages
from tests.lab.model import PlayedSituation
from tests.lab.wire import RING, begins, joined, waited_until, was_up, wire
from tests.support.ami_builders import replayed, settings
from tests.support.daemon_process import round_the_clock
from tests.support.scripted_truth import disagreements, pairs
from tests.support.wire_truth import IN_TIME, NEAR, clock, compared, near_an_edge, with_wait

GRACE = 0.5
EARLY, LATE = 4 * RING - GRACE, 5 * RING + GRACE


VERDICTS = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person")


class Found(NamedTuple):
    """One fact: what is wrong about it; or that callmon says it is unknown."""

    call: PlayedSituation
    fact: str
    wrong: str = ""
    unknown: bool = False

    @property
    def row(self) -> str:
        caller = self.call.situation.caller
        return f"{self.call.situation.name} ({self.call.number}, {caller.route}) {self.fact}: {self.wrong}"


def facts(call: PlayedSituation, said: Mapping[str, Any]) -> Iterable[Found]:
    """Those that the script or the wire decides."""
    for name in call.situation.expect:
        wrong = disagreements(_only(call, name), said)
        yield Found(call, name, wrong[0].partition(": ")[2] if wrong else "")
    yield from _ringing(call, said)
    for name, expected in _verdicts(call).items():
        reported = said["verdicts"][name]
        wrong = [] if reported in (expected, "unknown") else [f"{reported}, not {expected}"]
        yield Found(call, name, _at(call, wrong), reported == "unknown")


def by_replay(calls: list[PlayedSituation], stream: bytes, heard: bytes) -> list[Found]:
    """What callmon makes of what its user heard. `stream` is the witness's."""
    open_always = settings({"closed_days_remove = []\n": round_the_clock()})
    replay = replayed(heard, settings=open_always)
    ended = {call.call: call for call in replay.ended}
    by_id = {said["call"]: with_wait(said, ended[said["call"]]) for said in replay.calls()}
    return [fact for call, own in pairs(calls, messages(stream)) for fact in facts(call, by_id[own])]


def _only(call: PlayedSituation, name: str) -> PlayedSituation:
    expect = {name: call.situation.expect[name]}
    return replace(call, situation=replace(call.situation, expect=expect))


def _ringing(call: PlayedSituation, said: Mapping[str, Any]) -> Iterable[Found]:
    found = compared(call, said)
    start, number = ([line for line in found.wrong if line.startswith(name)] for name in ("ringing", "ring "))
    open_start = found.reported.earliest is None and found.begins is not None and not start
    yield Found(call, "start of ringing", _at(call, start), open_start)
    if joined(call) and not near_an_edge(call):
        yield Found(call, "ring", _at(call, number), found.reported.rings is None and found.ring is not None)


def _at(call: PlayedSituation, wrong: list[str]) -> str:
    return f"{wrong[0]} ({_moments(call)})" if wrong else ""


def _verdicts(call: PlayedSituation) -> dict[str, str]:
    """Those that the wire decides. How long music was heard on an answered line, it does not tell."""
    answered, heard = joined(call) is not None, begins(call) is not None
    waited = (waited_until(call) or call.invited) - clock(call)
    given = {"reach_a_person": "met"} if answered else {"reach_a_person": "not_met"} if call.boxed else {}
    if call.boxed and not answered:
        given["answer_by_third_ring"] = "not_met"
    elif not near_an_edge(call) and (heard or not was_up(call)):
        third = "met" if answered and waited < IN_TIME else "exempt" if waited < IN_TIME else "not_met"
        given["answer_by_third_ring"] = third
        if not answered:
            given["reach_a_person"] = third
    if call.boxed and not answered and heard and min(abs(waited - EARLY), abs(waited - LATE)) > NEAR:
        given["voicemail_after_fourth_ring"] = "met" if EARLY < waited < LATE else "not_met"
    return given


def _moments(call: PlayedSituation) -> str:
    own = wire(call)._asdict() | {"joined": joined(call), "voicemail": call.boxed, "ended": call.ended}
    return ", ".join(f"{name} {at - call.invited:.3f}" for name, at in own.items() if at is not None)
