"""Ways to ring on a real Asterisk: the start and the number of the ring against the caller's own SIP and sound.

`ringing/NAME.ami` is one call each, as the shipped filter lets it through. In `truth.json`, `begins` is the moment
of the first 180, or of the ringing tone on an answered line. `ring` is the ring of the answer by it. null: the
caller heard no ringing. The filter of before is the same bytes without the steps of the dialplan.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from callmon.core.calls.rings import NEAR
from tests.support.ami_builders import replayed

FOLDER = Path(__file__).parent / "ringing"
TRUTH: dict[str, dict[str, Any]] = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
END = b"\r\n\r\n"
# The first ring was that of a dial which a console ended; the tone that follows is later.
REDIRECTED = ("redirected_before_r", "redirected_from_r", "redirected_to_r")
# A tone of ringing that the dialplan plays itself and stops before it dials, or one that it names: no ring here.
OWN_TONES = ("answered_playtones", "answered_r_tone", "playtones")
RUNG = [name for name, true in TRUTH.items() if true["begins"] and name not in (*REDIRECTED, *OWN_TONES)]
SILENT = [name for name, true in TRUTH.items() if not true["begins"]]
EXACT_TO = 0.05  # seconds; the first packet of a tone comes 20 ms after its cause
UNREPORTED = ("execif_r", "tryexec_r")


def reported(name: str, keeps_steps: bool = True) -> dict[str, Any]:
    data = (FOLDER / f"{name}.ami").read_bytes()
    if not keeps_steps:
        data = END.join(message for message in data.split(END) if b"Event: Newexten\r\n" not in message)
    return {call["call"]: call for call in replayed(data).calls()}[TRUTH[name]["call"]]


@pytest.mark.parametrize("name", [name for name in RUNG if name not in UNREPORTED])
def test_the_reported_ring_is_the_one_of_the_caller(name: str) -> None:
    call, true = reported(name), TRUTH[name]
    assert abs(datetime.fromisoformat(call["ringing"]).timestamp() - true["begins"]) <= EXACT_TO
    assert (call["rings"], call["wait_start"], call["rings_estimated"]) == (true["ring"], "told", False)


@pytest.mark.parametrize("name", UNREPORTED)
def test_a_dial_that_no_step_reports_has_no_ring_but_a_span(name: str) -> None:
    call = reported(name)
    assert (call["rings"], call["ringing"], call["wait_start"]) == (None, None, "phone")


@pytest.mark.parametrize("name", SILENT)
def test_where_the_caller_got_no_ringing_none_is_reported(name: str) -> None:
    call = reported(name)
    assert (call["ringing"] is None) == (call["wait_start"] != "early_media")
    assert call["heard_ringing"] == (call["wait_start"] == "early_media")


@pytest.mark.parametrize("name", RUNG)
def test_with_the_filter_of_before_a_ring_is_the_true_one_or_none(name: str) -> None:
    call = reported(name, keeps_steps=False)
    assert call["rings"] in (None, TRUTH[name]["ring"])
    assert call["wait_start"] == "phone"


def test_each_way_to_ring_is_examined() -> None:
    assert (len(RUNG), len(SILENT), len(TRUTH)) == (41, 11, 58)
    assert NEAR.total_seconds() == EXACT_TO
