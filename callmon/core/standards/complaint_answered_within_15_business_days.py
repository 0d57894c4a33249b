"""« une réponse dans un délai de 15 jours ouvrables ou moins » (Rétroaction).

The second due time of a complaint. Met when the complaint was closed as answered by then, in the name of the
person in charge.
"""

from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards.verdict_rules import Seen, StandardParameters, complaint_step
from callmon.core.verdicts import Judgement

KIND = "complaint"


def judge(obligation: Obligation, seen: Seen, parameters: StandardParameters) -> Judgement | None:
    """*Met* when answered in time; any other verdict at the due time."""
    if obligation.dues.answer is None:
        return None
    due = obligation.dues.answer.at
    done = obligation.settled if obligation.reason == "answered" else None
    if obligation.fell_due < 2 and (done is None or done > due):
        return None
    answered = Seen(False, seen.attempt_counts, seen.staff)  # only recorded manually: no gap can hide it
    return complaint_step(obligation, done, due, answered, "complaint_answered")
