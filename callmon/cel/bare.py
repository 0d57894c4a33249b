"""Calls whose rows lack `eventextra`, as in a table made for an older Asterisk, or `appname`. Pure.

Asterisk 12 and later say in `eventextra` why a channel was hung up and by whom, which bridge it entered, and what
was handed on to whom. Without it, that a person spoke with the caller, and from when on, and that voicemail took a
call, is told all the same. Who ended a call that nobody took is not, nor where one was handed on.

Refuses to guess: from there on nothing of such a call was heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from callmon import facts as f
from callmon.cel.rows import Row
from callmon.facts import Fact

HANDED_ON = frozenset(("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"))
TAKEN = (f.Answered, f.VoicemailTook)
TOLD_ELSEWHERE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)


class Lacking:
    """What the rows of each call do not say."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.calls: set[str] = set()
        self.ends: set[str] = set()  # of these they do: why a channel was hung up
        self.bridges: set[str] = set()  # which bridge a channel entered
        self.handed_on: dict[str, datetime] = {}  # to whom; since then nothing is certain
        for row in rows:
            self._note(row)

    def _note(self, row: Row) -> None:
        self.calls.add(row.linkedid)
        if row.kind == "HANGUP" and row.extra:
            self.ends.add(row.linkedid)
        elif row.kind == "BRIDGE_ENTER" and not row.extra:
            self.bridges.add(row.linkedid)
        elif row.kind in HANDED_ON and not row.extra:
            self.handed_on.setdefault(row.linkedid, row.at)


def with_doubt(
    rows: Iterable[Row], told: Mapping[str, Sequence[Fact]], every: bool = False
) -> dict[str, list[Fact]]:
    """Those of these calls that say too little, as far as they are known. `every`: no row names an application."""
    lacking = Lacking(rows)
    found: dict[str, list[Fact]] = {}
    for call in lacking.calls & told.keys():
        facts, since = told[call], lacking.handed_on.get(call)
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
    rest = [fact for fact in rest if fact.at is None or fact.at < since or isinstance(fact, f.Parked)]
    is_open = not any(isinstance(fact, f.Answered) for fact in rest)
    return [*rest, f.Unheard(end.call, since, end.at, is_open, is_open), _unheard(end)]


def _unheard(end: Fact) -> Fact:
    return f.Ended(end.call, end.at, "unknown", "unheard")
