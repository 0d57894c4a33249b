"""« nous répondons à vos appels au plus tard après la troisième sonnerie » (Demandes par téléphone; Annexe 1).

Met when a person answers before the fourth ring begins: less than 18.000 s (three cycles of the line) after the
caller first heard ringing. Every case is a row of the table in standards.md. A person's answer has no grace.
"""

from datetime import timedelta

from pydantic import Field

from callmon.core.calls.call import Call, Voicemail
from callmon.core.facts import Answered, Ended, Fact, VoicemailTook
from callmon.core.standards import verdict_rules as rules
from callmon.core.verdicts import Judgement

SETTLED_BY = (Answered, VoicemailTook, Ended)


class AnswerByThirdRingParameters(rules.StandardParameters):
    rings: int = Field(
        3, ge=1, le=10, description="a person answers before this many rings are over (the policy: 3)"
    )


PARAMETERS = AnswerByThirdRingParameters


def judge(fact: Fact, call: Call, parameters: AnswerByThirdRingParameters) -> Judgement | None:
    """The verdict once a person or voicemail took the call, or the call ended."""
    if (uncovered := rules.not_covered(call)) is not None:
        return uncovered
    limit = parameters.rings * call.cycle
    if (asked := rules.asked_back(call, limit, limit)) is not None:
        return asked
    match call.outcome:
        case "answered" if call.voicemail is None or call.voicemail.after_person:
            return _answered(call, limit)
        case "answered" | "voicemail_message" | "voicemail_no_message" | "voicemail":
            return _voicemail(fact, call, limit)
        case "lost":
            return rules.stopped(call, limit)
        case "unknown":
            return rules.UNHEARD if call.is_unheard else _voicemail(fact, call, limit)
        case "abandoned":
            silence, cause = ("no_phone_reachable", "no_phone_reachable"), rules.cause_of(call, limit)
            return rules.UNHEARD if call.doubtful else rules.abandoned(call, limit, cause, silence)
        case _:
            return rules.UNHEARD if call.doubtful else _ended_by_exchange(call, limit)


def _missed(call: Call, limit: timedelta, reason: str, number: int | None = None) -> Judgement:
    """Not met: no answer in time. The cause is taken from the first rings, whatever the phones did later."""
    return rules.not_met(call, reason, number, rules.cause_of(call, limit))


def _answered(call: Call, limit: timedelta) -> Judgement:
    waited = call.waited
    if waited is None:
        return _answered_without_ringing(call, limit)
    if call.doubtful and waited.longest >= limit:
        return rules.UNHEARD
    if rules.is_unclear(waited, limit):
        return rules.unclear(call)
    reason, number = ("answered_on_ring", call.rings)
    if call.by_queue:
        reason, number = ("answered_after_seconds", int(waited.longest.total_seconds()))
    elif call.by_music:
        reason, number = ("answered_after_music", int(waited.longest.total_seconds()))
    elif number is None:
        reason = "answered_in_time" if waited.longest < limit else "answered_late"
    return rules.met(reason, number) if waited.longest < limit else _missed(call, limit, reason, number)


def _answered_without_ringing(call: Call, limit: timedelta) -> Judgement:
    """The verdict when the phone took the call before it rang, or the whole wait was silence."""
    silence = call.silence
    if silence is None or call.is_known_in_part:
        return rules.UNHEARD if call.arrived is not None else Judgement("unknown", "no_time")
    if silence < limit:
        return rules.met("answered_without_ringing")
    return _missed(call, limit, "answered_without_ringing")


def _voicemail(fact: Fact, call: Call, limit: timedelta) -> Judgement | None:
    """Voicemail is no answer. Only the end shows whether it was chosen: then a dial without a phone is known."""
    took = call.voicemail
    chosen = took.chosen if took is not None else False
    if chosen is not False and not isinstance(fact, Ended):
        return None
    if took is not None and chosen and not call.is_known_in_part:
        return _chosen(call, took, limit)
    if call.doubtful or chosen:
        return rules.UNHEARD
    if chosen is None:
        return rules.CHOICE_UNHEARD
    if _is_early(call):
        return rules.not_met(call, "voicemail", cause="sent_to_voicemail_early")
    return _missed(call, limit, "voicemail")


def _chosen(call: Call, took: Voicemail, limit: timedelta) -> Judgement:
    """By the wait until the key: in a queue, or while phones rang, the third ring may have passed."""
    wait, chosen = took.chosen_after, rules.voicemail_chosen(took)
    if wait is None or wait.longest < limit:
        return chosen
    return rules.unclear(call) if wait.shortest < limit else _missed(call, limit, chosen.reason_key)


def _is_early(call: Call) -> bool:
    """Sent early: no phone was tried, or ringing ended before the end of the fourth ring, less the grace."""
    if call.waited is None:
        return call.phones.tried == 0
    return call.waited.longest < 4 * call.cycle - call.grace


def _ended_by_exchange(call: Call, limit: timedelta) -> Judgement:
    reason = rules.not_reached(call)
    if reason == "announcement":
        return rules.not_met(call, reason, cause="other")
    return _missed(call, limit, reason)
