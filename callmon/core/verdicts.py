"""What callmon finds: verdicts on promises, and what leaves the monitor after each event. Pure values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from callmon.core.facts import Fact

if TYPE_CHECKING:
    from callmon.core.callbacks.written_merge import Written
    from callmon.core.calls.call import Call
    from callmon.core.disruptions.register import Noted

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


class Outcome(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one event (or one tick) led to, for one exchange. Sinks take it as it is.

    `calls` are the accounts, as they stand now, of the calls that ended with this outcome. `ledger` is what was
    written in the ledger of callbacks: each entry bears its own exchange, which need not be this one. `hand` is
    the number of what a person did by hand, when this follows from it. `disruptions` and `disruption_hand` are the
    same of the book of disruptions.
    """

    exchange: str
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    calls: tuple[Call, ...] = ()
    gaps: tuple[Gap, ...] = ()
    ledger: tuple[Written, ...] = ()
    hand: int = 0
    disruptions: tuple[Noted, ...] = ()
    disruption_hand: int = 0
