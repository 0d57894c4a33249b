"""The long run: `python -m tests.model [MINUTES]` draws histories until the time is over, and counts them."""

from __future__ import annotations

import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.model.acts import Act
from tests.model.histories import calls, pulls
from tests.model.played import Played

BATCH = 2_000
heard = {"histories": 0, "calls": 0, "events": 0, "gaps": 0}
effort = settings(
    max_examples=BATCH,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


def count(played: Played, gaps: int) -> None:
    heard["histories"] += 1
    heard["calls"] += len(played.true)
    heard["events"] += len(played.messages)
    heard["gaps"] += gaps


@effort
@given(history=calls(), order=st.integers(0, 2**16), steps=st.booleans())
def whole(history: list[list[Act]], order: int, steps: bool) -> None:
    played = Played(history, order)
    count(played, 0)
    wrong = played.disagreements(steps)
    assert not wrong, wrong


@effort
@given(history=calls(early_media=False), order=st.integers(0, 2**16), steps=st.booleans(), pulled=pulls)
def cut(history: list[list[Act]], order: int, steps: bool, pulled: list[tuple[int, int, bool]]) -> None:
    played = Played(history, order)
    cables = played.cables(pulled)
    count(played, len(cables))
    wrong = played.disagreements_after(cables, steps)
    assert not wrong, wrong


def main(minutes: float) -> int:
    end, batch = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        for test in (whole, cut):
            batch += 1
            try:
                seed(batch)(test)()
            except AssertionError as found:
                print(found, *getattr(found, "__notes__", ()), sep="\n")  # noqa: T201
                return 1
        print(f"batch {batch}, no disagreement:", *(f"{n:,} {what}" for what, n in heard.items()))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else 10.0))
