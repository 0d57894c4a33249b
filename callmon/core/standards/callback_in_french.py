"""« la possibilité de parler avec un représentant du personnel bilingue » and « nous répondrons en français aux
demandes formulées en français » (Demandes par téléphone).

Judged when a callback is made. A callback requested in French is met when a French speaker made it, by the list of
the staff's languages on that day. Not enabled while [[staff]] is empty.
"""

from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards.verdict_rules import Seen, StandardParameters, exempt, met, obligation_not_met
from callmon.core.verdicts import Judgement

KIND = "callback"
NEEDS = "staff"
LANGUAGE = "fr"


def judge(obligation: Obligation, seen: Seen, parameters: StandardParameters) -> Judgement | None:
    """The verdict when called back, in time or not; None before."""
    if obligation.state != "paid":
        return None
    if obligation.language == "unknown":
        return Judgement("unknown", "language_unknown")
    if obligation.language != LANGUAGE:
        return exempt("not_asked_in_french")
    speaks = (
        None if obligation.phone is None else seen.staff.speaks(obligation.phone, LANGUAGE, obligation.settled)
    )
    if speaks is None:
        return Judgement("unknown", "staff_not_listed")
    return met("called_back_in_french") if speaks else obligation_not_met("no_french_speaker")
