"""Calls whose rows lack `eventextra`, as in a table made for an older Asterisk, `appname`, or an event. Pure.

Asterisk 12 and later say in `eventextra` why a channel was hung up and by whom, which bridge it entered, and what
was handed on to whom. Without it, that a person spoke with the caller, and from when on, and that voicemail took a
call, is told all the same. Who ended a call that nobody took is not, nor where one was handed on. Where answers
are written and bridges are not, or bridges and no answers, nobody knows whether a person spoke with a caller.

Refuses to guess: from there on nothing of such a call was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from callmon.backfill.cel.rows import Row
from callmon.core import facts as f
from callmon.core.facts import Fact

HANDED_ON = frozenset(("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"))
KEPT = (f.Arrived, f.Filled, f.Parked)
TAKEN = (f.Answered, f.VoicemailTook)
TOLD_ELSEWHERE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)


class Lacking:
    """What the rows of each call do not say."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.begun: dict[str, datetime] = {}
        self.ends: set[str] = set()  # of these they do: why a channel was hung up
        self.bridges: set[str] = set()  # which bridge a channel entered
        self.since: dict[str, datetime] = {}  # to whom it was handed on; from then on nothing is certain
        self._tried: dict[str, datetime] = {}  # since when another channel was in it
        self._kinds, self._others = set[str](), set[str]()  # of events; of those on such another channel
        for row in rows:
            self._note(row)
        if "BRIDGE_ENTER" not in self._kinds and "ANSWER" in self._others:
            self.since |= self._tried
        elif "BRIDGE_ENTER" in self._kinds and "ANSWER" not in self._kinds:
            self.since |= self.begun

    def _note(self, row: Row) -> None:
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
    rows: Iterable[Row], told: Mapping[str, Sequence[Fact]], every: bool = False
) -> dict[str, list[Fact]]:
    """Those of these calls that say too little, as far as they are known. `every`: no row names an application."""
    lacking = Lacking(rows)
    found: dict[str, list[Fact]] = {}
    for call in lacking.begun.keys() & told.keys():
        facts, since = told[call], lacking.since.get(call)
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
