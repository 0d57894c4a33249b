"""« à ce que l'on vous rappelle dans les 24 heures » (Annexe 1).

Measured from the message or the request to the answer of the callback, by the clock or by business days (a setting
of the line). Met when called back by the due time; by a setting also when only attempted (reported apart). Exempt:
the caller reached a person first, did not ask for a callback, or cannot be called back. Not known: whether a
message was left, whether a gap hides a callback, or when it was (a clock that is not trusted).
"""

from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards._common import UNHEARD, Seen, StandardParameters, exempt, met, obligation_not_met
from callmon.core.verdicts import Judgement

KIND = "callback"


def judge(obligation: Obligation, seen: Seen, parameters: StandardParameters) -> Judgement | None:
    """*Met* when called back in time; any other verdict at the due time."""
    due = obligation.dues.judging.at
    is_paid = obligation.state == "paid" and obligation.settled is not None
    if obligation.hidden is None and is_paid and obligation.settled is not None and obligation.settled <= due:
        return met("called_back")
    if not obligation.fell_due and not is_paid:
        return None
    if obligation.hidden is not None:
        return exempt("not_returnable")
    if seen.attempt_counts and any(at <= due for at in obligation.attempts):
        return met("attempted_in_time")
    return _late(obligation, seen)


def _late(obligation: Obligation, seen: Seen) -> Judgement:
    if obligation.state == "reached_us":
        return exempt("reached_us")
    if obligation.reason == "no_request":
        return exempt("no_request")
    if obligation.state == "paid":
        return UNHEARD if seen.in_doubt else obligation_not_met("called_back_late")
    if obligation.opening == "unheard":
        return Judgement("unknown", "message_not_heard")
    if seen.in_doubt:
        return UNHEARD
    if obligation.state == "closed":
        return obligation_not_met("closed_without_callback")
    return obligation_not_met("no_open_hour" if obligation.no_open_hour else "not_called_back")
