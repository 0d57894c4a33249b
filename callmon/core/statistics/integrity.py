"""Signs of gaming: a call was answered for the figure rather than for the caller (R-12). Pure.

The signs: answered and dropped, answered and put on hold, ended first by the exchange's side. They are counted by
line, never by person, and are never verdicts. A sign is counted only when its events were received; a gap hides
it. Also counted: relay calls that the exchange's side ended soon after the answer, since operators are often taken
for telemarketers (R-50).
"""

from datetime import timedelta
from typing import Literal, get_args

from callmon.core.calls.call import Call
from callmon.core.standards._common import may_hide_a_person

Sign = Literal["short_conversation", "early_hold", "ended_by_us"]
SIGNS: tuple[Sign, ...] = get_args(Sign)

SHORT = timedelta(seconds=10)  # a conversation, and the time before a hold
RELAY_SHORT = timedelta(seconds=20)


def signs(call: Call) -> tuple[Sign, ...]:
    """The signs of one ended call; empty unless a person had answered it."""
    found: dict[Sign, bool] = {
        "short_conversation": call.ended_how == "hangup" and _is_under(call.talked, SHORT),
        "early_hold": _is_under(call.held_after, SHORT),
        "ended_by_us": _ended_by_us(call),
    }
    return tuple(sign for sign, shown in found.items() if shown) if call.outcome == "answered" else ()


def relay_ended_early(call: Call) -> bool:
    """Whether the exchange's side ended a relay call less than 20 s after the answer."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup"
    if not (ours and call.relay and call.outcome == "answered") or call.ended is None or call.answered is None:
        return False
    return call.ended - call.answered < RELAY_SHORT


def _ended_by_us(call: Call) -> bool:
    """Whether one person had the caller, no redirection took place, and the exchange's side hung up first."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup" and call.survey is None
    alone = len({person.phone for person in call.people}) == 1 and call.redirections == 0
    return ours and alone and not may_hide_a_person(call)


def _is_under(length: timedelta | None, limit: timedelta) -> bool:
    return length is not None and length < limit
