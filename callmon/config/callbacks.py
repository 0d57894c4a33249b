"""The [callbacks] table: the rules that `core/callbacks/` follows."""

from datetime import timedelta
from typing import Self

from pydantic import Field

from callmon.config.durations import Duration
from callmon.config.phone_numbers import e164
from callmon.config.validation import Table


class CallbackRules(Table):
    """[callbacks]: parameters of the ledger and of its due dates."""

    within: Duration = Field(
        default=timedelta(hours=24), description="a caller must be called back within this time, by the clock"
    )
    talked_for: Duration = Field(
        default=timedelta(seconds=10),
        description="a callback counts when the conversation lasted at least this long",
    )
    rang_for: Duration = Field(
        default=timedelta(seconds=24),
        description="an attempt counts when it rang for at least this long: four rings",
    )
    attempt_counts: bool = Field(
        default=True, description="an attempt in time satisfies the standard; it is reported separately"
    )
    due_soon: Duration = Field(
        default=timedelta(hours=4),
        description="a callback is due soon when no more opening time than this is left",
    )
    abandoned_after: Duration | None = Field(
        default=None,
        description="a caller who abandons after this wait must be called back; when left out, no such caller",
    )
    shared_numbers: tuple[str, ...] = Field(
        default=(), description="numbers that several people share: staff close each callback manually"
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
        default=2, ge=1, description="attempts required before a callback may be closed as unreachable",
        json_schema_extra={"unit": "attempts"},
    )  # fmt: skip
    unreachable_days: int = Field(
        default=2,
        ge=1,
        description="different days on which those attempts were made",
        json_schema_extra={"unit": "days"},
    )

    def in_region(self, region: str) -> Self:
        """The rules with the shared numbers as an exchange of this region delivers them (E.164)."""
        shared = tuple(number for text in self.shared_numbers if (number := e164(text, region)))
        return self.model_copy(update={"shared_numbers": shared})
