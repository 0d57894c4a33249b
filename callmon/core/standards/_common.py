"""Cases that several standards share: not covered, stopped under the call, the cause of a miss. Pure."""

from __future__ import annotations

from datetime import timedelta

from callmon.core.calls.call import Call, Span
from callmon.core.facts import PhonesBest
from callmon.core.verdicts import Cause, Judgement


def exempt(reason: str) -> Judgement:
    return Judgement("exempt", reason)


def met(reason: str, number: int | None = None) -> Judgement:
    return Judgement("met", reason, number)


def not_met(call: Call, reason: str, number: int | None = None, cause: Cause | None = None) -> Judgement:
    """Every *not met* names a cause of the closed set (R-10)."""
    return Judgement("not_met", reason, number, cause or cause_of(call))


UNHEARD = Judgement("unknown", "gap")


def not_covered(call: Call) -> Judgement | None:
    """Calls that arrived outside opening hours are exempt; without a time of arrival nobody can tell."""
    if call.in_hours is None:
        return Judgement("unknown", "no_time") if call.arrived is None else exempt("closed")
    return None if call.in_hours else exempt("closed")


def not_answered(call: Call) -> Judgement | None:
    """What a standard of answered calls says of one that is not covered, or that no person answered."""
    uncovered = not_covered(call)
    if uncovered is None and call.outcome != "answered":
        return UNHEARD if call.outcome == "unknown" or call.doubtful else exempt("no_person")
    return uncovered


def stopped(call: Call, limit: timedelta) -> Judgement:
    """The exchange went down before anyone had answered: not met when three rings had passed by then."""
    if call.heard == "partly" and (call.waited is None or is_unclear(call.waited, limit)):
        return UNHEARD
    if call.waited is not None and call.waited.shortest >= limit:
        return not_met(call, "exchange_stopped", cause=cause_of(call, limit))
    return exempt("exchange_stopped")


def may_hide_a_person(call: Call) -> bool:
    """Nobody listened for a while after the answer, or before we listened at all, or to the end of the call:
    a transfer, who was on the line, or the offer of the survey may have gone unheard. `doubtful`: another may
    have answered unheard, and handed the caller on to the one who was heard.
    """
    if call.doubtful or not call.answer_heard or call.answered is None:
        return True
    return any(until is None or until > call.answered for _, until in call.gaps)


def is_unclear(span: Span, limit: timedelta) -> bool:
    """The limit lies within what is not known exactly."""
    return span.shortest < limit <= span.longest


def cause_of(call: Call, within: timedelta | None = None) -> Cause:
    """Why nobody answered within that time of the clock's start (None: at all).

    Where the phones' states were told they decide, else the phones' behaviour when they were dialled.
    """
    phones, best = call.phones, _best_offered(call, within)
    if best == "in_use":
        return "nobody_free"
    if best == "unreachable":
        return "no_phone_reachable"
    if call.outcome == "answered" and _hunted_late(call):
        return "late_hunting"
    if best is not None:
        return "rang_unanswered" if best == "ringing" else "other"
    if phones.rang:
        return "rang_unanswered"
    if phones.tried and phones.busy == phones.tried:
        return "nobody_free"
    return "no_phone_reachable" if phones.tried else "other"


def _best_offered(call: Call, within: timedelta | None) -> PhonesBest | None:
    """The best that was told until then. In a gap a phone may have been free: then nothing less is claimed."""
    best: PhonesBest | None = None
    for offered in call.phones.offered:
        if within is None or offered.since is None or offered.since < within:
            best = offered.best
    return best if call.heard != "partly" or best is None or best == "ringing" else "free"


def _hunted_late(call: Call) -> bool:
    """The phone that answered began to ring only at the caller's second ring or later, and answered in time."""
    if call.ringing is None or call.answered is None or call.answering_phone_rang is None:
        return False
    late = call.answering_phone_rang - call.ringing >= call.cycle
    return late and call.answered - call.answering_phone_rang < 3 * call.cycle
