"""Manual commands on disruptions, from the command line or a page, and their validation. Pure.

`validate` is called twice. The command line or the page calls it for an immediate answer. The register calls it
when it applies the command, since the disruption may have changed in between.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from callmon.core.disruptions.disruption import NO_NOTICE, Disruption, Notice, Refusal

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


def is_same(command: DisruptionCommand, other: DisruptionCommand) -> bool:
    """Whether two requests are the same. Start "now" matches "now"; an end matches by its distance from it."""
    if command.start == command.at and other.start == other.at:
        moved, until = command.at - other.at, command.notice.until
        if until is not None and other.notice.until == until - moved:
            notice = msgspec.structs.replace(command.notice, until=other.notice.until)
            command = msgspec.structs.replace(command, notice=notice)
        command = msgspec.structs.replace(command, start=other.start)
    return msgspec.structs.replace(command, n=other.n, at=other.at) == other


def validate(disruption: Disruption | None, command: DisruptionCommand) -> Refusal | None:
    """The reason to refuse the command; None when it can be applied."""
    if not command.disruption:
        return _new(command)
    if disruption is None:
        return "not_known"
    if command.action == "end":
        return _end(disruption, command)
    return _change(disruption, command)


def _new(command: DisruptionCommand) -> Refusal | None:
    start, until = command.start or command.at, command.notice.until
    if command.action == "announce" and start > command.at:
        return "not_yet"
    if until is not None and until <= start:
        return "end_before_start"
    if until is not None and until <= command.at:
        return "end_is_past"
    return "too_long_ago" if start < command.at - LONGEST_AGO else None


def _change(disruption: Disruption, command: DisruptionCommand) -> Refusal | None:
    """The notice of an ended disruption may still be corrected; its start and its lines may not."""
    moves = command.start is not None or bool(command.lines)
    if disruption.ended is not None and (moves or disruption.how == "cancelled"):
        return "is_over"
    if command.start is not None and (disruption.source != "work" or disruption.began <= command.at):
        return "has_begun"
    start, until = command.start or disruption.began, command.notice.over(disruption.notice).until
    if (command.start is not None or command.notice.until is not None) and until is not None and until <= start:
        return "end_before_start"
    is_work = disruption.source == "work" and command.notice.until is not None
    return "end_is_past" if is_work and until is not None and until <= command.at else None


def _end(disruption: Disruption, command: DisruptionCommand) -> Refusal | None:
    if disruption.ended is not None:
        return "is_over"
    when = command.when or command.at
    if when > command.at:
        return "not_yet"
    return "before_start" if when < disruption.began and command.when is not None else None


MOST = 300  # characters of a text; boards show no more
TEXTS = ("reason_fr", "reason_en", "alternative_fr", "alternative_en")


def notice(until: datetime | None, texts: Mapping[str, str]) -> Notice:
    """Build a notice. A text of only white space is None; line ends become spaces. Texts are cut at `MOST`."""
    given = {name: " ".join(texts.get(name, "").split())[:MOST] or None for name in TEXTS}
    return Notice(**given, until=until)
