"""What callmon finds: verdicts on the service standards, and gaps in what it received. Pure values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

Verdict = Literal["met", "not_met", "exempt", "unknown"]
Cause = Literal[
    "nobody_free", "rang_unanswered", "no_phone_reachable", "sent_to_voicemail_early", "late_hunting", "other"
]
VERDICTS: tuple[Verdict, ...] = ("met", "not_met", "exempt", "unknown")
CAUSES: tuple[Cause, ...] = (
    "nobody_free",
    "rang_unanswered",
    "no_phone_reachable",
    "sent_to_voicemail_early",
    "late_hunting",
    "other",
)


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """A standard's word on one call. `reason` is for people (English); `cause` is of the closed set (R-10).

    `reason_key` names the reason in the catalogues, so that it can be said in French too, with `number`
    as the ring or the seconds it speaks of.
    """

    verdict: Verdict
    reason_key: str
    number: int | None = None
    cause: Cause | None = None


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A judgement on a call, with all that a counter or a row needs."""

    call: str
    at: datetime | None
    standard: str
    line: str
    language: str
    in_hours: bool | None
    verdict: Verdict
    reason_key: str
    number: int | None
    cause: Cause | None


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A time in which an exchange was unheard: from its last byte to the end of the listing after it."""

    exchange: str
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start
