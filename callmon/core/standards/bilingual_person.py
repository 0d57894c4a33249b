"""« la possibilité de parler avec un représentant du personnel bilingue » (Demandes par téléphone).

Answered calls asked for in French: met when a French speaker was on the line at some time, also after a transfer
(which costs the one transfer). "At first answer" is in the reason, and a figure of its own. Who speaks what comes
from the configuration's [[staff]], by the day on which that person came to the line; of an extension that nobody
listed for that day, nothing is known. Not enabled while nobody is listed.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from callmon.config.staff import StaffLanguages
from callmon.core.calls.call import Call
from callmon.core.facts import Ended, Fact
from callmon.core.standards._common import UNHEARD, exempt, may_hide_a_person, met, not_answered, not_met
from callmon.core.verdicts import Judgement

SETTLED_BY = (Ended,)
NEEDS = "staff"
LANGUAGE = "fr"


class Parameters(BaseModel):
    """Nothing to set here: who speaks what is [[staff]]."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def judge(fact: Fact, call: Call, parameters: Parameters, staff: StaffLanguages) -> Judgement | None:
    """The verdict when the call is over: who will have been on the line is known only then."""
    if not isinstance(fact, SETTLED_BY):
        return None
    other = not_answered(call)
    if other is not None:
        return other
    if call.language is None:
        return Judgement("unknown", "language_unknown")
    if call.language != LANGUAGE:
        return exempt("not_asked_in_french")
    return _served(call, [staff.speaks(x.phone, LANGUAGE, x.at or call.arrived) for x in call.people])


def _served(call: Call, speak: Sequence[bool | None]) -> Judgement:
    """`speak`: whether each who came to the line speaks French, None where nobody said so."""
    if any(speak):
        return met(_reason(call, speak[0]))
    if may_hide_a_person(call):
        return UNHEARD
    if None in speak or not speak:
        return Judgement("unknown", "staff_not_listed")
    return not_met(call, "no_french_speaker", cause="other")


def _reason(call: Call, first: bool | None) -> str:
    """Was it so at the first answer? Who was first is not known where that answer was not heard itself."""
    if first is None or not call.answer_heard:
        return "french_first_answer_unknown"
    return "french_at_first_answer" if first else "french_after_first_answer"
