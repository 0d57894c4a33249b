"""« à ce que l'on vous rappelle dans les 24 heures » (Annexe 1).

Measured from the message or the request to the answer of the callback, by the clock or by business days (a setting
of the line). Met when called back by the due time; by a setting also when only attempted (reported apart). Exempt:
the caller reached a person first, did not ask for a callback, or cannot be called back. Not known: whether a
message was left, whether a gap hides a callback, or when it was (a clock that is not trusted). Not known, too: for
whom the exchange called the number.
"""

from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards.verdict_rules import (
    NOT_ATTRIBUTED,
    UNHEARD,
    Seen,
    StandardParameters,
    exempt,
    is_unattributed,
    met,
    obligation_not_met,
)
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
        return met(_reason(obligation))
    return _late(obligation, seen)


def _reason(obligation: Obligation) -> str:
    """The reason of an attempt in time: whether the person answered it."""
    due = obligation.dues.judging.at
    if obligation.short is not None and obligation.short <= due:
        return "answered_too_short"
    unsure = obligation.unsure
    if unsure is not None and obligation.opened < unsure <= due:
        return "answered_length_unknown"
    return "attempted_in_time"


def _late(obligation: Obligation, seen: Seen) -> Judgement:
    if obligation.state == "reached_us":
        return exempt("reached_us")
    if obligation.reason == "no_request":
        return exempt("no_request")
    if is_unattributed(obligation, obligation.dues.judging.at):
        return NOT_ATTRIBUTED
    if obligation.state == "paid":
        return UNHEARD if seen.in_doubt else obligation_not_met("called_back_late")
    if obligation.opening == "unheard":
        return Judgement("unknown", "message_not_heard")
    if seen.in_doubt:
        return UNHEARD
    if obligation.state == "closed":
        return obligation_not_met("closed_without_callback")
    if obligation.short is not None and obligation.short <= obligation.dues.judging.at:
        return obligation_not_met("answered_too_short")
    return obligation_not_met("no_open_hour" if obligation.no_open_hour else "not_called_back")
