"""« l'occasion de donner une rétroaction sur notre service après chaque interaction » (Annexe 1).

Covers answered calls. Met when the caller was offered the survey, by a transfer to its extension (the exchange's
setting `survey_extensions`) or by the dialplan's UserEvent(CallmonSurveyOffered). Not enabled until an extension
is configured or such a UserEvent is received. Without a survey, calls are not reported as lacking it. CEL has an
offer by UserEvent only where `apps` names it: of a call that CEL filled without one, it is not known.
"""

from callmon.core.calls.call import Call
from callmon.core.facts import Ended, Fact
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Ended,)
NEEDS = "survey"


def judge(
    fact: Fact, call: Call, parameters: rules.StandardParameters, by_dialplan: bool = False
) -> Judgement | None:
    """The verdict when the call is over: until then the survey may still be offered."""
    if (other := rules.not_answered(call)) is not None:
        return other
    if call.survey is not None:
        return rules.met("survey_offered")
    if rules.may_hide_a_person(call) or (by_dialplan and call.survey_unheard):
        return rules.UNHEARD
    return rules.not_met(call, "survey_not_offered", cause="other")
