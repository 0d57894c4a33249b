"""Entries of a disruption: past tense, append-only, never changed. Pure values.

The state of a disruption is derived from its entries (`disruption.py`). `at` is when it happened, which may be
before the entry was written. The policy promises a notice of three things, each in both languages: the reason, the
expected duration, and the alternative.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

import msgspec

# The source. "staff": a person reported it, and callmon cannot detect it; "work": planned.
Source = Literal["exchange", "trunk", "phones", "staff", "work"]
SOURCES: tuple[Source, ...] = get_args(Source)
# "over": its cause ended; "closed": the line's opening hours ended; "time": the planned end; "cancelled": work
# that never began; "measuring": the exchange had worked all the time, and only callmon's reception had a gap.
EndedHow = Literal["over", "by_hand", "closed", "time", "cancelled", "measuring"]
Refusal = Literal[
    "not_known", "is_over", "has_begun", "not_yet", "before_start", "end_before_start", "end_is_past",
    "too_long_ago",
]  # fmt: skip


class Notice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The notice to the public. Any field may still be missing. `until`: the expected end."""

    reason_fr: str | None = None
    reason_en: str | None = None
    alternative_fr: str | None = None
    alternative_en: str | None = None
    until: datetime | None = None

    def missing(self) -> tuple[str, ...]:
        """The fields that the promise requires and that are still missing."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is None)

    def over(self, other: Notice) -> Notice:
        """This notice, with each missing field taken from `other`."""
        return Notice(*(mine if (mine := getattr(self, x)) is not None else getattr(other, x) for x in FIELDS))


FIELDS = Notice.__struct_fields__
NO_NOTICE = Notice()


class DisruptionEntry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one disruption."""

    disruption: str
    at: datetime


class Opened(DisruptionEntry, frozen=True, gc=False, tag="Opened"):
    """Lines cannot take calls since `at`. `what` is what failed: the line, the trunks, or "" for the exchange.

    `work`: the planned work during which it happens and whose notice it has. `actor` and `told`: the person and
    the time of the report, where callmon cannot detect the disruption.
    """

    source: Source
    exchange: str
    what: str
    lines: tuple[str, ...]
    notice: Notice = NO_NOTICE
    work: str | None = None
    actor: str | None = None
    told: datetime | None = None


class Planned(DisruptionEntry, frozen=True, gc=False, tag="Planned"):
    """A person planned work during which lines may not be reachable. Its end is `notice.until`."""

    actor: str
    lines: tuple[str, ...]
    start: datetime
    notice: Notice


class Announced(DisruptionEntry, frozen=True, gc=False, tag="Announced"):
    """A person added to or changed the notice, or changed the start or the lines of planned work."""

    actor: str
    notice: Notice = NO_NOTICE
    start: datetime | None = None
    lines: tuple[str, ...] = ()


class Confirmed(DisruptionEntry, frozen=True, gc=False, tag="Confirmed"):
    """The unheard exchange had really stopped."""


class DisruptionEnded(DisruptionEntry, frozen=True, gc=False, tag="Ended"):
    """The disruption ended. `lasts_on`: a person ended it manually while callmon still detects its cause."""

    how: EndedHow
    actor: str | None = None
    lasts_on: bool = False


class CauseOver(DisruptionEntry, frozen=True, gc=False, tag="CauseOver"):
    """The cause of a manually ended disruption is over too. It may open a new disruption from now on."""


class DisruptionCommandRefused(DisruptionEntry, frozen=True, gc=False, tag="Refused"):
    """A manual command was refused when it was applied: the disruption had changed since the request."""

    actor: str
    action: str
    why: Refusal


AnyEntry = Opened | Planned | Announced | Confirmed | DisruptionEnded | CauseOver | DisruptionCommandRefused
