"""Cases shared by several standards: not covered, exchange stopped during the call, cause of a miss. Pure."""

from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from callmon.config.staff import NOBODY, StaffLanguages
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import Call, DurationRange, Voicemail
from callmon.core.facts import PhonesBest
from callmon.core.verdicts import Cause, Judgement


class StandardParameters(BaseModel):
    """What a site may set of a standard: nothing, unless its module names a subclass in `PARAMETERS`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def exempt(reason: str) -> Judgement:
    return Judgement("exempt", reason)


def met(reason: str, number: int | None = None) -> Judgement:
    return Judgement("met", reason, number)


def not_met(call: Call, reason: str, number: int | None = None, cause: Cause | None = None) -> Judgement:
    """Every *not met* names a cause of the closed set (R-10)."""
    return Judgement("not_met", reason, number, cause or cause_of(call))


UNHEARD = Judgement("unknown", "gap")
CHOICE_UNHEARD = Judgement("unknown", "choice_not_heard")  # no step of the dialplan tells of a key in a menu
NOT_SERVED = Judgement("unknown", "voicemail_ended_at_once")  # perhaps the exchange has no such box
NOT_IN_SOURCE = Judgement("unknown", "not_in_source")  # the record that the call was imported from
# The event filter of the exchange keeps back what tells since when the caller heard ringing.
UNTOLD = Judgement("unknown", "ringing_start")


def voicemail_chosen(took: Voicemail) -> Judgement:
    """Exempt: the caller pressed a key for voicemail, in a menu, or in a queue or while phones rang."""
    return exempt("chosen_in_menu" if took.chosen_after is None else "chosen_by_key")


def unclear(call: Call) -> Judgement:
    """The verdict where the limit lies within the uncertainty of the wait: by its cause."""
    is_untold = call.heard == "full" and (call.wait_start == "phone" or call.ringing_at_most is not None)
    return UNTOLD if is_untold else UNHEARD


BY_THE_WAY_TO_VOICEMAIL = ("answer_by_third_ring", "voicemail_after_fourth_ring")


def of_imported(standard: str, judged: Judgement, call: Call) -> Judgement:
    """The verdict on an imported call: unknown where its record cannot decide.

    CDR does not tell how long a phone rang, nor whether a caller chose voicemail in a menu.
    """
    undecided = call.voicemail is not None and call.outcome != "answered" and standard in BY_THE_WAY_TO_VOICEMAIL
    is_decided = judged.verdict != "unknown" and not (undecided and judged.reason_key != "closed")
    return judged if is_decided else NOT_IN_SOURCE


def not_covered(call: Call) -> Judgement | None:
    """A call that arrived outside opening hours is exempt; without a time of arrival the verdict is unknown."""
    if call.in_hours is None:
        return Judgement("unknown", "no_time") if call.arrived is None else exempt("closed")
    return None if call.in_hours else exempt("closed")


def not_answered(call: Call) -> Judgement | None:
    """The verdict of a standard of answered calls on a call that is not covered or that no person answered."""
    uncovered = not_covered(call)
    if uncovered is None and call.outcome != "answered":
        return UNHEARD if call.is_unheard or call.doubtful else exempt("no_person")
    return uncovered


def stopped(call: Call, limit: timedelta) -> Judgement:
    """The verdict when the exchange stopped before an answer: not met if the wait had reached `limit`."""
    if call.waited is not None and is_unclear(call.waited, limit):
        return unclear(call)
    if call.is_known_in_part and call.waited is None:
        return UNHEARD
    if call.waited is not None and call.waited.shortest >= limit:
        return not_met(call, "exchange_stopped", cause=cause_of(call, limit))
    return exempt("exchange_stopped")


def abandoned(
    call: Call, limit: timedelta, cause: Cause, silence: tuple[str, str] = ("hung_up_early", "gave_up")
) -> Judgement:
    """The verdict on an abandoned call. `silence`: the reasons where nothing rang, before and after `limit`."""
    if call.abandoned_in == "menu" and call.waited is None:
        return exempt("in_the_menu")
    if call.waited is not None:
        if is_unclear(call.waited, limit):
            return unclear(call)
        is_early = call.waited.longest < limit
        return exempt("hung_up_early") if is_early else not_met(call, "gave_up", cause=cause)
    if call.silence is None:
        return UNHEARD if call.arrived is not None else Judgement("unknown", "no_time")
    early, late = silence
    if call.silence < limit:
        return exempt(early)
    # In a gap, a phone may have rung for a part of that time.
    return UNHEARD if call.is_known_in_part else not_met(call, late, cause=cause)


UNANSWERED = frozenset(("abandoned", "no_answer", "announcement", "failed"))


def asked_back(call: Call, limit: timedelta, within: timedelta | None = None) -> Judgement | None:
    """The verdict on a caller who asked to be called back instead: by the wait until then. None: did not.

    `within`: as for `cause_of`.
    """
    wait = call.asked_back
    if wait is None or call.outcome not in UNANSWERED:
        return None
    if call.doubtful or is_unclear(wait, limit):
        return UNHEARD
    reason = "asked_to_be_called_back"
    return exempt(reason) if wait.longest < limit else not_met(call, reason, cause=cause_of(call, within))


def not_reached(call: Call) -> str:
    """The reason why the exchange ended a call that no person answered."""
    if call.voicemail is not None:
        return "voicemail"
    reasons = {"busy": "busy", "announcement": "announcement", "no_answer": "rang_in_vain"}
    return reasons.get(call.outcome, "no_phone_reachable")


def may_hide_a_person(call: Call) -> bool:
    """Whether a gap may hide a transfer, a person on the line, or the offer of the survey.

    Such a gap lies after the answer, before callmon connected, or at the end of the call. `doubtful`: another
    person may have answered in a gap and transferred the caller to the person whose answer was received.
    """
    if call.doubtful or not call.answer_heard or call.answered is None:
        return True
    return any(until is None or until > call.answered for _, until in call.gaps)


def is_unclear(span: DurationRange, limit: timedelta) -> bool:
    """Whether the limit lies within the uncertainty of the span."""
    return span.shortest < limit <= span.longest


def cause_of(call: Call, within: timedelta | None = None) -> Cause:
    """Why no person answered within this time (None: at all): by the phones' states, else by what they did."""
    phones, best = call.phones, _best_offered(call, within)
    if best == "in_use":
        return "nobody_free"
    if best == "unreachable":
        return "no_phone_reachable"
    if call.outcome == "answered" and _hunted_late(call):
        return "late_hunting"
    if best is not None:
        return "rang_unanswered" if best == "ringing" else "other"
    if phones.rang:
        return "rang_unanswered"
    if phones.tried and phones.busy == phones.tried:
        return "nobody_free"
    return "no_phone_reachable" if phones.tried else "other"


