"""A history as the exchange tells it, what callmon says of it, and what is true."""

from __future__ import annotations

import random
from typing import Any

from callmon.tools.replay import Replay
from tests.model.acts import Act
from tests.model.gaps import Gap, disagreements, untouched
from tests.model.handing import play
from tests.model.reception import Cable, connections
from tests.model.scripts import RECORDINGS
from tests.model.truth import ms, truth
from tests.model.wire import ModelWire, ordered
from tests.support.ami_builders import left, replayed

NOTHING_LEFT = (0, 0, 0, 0)


def conclusion(call: dict[str, Any]) -> dict[str, Any]:
    """What the model speaks of."""
    reported = {key: call[key] for key in truth(RECORDINGS["pickup"]).conclusion()}
    reported["answered_by"] = call["answered_by"] and call["answered_by"]["extension"]
    reported["transfers"] = [{key: sent[key] for key in ("kind", "to", "answered")} for sent in call["transfers"]]
    return reported


def conclusions(replay: Replay) -> dict[str, dict[str, Any]]:
    return {call["call"]: conclusion(call) for call in replay.calls()}


class Played:
    """A history as the exchange tells it, and what is true of it, by call."""

    def __init__(self, history: list[list[Act]], seed: int) -> None:
        wire = ModelWire()
        plays = [play(wire, acts) for acts in history]
        self.serving = {channel for one in plays for channel in one.served}
        self.messages = ordered(wire.messages, random.Random(seed) if seed else None)
        self.true = {one.caller.uniqueid: truth(acts) for one, acts in zip(plays, history, strict=True)}

    def expected(self, call: str, said: dict[str, Any], steps: bool) -> dict[str, Any]:
        reported = self.true[call]
        language = said.get("language")
        spoken = {"language": language if language in reported.languages() else reported.shown_language()}
        concluded = reported.conclusion(knows_steps=steps) | spoken
        return concluded if steps else _or_unknown(concluded, said, reported.queued)

    def cables(self, pulled: list[tuple[int, int, bool]]) -> list[Cable]:
        """What was drawn, as cables that are pulled one after the other, and of which the model can speak."""
        cables: list[Cable] = []
        count = len(self.messages)
        for first, last, tells in sorted(pulled):
            cable = self.cable(first * count // 1000, last * count // 1000, tells)
            if not cables or cable.first > cables[-1].last + 1:
                cables.append(cable)
        return cables

    def cable(self, pulled: int, back: int, tells_answers: bool) -> Cable:
        """Pulled before one message, put back once the moment of another is over. (A list of channels takes longer
        than a moment: in the middle of one it would show what no person ever sees.)
        """
        back = max(pulled, back)
        while back + 1 < len(self.messages) and self.messages[back + 1].at == self.messages[back].at:
            back += 1
        return Cable(pulled, back, tells_answers)

    def gap(self, cable: Cable) -> Gap:
        return Gap(ms(self.messages[cable.first].at), ms(self.messages[cable.last].at))

    def disagreements(self, steps: bool) -> dict[str, Any]:
        """What callmon says that is not so, when everything is heard; and what it remembers for ever."""
        replay = replayed(*connections(self.messages, steps))
        said = conclusions(replay)
        calls = {call: self.expected(call, said.get(call, {}), steps) for call in self.true}
        wrong: dict[str, Any] = {
            call: {
                key: (said.get(call, {}).get(key), value)
                for key, value in true.items()
                if said.get(call, {}).get(key) != value
            }
            for call, true in calls.items()
        }
        wrong |= dict.fromkeys(said.keys() - calls.keys(), "no such call")
        return {call: what for call, what in wrong.items() if what} | _left(replay)

    def disagreements_after(self, cables: list[Cable], steps: bool) -> dict[str, Any]:
        """The same when the cable was pulled: what is said is true, or it is said that it is not known."""
        replay = replayed(*connections(self.messages, steps, cables))
        said, gaps = conclusions(replay), [self.gap(cable) for cable in cables]
        # A consultation, or a pick-up, that is first seen in a list of channels looks like a colleague's own call.
        alike = {call for call in self.serving & said.keys() if said[call]["direction"] == "internal"}
        wrong: dict[str, Any] = dict.fromkeys(said.keys() - self.true.keys() - alike, "no such call")
        for call, reported in self.true.items():
            if untouched(reported, gaps):
                if said.get(call) != (expected := self.expected(call, said.get(call, {}), steps)):
                    wrong[call] = said.get(call), expected
            elif call not in said:
                if not any(gap.start <= reported.begun <= gap.end for gap in gaps):
                    wrong[call] = "lost"
            elif found := disagreements(said[call], reported, gaps, steps):
                wrong[call] = found
        return wrong | _left(replay)


def _or_unknown(true: dict[str, Any], said: dict[str, Any], queued: bool) -> dict[str, Any]:
    """Without the steps of dials and queues nobody knows since when the caller heard ringing."""
    given = said.get("verdicts", {})
    verdicts = {
        name: "unknown" if given.get(name) == "unknown" else word for name, word in true["verdicts"].items()
    }
    found = true | {"verdicts": verdicts}
    if queued:
        found["heard_ringing"] = bool(said.get("heard_ringing"))
    if said.get("rings") is None:
        found["rings"] = None
    box, reported = true["voicemail"], said.get("voicemail")
    if box is not None and reported is not None and reported["rings"] is None:
        found["voicemail"] = box | {"rings": None}
    return found


def _left(replay: Replay) -> dict[str, Any]:
    over = left(replay)
    return {} if over == NOTHING_LEFT else {"remembered for ever": over}
