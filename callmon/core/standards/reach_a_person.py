"""« à avoir toujours la possibilité de joindre une personne » (Annexe 1).

Met when a person answered at some time of the call. Not met: voicemail, busy, congestion, no phone reachable, or
the end of a queue or a menu. Not met, too: abandoned after the third ring (18 s in a queue or in silence). Not
covered: the caller hung up earlier, or in the menu.
"""

from pydantic import Field

from callmon.core.calls.call import Call
from callmon.core.facts import Answered, Ended, Fact
from callmon.core.standards._common import (
    UNHEARD,
    StandardParameters,
    exempt,
    is_unclear,
    met,
    not_covered,
    not_met,
    stopped,
)
from callmon.core.verdicts import Judgement

SETTLED_BY = (Answered, Ended)


class ReachAPersonParameters(StandardParameters):
    rings: int = Field(
        3, ge=1, le=10, description="a caller who gives up after this many rings did not reach a person"
    )


PARAMETERS = ReachAPersonParameters


def judge(fact: Fact, call: Call, parameters: ReachAPersonParameters) -> Judgement | None:
    """*Met* at the first answer; any other verdict when the call is over."""
    if (uncovered := not_covered(call)) is not None:
        return uncovered
    if call.outcome == "answered":
        return met("a_person_answered")
    if call.outcome == "lost":
        return stopped(call, parameters.rings * call.cycle)
    if call.doubtful or call.outcome == "unknown":
        return UNHEARD
    return _abandoned(call, parameters) if call.outcome == "abandoned" else not_met(call, _reason(call))


def _reason(call: Call) -> str:
    match call.outcome:
        case "voicemail_message" | "voicemail_no_message" | "voicemail":
            return "voicemail"
        case "busy":
            return "busy"
        case "announcement":
            return "announcement"
        case "no_answer":
            return "rang_in_vain"
        case _:
            return "no_phone_reachable"


def _abandoned(call: Call, parameters: ReachAPersonParameters) -> Judgement:
    if call.abandoned_in == "menu" and call.waited is None:
        return exempt("in_the_menu")
    limit = parameters.rings * call.cycle
    if call.waited is None:
        if call.silence is None:
            return UNHEARD if call.arrived is not None else Judgement("unknown", "no_time")
        if call.silence < limit:
            return exempt("hung_up_early")
        return UNHEARD if call.heard == "partly" else not_met(call, "gave_up")
    if is_unclear(call.waited, limit):
        return UNHEARD
    return exempt("hung_up_early") if call.waited.longest < limit else not_met(call, "gave_up")
