"""How many examples a property draws: a part of them locally and in `make test`, all with CALLMON_WHOLE=1."""

from __future__ import annotations

from tests.support.environment import GIVEN

WHOLE = GIVEN.get("CALLMON_WHOLE") == "1"
PART = 5
FEWEST = 10


def examples(whole: int) -> int:
    return whole if WHOLE else max(FEWEST, whole // PART)
