"""Verdicts on the service standards, and gaps in the received events. Pure values."""

from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

Verdict = Literal["met", "not_met", "exempt", "unknown"]
Cause = Literal[
    "nobody_free", "rang_unanswered", "no_phone_reachable", "sent_to_voicemail_early", "late_hunting", "other"
]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Finding(msgspec.Struct, frozen=True, gc=False):
    """A judgement on a call, with every field that a counter or a row needs."""

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


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """The verdict of a standard on one call."""

    verdict: Verdict
    reason_key: str  # of the reason in `text/labels.toml`
    number: int | None = None  # the ring, the seconds or the transfers in the reason's text
    cause: Cause | None = None  # of the closed set

    def finding(
        self, call: str, at: datetime | None, standard: str, line: str, language: str, in_hours: bool | None
    ) -> Finding:
        judged = self.verdict, self.reason_key, self.number, self.cause
        return Finding(call, at, standard, line, language, in_hours, *judged)


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A gap: from the last byte received from an exchange to the end of the channel listing after it."""

    exchange: str
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start
