"""Calls whose rows lack `eventextra`, as in a table made for an older Asterisk, or `appname`. Pure.

Asterisk 12 and later say in `eventextra` why a channel was hung up and by whom, which bridge it entered, and what
was handed on to whom. Without it, that a person spoke with the caller, and from when on, and that voicemail took a
call, is told all the same. Who ended a call that nobody took is not, nor where one was handed on.

Refuses to guess: such calls are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from callmon import facts as f
from callmon.cel.rows import Row
from callmon.facts import Fact

HANDED_ON = frozenset(("BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD", "PARK_START", "PARK_END"))
TOLD_ELSEWHERE = (f.SentOff, f.Transferred, f.CameBack, f.Parked, f.Forwarded)
WHY = (
    "for they do not tell who ended their call, or to whom it was handed on: that takes the event HANGUP and the "
    "columns appname and eventextra (extra)"
)


def left_out(rows: Iterable[Row], told: Mapping[str, Sequence[Fact]], every: bool = False) -> set[str]:
    """The calls among those told that say too little. `every` call's rows may: no row names an application."""
    says: dict[str, bool] = {}
    handed_on = set[str]()
    for row in rows:
        says[row.linkedid] = says.get(row.linkedid, False) or (row.kind == "HANGUP" and row.extra != "")
        if row.kind in HANDED_ON:
            handed_on.add(row.linkedid)
    bare = {call for call, is_said in says.items() if every or not is_said}
    return {call for call in bare & told.keys() if call in handed_on or not _is_kept(told[call])}


def _is_kept(facts: Sequence[Fact]) -> bool:
    """Whether a person or voicemail took the call, and kept it."""
    is_elsewhere = any(isinstance(fact, TOLD_ELSEWHERE) for fact in facts)
    return not is_elsewhere and any(isinstance(fact, (f.Answered, f.VoicemailTook)) for fact in facts)
