"""One disruption, derived from its entries. Pure: the same entries always give the same disruption.

    Opened ────────────▶ going on ──── Ended ────▶ over
   (detected, reported)     │  ▲                    │ (manually while it lasts: `lasts_on`, until CauseOver)
                            └──┘                    ▼
    Planned ──▶ planned ─(its start)─▶ going on   not a disruption: "cancelled", "measuring"
                  Announced and Confirmed change its data, Refused nothing

A disruption is announced once its notice is complete in both languages. `announced` is the first such time.
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from callmon.core.disruptions import entries as n
from callmon.core.disruptions.entries import NO_NOTICE, EndedHow, Notice, Source

State = Literal["planned", "going_on", "over", "cancelled"]
Key = tuple[Source, str, str]  # the detector's key: source, exchange, what

NO_TIME = timedelta(0)


class Disruption(msgspec.Struct, frozen=True, kw_only=True):
    """The current state. `confirmed`: whether an unheard exchange had stopped; None while that is not known."""

    id: str
    source: Source
    exchange: str
    what: str
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

    @property
    def noticed_after(self) -> timedelta | None:
        """From its start to the complete notice: 0 for a notice before the start, None while incomplete."""
        return None if self.announced is None else max(NO_TIME, self.announced - self.began)


def opened(entry: n.Opened | n.Planned) -> Disruption:
    if isinstance(entry, n.Planned):
        return _announce(
            Disruption(
                id=entry.disruption, source="work", exchange="", what="", lines=entry.lines, began=entry.start,
                notice=entry.notice, actor=entry.actor,
            ),
            entry.at,
        )  # fmt: skip
    sees_all = entry.source != "exchange"
    disruption = Disruption(
        id=entry.disruption, source=entry.source, exchange=entry.exchange, what=entry.what, lines=entry.lines,
        began=entry.at, notice=entry.notice, confirmed=True if sees_all else None, work=entry.work,
        actor=entry.actor,
    )  # fmt: skip
    return _announce(disruption, entry.told or entry.at)


def after(disruption: Disruption, entry: n.AnyEntry) -> Disruption:
    change = msgspec.structs.replace
    match entry:
        case n.Announced(actor=actor, notice=said, start=start, lines=lines):
            notice, began = said.over(disruption.notice), start or disruption.began
            lines = lines or disruption.lines
            return _announce(change(disruption, actor=actor, notice=notice, began=began, lines=lines), entry.at)
        case n.Confirmed():
            return change(disruption, confirmed=True)
        case n.DisruptionEnded(how=how, lasts_on=lasts_on):
            confirmed = False if how == "measuring" else disruption.confirmed
            ended = max(entry.at, disruption.began) if how != "cancelled" else entry.at
            return change(disruption, ended=ended, how=how, lasts_on=lasts_on, confirmed=confirmed)
        case n.CauseOver():
            return change(disruption, lasts_on=False)
    return disruption


def _announce(disruption: Disruption, at: datetime) -> Disruption:
    if disruption.announced is not None or disruption.notice.missing():
        return disruption
    return msgspec.structs.replace(disruption, announced=at)
