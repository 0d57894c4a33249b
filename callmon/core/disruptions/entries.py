"""What is written of a disruption: past-tense entries, one after the other, never changed. Pure values.

What stands of a disruption is derived from its entries (`disruption.py`). `at` is when it happened, which may be
before it was written. The policy's promise is a notice with three things, each in both languages: the reason, how
long it is expected to last, and the alternative.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

# What it comes from. "staff": somebody told of it, and callmon cannot see it; "work": planned.
Source = Literal["exchange", "trunk", "phones", "staff", "work"]
SOURCES: tuple[Source, ...] = ("exchange", "trunk", "phones", "staff", "work")
# "over": its cause was; "closed": the line's hours; "time": a planned end; "cancelled": work that never began;
# "measuring": the exchange had worked all the time, only callmon did not hear it.
EndedHow = Literal["over", "by_hand", "closed", "time", "cancelled", "measuring"]
Refusal = Literal[
    "not_known", "is_over", "has_begun", "not_yet", "before_start", "end_before_start", "end_is_past",
    "too_long_ago",
]  # fmt: skip


class Notice(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the public is told. Each may be missing yet; `until` is when it is expected to be over."""

    reason_fr: str | None = None
    reason_en: str | None = None
    alternative_fr: str | None = None
    alternative_en: str | None = None
    until: datetime | None = None

    def missing(self) -> tuple[str, ...]:
        """What the promise asks for and nobody has said yet."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is None)

    def over(self, other: Notice) -> Notice:
        """This, and where it says nothing the other."""
        return Notice(*(mine if (mine := getattr(self, x)) is not None else getattr(other, x) for x in FIELDS))


FIELDS = Notice.__struct_fields__
NO_NOTICE = Notice()


class Entry(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Something that happened to one disruption."""

    disruption: str
    at: datetime


class Opened(Entry, frozen=True, gc=False, tag="Opened"):
    """Lines cannot take calls since `at`. `what` is what failed: the line, the trunks, or "" for the exchange.

    `work` is planned work that it happens in, whose notice stands for it. Where callmon cannot see it, `actor`
    told of it, at the time `told`.
    """

    source: Source
    exchange: str
    what: str
    lines: tuple[str, ...]
    notice: Notice = NO_NOTICE
    work: str | None = None
    actor: str | None = None
    told: datetime | None = None


class Planned(Entry, frozen=True, gc=False, tag="Planned"):
    """Somebody plans work that lines may not be reachable in; its end is `notice.until`."""

    actor: str
    lines: tuple[str, ...]
    start: datetime
    notice: Notice


class Announced(Entry, frozen=True, gc=False, tag="Announced"):
    """Somebody said something, or something else, for the notice; or moved planned work, or its lines."""

    actor: str
    notice: Notice = NO_NOTICE
    start: datetime | None = None
    lines: tuple[str, ...] = ()


class Confirmed(Entry, frozen=True, gc=False, tag="Confirmed"):
    """The exchange that was unheard had really stopped."""


class Ended(Entry, frozen=True, gc=False, tag="Ended"):
    """It is over. `lasts_on`: somebody says so, though what callmon sees says otherwise."""

    how: EndedHow
    actor: str | None = None
    lasts_on: bool = False


class CauseOver(Entry, frozen=True, gc=False, tag="CauseOver"):
    """What callmon saw of one that was ended by hand is over too: it may be seen anew from now on."""


class Refused(Entry, frozen=True, gc=False, tag="Refused"):
    """What somebody asked for was not done: another thing had happened meanwhile."""

    actor: str
    action: str
    why: Refusal


AnyEntry = Opened | Planned | Announced | Confirmed | Ended | CauseOver | Refused
