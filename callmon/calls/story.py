"""Facts to the account of one call so far. Pure.

`Account` is told each fact in order and is mutable, since there is one a call in progress; `Account.call()`
gives the frozen `Call`, made when asked for. The same facts give the same call, whether they were just heard,
read back from the database after a restart, or filled in from CEL.

A call's clock starts with the first ringing that the caller heard, or with entering a queue, whichever came
first, and runs through hunting, overflow and queue as one. Nobody who was joined unheard is invented: what a
gap may have hidden is in `doubtful`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from callmon import facts as f
from callmon.calls import rings
from callmon.calls.call import (
    Abandoned,
    Call,
    Offered,
    OutcomeName,
    Person,
    Phones,
    Span,
    State,
    Voicemail,
)
from callmon.calls.language import SHORTEST_MENU
from callmon.calls.telling import Telling


class Account(Telling):
    """One call in progress, and the questions that are asked of it. Nothing here changes it."""

    __slots__ = ()

    def call(self) -> Call:
        """The account as a frozen value."""
        a = self.arrival
        waited = self.waited()
        return Call(
            call=a.call,
            direction=a.direction,
            line=a.line,
            dialled=a.dialled,
            caller=a.caller,
            withheld=a.withheld,
            channel=a.channel,
            language=self.language,
            arrived=a.at,
            ringing=self.ringing if self.ringing_slack == f.EXACT else None,
            answered=self.answered if self.answered_slack == f.EXACT else None,
            ended=self.end.at if self.end else None,
            is_ended=self.end is not None,
            ended_by=self.end.by if self.end else None,
            rings=self.rings(waited),
            rings_estimated=self.is_estimated(),
            heard_ringing=self.heard_ringing,
            waited=waited,
            outcome=self.outcome(),
            state=self.state(),
            abandoned_in=self.abandoned_in(),
            answered_by=self.answered_by,
            answered_channel=self.answered_channel,
            answering_phone_rang=self.answering_phone_rang,
            answer_heard=self.answer_heard,
            by_queue=self.queue is not None and self.clock == self.queue and not self.heard_ringing,
            phones=self._phones(),
            voicemail=self._voicemail(waited),
            holds=self.holds,
            transfers=self.transfers,
            forwards=self.forwards,
            parked=self.parked,
            redirections=len(self.transfers) + self.strictly,
            gaps=tuple((gap.at, gap.until) for gap in self.gaps),
            heard="partly" if self.gaps or a.found else "full",
            doubtful=self.is_doubtful(),
            cycle=self.cycle,
            grace=rings.GRACE,
            in_hours=self.in_hours,
            silence=self.silence(),
            people=self._people(),
            survey=self.survey,
            relay=a.relay,
            ended_how=self.end.how if self.end else None,
            talked=self._since_answer(self.talked_until or (self.end.at if self.end else None)),
            held_after=self._since_answer(self.held_from),
            held_for=self._held_for(),
        )

    def _people(self) -> tuple[Person, ...]:
        if self.answered_by is None:
            return ()
        return (Person(self.answered_by, self.answered), *(Person(*joined) for joined in self.joined))

    def _since_answer(self, at: datetime | None) -> timedelta | None:
        if at is None or self.answered is None or self.answered_slack != f.EXACT:
            return None
        return at - self.answered

    def _held_for(self) -> timedelta | None:
        """How long the caller waited the first time; None where nobody heard all of it."""
        begun, over = self.held_from, self.held_until or (self.end.at if self.end else None)
        if begun is None or over is None or any(gap.until is None or gap.until > begun for gap in self.gaps):
            return None
        return over - begun

    def _phones(self) -> Phones:
        """Before the clock's start is at its start: how phones stood then was the caller's lot from there on."""
        clock = self.clock
        offered = tuple(
            Offered(seen.best, None if seen.at is None or clock is None else max(f.EXACT, seen.at - clock))
            for seen in self.offered
        )
        return Phones(max(self.tried, int(self.dial_failed)), self.rang, self.busy, offered)

    def is_doubtful(self) -> bool:
        """Somebody may have answered unheard."""
        return self.arrival.may_hide_answer or any(gap.may_hide_answer for gap in self.gaps)

    def state(self) -> State:
        """What the call is doing now."""
        if self.is_parked and self.stage == "talking":
            return "parked"
        return "held" if self.held and self.stage == "talking" else self.stage

    def silence(self) -> timedelta | None:
        """How long nothing was heard by the caller: from the first dial that was heard, else the arrival."""
        start = self.first_tried or self.arrival.at
        if self.gaps or self.arrival.found:  # another may have been dialled before it
            start = self.arrival.at
        end = self.answered if self.answered_by is not None else self.end.at if self.end else None
        return None if start is None or end is None else end - start

    def is_estimated(self) -> bool:
        """Rings are estimated: early media only, or a start or an answer that was not heard itself."""
        return self.early_media or self.clock_slack != f.EXACT or self.answered_slack != f.EXACT

    def waited(self) -> Span | None:
        """From the clock's start to the answer, else to the end of ringing or waiting; None without a clock."""
        start, (end, slack) = self.clock, self._decided()
        if start is None or end is None:
            return None
        longest = max(f.EXACT, end + slack - start)
        return Span(min(longest, max(f.EXACT, end - start - self.clock_slack)), longest)

    def _decided(self) -> tuple[datetime | None, timedelta]:
        """When the caller's waiting was over: the answer, the end of ringing, voicemail, the hang-up."""
        if self.answered_by is not None:
            return self.answered, self.answered_slack
        if self.stopped is not None and (self.voicemail or not self._gave_up()):
            return self.stopped, self.stopped_slack
        if self.voicemail is not None:
            return self.voicemail.at, self.voicemail.slack
        return (self.end.at, f.EXACT) if self.end else (None, f.EXACT)

    def _gave_up(self) -> bool:
        return self.end is not None and self.end.by == "caller"

    def rings(self, waited: Span | None) -> int | None:
        """Ring cycles begun; None when nothing rang or when the earliest and the latest disagree."""
        if waited is None:
            return None
        if self.answered_by is not None:
            return rings.rings_between(waited.shortest, waited.longest, self.cycle)
        if self.is_doubtful():
            return None  # an answer that nobody heard may have ended them
        if self.stopped is not None and self._gave_up() and self.voicemail is None and self.clock is not None:
            # The ringing was over before the caller left.
            longest = self.stopped + self.stopped_slack - self.clock
            waited = Span(max(f.EXACT, self.stopped - self.clock - self.clock_slack), longest)
        by_timeout = self.voicemail is not None or self.stopped_by_timeout
        count = rings.begun_by_timeout if by_timeout else rings.begun
        least, most = count(waited.shortest, self.cycle), count(waited.longest, self.cycle)
        if self.stopped is not None and self.stopped_slack != f.EXACT:  # nor was it heard what ended it
            least = rings.begun_by_timeout(waited.shortest, self.cycle)
            most = rings.begun(waited.longest, self.cycle)
        return most if least == most else None

    def outcome(self) -> OutcomeName:
        """The first that holds, in the order of interface.md."""
        if self.answered_by is not None:
            return "answered"
        if self.voicemail is not None:
            return self._voicemail_outcome()
        if self.end is None or self.end.how == "unheard":
            return "unknown"
        if self.is_doubtful():
            return "unknown"
        if self.end.how == "stopped":
            return "lost"
        return self._unanswered_outcome(self.arrival.direction == "inbound")

    def _voicemail_outcome(self) -> OutcomeName:
        if self.message:
            return "voicemail_message"
        # Absence of a message is heard only by one who listened to the end, from before the greeting on.
        heard = self.end is not None and self.end.how == "hangup" and self.voicemail is not None
        return "voicemail_no_message" if heard and not self._gap_in_voicemail() else "voicemail"

    def _gap_in_voicemail(self) -> bool:
        took = self.voicemail
        if took is None or took.at is None:
            return bool(self.gaps) or self.arrival.found
        return took.slack != f.EXACT or any(gap.until is None or gap.until > took.at for gap in self.gaps)

    def _is_busy(self) -> bool:
        if self.arrival.direction == "inbound":
            return self.busy_given and self.busy == self.tried
        return self.tried > 0 and self.busy == self.tried

    def _unanswered_outcome(self, inbound: bool) -> OutcomeName:
        if self._is_busy():
            return "unknown" if self.gaps or self.arrival.found else "busy"
        if inbound and self._gave_up():
            return "abandoned"
        if not self.rang and not self.queued and (self.gaps or self.arrival.found):
            return "unknown"  # something may have rung, or been dialled, unheard
        if self.tried == 0 and not self.queued and not self.dial_failed:
            return "announcement" if inbound else "failed"
        if self.rang or self.queued or (not inbound and self._gave_up()):
            return "no_answer"
        return "failed"

    def abandoned_in(self) -> Abandoned | None:
        """Where the caller was when hanging up; None when nothing had begun (silence), or not abandoned."""
        if self.outcome() != "abandoned":
            return None
        match self.stage:
            case "ringing" | "menu" | "queue" as stage:
                return stage
            case _:
                return None

    def _was_in_menu(self, took: f.VoicemailTook) -> bool:
        """A dialplan may answer, wait half a second and start voicemail: that offers no choice."""
        if not self.opened or self.opened_at is None or took.at is None:
            return self.opened
        return took.at + took.slack - self.opened_at >= SHORTEST_MENU

    def _voicemail(self, waited: Span | None) -> Voicemail | None:
        took = self.voicemail
        if took is None:
            return None
        after_person = self.answered_by is not None
        message = {"voicemail_message": True, "voicemail_no_message": False}.get(self._voicemail_outcome())
        return Voicemail(
            mailbox=took.mailbox,
            rings=None if after_person else self.rings(waited),
            message=message,
            chosen=self._was_in_menu(took) and self.tried == 0 and not self.queued and not self.dial_failed,
            after_person=after_person,
        )
