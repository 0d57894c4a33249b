"""What the configuration says of disruptions and of test calls, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from callmon.config.durations import Duration
from callmon.config.phone_numbers import e164
from callmon.config.validation import Path

TTY_TEST = timedelta(days=31)  # a line that is called once a month may be dead for as long


class DisruptionSettings(BaseModel):
    """[disruptions]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Duration = Field(
        default=timedelta(seconds=10),
        description="a line that cannot take calls for so long is a disruption, from its beginning on",
    )


def test_caller_mistakes(numbers: Iterable[str], region: str) -> Iterator[tuple[Path, str]]:
    """A test caller's number that is none."""
    for place, number in enumerate(numbers):
        if e164(number, region) is None:
            told = f'"{number}" is no telephone number in {region}; write it as "416 327-2422"'
            yield ("test_callers", place), told
