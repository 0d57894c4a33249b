"""Recorded calls cut anywhere: what callmon says of them is what people did, or less (`tests/model/exam`).

python -m tests.model.exam --whole         every pair of moments, not a sample
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path

import pytest

from tests.model.exam.cuts import Cut, Examined
from tests.model.exam.subjects import (
    Subject,
    calls_of_folder,
    calls_of_runs,
    french_lines,
    named,
    recordings,
    traces,
)
from tests.model.exam.takeovers import Takeover, disagreements, takeovers
from tests.recordings.test_recordings import RECORDINGS

SEED = 1
PAIRS = 2  # of each recording
TAKEOVERS = 3  # of each recording
EVERY = 12  # of the calls of the mixed runs


def sampled() -> Iterator[Subject]:
    return chain(recordings(), french_lines(), traces(), calls_of_runs(EVERY))


def test_a_call_cut_anywhere_is_reported_as_it_was_or_less() -> None:
    wrong: list[str] = []
    examined = 0
    for one in map(Examined, sampled()):
        cuts = [cut for pair in one.pairs(PAIRS, SEED) for cut in one.cuts(pair)]
        wrong += [line for cut in cuts for line in one.wrongs(cut)]
        examined += 1
    assert wrong == []
    assert examined == 151 + 4 + 28 + 17 + 8


def test_a_call_that_a_standby_takes_over_is_stored_as_by_one_or_less() -> None:
    wrong: list[str] = []
    tried = 0
    for one in map(Examined, chain(recordings(), french_lines(), traces())):
        for takeover in takeovers(one, TAKEOVERS, SEED):
            wrong += disagreements(one, takeover)
            tried += 1
    assert wrong == []
    assert tried == 474 + TAKEOVERS * (17 + 4 + 4)


def test_a_folder_of_the_lab_is_examined_as_its_recording_is_at_any_hour(tmp_path: Path) -> None:
    written = {"ami-callmon.raw": "run-16.ami", "cel.csv": "run-16.cel.csv", "truth.json": "run-16.truth.json"}
    run = tmp_path / "run-16"
    run.mkdir()
    for name, recorded in written.items():
        (run / name).symlink_to(RECORDINGS / recorded)
    by_folder, by_run = islice(calls_of_folder(run), 4), islice(calls_of_runs(), 4)
    verdicts = [[said.verdicts for said in one.true.values()] for one in by_folder]
    assert verdicts == [[said.verdicts for said in one.true.values()] for one in by_run]


ONCE_WRONG = tomllib.loads((RECORDINGS.parent / "data" / "once_wrong.toml").read_text("utf-8"))


@pytest.mark.parametrize("case", ONCE_WRONG["taken_over"])
def test_a_take_over_once_misjudged_is_no_more(case: str) -> None:
    once = ONCE_WRONG["taken_over"][case]
    moments = once["moments"]
    takeover = Takeover(**(moments | {"lag": timedelta(seconds=moments["lag"])}))
    assert disagreements(Examined(named(once["call"])), takeover) == []


@pytest.mark.parametrize("case", ONCE_WRONG["cut"])
def test_what_was_once_reported_wrong_of_a_call_that_was_cut(case: str) -> None:
    once = ONCE_WRONG["cut"][case]
    assert Examined(named(once["call"])).wrongs(Cut(**once["moments"])) == []
