"""Signs that a call was answered for the figure's sake rather than for the caller's (R-12). Pure.

Picked up and dropped, picked up and put on hold, ended by our side first: figures, never verdicts, and by line,
never by person. A sign is only counted when it was heard; a gap hides it. Beside them, calls through a relay
service that we ended soon after answering: operators are often taken for telemarketers (R-50).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from statistics import median
from typing import Literal

import msgspec

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


class Integrity(msgspec.Struct, frozen=True):
    """One line's answered calls in a period, those that bear each sign, and the median of the early holds."""

    answered: int
    short_conversation: int
    early_hold: int
    ended_by_us: int
    median_hold: timedelta | None  # None where no early hold was heard to its end


class Relay(msgspec.Struct, frozen=True):
    """Calls through a relay service in a period."""

    outcomes: Mapping[str, int]
    ended_early: int
    verdicts: Mapping[tuple[str, str], int]  # standard, verdict → calls


def count(calls: Iterable[Call]) -> dict[str, Integrity]:
    """By line, of the public's calls."""
    answered: Counter[str] = Counter()
    signed: Counter[tuple[str, Sign]] = Counter()
    holds: dict[str, list[timedelta]] = {}
    for call in calls:
        if call.line is None or call.outcome != "answered":
            continue
        shown = signs(call)
        answered[call.line] += 1
        signed.update((call.line, sign) for sign in shown)
        if "early_hold" in shown and call.held_for is not None:
            holds.setdefault(call.line, []).append(call.held_for)
    return {
        line: Integrity(
            answered=number,
            short_conversation=signed[line, "short_conversation"],
            early_hold=signed[line, "early_hold"],
            ended_by_us=signed[line, "ended_by_us"],
            median_hold=_median(holds.get(line, [])),
        )
        for line, number in answered.items()
    }


def count_relay(calls: Iterable[Call], verdicts: Iterable[tuple[str, str]]) -> Relay:
    """`verdicts` are the (standard, verdict) of these calls."""
    known = list(calls)
    outcomes = Counter(str(call.outcome) for call in known)
    return Relay(outcomes, sum(map(relay_ended_early, known)), Counter(verdicts))


def _median(lengths: list[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(x.total_seconds() for x in lengths)) if lengths else None


def _ended_by_us(call: Call) -> bool:
    """One person had the caller, who was handed on to nobody and nothing, and our side hung up first."""
    ours = call.ended_by == "exchange" and call.ended_how == "hangup" and call.survey is None
    alone = len({person.phone for person in call.people}) == 1 and call.redirections == 0
    return ours and alone and not may_hide_a_person(call)


def _is_under(length: timedelta | None, limit: timedelta) -> bool:
    return length is not None and length < limit
