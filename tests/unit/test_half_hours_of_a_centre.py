"""Forecasts of a real centre's half-hours. The repository does not have them: see tests/README.md.

Days 60 to 199 are forecast from the days before each. A bound is what was measured, and a little more.
"""

from __future__ import annotations

from functools import cache

import pytest
from msgspec.structs import replace

from bench.half_hours_file import Day, days, volumes
from bench.questions_half_hours import FIRST, volume_errors
from callmon.core.replay.volume import half_hours
from tests.support.half_hours import HALF_HOURS

pytestmark = pytest.mark.long


@cache
def read() -> list[Day]:
    return days(HALF_HOURS)


@pytest.mark.parametrize(("ahead", "most"), [(1, 0.131), (7, 0.139), (28, 0.164)])
def test_volumes_are_nearer_than_the_mean_of_four(ahead: int, most: float) -> None:
    found = volume_errors(volumes(read()), ahead)
    assert found.own / found.calls <= most
    assert found.own < found.rival
    assert 0.74 <= found.held / found.judged <= 0.86


@pytest.mark.parametrize("ahead", [1, 7, 28])
def test_no_day_after_the_last_one_known_is_read(ahead: int) -> None:
    known = volumes(read())
    for day in known[FIRST::10]:
        poisoned = [
            one if one.date <= day.date - ahead else replace(one, calls=dict.fromkeys(one.calls, 10**6))
            for one in known
        ]
        told = [half_hours(some, day.date, ahead, day.after_closed) for some in (known, poisoned)]
        assert told[0] == told[1]
