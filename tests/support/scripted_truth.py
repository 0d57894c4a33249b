"""Compares what was scripted with what callmon reports."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from callmon.config.settings import Settings
from callmon.core.monitor import Monitor
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.text.story import as_json
from callmon.tools.replay import Replay, chunks
from tests.lab.listener import Event
from tests.lab.model import PlayedSituation
from tests.lab.witness import linkedid


def pairs(calls: Iterable[PlayedSituation], heard: list[Event]) -> Iterable[tuple[PlayedSituation, str]]:
    """Each call of the public or of staff, with the id that the exchange gave it."""
    for call in calls:
        own = linkedid(call, heard)
        assert own is not None, f"the exchange never saw {call.situation.name} (its caller: {call.fault})"
        yield call, own


def public(calls: Iterable[PlayedSituation]) -> list[PlayedSituation]:
    """The calls that must be stored: the public's, on a line."""
    return [call for call in calls if call.situation.expect.get("direction") == "inbound"]


def reported(store: Database, settings: Settings, call: str) -> dict[str, Any] | None:
    """A call as stored, as JSON; None if it is not stored."""
    found = queries.stored_calls(store, call, numbers=True)
    assert len(found) <= 1
    return as_json(found[0], settings) if found else None


def undisturbed(settings: Settings, stream: bytes) -> dict[str, dict[str, Any]]:
    """Every call as reported by one callmon that received all events."""
    replay = Replay(Monitor(settings, "toronto", token=str), "toronto")
    for _ in replay.connection(chunks(io.BytesIO(stream))):
        pass
    return {call["call"]: call for call in replay.calls()}


def disagreements(call: PlayedSituation, said: Mapping[str, Any]) -> list[str]:
    """Each point in which callmon and the script differ. What the script leaves out is not compared."""
    return _differences(f"{call.situation.name} ({call.caller})", call.situation.expect, said)


def _differences(name: str, expect: Mapping[str, object], said: Mapping[str, Any]) -> list[str]:
    found = []
    for key, expected in expect.items():
        got = _got(said, key)
        if not agrees(expected, got):
            found.append(f"{name} {key}: {got!r}, not {expected!r}")
    return found


def _got(said: Mapping[str, Any], key: str) -> Any:
    return (said["answered_by"] or {}).get("extension") if key == "answered_by" else said.get(key)


def as_it_went(call: PlayedSituation, said: Mapping[str, Any]) -> PlayedSituation:
    """The same call, with the script's values replaced by those of a callmon that received all events.

    On a machine too busy for the script, a phone rings or answers later than scripted.
    """
    expect = {key: _as_far(expected, _got(said, key)) for key, expected in call.situation.expect.items()}
    return replace(call, situation=replace(call.situation, expect=expect))


MOST_FORGIVEN = 2  # calls of a test


class Contradictions(NamedTuple):
    """What contradicts the script; `forgiven` where a callmon that received all events contradicts it too.

    `late`: the same of calls during which the machine stood still.
    """

    wrong: list[str]
    forgiven: list[str]
    late: list[str]

    def counted(self) -> str:
        return (
            f"{len(self.forgiven)} calls went otherwise than scripted: {self.forgiven}; {len(self.late)} were late"
        )


def contradictions(
    said: Iterable[tuple[PlayedSituation, dict[str, Any]]],
    undisturbed: Mapping[str, Mapping[str, Any]],
    wrongs: Callable[[PlayedSituation, dict[str, Any]], list[str]],
) -> Contradictions:
    """Compares calls with the script, and where they differ with what one callmon reports that received all."""
    found = Contradictions([], [], [])
    for call, heard in said:
        scripted = wrongs(call, heard)
        if scripted and wrongs(as_it_went(call, undisturbed[heard["call"]]), heard):
            found.wrong.extend(scripted)
        elif scripted:
            (found.late if call.met_pause else found.forgiven).append("; ".join(scripted))
    return found


def _as_far(expected: object, got: object) -> object:
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        return {key: _as_far(value, got.get(key)) for key, value in expected.items()}
    return got


# A recording does not show whether a number that the carrier delivers is withheld: callmon asks for that.
ASKED_FOR = "withheld_but_delivered"


def unlike(made: Iterable[tuple[str, str, Mapping[str, Any]]], reported: Iterable[Mapping[str, Any]]) -> list[str]:
    """Differences from each made call's (name, id, truth): other values, calls not reported, calls never made."""
    calls = {call["call"]: call for call in reported}
    found = []
    for name, own, expect in made:
        said = calls.pop(own, None)
        wanted = {k: v for k, v in expect.items() if not (name == ASKED_FOR and k == "caller")}
        if (said is None) != (wanted.get("direction", "") is None):
            found.append(f"{name}: told {said}")
        elif said is not None:
            found += _differences(name, wanted, said)
            found += [f"{name}: never ended"] if said["ended"] is None else []
    return found + [f"nobody made {call}" for call in calls.values()]


def agrees(expected: object, got: object) -> bool:
    """Equal; an object only in the keys that the script names."""
    match expected:
        case Mapping():
            return isinstance(got, Mapping) and all(agrees(value, got.get(key)) for key, value in expected.items())
        case list():
            return isinstance(got, list) and len(got) == len(expected) and all(map(agrees, expected, got))
        case _:
            return got == expected
