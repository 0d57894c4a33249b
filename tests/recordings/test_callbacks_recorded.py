"""Callbacks on a real Asterisk, in every way: what they are for somebody who waits, by AMI and by CEL.

CALLMON_CUTS=100 .venv/bin/python -m pytest tests/recordings/test_callbacks_recorded.py   more gaps in each call
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from callmon.core.verdicts import Verdict
from tests.lab.recordings import call_family, cut, named_messages
from tests.lab.situations_callbacks import CALLED_BACK, MADE, TOO_SHORT, WHOSE
from tests.recordings.test_cel import reported, rows_of
from tests.support.cut_recordings import Recording
from tests.support.environment import GIVEN
from tests.support.obligation_recordings import (
    HOUR,
    Verdicts,
    backfilled,
    given_by,
    heard,
    owing,
    restarted,
    when_due,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"
RUN = "run-22-callbacks"
BY_CODE = {"*69": "6475550171", "*70": "6475550172"}
STRANGER = "4165550199"  # whom nobody calls
CUTS = int(GIVEN.get("CALLMON_CUTS", "12"))  # of a call
UNKNOWN = {("unknown", "gap"), ("unknown", "not_attributed"), ("met", "answered_length_unknown")}
MAY_BE = {
    CALLED_BACK: UNKNOWN | {("met", "called_back")},
    # A gap too short for a callback may hide one that was answered, and too short.
    TOO_SHORT: UNKNOWN | {("met", "answered_too_short"), ("not_met", "not_called_back")},
    WHOSE: UNKNOWN,
}
UNTOLD_BY_CEL: Verdicts = {}
VERDICTS: dict[str, Verdict] = {CALLED_BACK: "met", TOO_SHORT: "met", WHOSE: "unknown"}


@cache
def made() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads((RECORDINGS / f"{RUN}.truth.json").read_text(encoding="utf-8")))


def number(call: dict[str, Any]) -> str:
    """The person's, whatever was dialled."""
    return BY_CODE.get(call["dialled"]) or str(call["dialled"]).removeprefix("9")


def truth() -> Verdicts:
    reasons = {number(call): MADE[call["situation"]] for call in made()}
    return {whom: (VERDICTS[why], why) for whom, why in reasons.items()} | {
        STRANGER: ("not_met", "not_called_back")
    }


def since() -> datetime:
    first = min(call["sip"]["invited"] for call in made())
    return datetime.fromtimestamp(first, UTC) - HOUR


def test_each_recorded_callback_is_one_and_an_unclear_call_unknown() -> None:
    replay = owing(truth(), since())
    heard(replay, (RECORDINGS / f"{RUN}.ami").read_bytes())
    assert when_due(replay) == truth()


def test_a_backfill_from_cel_finds_the_same_callbacks() -> None:
    replay = owing(truth(), since())
    backfilled(replay, reported(rows_of(RECORDINGS / f"{RUN}.cel.csv")), since() + HOUR)
    assert when_due(replay) == truth() | UNTOLD_BY_CEL


# A gap anywhere.


@pytest.mark.parametrize("n", range(len(made())))
@pytest.mark.parametrize("killed", [False, True])
def test_a_gap_makes_no_callback_missed_and_no_short_one_a_talk(n: int, killed: bool) -> None:
    call = made()[n]
    recording = Recording.of(family((RECORDINGS / f"{RUN}.ami").read_bytes(), call))
    wanted = MAY_BE[MADE[call["situation"]]]
    found = {
        (begin, listed): result(recording, call, begin, listed, killed) for begin, listed in cuts(recording, n)
    }
    assert {gap: got for gap, got in found.items() if got not in wanted} == {}


def result(
    recording: Recording, call: dict[str, Any], begin: int, listed: int, killed: bool
) -> tuple[Verdict, str]:
    """The verdict where callmon heard nothing between two messages; `killed`: and was itself restarted."""
    before = after = owing([number(call)], since())
    stored = heard(before, recording.before(begin))
    if killed:
        after = restarted(before, stored)
    heard(after, recording.after(listed, listed, ()))
    return (given_by(before) | when_due(after))[number(call)]


def family(stream: bytes, call: dict[str, Any]) -> bytes:
    """The call's messages, and those of the phones that only met it in a bridge."""
    bridges = set(re.findall(rb"BridgeUniqueid: (\S+)", cut(stream, call["linkedid"])))
    banner, blocks, ids = named_messages(stream)
    met = [own for block, own in zip(blocks, ids, strict=True) if any(bridge in block for bridge in bridges)]
    known = set().union(*(call_family(ids, one) for one in {call["linkedid"].encode(), *chain.from_iterable(met)}))
    kept = [block for place, block in enumerate(blocks) if ids[place] & known or place < 2]
    return banner + b"\r\n" + b"\r\n\r\n".join(kept) + b"\r\n\r\n"


def cuts(recording: Recording, seed: int) -> list[tuple[int, int]]:
    end = len(recording.blocks) + 1
    pairs = [(i, j) for i in range(recording.first + 1, end) for j in range(i, end)]
    return random.Random(seed).sample(pairs, min(CUTS, len(pairs)))
