"""« à avoir toujours la possibilité de joindre une personne » (Annexe 1).

Met when a person answered at some time of the call. Not met: voicemail, busy, congestion, no phone reachable, or
the end of a queue or a menu. Not met, too: abandoned after the third ring (18 s in a queue or in silence). Not
covered: the caller hung up earlier, or in the menu, or asked earlier to be called back.
"""

from pydantic import Field

from callmon.core.calls.call import Call
from callmon.core.facts import Answered, Ended, Fact
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Answered, Ended)


class ReachAPersonParameters(rules.StandardParameters):
    rings: int = Field(
        3, ge=1, le=10, description="a caller who gives up after this many rings did not reach a person"
    )


PARAMETERS = ReachAPersonParameters


def judge(fact: Fact, call: Call, parameters: ReachAPersonParameters) -> Judgement | None:
    """*Met* at the first answer; any other verdict when the call is over."""
    if (uncovered := rules.not_covered(call)) is not None:
        return uncovered
    if call.outcome == "answered":
        return rules.met("a_person_answered")
    if call.outcome == "lost":
        return rules.stopped(call, parameters.rings * call.cycle)
    if call.doubtful or call.is_unheard:
        return rules.UNHEARD
    limit = parameters.rings * call.cycle
    if (asked := rules.asked_back(call, limit)) is not None:
        return asked
    if call.outcome == "abandoned":
        return rules.abandoned(call, limit, rules.cause_of(call))
    return rules.not_met(call, rules.not_reached(call))
