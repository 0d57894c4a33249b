"""Calls whose rows lack `eventextra` (a table made for an older Asterisk), `appname`, or an event. Pure.

Asterisk 12 and later write into `eventextra` the cause and side of a hang-up and the parties of a transfer. It
also has the bridge that a channel entered. Without it, the rows still show that and when a person spoke with the
caller, and that voicemail took a call. They do not show which side ended an unanswered call, or the target of a
transfer. With answers and no bridges, or bridges and no answers, it is not known whether a person spoke with the
caller.

Refuses: to guess. From the first uncertain moment on, such a call counts as unheard.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from callmon.backfill.cel.rows import CelRow
from callmon.core import facts as f
from callmon.core.facts import Fact

HANDED_ON = frozenset(("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"))
KEPT = (f.Arrived, f.Filled, f.Parked)
TAKEN = (f.Answered, f.VoicemailTook)
TOLD_ELSEWHERE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)


class MissingFields:
    """The information that the rows of each call lack."""

    def __init__(self, rows: Iterable[CelRow]) -> None:
        self.begun: dict[str, datetime] = {}
        self.ends: set[str] = set()  # calls with a complete HANGUP row: the cause is known
        self.bridges: set[str] = set()  # calls with a BRIDGE_ENTER row that names no bridge
        self.since: dict[str, datetime] = {}  # time of a transfer without target; nothing is certain from then on
        self._tried: dict[str, datetime] = {}  # time of the first row of another channel of the call
        self._kinds, self._others = set[str](), set[str]()  # kinds of all rows; of rows of such other channels
        for row in rows:
            self._note(row)
        if "BRIDGE_ENTER" not in self._kinds and "ANSWER" in self._others:
            self.since |= self._tried
        elif "BRIDGE_ENTER" in self._kinds and "ANSWER" not in self._kinds:
            self.since |= self.begun

    def _note(self, row: CelRow) -> None:
        self.begun.setdefault(row.linkedid, row.at)
        self._kinds.add(row.kind)
        if row.uniqueid != row.linkedid:
            self._tried.setdefault(row.linkedid, row.at)
            self._others.add(row.kind)
        if row.kind == "HANGUP" and row.extra:
            self.ends.add(row.linkedid)
        elif row.kind == "BRIDGE_ENTER" and not row.extra:
            self.bridges.add(row.linkedid)
        elif row.kind in HANDED_ON and not row.extra:
            self.since.setdefault(row.linkedid, row.at)


def with_doubt(
    rows: Iterable[CelRow], extracted: Mapping[str, Sequence[Fact]], every: bool = False
) -> dict[str, list[Fact]]:
    """The incomplete calls, with the facts that are certain. `every`: no row names an application."""
    lacking = MissingFields(rows)
    found: dict[str, list[Fact]] = {}
    for call in lacking.begun.keys() & extracted.keys():
        facts, since = extracted[call], lacking.since.get(call)
        if every or call in lacking.bridges:
            elsewhere = [fact.at for fact in facts if isinstance(fact, TOLD_ELSEWHERE)]
            since = min((at for at in (*elsewhere, since) if at is not None), default=None)
        if since is not None:
            found[call] = _until(since, facts)
        elif (every or call not in lacking.ends) and not any(isinstance(fact, TAKEN) for fact in facts):
            found[call] = [*facts[:-1], _unheard(facts[-1])]
    return found


def _until(since: datetime, facts: Sequence[Fact]) -> list[Fact]:
    *rest, end = facts
    rest = [x for x in rest if isinstance(x, KEPT) or x.at is None or x.at < since]
    is_open = not any(isinstance(fact, f.Answered) for fact in rest)
    return [*rest, f.Unheard(end.call, since, end.at, is_open, is_open), _unheard(end)]


def _unheard(end: Fact) -> Fact:
    return f.Ended(end.call, end.at, "unknown", "unheard")
