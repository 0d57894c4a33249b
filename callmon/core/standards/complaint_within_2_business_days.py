"""« plaintes logées … par téléphone … accueillies dans les deux jours ouvrables » (Annexe 1).

Due at closing of the second business day after the day of receipt. Met by the first response: a callback with a
conversation, or a manual entry. Not known: whether a call to the number was the first response.
"""

from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards.verdict_rules import (
    NOT_ATTRIBUTED,
    Seen,
    StandardParameters,
    complaint_step,
    is_unattributed,
)
from callmon.core.verdicts import Judgement

KIND = "complaint"


def judge(obligation: Obligation, seen: Seen, parameters: StandardParameters) -> Judgement | None:
    """*Met* at the first response in time (an answer is also a response); any other verdict at the due time."""
    due = obligation.dues.judging.at
    answered = obligation.settled if obligation.reason == "answered" else None
    done = min((at for at in (obligation.acknowledged, answered) if at is not None), default=None)
    if obligation.fell_due < 1 and (done is None or done > due):
        return None
    judged = complaint_step(obligation, done, due, seen, "acknowledged")
    is_unknown = judged.verdict == "not_met" and done is None and is_unattributed(obligation, due)
    return NOT_ATTRIBUTED if is_unknown else judged
