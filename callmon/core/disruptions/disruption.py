"""Entries of a disruption (append-only), and the disruption that follows from them. Pure values.

    Opened ────────────▶ going on ──── Ended ────▶ over
   (detected, reported)     │  ▲                    │ (manually while it lasts: `lasts_on`, until CauseOver)
                            └──┘                    ▼
    Planned ──▶ planned ─(its start)─▶ going on   not a disruption: "cancelled", "measuring"
                  Announced and Confirmed change its data, Refused nothing

`at` of an entry is when it happened, which may be before it was written. The policy promises a notice of three
things, each in both languages: the reason, the expected duration, and the alternative.

A disruption is announced once its notice is complete in both languages. `announced` is the first such time.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

State = Literal["planned", "going_on", "over", "cancelled"]
NO_TIME = timedelta(0)
# The source. "staff": a person reported it, and callmon cannot detect it; "work": planned.
Source = Literal["exchange", "trunk", "phones", "staff", "work"]
SOURCES: tuple[Source, ...] = get_args(Source)
Key = tuple[Source, str, str]  # the detector's key: source, exchange, what
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
    """Lines cannot take calls since `at`. `what` is what failed: the line, the trunks, or "" for the exchange."""

    source: Source
    exchange: str
    what: str
    lines: tuple[str, ...]
    notice: Notice = NO_NOTICE
    work: str | None = None  # the planned work during which it happens, and whose notice it has
    actor: str | None = None  # the person who reported it, where callmon cannot detect it
    told: datetime | None = None  # when it was reported


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


class Disruption(msgspec.Struct, frozen=True, kw_only=True):
    """The current state. `confirmed`: whether an unheard exchange had stopped; None while that is not known."""

    id: str
    source: Source
    exchange: str = ""
    what: str = ""
    lines: tuple[str, ...]
    began: datetime
    notice: Notice = NO_NOTICE
    announced: datetime | None = None
    ended: datetime | None = None
    how: EndedHow | None = None
    confirmed: bool | None = True
    work: str | None = None
    actor: str | None = None  # the person of its last manual entry
    lasts_on: bool = False

    @property
    def key(self) -> Key:
        return self.source, self.exchange, self.what

    @property
    def shown_source(self) -> str:
        """The source shown to people: "exchange_unheard" for an exchange that is not confirmed to have stopped."""
        return "exchange_unheard" if self.source == "exchange" and not self.confirmed else self.source

    @property
    def is_live(self) -> bool:
        """Whether time, an event or a person can still change it."""
        return self.ended is None or self.lasts_on

    @property
    def counts(self) -> bool:
        """Whether it is or was a disruption: neither work that never began nor only a gap in measuring."""
        return self.how not in ("cancelled", "measuring")

    def state(self, now: datetime) -> State:
        if not self.counts:
            return "cancelled"
        if self.ended is not None:
            return "over"
        return "planned" if now < self.began else "going_on"

    def of_lines(self, lines: Container[str]) -> Disruption:
        """The same for a reader of these lines alone."""
        return msgspec.structs.replace(self, lines=tuple(x for x in self.lines if x in lines))

    @property
    def noticed_after(self) -> timedelta | None:
        """From its start to the complete notice: 0 for a notice before the start, None while incomplete."""
        return None if self.announced is None else max(NO_TIME, self.announced - self.began)


def opened(entry: Opened | Planned) -> Disruption:
    if isinstance(entry, Planned):
        planned = Disruption(
            id=entry.disruption,
            source="work",
            lines=entry.lines,
            began=entry.start,
            notice=entry.notice,
            actor=entry.actor,
        )
        return _announce(planned, entry.at)
    disruption = Disruption(
        id=entry.disruption,
        source=entry.source,
        exchange=entry.exchange,
        what=entry.what,
        lines=entry.lines,
        began=entry.at,
        notice=entry.notice,
        confirmed=None if entry.source == "exchange" else True,
        work=entry.work,
        actor=entry.actor,
    )
    return _announce(disruption, entry.told or entry.at)


def after(disruption: Disruption, entry: AnyEntry) -> Disruption:
    change = msgspec.structs.replace
    match entry:
        case Announced(actor=actor, notice=said, start=start, lines=lines):
            notice, began = said.over(disruption.notice), start or disruption.began
            lines = lines or disruption.lines
            return _announce(change(disruption, actor=actor, notice=notice, began=began, lines=lines), entry.at)
        case Confirmed():
            return change(disruption, confirmed=True)
        case DisruptionEnded(how=how, lasts_on=lasts_on):
            confirmed = False if how == "measuring" else disruption.confirmed
            ended = max(entry.at, disruption.began) if how != "cancelled" else entry.at
            return change(disruption, ended=ended, how=how, lasts_on=lasts_on, confirmed=confirmed)
        case CauseOver():
            return change(disruption, lasts_on=False)
    return disruption


def _announce(disruption: Disruption, at: datetime) -> Disruption:
    if disruption.announced is not None or disruption.notice.missing():
        return disruption
    return msgspec.structs.replace(disruption, announced=at)
