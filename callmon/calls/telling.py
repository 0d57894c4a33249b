"""What has been told of one call so far: the state that facts build up, one a call in progress. Pure.

A call's clock starts with the first ringing that the caller heard, or with entering a queue, whichever came
first, and runs through hunting, overflow and queue as one. Nobody who was joined unheard is invented: what a
gap may have hidden keeps the span of time in which it may have happened (`slack`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from callmon import facts as f
from callmon.calls import rings
from callmon.calls.call import State, Transfer
from callmon.facts import Fact


class Telling:
    """What has been told of one call so far."""

    __slots__ = (
        "answer_heard", "answered", "answered_by", "answered_channel", "answered_slack", "answering_phone_rang",
        "arrival", "busy", "busy_given", "clock", "clock_slack", "cycle", "dial_failed", "early_media", "end",
        "first_tried", "forwards", "gaps", "heard_ringing", "held", "held_from", "held_until", "hidden_from",
        "holds", "in_hours", "in_queue", "is_parked", "joined", "judged", "language", "message", "offered",
        "opened", "opened_at", "parked", "queue", "queued", "rang", "ringing", "ringing_now", "ringing_slack",
        "stage", "stopped", "stopped_by_timeout", "stopped_slack", "strictly", "survey", "talked_until",
        "transfers", "tried", "voicemail",
    )  # fmt: skip

    def __init__(
        self,
        arrival: f.Arrived,
        language: str | None = None,
        cycle: timedelta = rings.CYCLE,
        in_hours: bool | None = None,
    ) -> None:
        self.arrival = arrival
        self.judged: tuple[str, ...] = ()  # the standards that have given their verdict
        self.in_hours = in_hours
        self.language = language
        self.cycle = cycle
        self.stage: State = "arriving"
        self.clock: datetime | None = None
        self.clock_slack = f.EXACT
        self.ringing: datetime | None = None
        self.ringing_slack = f.EXACT
        self.early_media = self.busy_given = self.held = self.heard_ringing = False
        self.in_queue = self.queued = self.dial_failed = False
        self.stopped_by_timeout = self.opened = False
        self.opened_at: datetime | None = None
        self.stopped: datetime | None = None
        self.stopped_slack = f.EXACT
        # From here on something may have rung unheard before the first ringing that was heard.
        self.hidden_from: datetime | None = arrival.at if arrival.may_hide_ringing else None
        self.first_tried: datetime | None = None
        self.tried = self.rang = self.busy = self.ringing_now = self.holds = 0
        self.offered: tuple[f.PhonesSeen, ...] = ()
        self.transfers: tuple[Transfer, ...] = ()
        self.forwards = self.parked = self.strictly = 0
        self.is_parked = self.answer_heard = False
        self.queue: datetime | None = None
        self.answered: datetime | None = None
        self.answered_slack = f.EXACT
        self.answered_by: str | None = None
        self.answered_channel: str | None = None
        self.answering_phone_rang: datetime | None = None
        self.voicemail: f.VoicemailTook | None = None
        self.message: bool | None = None
        self.joined: tuple[tuple[str, datetime | None], ...] = ()  # who came to the line after the first
        self.held_from: datetime | None = None  # the first time that the caller was put on hold, or parked
        self.held_until: datetime | None = None
        self.talked_until: datetime | None = None  # people were gone before the caller was
        self.survey: f.SurveyOffer | None = None
        self.gaps: tuple[f.Unheard, ...] = ()
        self.end: f.Ended | None = None

    def tell(self, fact: Fact) -> None:
        """Take one more fact of this call into the account."""
        match fact:
            case f.PhoneDialled():
                self._phone_dialled(fact)
            case f.PhoneRang():
                self._phone_rang(fact)
            case f.PhoneStopped():
                self._phone_stopped(fact)
            case f.Answered():
                self._answered(fact)
            case f.Ended():
                self.end = fact
            case f.LineOpened():
                self._line_opened(fact)
            case f.QueueEntered():
                self._queue_entered(fact)
            case f.QueueLeft():
                self._queue_left(fact)
            case f.VoicemailTook():
                self._voicemail_took(fact)
            case f.Unheard():
                self._unheard(fact)
            case _:
                self._handed_on(fact)

    def _handed_on(self, fact: Fact) -> None:
        """What becomes of a caller who has a person."""
        match fact:
            case f.Held():
                self.holds += 1
                self.held = True
                self.held_from = self.held_from or fact.at
            case f.Resumed():
                self.held = False
                self._taken_back(fact.at)
            case f.SentOff():
                self._taken_back(fact.at)
            case f.Transferred():
                self.transfers += (Transfer(fact.kind, fact.by, fact.to, fact.answered),)
            case f.PersonJoined():
                self.is_parked = self.held = False
                self.joined += ((fact.phone, fact.at),)
                self.talked_until = None
                self._taken_back(fact.at)
            case f.ThirdJoined():
                self.joined += ((fact.phone, fact.at),)
            case f.Parked():
                self.parked += 1
                self.is_parked = True
                self.held_from = self.held_from or fact.at
            case f.Retrieved() | f.ParkingEnded():
                self.is_parked = False
                self._taken_back(fact.at)
            case f.Forwarded():
                self.forwards += 1
            case f.Overflowed():
                self.strictly += 1
                self.talked_until = None if self.answered_by is None else fact.at
            case _:
                self._noted(fact)

    def _noted(self, fact: Fact) -> None:
        """What changes one word of the account."""
        match fact:
            case f.LanguageChosen():
                self.language = fact.language
            case f.SurveyOffered():
                self.survey = fact.by
                if fact.by == "transfer" and self.answered_by is not None:
                    self.talked_until = self.talked_until or fact.at
                    self._taken_back(fact.at)
            case f.MessageLeft():
                self.message = True
            case f.DialFailed():
                self.dial_failed = True
            case f.CallerBusy():
                self.busy_given = True
            case f.PhonesSeen():
                self.offered += (fact,)
            case f.NumberWithheld():
                self.arrival = msgspec.structs.replace(self.arrival, caller=None, withheld="withheld")

    def _taken_back(self, at: datetime | None) -> None:
        """The caller is no longer on hold, nor parked."""
        if self.held_from is not None:
            self.held_until = self.held_until or at

    def _line_opened(self, fact: f.LineOpened) -> None:
        self.opened, self.opened_at = True, fact.at
        if self.answered_by is None:
            self.stage = "menu"

    def _phone_dialled(self, fact: f.PhoneDialled) -> None:
        self.first_tried = self.first_tried or fact.at
        if self.answered_by is None:
            self.tried += 1
            if self.stage == "menu":  # the menu is over: until something rings, the caller hears silence
                self.stage = "arriving"

    def _phone_rang(self, fact: f.PhoneRang) -> None:
        self.ringing_now += 1
        if self.answered_by is not None:
            return
        self.rang += 1
        self.stopped = None
        if self.in_queue and self.opened:  # the phones ring, the caller hears music
            return
        self.stage = "ringing"
        self.heard_ringing = True
        if self.ringing is None:
            self._start_clock(fact.at, fact.slack)
            self.ringing, self.ringing_slack = fact.at, fact.slack
            if self.hidden_from is not None:
                self.ringing, self.ringing_slack = self.clock, self.clock_slack
            self.early_media = fact.early_media

    def _phone_stopped(self, fact: f.PhoneStopped) -> None:
        if self.answered_by is None and fact.why == "busy":
            self.busy += 1
        if fact.rang:
            self.ringing_now = max(0, self.ringing_now - 1)
        if self.ringing_now == 0 and self.ringing is not None and self.voicemail is None:
            self._stop_clock(fact.at, fact.why == "no_answer")

    def _queue_entered(self, fact: f.QueueEntered) -> None:
        if self.answered_by is not None:
            return
        self.queue = self.queue or fact.at
        self.in_queue = self.queued = True
        self.stage = "queue"
        self._start_clock(fact.at, fact.slack)

    def _queue_left(self, fact: f.QueueLeft) -> None:
        self.in_queue = False
        if self.stage == "queue" and not fact.hung_up:
            self._stop_clock(fact.at, True)

    def _start_clock(self, at: datetime | None, slack: timedelta) -> None:
        if self.clock is not None:
            return
        self.clock, self.clock_slack = at, slack
        if self.hidden_from is not None and at is not None and self.hidden_from < at:
            self.clock, self.clock_slack = self.hidden_from, at + slack - self.hidden_from

    def _stop_clock(self, at: datetime | None, by_timeout: bool) -> None:
        """What rang, or the queue, is over: in the last gap when nobody heard when."""
        self.stopped, self.stopped_slack, self.stopped_by_timeout = at, f.EXACT, by_timeout
        gap = self.gaps[-1] if self.gaps else None
        if at is None and gap is not None and gap.at is not None and gap.until is not None:
            self.stopped, self.stopped_slack = gap.at, gap.until - gap.at

    def _answered(self, fact: f.Answered) -> None:
        self.stage = "talking"
        if self.answered_by is not None and (self.answered is None or self.answered_slack != f.EXACT):
            self.answered, self.answered_slack = fact.at, fact.slack  # a listing brought the time
        if self.answered_by is not None:
            return
        self.answered_by, self.answered_channel = fact.phone, fact.channel
        self.answered, self.answered_slack = fact.at, fact.slack
        self.answering_phone_rang = fact.rang
        self.answer_heard = not fact.found

    def _voicemail_took(self, fact: f.VoicemailTook) -> None:
        self.stage = "voicemail"
        self.strictly += self.answered_by is not None
        if self.answered_by is not None:
            self.talked_until = self.talked_until or fact.at
        if self.voicemail is None:
            self.voicemail = fact

    def _unheard(self, fact: f.Unheard) -> None:
        self.gaps += (fact,)
        if not fact.may_hide_ringing or self.answered_by is not None:
            return
        if self.clock is None:
            self.hidden_from = self.hidden_from or fact.at or self.arrival.at
        elif self.stopped is not None and fact.until is not None:
            self.stopped_slack = max(self.stopped_slack, fact.until - self.stopped)
