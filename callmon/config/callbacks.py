"""The [callbacks] table and its validation. `core/callbacks/` uses the resulting rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from callmon.config.durations import Duration
from callmon.config.phone_numbers import e164
from callmon.config.validation import Path


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """Parameters of the ledger and of its due dates, which a site may set."""

    within: timedelta = timedelta(hours=24)
    talked_for: timedelta = timedelta(seconds=10)  # least length of a conversation, from the answer on
    rang_for: timedelta = timedelta(seconds=24)  # least ringing of an attempt: four rings without an answer
    attempt_counts: bool = True  # an attempt in time satisfies the standard
    due_soon: timedelta = timedelta(hours=4)  # of opening time
    abandoned_after: timedelta | None = None  # a caller who abandoned after this wait is called back
    shared_numbers: frozenset[str] = frozenset()
    shared_after_days: int = 5
    shared_after_lines: int = 3
    unreachable_attempts: int = 2
    unreachable_days: int = 2


class CallbackSettings(BaseModel):
    """[callbacks]"""

    model_config = ConfigDict(extra="forbid", frozen=True)

    within: Duration = Field(
        default=timedelta(hours=24), description="a caller is to be called back within so long, by the clock"
    )
    talked_for: Duration = Field(
        default=timedelta(seconds=10), description="a call back counts when it lasted so long from the answer on"
    )
    rang_for: Duration = Field(
        default=timedelta(seconds=24), description="an attempt counts when it rang for so long: four rings"
    )
    attempt_counts: bool = Field(
        default=True, description="an attempt in time satisfies the standard (it is reported apart)"
    )
    due_soon: Duration = Field(
        default=timedelta(hours=4), description="opening time that is left when a callback is called due soon"
    )
    abandoned_after: Duration | None = Field(
        default=None, description="who gave up after waiting so long is called back, too; when left out, nobody"
    )
    shared_numbers: tuple[str, ...] = Field(
        default=(), description="numbers of many people: each of their messages is settled by hand"
    )
    shared_after_days: int = Field(
        default=5, ge=1, description="a number counts as shared after messages on more days of a month",
        json_schema_extra={"unit": "days"},
    )  # fmt: skip
    shared_after_lines: int = Field(
        default=3, ge=1, description="a number counts as shared after messages on more lines within a month",
        json_schema_extra={"unit": "lines"},
    )  # fmt: skip
    unreachable_attempts: int = Field(
        default=2, ge=1, description="attempts needed before a callback may be closed as unreachable",
        json_schema_extra={"unit": "attempts"},
    )  # fmt: skip
    unreachable_days: int = Field(
        default=2, ge=1, description="on so many different days", json_schema_extra={"unit": "days"}
    )

    def rules(self, region: str) -> CallbackRules:
        """The ledger's parameters."""
        shared = frozenset(number for text in self.shared_numbers if (number := e164(text, region)))
        return CallbackRules(**(self.model_dump() | {"shared_numbers": shared}))


def shared_errors(callbacks: CallbackSettings, region: str) -> Iterator[tuple[Path, str]]:
    """A mistake for each entry of `shared_numbers` that is no valid number."""
    for place, number in enumerate(callbacks.shared_numbers):
        if e164(number, region) is None:
            yield (
                ("callbacks", "shared_numbers", place),
                f'"{number}" is no telephone number in {region}; write it as "416 327-2422"',
            )
