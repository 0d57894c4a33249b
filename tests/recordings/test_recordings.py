"""Our own recordings of a real Asterisk 22 and 16: what callmon concludes is what people did, as it was scripted.

One file a situation (`tests/lab/situations_*.toml`), a whole mixed run for 16, one of 22 for `situations_apart`
(what is not a call's own by its ids cannot be cut out of a run). `…_as_bridges_merged` are second recordings of
situations in which Asterisk happened to say things in an order that once misled callmon.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.ami_builders import replayed
from tests.support.scripted_truth import unlike

RECORDINGS = Path(__file__).parents[1] / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.ami"))


def scripted(name: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.truth.json").read_text(encoding="utf-8"))
    return said


@pytest.mark.parametrize("name", NAMES)
def test_every_call_of_a_recording_is_what_people_did(name: str) -> None:
    made = [(call["situation"], call["linkedid"], call["expect"]) for call in scripted(name)]
    assert unlike(made, replayed((RECORDINGS / f"{name}.ami").read_bytes()).calls()) == []


def test_the_recordings_hold_transfers_and_answers_to_be_wrong_about() -> None:
    made = [sent for name in NAMES for call in scripted(name) for sent in call["expect"].get("transfers", ())]
    assert {sent["kind"] for sent in made} >= {"blind", "attended", "blonde"}
