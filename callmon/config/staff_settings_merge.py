"""What the configuration says of the staff's languages, and what is wrong with it. `staff.py` works with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from callmon.config.staff import Listed, overlaps
from callmon.config.validation import MistakesError, Path, did_you_mean


class StaffSettings(BaseModel):
    """[[staff]]: the languages of an extension, for a time (a person changes desk). No name stands here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    extension: str = Field(min_length=1, description="the phone, as the exchange names it")
    languages: tuple[Literal["fr", "en"], ...] = Field(description="what whoever sits there speaks")
    valid_from: date | None = Field(default=None, description="first day; when left out, from ever")
    valid_until: date | None = Field(default=None, description="last day, included; when left out, until further")
    exchange: str | None = Field(default=None, description="the exchange that it is at; when left out, any")

    @field_validator("languages")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError('is empty; name what is spoken there: ["fr"], ["en"] or ["fr", "en"]')
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            found = f"{self.valid_until} is before valid_from, {self.valid_from}; it is the last day, included"
            raise MistakesError([(("valid_until",), found)])
        return self

    def listed(self) -> Listed:
        return Listed(self.extension, self.languages, self.valid_from, self.valid_until, self.exchange)


def staff_mistakes(staff: Sequence[StaffSettings], exchanges: Collection[str]) -> Iterator[tuple[Path, str]]:
    """An exchange that there is not; one extension with two lists of languages on one day."""
    listed = [entry.listed() for entry in staff]
    for place, entry in enumerate(listed):
        if entry.exchange is not None and entry.exchange not in exchanges:
            yield ("staff", place, "exchange"), f'there is no exchange "{entry.exchange}"{_hint(entry, exchanges)}'
    for first, second in overlaps(listed):
        yield (
            ("staff", second, "extension"),
            f'"{listed[second].extension}" is listed for some of the same days in staff[{first + 1}]; '
            "let one of them end (valid_until) before the other begins (valid_from)",
        )


def _hint(entry: Listed, exchanges: Collection[str]) -> str:
    return did_you_mean(str(entry.exchange), exchanges)
