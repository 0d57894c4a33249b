"""Manual commands on disruptions, from the command line or a page, and their validation. Pure.

`validate` is called twice. The command line or the page calls it for an immediate answer. The register calls it
when it applies the command, since the disruption may have changed in between.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from callmon.core.disruptions.disruption import Disruption
from callmon.core.disruptions.entries import NO_NOTICE, Notice, Refusal

Action = Literal["plan", "announce", "change", "end"]
LONGEST_AGO = timedelta(days=366)


class DisruptionCommand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One manual command. `n`: its sequence number; `at`: when it was requested; `disruption` "": a new one.

    `start`: of planned work, or since when the lines cannot take calls. `when`: the time at which it ended.
    """

    n: int = 0
    at: datetime
    actor: str
    action: Action
    disruption: str = ""
    lines: tuple[str, ...] = ()
    start: datetime | None = None
    when: datetime | None = None
    notice: Notice = NO_NOTICE


def is_same(one: DisruptionCommand, other: DisruptionCommand) -> bool:
    """Whether two requests are the same. Start "now" matches "now"; an end matches by its distance from it."""
    if one.start == one.at and other.start == other.at:
        moved, until = one.at - other.at, one.notice.until
        if until is not None and other.notice.until == until - moved:
            notice = msgspec.structs.replace(one.notice, until=other.notice.until)
            one = msgspec.structs.replace(one, notice=notice)
        one = msgspec.structs.replace(one, start=other.start)
    return msgspec.structs.replace(one, n=other.n, at=other.at) == other


def validate(one: Disruption | None, hand: DisruptionCommand) -> Refusal | None:
    """The reason to refuse the command; None when it can be applied."""
    if not hand.disruption:
        return _new(hand)
    if one is None:
        return "not_known"
    if hand.action == "end":
        return _end(one, hand)
    return _change(one, hand)


def _new(hand: DisruptionCommand) -> Refusal | None:
    start, until = hand.start or hand.at, hand.notice.until
    if hand.action == "announce" and start > hand.at:
        return "not_yet"
    if until is not None and until <= start:
        return "end_before_start"
    if until is not None and until <= hand.at:
        return "end_is_past"
    return "too_long_ago" if start < hand.at - LONGEST_AGO else None


def _change(one: Disruption, hand: DisruptionCommand) -> Refusal | None:
    """The notice of an ended disruption may still be corrected; its start and its lines may not."""
    moves = hand.start is not None or bool(hand.lines)
    if one.ended is not None and (moves or one.how == "cancelled"):
        return "is_over"
    if hand.start is not None and (one.source != "work" or one.began <= hand.at):
        return "has_begun"
    start, until = hand.start or one.began, hand.notice.over(one.notice).until
    if (hand.start is not None or hand.notice.until is not None) and until is not None and until <= start:
        return "end_before_start"
    is_work = one.source == "work" and hand.notice.until is not None
    return "end_is_past" if is_work and until is not None and until <= hand.at else None


def _end(one: Disruption, hand: DisruptionCommand) -> Refusal | None:
    if one.ended is not None:
        return "is_over"
    when = hand.when or hand.at
    if when > hand.at:
        return "not_yet"
    return "before_start" if when < one.began and hand.when is not None else None


MOST = 300  # characters of a text; boards show no more
TEXTS = ("reason_fr", "reason_en", "alternative_fr", "alternative_en")


def notice(until: datetime | None, texts: Mapping[str, str]) -> Notice:
    """Build a notice. A text of only white space is None; line ends become spaces. Texts are cut at `MOST`."""
    given = {name: " ".join(texts.get(name, "").split())[:MOST] or None for name in TEXTS}
    return Notice(**given, until=until)
