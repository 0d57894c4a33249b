"""Signs that a call was answered for the figure's sake rather than for the caller's (R-12). Pure.

Picked up and dropped, picked up and put on hold, ended by our side first: figures, never verdicts, and by line,
never by person. A sign is only counted when it was heard; a gap hides it. Beside them, calls through a relay
service that we ended soon after answering: operators are often taken for telemarketers (R-50).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from callmon.core.calls.call import Call
from callmon.core.standards._common import may_hide_a_person

Sign = Literal["short_conversation", "early_hold", "ended_by_us"]
SIGNS: tuple[Sign, ...] = ("short_conversation", "early_hold", "ended_by_us")

SHORT = timedelta(seconds=10)  # a conversation, and the time before a hold
RELAY_SHORT = timedelta(seconds=20)


def signs(call: Call) -> tuple[Sign, ...]:
    """Those of one call that is over and that a person had answered."""
    found: dict[Sign, bool] = {
        "short_conversation": call.ended_how == "hangup" and _is_under(call.talked, SHORT),
        "early_hold": _is_under(call.held_after, SHORT),
        "ended_by_us": _ended_by_us(call),
    }
    return tuple(sign for sign, shown in found.items() if shown) if call.outcome == "answered" else ()


def relay_ended_early(call: Call) -> bool:
    """Our side ended a relay call sooner than 20 s after it had answered it."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup"
    if not (ours and call.relay and call.outcome == "answered") or call.ended is None or call.answered is None:
        return False
    return call.ended - call.answered < RELAY_SHORT


def _ended_by_us(call: Call) -> bool:
    """One person had the caller, who was handed on to nobody and nothing, and our side hung up first."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup" and call.survey is None
    alone = len({person.phone for person in call.people}) == 1 and call.redirections == 0
    return ours and alone and not may_hide_a_person(call)


def _is_under(length: timedelta | None, limit: timedelta) -> bool:
    return length is not None and length < limit
