"""The settings of disruptions and of test calls, and their validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from callmon.config.durations import Duration
from callmon.config.phone_numbers import e164
from callmon.config.validation import Path

TTY_TEST = timedelta(days=31)  # a line that is called once a month may be out of order for as long, unnoticed


class DisruptionSettings(BaseModel):
    """[disruptions]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Duration = Field(
        default=timedelta(seconds=10),
        description="a line that cannot take calls for so long is a disruption, from its beginning on",
    )


def test_caller_errors(numbers: Iterable[str], region: str) -> Iterator[tuple[Path, str]]:
    """A mistake for each entry of `test_callers` that is no valid number."""
    for place, number in enumerate(numbers):
        if e164(number, region) is None:
            told = f'"{number}" is no telephone number in {region}; write it as "416 327-2422"'
            yield ("test_callers", place), told
