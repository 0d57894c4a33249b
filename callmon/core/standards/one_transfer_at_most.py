"""« à ce que votre appel ne soit pas réacheminé plus d'une fois » (Annexe 1).

Covers answered calls. Met with one transfer at most. A transfer counts when the caller was transferred and the
target took or refused the call. A transfer to the survey, parking, pick-up and forwarding do not count
(`calls/transfers.py`). A gap after the answer may hide a transfer: then only *not met* is certain.
"""

from pydantic import Field

from callmon.core.calls.call import Call
from callmon.core.facts import Ended, Fact
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Ended,)


class OneTransferAtMostParameters(rules.StandardParameters):
    transfers: int = Field(1, ge=0, le=10, description="a caller may be redirected this often (the policy: 1)")


PARAMETERS = OneTransferAtMostParameters


def judge(fact: Fact, call: Call, parameters: OneTransferAtMostParameters) -> Judgement | None:
    """The verdict when the call is over: only then is the number of transfers known."""
    if (other := rules.not_answered(call)) is not None:
        return other
    count = len(call.transfers)
    if count > parameters.transfers:
        return rules.not_met(call, "transferred", count, cause="other")
    return rules.UNHEARD if rules.may_hide_a_person(call) else rules.met("transferred", count)
