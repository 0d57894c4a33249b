"""« la possibilité de parler avec un représentant du personnel bilingue » (Demandes par téléphone).

Covers answered calls for which French was chosen. Met when a French speaker was on the line at some time, also
after a transfer (which uses up the one transfer). "At first answer" is in the reason, and is counted separately.
The staff's languages come from [[staff]] in the configuration, by the day on which the person came to the line.
Of an extension that is not listed for that day, nothing is known. Not enabled while [[staff]] is empty.
"""

from collections.abc import Sequence

from callmon.config.staff import StaffLanguages
from callmon.core.calls.call import Call
from callmon.core.facts import Ended, Fact
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Ended,)
NEEDS = "staff"
LANGUAGE = "fr"


def judge(fact: Fact, call: Call, parameters: rules.StandardParameters, staff: StaffLanguages) -> Judgement | None:
    """The verdict when the call is over: only then are all persons on the line known."""
    if (other := rules.not_answered(call)) is not None:
        return other
    if call.language is None:
        return Judgement("unknown", "language_unknown")
    if call.language != LANGUAGE:
        return rules.exempt("not_asked_in_french")
    return _served(call, [staff.speaks(x.phone, LANGUAGE, x.at or call.arrived) for x in call.people])


def _served(call: Call, speak: Sequence[bool | None]) -> Judgement:
    """`speak`: whether each person who came to the line speaks French; None where this is not listed."""
    if any(speak):
        return rules.met(_reason(call, speak[0]))
    if rules.may_hide_a_person(call):
        return rules.UNHEARD
    if None in speak or not speak:
        return Judgement("unknown", "staff_not_listed")
    return rules.not_met(call, "no_french_speaker", cause="other")


def _reason(call: Call, first: bool | None) -> str:
    """The reason by the first answer. The first person is not known where that answer was not received."""
    if first is None or not call.answer_heard:
        return "french_first_answer_unknown"
    return "french_at_first_answer" if first else "french_after_first_answer"
