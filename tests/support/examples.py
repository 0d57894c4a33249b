"""How many examples a test draws: a part of them locally and in `make test`, all with CALLMON_WHOLE.

`make test-rest` sets CALLMON_WHOLE=rest: what `make test` has run already, with all examples, is left out too.
"""

from __future__ import annotations

from tests.support.environment import GIVEN

WHOLE = GIVEN.get("CALLMON_WHOLE") in ("1", "rest")
REST = GIVEN.get("CALLMON_WHOLE") == "rest"
PART = 5
FEWEST = 10


def examples(whole: int, part: int | None = None) -> int:
    """A fifth of `whole`, or `part`, unless all are asked for."""
    if WHOLE:
        return whole
    return max(FEWEST, whole // PART) if part is None else part
