"""Builds the account of one call so far from its facts. Pure.

`CallAccount` receives each fact in order. It is mutable: there is one per call in progress. `CallAccount.call()`
builds the frozen `Call` on demand. The same facts give the same call, whether they were just received, read back
from the database after a restart, or filled in from CEL.

Refuses: to invent a person whose join was not received. `doubtful` marks what a gap may have hidden.
"""

from datetime import datetime, timedelta

from callmon.core import facts as f
from callmon.core.calls import call as c
from callmon.core.calls import rings
from callmon.core.calls.account_state import AccountState
from callmon.core.calls.language import SHORTEST_MENU
from callmon.core.calls.voicemail import SHORTEST_STAY

# CEL's times may be whole seconds, and a phone of a site may ring half a second after it is dialled.
TO_A_SECOND = timedelta(seconds=1.5)
# A person who picks up is joined with the caller within this time. The time of the answer is that of the pick-up.
PICKED_UP = timedelta(seconds=0.5)
# Of a mailbox; a goodbye of the dialplan, where there is no such box, is shorter.
SHORTEST_GREETING = timedelta(seconds=5)
LONGEST = timedelta(days=1)  # of a wait of which nothing is known


class CallAccount(AccountState, gc=False):
    """One call in progress, and the read-only properties derived from it."""

    def call(self) -> c.Call:
        a = self.arrival
        answer = self.first_answer()
        end = self.end
        doubt = self.doubt
        handing = self.handing
        outcome, waited = self.outcome(), self.waited()
        rings_heard, by_queue = self.rings(waited), self._is_by_queue()
        return c.Call(
            call=a.call,
            direction=a.direction,
            line=a.line,
            dialled=a.dialled,
            caller=a.caller,
            withheld=a.withheld,
            channel=a.channel,
            relay=a.relay,
            language=self.language,
            in_hours=self.in_hours,
            test=a.test,
            arrived=a.at,
            ringing=self.ringing_moment(),
            answered=answer.at if answer is not None and self._is_near(answer.slack) else None,
            ended=end.at if end is not None else None,
            is_ended=end is not None,
            ended_by=end.by if end is not None else None,
            ended_how=end.how if end is not None else None,
            rings=rings_heard,
            rings_estimated=self.is_estimated(),
            heard_ringing=self.heard_ringing,
            wait_start=self._wait_start(),
            ringing_at_most=self._ringing_at_most(),
            waited=waited,
            cycle=self.cycle,
            grace=rings.GRACE,
            silence=self.silence(),
            outcome=outcome,
            state=self.current_state(),
            abandoned_in=self._abandoned_in() if outcome == "abandoned" else None,
            answered_by=answer.phone if answer is not None else None,
            answered_channel=answer.channel if answer is not None else None,
            answering_phone_rang=answer.rang if answer is not None and self._is_near(answer.rang_slack) else None,
            answer_heard=answer is not None and not answer.found,
            by_queue=by_queue,
            by_music=self.music and not by_queue,
            phones=self._phones(),
            voicemail=None if self.voicemail is None else self._voicemail(self.voicemail, rings_heard),
            holds=self._holds(),
            transfers=handing.transfers,
            forwards=handing.forwards,
            parked=handing.parked,
            redirections=len(handing.transfers) + handing.strictly,
            survey=handing.survey,
            people=self._people(),
            survey_unheard=self.filled is not None and not self.filled.talk,
            asked_back=self._asked_back(),
            gaps=tuple([(gap.at, gap.until) for gap in doubt.gaps]),
            heard=self._heard(),
            doubtful=answer is None and self.is_doubtful(),
            talked=self._talked(),
            held_after=self._held_after(),
            held_for=self._held_for(),
        )

    def _wait_start(self) -> c.WaitStart | None:
        """What the start of the wait is known from; one that was told within a gap, or by CEL, is a span."""
        is_span = self.source == "told" and self.doubt.clock_slack > rings.NEAR
        return "phone" if is_span else self.source

    def caller_clock(self) -> tuple[datetime | None, timedelta]:
        """The start of the wait, and its slack; a start that is known to `NEAR` is a moment."""
        start, slack = self.clock, self.doubt.clock_slack
        if start is None or slack > rings.NEAR:
            return start, slack
        return start if start == self.queue.at else start + slack, f.EXACT

    def ringing_moment(self) -> datetime | None:
        """When the caller first heard ringing; None where that is only known to lie within a longer span."""
        slack = self.doubt.ringing_slack
        if self.ringing is None or slack == f.EXACT:
            return self.ringing
        is_moment = slack <= rings.NEAR and not self.is_partly_heard()  # a gap may hide that music played
        return self.ringing + slack if is_moment else self.ringing if self._is_near(slack) else None

    def _is_near(self, slack: timedelta) -> bool:
        """Whether a time with this slack may be reported: exact, or from CEL, to about a second."""
        return slack == f.EXACT or (self.filled is not None and slack <= TO_A_SECOND)

    def _heard(self) -> c.Heard:
        if (filled := self.filled) is not None:
            return "filled" if filled.source == "cel" and not filled.imported else filled.source
        return "partly" if self.is_partly_heard() else "full"

    def _holds(self) -> int | None:
        """Number of times on hold; None if unknown, since CEL has no hold events."""
        unknown = self.filled is not None and not self.filled.holds and self.answer is not None
        return None if unknown and not self.handing.holds else self.handing.holds

    def _is_by_queue(self) -> bool:
        return self.queue.at is not None and self.clock == self.queue.at and not self.heard_ringing

    def _people(self) -> tuple[c.PersonOnCall, ...]:
        first = self.answer
        if first is None:
            return ()
        return tuple([c.PersonOnCall(*person) for person in ((first.phone, first.at), *self.handing.joined)])

    def _talked(self) -> timedelta | None:
        """Time that persons were on the line; None where all of them may have left during a gap."""
        h, took = self.handing, self.voicemail
        until = h.talked_until or (self.end.at if self.end is not None else None)
        is_unclear = took.slack != f.EXACT if took is not None else self.message_unclear
        if is_unclear or (h.sent_at is not None and h.talked_until is None and self.is_partly_heard()):
            # Voicemail may have had the caller since the sending.
            until = None if self.is_partly_heard() else h.sent_at
        answer = self.first_answer() if until is not None else None
        if answer is None or answer.at is None or until is None or self._gap_since(answer.at, until):
            return None
        return until - answer.at if answer.slack == f.EXACT and until >= answer.at else None

    def _held_after(self) -> timedelta | None:
        """Time from the answer to the first hold; None where a gap may have hidden an earlier one."""
        held = self.handing.held_from
        answer = self.first_answer() if held is not None else None
        if answer is None or answer.at is None or answer.found or held is None or self._gap_since(answer.at, held):
            return None
        return held - answer.at if answer.slack == f.EXACT else None

    def _gap_since(self, begin: datetime, end: datetime) -> bool:
        gaps = self.doubt.gaps
        return bool(gaps) and any(
            (g.until is None or g.until > begin) and (g.at is None or g.at < end) for g in gaps
        )

    def _held_for(self) -> timedelta | None:
        """Length of the first hold; None where part of it may have fallen into a gap."""
        begun, over = self.handing.held_from, self.handing.held_until or (self.end.at if self.end else None)
        if begun is None or over is None or (self._held_after() is None and self.is_partly_heard()):
            return None
        if any(g.until is None or g.until > begun for g in self.doubt.gaps):
            return None
        return over - begun

    def _phones(self) -> c.PhoneCounts:
        """Phones and best offers. An offer before the clock's start counts from there on."""
        clock = self.clock
        offered = [
            c.Offered(seen.best, None if seen.at is None or clock is None else max(f.EXACT, seen.at - clock))
            for seen in self.offered
        ]
        return c.PhoneCounts(max(self.tried, int(self.dial_failed)), self.rang, self.busy, tuple(offered))

    def is_doubtful(self) -> bool:
        """Whether a person may have answered during a gap."""
        gaps = self.doubt.gaps
        return self.arrival.may_hide_answer or (bool(gaps) and any(gap.may_hide_answer for gap in gaps))

    def current_state(self) -> c.State:
        if self.stage != "talking":
            return self.stage
        if self.handing.is_parked:
            return "parked"
        return "held" if self.handing.held else "talking"

    def silence(self) -> timedelta | None:
        """Time in which the caller heard nothing: from the first dial received, else from the arrival."""
        start = self.first_tried or self.arrival.at
        if self.is_partly_heard():  # a gap may hide an earlier dial
            start = self.arrival.at
        end = self.answer.at if self.answer is not None else self.end.at if self.end is not None else None
        return None if start is None or end is None else end - start

    def is_partly_heard(self) -> bool:
        """Whether a gap, or the time before callmon listened, may hide something."""
        return self.arrival.found or bool(self.doubt.gaps)

    def is_estimated(self) -> bool:
        """Whether rings are estimated: early media only, or the event of a start or an answer was not received.

        Where a dial's options were not reported, the caller may have heard another tone instead.
        """
        if self.filled is not None and self.filled.alone:
            return self.clock is not None
        if self.early_media or (self.answer is not None and self.answer.slack != f.EXACT):
            return True
        return self.source == "phone" or self.doubt.clock_slack > rings.NEAR

    def waited(self) -> c.DurationRange | None:
        """From the clock's start to the answer, else to the end of ringing or waiting; None without a clock."""
        start, (end, slack) = self.clock, self._decided()
        if start is None or end is None:
            return None
        longest, answer = max(f.EXACT, end + slack - start), self._taking_answer()
        if answer is not None and self.first_answer() is None:
            return c.DurationRange(f.EXACT, longest)  # a person may have answered earlier, in a gap
        if answer is None and self._is_wait_doubtful():
            return c.DurationRange(min(longest, self._surely_waited(start)), longest)
        before = PICKED_UP if answer is not None and answer.found and slack != f.EXACT else f.EXACT
        return c.DurationRange(min(longest, max(f.EXACT, end - start - self.doubt.clock_slack - before)), longest)

    def _asked_back(self) -> c.DurationRange | None:
        """The wait until the caller asked to be called back; a menu is no wait."""
        return None if self.answer is not None else self._waited_until(self.asked_at)

    def _chose_after(self) -> c.DurationRange | None:
        """The wait until the caller pressed the key for voicemail; None where nothing was waited for."""
        at, stopped = self.left_by_key_at, self.stopped
        if isinstance(at, datetime) and stopped is not None and self.doubt.stopped_slack == f.EXACT:
            at = min(at, stopped)  # a menu after the queue is no wait
        return self._waited_until(at)

    def _waited_until(self, at: datetime | bool) -> c.DurationRange | None:
        if not at:
            return None
        start, slack = self.caller_clock()
        if self.queue.at is not None and self.clock == self.queue.at:
            start, slack = self.queue.at, f.EXACT  # whatever the caller heard there
        if start is not None and isinstance(at, datetime):
            longest = max(f.EXACT, at - start)
            return c.DurationRange(max(f.EXACT, longest - slack), longest)
        since = self.arrival.at
        is_known = start is None and self.untold_from is None and not self.is_partly_heard()
        at_most = at - since if isinstance(at, datetime) and since is not None else LONGEST
        return c.DurationRange(f.EXACT, f.EXACT if is_known else max(f.EXACT, at_most))

    def _surely_waited(self, start: datetime) -> timedelta:
        began = [gap.at for gap in self.doubt.gaps if gap.may_hide_answer]
        if self.arrival.may_hide_answer or not began or None in began:
            return f.EXACT
        first = min(at for at in began if at is not None) - PICKED_UP
        ends = [self.stopped, self.voicemail.at if self.voicemail is not None else None]  # before that gap
        return max(f.EXACT, min(at for at in (first, *ends) if at is not None) - start - self.doubt.clock_slack)

    def _is_wait_doubtful(self) -> bool:
        """Whether a gap that may hide an answer began before voicemail had the caller for certain."""
        took = self.voicemail
        if took is None or took.at is None or took.slack != f.EXACT or not self.is_doubtful():
            return self.is_doubtful()
        began = [gap.at for gap in self.doubt.gaps if gap.may_hide_answer]
        return self.arrival.may_hide_answer or any(at is None or at < took.at for at in began)

    def _taking_answer(self) -> f.Answered | None:
        """The answer that ended the wait: not one to which `0` in the greeting of voicemail led."""
        return None if self.voicemail_first else self.answer

    def _decided(self) -> tuple[datetime | None, timedelta]:
        """When the caller's wait ended: the answer, the end of ringing, voicemail, or the hang-up."""
        if (answer := self._taking_answer()) is not None:
            return answer.at, answer.slack
        if self.stopped is not None and (self.voicemail or not self._gave_up()):
            until = self._ringing_until() or self._gave_up_at_latest()
            if until is None or until <= self.stopped:
                return self.stopped, self.doubt.stopped_slack
            if self.is_partly_heard():  # a gap may hide what answered the line, or who ended the call
                return self.stopped, max(self.doubt.stopped_slack, until - self.stopped)
        if self.voicemail is not None:
            return self.voicemail.at, self.voicemail.slack
        return (self.end.at, f.EXACT) if self.end is not None else (None, f.EXACT)

    def _ringing_until(self) -> datetime | None:
        """Until when the caller went on hearing ringing after the last phone stopped: voicemail, or the hang-up.

        On a line that nothing has answered the carrier plays it (SIP 180) until a final response. None elsewhere.
        """
        took = self.voicemail
        until = took.at if took is not None else self.end.at if self.end is not None and self._gave_up() else None
        is_open = self.opened is True or (isinstance(self.opened, datetime) and until and self.opened < until)
        is_told = self.heard_ringing and not (self.early_media or self.in_band or self.music or self.queue.entered)
        return until if is_told and not is_open else None

    def _gave_up_at_latest(self) -> datetime | None:
        """The end of a call without voicemail of which a gap hides whether the caller ended it; None elsewhere."""
        is_hidden = self.is_partly_heard() and self.voicemail is None
        return self.end.at if is_hidden and self.end is not None and self.end.by == "unknown" else None

    def _gave_up(self) -> bool:
        return self.end is not None and self.end.by == "caller"

    def wait_so_far(self, now: datetime | None) -> c.Wait:
        """How long the caller has waited until `now`, while no person has answered."""
        start, slack = self.caller_clock()
        if start is None or slack != f.EXACT or now is None:
            return c.Wait(None, None, self.cycle)
        return c.Wait(start, now - start, self.cycle)

    def rings(self, waited: c.DurationRange | None) -> int | None:
        """How many ring cycles began before the wait ended; None if nothing rang, or the count is not certain."""
        if waited is None or (self.filled is not None and self.filled.source != "cel"):
            return None  # queue_log and CDR tell of no ringing
        if self._taking_answer() is not None:
            return rings.rings_between(waited.shortest, waited.longest, self.cycle)
        if self._is_wait_doubtful():
            return None  # an answer in a gap may have ended them
        doubt = self.doubt
        until = self._ringing_until()
        is_over = until is None or self.is_partly_heard()
        if self.stopped and self.clock and self._gave_up() and self.voicemail is None and is_over:
            # The ringing ended before the caller left, or a gap may hide that it did.
            latest = max(self.stopped + doubt.stopped_slack, until or self.stopped)
            waited = c.DurationRange(
                max(f.EXACT, self.stopped - self.clock - doubt.clock_slack), latest - self.clock
            )
        by_timeout = self.voicemail is not None or (is_over and self._is_by_timeout())
        count = rings.begun_by_timeout if by_timeout else rings.begun
        least, most = count(waited.shortest, self.cycle), count(waited.longest, self.cycle)
        if self._is_end_unheard():
            least = rings.begun_by_timeout(waited.shortest, self.cycle)
            most = rings.begun(waited.longest, self.cycle)
        return most if least == most else None

    def _ringing_at_most(self) -> timedelta | None:
        """How long the caller may have heard ringing although no phone rang; None if that is known."""
        if self.untold_from is None or self.clock is not None:
            return None
        took = self.voicemail if self.voicemail is not None else self.end
        return None if took is None or took.at is None else took.at - self.untold_from

    def _is_end_unheard(self) -> bool:
        """Whether it is unknown if a time-out or the caller ended the ringing."""
        if self.stopped is not None and (self.doubt.stopped_slack != f.EXACT or self.stopped_by == "gone"):
            return True
        return self.voicemail is None and self.end is not None and self.end.by == "unknown"

    def _is_by_timeout(self) -> bool:
        """Whether the time-out of a dial ended the ringing.

        Behind a Local channel the phone is then reported as cancelled, perhaps after the end of the call.
        """
        if self.stopped_by == "no_answer" or self.end is None:
            return self.stopped_by == "no_answer"
        if self.stopped is None or self.end.by == "exchange":
            return self.end.by == "exchange" and self.stopped_by in (None, "cancelled")
        later = self.end.at is not None and self.end.at - self.stopped > SHORTEST_STAY
        return self.stopped_by == "cancelled" and later

    def first_answer(self) -> f.Answered | None:
        """The answer, if it is certainly the first; None where a person may have answered earlier, in a gap.

        It is certainly the first in three cases: no gap can hide another, this phone was dialled or rang at once,
        or it rang before the gap. A phone found in a listing is not the first if another's ringing was received.
        """
        answer = self.answer
        return answer if answer is not None and self._is_first_answer(answer) else None

    def _is_first_answer(self, answer: f.Answered) -> bool:
        if not self.is_doubtful():
            return True
        rang = answer.rang + answer.rang_slack if answer.rang is not None else None
        hiding = [gap.at for gap in self.doubt.gaps if gap.may_hide_answer]
        is_later = answer.found and self.ringing is not None and self.doubt.ringing_slack == f.EXACT
        if (answer.at_once or rings.soon(self.arrival.at, rang)) and not is_later:
            return True
        known = rang is not None and not self.arrival.may_hide_answer
        return known and all(at is not None and rang is not None and rang <= at for at in hiding)

    def outcome(self) -> c.OutcomeName:
        """The first outcome that holds, in the order of interface.md."""
        if self.answer is not None:
            return "answered"
        if self.is_doubtful():  # a person's answer takes precedence, over voicemail too
            return "unknown"
        if self.voicemail is not None:
            return self._voicemail_outcome()
        if self.end is None or self.end.how == "unheard":
            return "unknown"
        if self.end.how == "stopped":
            return "lost"
        return self._unanswered_outcome(self.arrival.direction == "inbound")

    def may_have_left_message(self) -> bool:
        """Whether voicemail may have taken the call and no event settles whether a message was left."""
        if self.message_unclear and not self.message:
            return True
        return self.voicemail is not None and self._voicemail_outcome() == "voicemail"

    def _voicemail_outcome(self) -> c.OutcomeName:
        """Outcome of a call that voicemail took, provided that no person was, or may have been, on the line."""
        if self.message:
            return "voicemail_message"
        if self.message_unclear:
            return "voicemail"
        if self.filled is not None and not self.filled.message:
            return "voicemail"
        end, took = self.end, self.voicemail
        if end is not None and end.by == "exchange" and took is not None and self._ended_at_once(took):
            return "unknown"
        # That no message was left is certain only if every event from before the greeting to the end was received.
        heard = end is not None and end.how == "hangup" and took is not None and not self._gap_in_voicemail()
        return "voicemail_no_message" if heard or self.filled is not None else "voicemail"

    def _gap_in_voicemail(self) -> bool:
        took, gaps = self.voicemail, self.doubt.gaps
        if took is None or took.at is None:
            return self.is_partly_heard()
        return took.slack != f.EXACT or any(gap.until is None or gap.until > took.at for gap in gaps)

    def _unanswered_outcome(self, inbound: bool) -> c.OutcomeName:
        if inbound and self.end is not None and self.end.by == "unknown":
            return "unknown"  # no event settles whether the caller gave up
        if (self.busy_given if inbound else self.tried > 0) and self.busy == self.tried:
            return "unknown" if self.is_partly_heard() else "busy"
        if inbound and self._gave_up():
            return "abandoned"
        queued = self.queue.entered
        if not self.rang and not queued and self.is_partly_heard():
            return "unknown"  # a ringing or a dial may be hidden in a gap
        if self.tried == 0 and not queued and not self.dial_failed and not self.heard_ringing:
            return "announcement" if inbound else "failed"
        if self.rang or self.heard_ringing or queued or (not inbound and self._gave_up()):
            return "no_answer"
        return "failed"

    def _abandoned_in(self) -> c.Abandoned | None:
        """Where the caller was when hanging up; None when nothing had begun (silence)."""
        stage = self.stage
        return stage if stage in ("ringing", "menu", "queue") else None

    def _chosen(self, took: f.VoicemailTook) -> bool | None:
        """Whether the caller chose voicemail by a key: None where the steps that tell may not be received."""
        chosen = self.key_chose() if took.chosen is None else took.chosen
        if self.tried > 0 or self.queue.entered:
            if self.left_by_key_at:
                return chosen
            return None if chosen is None or self._is_key_hidden(took) else False
        if self.dial_failed or not self._was_in_menu(took):
            return False
        if chosen and self.end is not None and self.end.how == "unheard":
            return None  # the cause of the end alone tells that a Dial before it reached no phone
        return None if chosen is False and self._partly_heard_before(took) else chosen

    def _is_key_hidden(self, took: f.VoicemailTook) -> bool:
        """Whether a gap may hide the key that led out of the last queue or dial: their end was not heard."""
        is_end_heard = self.stopped is not None and not self._is_end_unheard()
        return not is_end_heard and self._partly_heard_before(took)

    def _partly_heard_before(self, took: f.VoicemailTook) -> bool:
        """Whether a gap, or the time before callmon listened, may hide what preceded voicemail."""
        until = None if took.at is None else took.at + took.slack
        return self.arrival.found or any(
            gap.at is None or until is None or gap.at < until for gap in self.doubt.gaps
        )

    def _ended_at_once(self, took: f.VoicemailTook) -> bool:
        """Whether the call ended, not by the caller, before a greeting can be over: there may be no such box."""
        end = self.end
        if end is None or end.by == "caller" or end.how == "stopped" or self.message or self.message_unclear:
            return False
        if end.at is None or took.at is None:
            return end.at is not None
        return end.at - took.at - took.slack < SHORTEST_GREETING

    def _was_in_menu(self, took: f.VoicemailTook) -> bool:
        """Whether a menu preceded voicemail. Half a second on the line before voicemail offers no choice."""
        if not isinstance(self.opened, datetime) or took.at is None:
            return bool(self.opened)
        return took.at + took.slack - self.opened >= SHORTEST_MENU

    def _voicemail(self, took: f.VoicemailTook, rings_heard: int | None) -> c.Voicemail:
        message = {"voicemail_message": True, "voicemail_no_message": False}.get(self._voicemail_outcome())
        return c.Voicemail(
            mailbox=took.mailbox,
            rings=None if self._taking_answer() is not None else rings_heard,
            message=message,
            chosen=self._chosen(took),
            chosen_after=self._chose_after(),
            after_person=self.answer is not None and not self.voicemail_first,
            doubtful=self.filled is None and self._partly_heard_before(took),
            ended_at_once=self._ended_at_once(took),
        )