def _best_offered(call: Call, within: timedelta | None) -> PhonesBest | None:
    """The last state offered before `within`. A gap may hide a free phone: nothing lower is then claimed."""
    best: PhonesBest | None = None
    for offered in call.phones.offered:
        if within is None or offered.since is None or offered.since < within:
            best = offered.best
    return best if not call.is_known_in_part or best is None or best == "ringing" else "free"


def _hunted_late(call: Call) -> bool:
    """Whether the answering phone began to ring at the caller's second ring or later, and answered in time."""
    if call.ringing is None or call.answered is None or call.answering_phone_rang is None:
        return False
    late = call.answering_phone_rang - call.ringing >= call.cycle
    return late and call.answered - call.answering_phone_rang < 3 * call.cycle


class Seen(NamedTuple):
    """Input of a standard besides the obligation: whether a gap may hide a call, and the site's rules."""

    in_doubt: bool = False
    attempt_counts: bool = True
    staff: StaffLanguages = NOBODY


def obligation_not_met(reason: str) -> Judgement:
    """Every *not met* names a cause of the closed set. The exchange cannot show why no agent called: "other"."""
    return Judgement("not_met", reason, None, "other")


NOT_ATTRIBUTED = Judgement("unknown", "not_attributed")


def is_unattributed(obligation: Obligation, due: datetime) -> bool:
    """Whether the exchange called the number by then, and callmon does not know for whom."""
    return obligation.unattributed is not None and obligation.unattributed <= due


def complaint_step(
    obligation: Obligation, done: datetime | None, due: datetime, seen: Seen, reason: str
) -> Judgement:
    """The verdict on one step of a complaint, by whether it was done by its due time."""
    if done is not None and done <= due:
        return met(reason)
    if obligation.reason == "no_request":
        return exempt("no_request")
    if obligation.hidden is not None and done is None:
        return exempt("not_returnable")
    return UNHEARD if seen.in_doubt and done is None else obligation_not_met("too_late")
