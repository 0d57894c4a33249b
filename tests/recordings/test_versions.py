"""The lab's whole run on Asterisk 18, 20, 21 and 23: what callmon concludes is what people did, by AMI and by CEL.

16 and 22 are in `test_recordings` and `test_cel`.
"""

from __future__ import annotations

import pytest

from tests.recordings.test_cel import as_cel_may_say, calls, of_public
from tests.support import whole_runs
from tests.support.ami_builders import replayed
from tests.support.scripted_truth import unlike

BANNERS = {"run-18": b"7.0.3", "run-20": b"9.0.0", "run-21": b"10.0.0", "run-23": b"12.0.0"}
CALLS, BY_AMI, BY_CEL = 187, 1750, 1729


@pytest.mark.parametrize("run", whole_runs.RUNS)
def test_every_call_of_a_version_is_what_people_did(run: str) -> None:
    made = [(call["situation"], call["linkedid"], call["expect"]) for call in whole_runs.truth(run)]
    assert whole_runs.stream(run).partition(b"\r\n")[0] == b"Asterisk Call Manager/" + BANNERS[run]
    assert unlike(made, replayed(whole_runs.stream(run)).calls()) == []
    assert (len(made), sum(len(expect) for _, _, expect in made)) == (CALLS, BY_AMI)


@pytest.mark.parametrize("run", whole_runs.RUNS)
def test_cel_of_a_version_agrees_with_what_people_did(run: str) -> None:
    rows = whole_runs.rows(run)
    reported = {row.linkedid for row in rows}
    known = [call for call in whole_runs.truth(run) if call["linkedid"] in reported]
    made = [(call["situation"], call["linkedid"], as_cel_may_say(call["expect"])) for call in known]
    assert of_public(unlike(made, calls(rows))) == []
    assert (len(made), sum(len(expect) for _, _, expect in made)) == (CALLS, BY_CEL)
