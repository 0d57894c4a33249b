"""Our own recordings of a real Asterisk 22 and 16: what callmon concludes is what people did, as it was scripted.

One file a situation (`tests/lab/situations*.py`), a whole mixed run for 16. `…_as_bridges_merged` are second
recordings of situations in which Asterisk happened to say things in an order that once misled callmon.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import replayed
from tests.truth import agrees

RECORDINGS = Path(__file__).parent / "recordings"
NAMES = sorted(path.stem for path in RECORDINGS.glob("*.ami"))
# The exchange says only when it is asked that the number must not be shown; nobody asked it in these recordings.
ASKED_ONLY = {("withheld_but_delivered", "caller")}


def scripted(name: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.truth.json").read_text(encoding="utf-8"))
    return [call for call in said if call["expect"].get("direction") == "inbound"]


def point(call: dict[str, Any], key: str) -> Any:
    return (call["answered_by"] or {}).get("extension") if key == "answered_by" else call[key]


@pytest.mark.parametrize("name", NAMES)
def test_every_call_of_a_recording_is_what_people_did(name: str) -> None:
    said = {call["call"]: call for call in replayed((RECORDINGS / f"{name}.ami").read_bytes()).calls()}
    wrong = [
        (truth["situation"], key, point(said[truth["linkedid"]], key), wanted)
        for truth in scripted(name)
        for key, wanted in truth["expect"].items()
        if (truth["situation"], key) not in ASKED_ONLY
        if not agrees(wanted, point(said[truth["linkedid"]], key))
    ]
    assert wrong == []


def test_the_recordings_hold_transfers_and_answers_to_be_wrong_about() -> None:
    kinds = {sent["kind"] for name in NAMES for call in scripted(name) for sent in call["expect"]["transfers"]}
    assert kinds >= {"blind", "attended", "blonde"}
