"""A model that knows only what people did; its histories are told as Asterisk tells them (`tests/model`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from tests.model import acts as a
from tests.model import likeness
from tests.model.acts import Act
from tests.model.freedoms import freedoms
from tests.model.handing import play
from tests.model.histories import calls, pulls
from tests.model.played import Played
from tests.model.scripts import GENERAL, OUTSIDE, RECORDINGS, TRACES, group
from tests.model.truth import truth
from tests.model.wire import ModelWire, ordered
from tests.recordings.test_traces import expected
from tests.support.environment import GIVEN
from tests.support.examples import examples
from tests.support.scripted_truth import agrees

HERE = Path(__file__).parents[1]
# How many histories each test draws, or as many as one asks for.
HISTORIES = int(GIVEN.get("CALLMON_HISTORIES", examples(2500)))
WITHOUT_STEPS = "menu_chosen_voicemail"  # its user received no step of a menu
thorough = effort(max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck))


def differences(recording: bytes, script: list[Act]) -> list[str]:
    wire = ModelWire()
    play(wire, script)
    messages = likeness.compared(ordered(wire.messages))
    made = likeness.reduced(likeness.generated(messages))
    return likeness.differences(likeness.reduced(likeness.recorded(recording)), made, messages)


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_tables_say_what_was_recorded_in_the_lab(name: str) -> None:
    assert differences((HERE / "recordings" / f"{name}.ami").read_bytes(), RECORDINGS[name]) == []


@pytest.mark.parametrize("name", TRACES)
def test_the_tables_say_what_the_traces_say(name: str) -> None:
    assert differences((HERE / "data" / "traces" / name / "ami.raw").read_bytes(), TRACES[name]) == []


@pytest.mark.parametrize("name", RECORDINGS)
def test_the_model_s_truth_is_that_of_the_lab_s_script(name: str) -> None:
    (said,) = json.loads((HERE / "recordings" / f"{name}.truth.json").read_text())
    reported = truth(RECORDINGS[name]).conclusion(knows_steps=name != WITHOUT_STEPS)
    expect = {key: value for key, value in said["expect"].items() if key in reported}
    assert {key: (value, reported[key]) for key, value in expect.items() if not agrees(value, reported[key])} == {}


@pytest.mark.parametrize("name", TRACES)
def test_the_model_s_truth_is_that_of_the_traces(name: str) -> None:
    reported = truth(TRACES[name]).conclusion()
    summed = {"transfers": len(reported["transfers"]), "mailbox": (reported["voicemail"] or {}).get("mailbox")}
    said = expected(json.loads((HERE / "data" / "traces" / name / "truth.json").read_text()))
    assert {key: (reported | summed)[key] for key in said} == said


def test_what_is_left_free_about_one_channel_was_recorded_both_ways() -> None:
    one_way = {pair for (one_channel, pair), counts in freedoms().items() if one_channel and 0 in counts}
    assert one_way == set()


def test_recordings_show_that_the_order_varies_between_threads() -> None:
    """The ones that asterisk.md warns of."""
    both = {pair for (_, pair), counts in freedoms().items() if all(counts)}
    warned = {
        ("DialBegin phone", "Newstate Ringing phone"),
        ("DialState RINGING phone", "DialState RINGING phone"),
        ("DialEnd ANSWER phone", "Hangup phone"),
        ("BridgeEnter phone", "DialEnd ANSWER half"),
        ("BridgeEnter phone", "Hangup phone"),
        ("BlindTransfer phone", "BridgeLeave caller"),
        ("Hangup caller", "Hangup phone"),
        ("Hangup phone", "Newstate Up caller"),
        ("HangupRequest caller", "Newstate Busy caller"),
        ("Hangup phone", "Newexten caller"),
    }
    assert warned - both == set()


# Random histories.


@thorough
@given(history=calls(), seed=st.integers(0, 2**16), steps=st.booleans())
def test_callmon_concludes_what_people_did(history: list[list[Act]], seed: int, steps: bool) -> None:
    """In any order that Asterisk may emit; `steps`: voicemail's own step of the dialplan is heard."""
    assert Played(history, seed).disagreements(steps) == {}


@thorough
@given(history=calls(early_media=False), seed=st.integers(0, 2**16), steps=st.booleans(), pulled=pulls)
def test_after_a_gap_callmon_says_what_is_true_or_that_it_does_not_know(
    history: list[list[Act]], seed: int, steps: bool, pulled: list[tuple[int, int, bool]]
) -> None:
    """`pulled`: from which message to which, in thousandths; the exchange tells the times of answers, or not."""
    played = Played(history, seed)
    assert played.disagreements_after(played.cables(pulled), steps) == {}


ONCE_WRONG: dict[str, list[list[Act]]] = {
    "that a Dial had no phone is told by the end alone: without it, nobody knows whether voicemail was chosen": [
        [
            a.Calls(0, GENERAL, "anonymous"), a.LineUp(0, "menu"), a.Chooses(1, "fr"), a.Tries(1, ()),
            a.Voicemail(1, "500"), a.HangsUp(3, message=True),
        ]
    ],
    "a caller who left a queue waits no longer, though the channel stays": [
        [
            a.Calls(0, GENERAL, "anonymous"), a.Queues(0), *group(2.1, "131", through="queue"), a.DialOver(4.2),
            *group(5.2, "132", through="queue"), a.HangsUp(5.201, clears=3.0),
        ],
        [a.Calls(3.101, GENERAL, "anonymous"), a.LineUp(3.101, "announcement"), a.Ended(5.202, "played")],
    ],
    "a call out may be answered before its direction is known": [
        [
            a.Calls(0, "96475550190", "", "190"), *group(0, OUTSIDE), a.PicksUp(0.002, OUTSIDE),
            a.HangsUp(2.102, clears=0.04),
        ]
    ],
}  # fmt: skip


@pytest.mark.parametrize("what", ONCE_WRONG)
def test_every_gap_in_what_was_once_misjudged_leads_to_nothing_wrong(what: str) -> None:
    played = Played(ONCE_WRONG[what], 0)
    moments = range(len(played.messages))
    cables = {played.cable(first, last, tells) for first in moments for last in moments for tells in (False, True)}
    wrong = {
        (cable, steps): found
        for cable in cables
        for steps in (False, True)
        if (found := played.disagreements_after([cable], steps))
    }
    assert wrong == {}
