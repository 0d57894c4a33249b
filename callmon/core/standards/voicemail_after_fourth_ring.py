"""« réacheminé vers notre système de messagerie vocale après une quatrième sonnerie » (Annexe 1, note *).

Covers calls that voicemail took. *Early*: before the end of the fourth ring (the caller lost a ring). *Late*:
after a fifth (callmon's own rule, never presented as the policy's). Otherwise *on time*. A grace applies to both
limits, since a 24 s dial time-out fires at 24.02 s. The clock is the ringing that the caller heard, from its start
to its end. Not covered: no voicemail, voicemail that the caller chose by a key, or after a person had answered.
"""

from datetime import timedelta

from pydantic import Field

from callmon.core.calls.call import Call
from callmon.core.facts import Ended, Fact
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Ended,)


class VoicemailAfterFourthRingParameters(rules.StandardParameters):
    after_ring: int = Field(
        4, ge=1, le=10, description="voicemail may take over when this ring is over (the policy: 4)"
    )
    late_after_ring: int = Field(
        5, ge=1, le=20, description="later than the end of this ring is late (callmon's rule)"
    )


PARAMETERS = VoicemailAfterFourthRingParameters


def judge(fact: Fact, call: Call, parameters: VoicemailAfterFourthRingParameters) -> Judgement | None:
    """The verdict when the call is over: a box that does not exist shows by an end at once."""
    if (uncovered := rules.not_covered(call)) is not None:
        return uncovered
    took = call.voicemail
    if took is None:  # a gap may hide that voicemail took the call, before any answer (by `0` in the greeting)
        is_hidden = call.doubtful and call.outcome != "lost"
        return rules.UNHEARD if is_hidden or call.outcome == "unknown" else rules.exempt("no_voicemail")
    if took.after_person:
        return rules.exempt("after_a_person")
    if took.doubtful and (call.waited is None or call.doubtful):
        return rules.UNHEARD
    if took.chosen is not False:
        return rules.voicemail_chosen(took) if took.chosen else rules.CHOICE_UNHEARD
    if took.ended_at_once:
        return rules.NOT_SERVED
    return _timed(call, parameters)


def _timed(call: Call, parameters: VoicemailAfterFourthRingParameters) -> Judgement:
    if call.waited is None:
        if call.arrived is None:
            return Judgement("unknown", "no_time")
        if call.ringing_at_most is not None and call.ringing_at_most >= _earliest(call, parameters):
            return rules.unclear(call)
        return rules.not_met(
            call, "voicemail_nothing_rang", cause=None if call.phones.tried else "sent_to_voicemail_early"
        )
    first = _when(call.waited.shortest, call, parameters)
    return first if first == _when(call.waited.longest, call, parameters) else rules.unclear(call)


def _earliest(call: Call, parameters: VoicemailAfterFourthRingParameters) -> timedelta:
    """The length of ringing from which on voicemail may take over."""
    return parameters.after_ring * call.cycle - call.grace


def _when(rang: timedelta, call: Call, parameters: VoicemailAfterFourthRingParameters) -> Judgement:
    ring = call.voicemail.rings if call.voicemail else None
    if rang < _earliest(call, parameters):
        return rules.not_met(call, "voicemail_early", ring, cause="sent_to_voicemail_early")
    if rang <= parameters.late_after_ring * call.cycle + call.grace:
        return rules.met("voicemail_on_time", ring)
    return rules.not_met(call, "voicemail_late", ring, cause="other")
