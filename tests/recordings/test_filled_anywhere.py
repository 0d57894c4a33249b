"""Real calls cut anywhere: what was heard of them, with what CEL says, is what people did, wherever the gap was.

Each recorded call of two busy runs is cut at some pairs of its messages, one that was forwarded at more; the
listing comes at once or when more has been said, and callmon stayed up or was ended meanwhile. A call of which
nothing was missed is complete as it was heard.

    CALLMON_CUTS=300 .venv/bin/python -m pytest tests/recordings/test_filled_anywhere.py      more of them
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from callmon.backfill.cel.rows import CelRow
from callmon.backfill.merge import merged
from callmon.core import facts as f
from callmon.core.facts import Fact, as_it_stands
from tests.lab.recordings import cut
from tests.model.exam.cuts import Examined
from tests.model.exam.subjects import of_recording
from tests.recordings.test_cel import as_cel_may_say, calls, concluded, reported, rows_of
from tests.support.cut_recordings import Recording, known_after_a_cut, known_after_a_kill
from tests.support.environment import GIVEN
from tests.support.examples import examples
from tests.support.scripted_truth import unlike

RECORDINGS = Path(__file__).parents[1] / "recordings"
CUTS = int(GIVEN.get("CALLMON_CUTS", examples(2, 1)))  # of a call
OFTENER = examples(10, 4)
SEED = 1
LATER = (0, 0, 0, 1, 3, 8)  # messages that are heard before the listing
# A phone that gives no sign at all: CEL takes it to ring.
SILENT = "phones_silent"

Known = Callable[[bytes, bytes], list[Fact]]


@lru_cache
def rows(run: str) -> tuple[CelRow, ...]:
    return tuple(rows_of(RECORDINGS / f"{run}.cel.csv"))


@lru_cache
def in_cel(run: str) -> dict[str, list[Fact]]:
    return reported(rows(run))


@lru_cache
def made(run: str) -> tuple[dict[str, Any], ...]:
    """The public's calls of a run, each with what people did."""
    files = sorted(RECORDINGS.glob("run-16.truth.json" if run == "run-16" else "[!r]*.truth.json"))
    calls = [call for file in files for call in json.loads(file.read_text(encoding="utf-8"))]
    public = (call for call in calls if call["expect"].get("direction") == "inbound")
    return tuple(x for x in public if x["linkedid"] in in_cel(run) and not x["situation"].startswith(SILENT))


@lru_cache
def run_16() -> bytes:
    return (RECORDINGS / "run-16.ami").read_bytes()


def recording(run: str, call: dict[str, Any]) -> Recording:
    if run == "run-16":
        return Recording.of(cut(run_16(), call["linkedid"]))
    return Recording.of((RECORDINGS / f"{call['situation']}.ami").read_bytes())


def pairs(heard: Recording, most: int, chance: random.Random) -> list[tuple[int, int]]:
    """The last message heard before the gap, and the first after it."""
    end = len(heard.blocks) + 1
    every = [(i, j) for i in range(heard.first, end) for j in range(i, end)]
    return every if len(every) <= most else chance.sample(every, most)


def stored(known: list[Fact], call: str) -> list[Fact] | None:
    """The facts of a call that was heard to begin and to end, however much of it."""
    facts = list(as_it_stands([fact for fact in known if fact.call == call]))
    is_whole = bool(facts) and isinstance(facts[0], f.Arrived) and isinstance(facts[-1], f.Ended)
    return facts if is_whole else None


def wrongs(call: dict[str, Any], known: list[Fact], in_diary: list[Fact]) -> list[str]:
    """In what the call is told otherwise than it was."""
    name, own, expect = call["situation"], call["linkedid"], call["expect"]
    facts = stored(known, own)
    said = concluded(facts) if facts is not None else None
    if said is not None and said["heard"] == "full":
        return unlike([(name, own, expect)], [said])
    said = concluded(in_diary if facts is None else merged(facts, in_diary))
    if said["outcome"].startswith("voicemail"):
        said["outcome"] = "voicemail"
    expect = as_cel_may_say(expect)
    rings = expect.get("rings")
    if rings is not None and said["rings_estimated"] and said["rings"] in (rings - 1, rings + 1):
        del expect["rings"]  # CEL's ringing begins with the phone's channel
    return unlike([(name, own, expect)], [said])


WAYS: dict[str, Known] = {"cut": known_after_a_cut, "kill": known_after_a_kill}


def cut_at(run: str, call: dict[str, Any], heard: Recording, end: int, begin: int, listed: int) -> list[str]:
    """Heard before message `end` and from `begin` on; the listing comes before `listed`."""
    before, after = heard.before(end), heard.after(begin, listed, rows(run))
    diary = in_cel(run)[call["linkedid"]]
    told_of = {way: wrongs(call, known(before, after), diary) for way, known in WAYS.items()}
    return [
        f"{way} {end} to {begin}, listed at {listed}: {line}" for way, said in told_of.items() for line in said
    ]


def cut_everywhere(run: str, call: dict[str, Any]) -> list[str]:
    heard, chance = recording(run, call), random.Random(f"{SEED} {call['linkedid']}")
    found = []
    for end, begin in pairs(heard, CUTS * OFTENER if call["expect"].get("forwards") else CUTS, chance):
        listed = min(len(heard.blocks), begin + chance.choice(LATER))
        found += cut_at(run, call, heard, end, begin, listed)
    return found


@pytest.mark.parametrize(("run", "calls"), [("run-16", 163), ("run-22", 71)])
def test_a_call_cut_anywhere_is_as_people_made_it_when_cel_has_filled_it(run: str, calls: int) -> None:
    assert len(made(run)) == calls
    assert [line for call in made(run) for line in cut_everywhere(run, call)] == []


FOUND = {
    "a busy signal went unheard: the end that followed was taken for a caller who gives up": (
        "run-22",
        "congestion",
        (5, 9, 9),
    ),
    "an answer was heard, since when that phone rang was not": ("run-22", "hunt_too_late", (8, 12, 20)),
    "a trunk was heard to answer, whom it was to reach was not": ("run-22", "confirm_accepted", (7, 13, 21)),
    "the same behind a Local channel": ("run-16", "follow_me", (12, 20, 23)),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_was_once_reported_wrong(what: str) -> None:
    run, situation, where = FOUND[what]
    call = next(call for call in made(run) if call["situation"] == situation)
    assert cut_at(run, call, recording(run, call), *where) == []


def test_by_cel_a_caller_who_leaves_a_ringing_phone_has_given_up() -> None:
    """The caller's channel ends with cause 17, as after Busy(); its last application is Dial."""
    (call,) = calls(rows_of(RECORDINGS / "caller_leaves_while_a_phone_is_busy.cel.csv"))
    said = (call["outcome"], call["verdicts"]["answer_by_third_ring"], call["verdicts"]["reach_a_person"])
    assert said == ("abandoned", "exempt", "exempt")


def test_ringing_that_was_received_stays_where_a_gap_hides_what_followed() -> None:
    """`Ringing()`, then the answer of a Local channel whose own dial rings on: the gap hides that dial."""
    examined = Examined(of_recording("ringing_then_a_local_that_answers"))
    assert [line for cut in examined.cuts((8, 11)) for line in examined.wrongs(cut)] == []


def test_a_received_ringing_begins_no_wait_if_another_may_have_rung() -> None:
    """The first phone rings in the gap, six seconds before: by CEL, at some time before the answer."""
    examined = Examined(of_recording("second_phone_rings_first"))
    assert [line for cut in examined.cuts((3, 8)) for line in examined.wrongs(cut)] == []
