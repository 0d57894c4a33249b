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
TOLD_ELSEWHERE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)


def with_doubt(
    rows: Iterable[Row], told: Mapping[str, Sequence[Fact]], every: bool = False
) -> dict[str, list[Fact]]:
    """Those of these calls that say too little, as far as they are known. `every`: no row names an application."""
    says: dict[str, bool] = {}
    handed_on: dict[str, datetime] = {}
    for row in rows:
        says[row.linkedid] = says.get(row.linkedid, False) or (row.kind == "HANGUP" and row.extra != "")
        if row.kind in HANDED_ON:
            handed_on.setdefault(row.linkedid, row.at)
    bare = {call for call, is_said in says.items() if every or not is_said}
    doubted = {call: _known(told[call], handed_on.get(call)) for call in bare & told.keys()}
    return {call: facts for call, facts in doubted.items() if facts is not None}


def _known(facts: Sequence[Fact], handed_on: datetime | None) -> list[Fact] | None:
    """None when all of it is: a person or voicemail took the call, and kept it."""
    elsewhere = [fact.at for fact in facts if isinstance(fact, TOLD_ELSEWHERE)]
    since = min((at for at in (*elsewhere, handed_on) if at is not None), default=None)
    *rest, end = facts
    if since is None and any(isinstance(fact, (f.Answered, f.VoicemailTook)) for fact in rest):
        return None
    if since is not None:
        rest = [fact for fact in rest if fact.at is None or fact.at < since or isinstance(fact, f.Parked)]
        is_open = not any(isinstance(fact, f.Answered) for fact in rest)
        rest.append(f.Unheard(end.call, since, end.at, is_open, is_open))
    return [*rest, f.Ended(end.call, end.at, "unknown", "unheard")]
