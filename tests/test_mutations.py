"""The planted faults are those of the table in tests/README.md, and each can still be planted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mutations.__main__ import KINDS, ROOT, NotOnceError, planted
from tests.mutations.faults import FAULTS, Fault

README = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("## Planted faults")[2].partition("|---|---|\n")[2]
ROWS = dict(re.findall(r"^\| ([^|`]+) \| ([a-z, ]+) \|$", TABLE, re.MULTILINE))


def test_the_table_has_the_faults_that_are_planted_in_their_order() -> None:
    assert list(ROWS) == [fault.name for fault in FAULTS]


def test_each_fault_is_caught_by_kinds_that_there_are() -> None:
    named = {kind for kinds in ROWS.values() for kind in kinds.split(", ")}
    assert named - KINDS.keys() == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_be_planted_where_it_says(fault: Fault) -> None:
    sound = (ROOT / fault.file).read_text(encoding="utf-8")
    assert planted(sound, fault) != sound


def test_a_text_that_is_not_there_once_is_said() -> None:
    with pytest.raises(NotOnceError, match=r"nothing: stands 2 times in callmon/x\.py, not once: 'a'"):
        planted("a a", Fault("nothing", "callmon/x.py", (("a", "b"),)))
