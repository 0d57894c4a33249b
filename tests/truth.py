"""What was scripted, beside what callmon says of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from callmon.explain import as_json
from callmon.settings import Settings
from callmon.store import queries
from callmon.store.engine import Store
from tests.lab.listener import Event
from tests.lab.model import Played
from tests.lab.witness import linkedid

# These wait for the account of transfers, parking and forwarding.
NOT_YET = frozenset(("transfers", "forwards", "parked", "one_transfer_at_most", "retrieved_by"))


def pairs(calls: Iterable[Played], heard: list[Event]) -> Iterable[tuple[Played, str]]:
    """Each call of the public's or of staff's with the id that the exchange gave it."""
    for call in calls:
        own = linkedid(call, heard)
        assert own is not None, f"the exchange never saw {call.situation.name}"
        yield call, own


def public(calls: Iterable[Played]) -> list[Played]:
    """The calls that must be stored: the public's, on a line."""
    return [call for call in calls if call.situation.expect.get("direction") == "inbound"]


def told(store: Store, settings: Settings, call: str) -> dict[str, Any] | None:
    """What is stored of a call, as JSON; None when nothing is."""
    found = queries.call(store, call, numbers=True)
    assert len(found) <= 1
    return as_json(found[0], settings) if found else None


def disagreements(call: Played, said: Mapping[str, Any]) -> list[str]:
    """Each point in which callmon and the script differ."""
    expected = {key: value for key, value in call.situation.expect.items() if key not in NOT_YET}
    found = []
    for key, value in expected.items():
        got = (said["answered_by"] or {}).get("extension") if key == "answered_by" else said.get(key)
        if isinstance(value, Mapping) and isinstance(got, Mapping):
            found += [
                f"{key}.{part}: {got.get(part)!r}, not {wanted!r}"
                for part, wanted in value.items()
                if part not in NOT_YET and got.get(part) != wanted
            ]
        elif got != value:
            found.append(f"{key}: {got!r}, not {value!r}")
    return [f"{call.situation.name} ({call.caller}) {point}" for point in found]
