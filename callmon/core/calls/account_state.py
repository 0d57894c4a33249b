"""The state of one call in progress, built up from its facts. Pure.

A call's clock starts at the first ringing that the caller hears or at the entry into a queue, whichever comes
first. It runs through hunting, overflow and queue as one.

Refuses: to invent a person whose join was not received. What a gap may have hidden has a `slack`: the span of time
in which it may have happened.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Self

import msgspec

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import State, Transfer, WaitStart
from callmon.core.calls.clock_steps import UNSURE, shifted
from callmon.core.facts import Fact


class AfterAnswer(msgspec.Struct, frozen=True, gc=False):
    """What happened to the caller after the first answer. Empty for most calls."""

    holds: int = 0
    held: bool = False
    held_from: datetime | None = None  # the first time that the caller was put on hold, or parked
    held_until: datetime | None = None
    joined: tuple[tuple[str, datetime | None], ...] = ()  # persons who joined the line after the first
    sent_at: datetime | None = None  # the caller is on the way to another party since
    talked_until: datetime | None = None  # all persons had left before the caller did
    survey: f.SurveyOffer | None = None
    transfers: tuple[Transfer, ...] = ()
    forwards: int = 0
    parked: int = 0
    is_parked: bool = False
    strictly: int = 0  # redirections by the strict reading that are no transfers


class Uncertainty(msgspec.Struct, frozen=True, gc=False):
    """What gaps left uncertain. Empty for most calls."""

    gaps: tuple[f.Unheard, ...] = ()
    # From here on a phone may have rung in a gap, before the first ringing that was received.
    hidden_from: datetime | None = None
    # A gap hides whether the exchange's own ringing went on: ringing after it may be the first of this wait.
    may_begin_again: bool = False
    clock_slack: timedelta = f.EXACT
    ringing_slack: timedelta = f.EXACT
    stopped_slack: timedelta = f.EXACT


class QueueState(msgspec.Struct, frozen=True, gc=False):
    """The queue that the caller entered first, and whether the caller is in a queue now."""

    entered: bool = False
    at: datetime | None = None
    is_in: bool = False
    plays: f.QueueSound | None = None


# Shared by all calls that need none. A change replaces the value.
NOTHING = AfterAnswer()
CERTAIN = Uncertainty()
NO_QUEUE = QueueState()
_changed = msgspec.structs.replace


class AccountState(msgspec.Struct, gc=False):
    arrival: f.Arrived
    language: str | None = None
    cycle: timedelta = rings.CYCLE
    in_hours: bool | None = None
    judged: tuple[str, ...] = ()  # the standards that have given their verdict
    stage: State = "arriving"
    clock: datetime | None = None
    ringing: datetime | None = None
    early_media: bool = False
    in_band: bool = False  # the exchange plays the ringing itself, and stops it with each dial
    heard_ringing: bool = False
    source: WaitStart | None = None  # what the clock's start is known from
    # The caller may have heard ringing from here on, before a phone rang: a Dial's options were not reported.
    untold_from: datetime | None = None
    music: bool = False  # played instead of ringing, before the caller heard any
    busy_given: bool = False
    dial_failed: bool = False
    opened: datetime | bool = False  # the exchange took the line: when, or True without a time
    stopped: datetime | None = None
    stopped_by: f.StopReason | None = None
    first_tried: datetime | None = None
    tried: int = 0
    rang: int = 0
    busy: int = 0
    trying_now: int = 0
    answer: f.Answered | None = None  # the first one, with its time
    voicemail: f.VoicemailTook | None = None
    voicemail_first: bool = False  # no person had answered when voicemail took the call
    named_by_message: bool = False  # the mailbox
    message: bool | None = None
    asked_at: datetime | bool = False  # to be called back: when, or True without a time
    menu_key: bool | None = None  # a key was pressed in the last menu
    is_box_key: bool = False  # the line names it as one for voicemail
    left_by_key_at: datetime | bool = False  # after a queue or a dial the caller pressed one: when, or True
    message_unclear: bool = False  # one was left, or a colleague listened
    end: f.Ended | None = None
    offered: tuple[f.PhonesSeen, ...] = ()
    handing: AfterAnswer = NOTHING
    doubt: Uncertainty = CERTAIN
    queue: QueueState = NO_QUEUE
    filled: f.Filled | None = None

    def __post_init__(self) -> None:
        if self.arrival.may_hide_ringing:
            self._doubts("hidden_from", self.arrival.at)

    def record_fact(self, fact: Fact) -> None:
        _TAKING.get(type(fact), AccountState._noted)(self, fact)

    def record_facts(self, facts: Iterable[Fact]) -> Self:
        for fact in facts:
            self.record_fact(fact)
        return self

    def _noted(self, fact: Fact) -> None:
        match fact:
            case f.Ended():
                self.end = fact
            case f.LanguageChosen():
                self.language = fact.language
                self.menu_key = False if self.menu_key else self.menu_key  # a key before it chose the language
            case f.MessageLeft(mailbox=box):
                self.message = True
                if self.voicemail is None:  # a standby concluded it sooner, from a listing
                    since = self.handing.sent_at if self.answer is not None else self.stopped
                    self._voicemail_took(f.VoicemailTook(fact.call, since or fact.at, None))
                took = self.voicemail
                if took is not None and (took.mailbox is None or self.named_by_message):
                    # Voicemail's own step was not received. Of several boxes, the caller's is reported last.
                    self.voicemail, self.named_by_message = _changed(took, mailbox=box), True
            case f.MenuAnswered():
                self.menu_key, self.is_box_key = fact.key, fact.is_of_box
                if fact.key and (self.tried > 0 or self.queue.entered):
                    self.left_by_key_at = fact.at or True
            case f.PersonSought():
                self._seek()
            case f.MessageUnclear():
                self.message_unclear = True
            case f.MusicPlayed():
                self._music_played(fact)
            case f.CallbackRequested():
                self.asked_at = self.asked_at or fact.at or True
            case f.DialFailed():
                self.dial_failed = True
            case f.RingbackEnded():
                self._ringback_over()
            case f.CallerBusy():
                self.busy_given = True
            case f.PhonesSeen():
                self.offered += (fact,)
            case f.Filled():
                self.filled = fact
            case f.NumberWithheld():
                self.arrival = _changed(self.arrival, caller=None, withheld="withheld")

    def key_chose(self) -> bool | None:
        """Whether the last key chose voicemail; None: it may have been for a person, or none is told."""
        return self.menu_key and (self.is_box_key or None)

    def _seek(self) -> None:
        """A person is sought: a key that was pressed before did not choose voicemail."""
        self.menu_key, self.left_by_key_at = False, False

    def _handed_on(self, fact: Fact) -> None:
        h = self.handing
        match fact:
            case f.Held():
                self._hand(holds=h.holds + 1, held=True, held_from=h.held_from or fact.at)
            case f.Resumed():
                self._taken_back(fact.at, held=False)
            case f.SentOff():
                self._taken_back(fact.at, sent_at=fact.at)
            case f.Transferred():
                self._hand(transfers=(*h.transfers, _transfer(fact)))
            case f.PersonJoined():
                joined = (*h.joined, (fact.phone, fact.at))
                self._taken_back(
                    fact.at, is_parked=False, held=False, joined=joined, talked_until=None, sent_at=None
                )
            case f.ThirdJoined():
                self._hand(joined=(*h.joined, (fact.phone, fact.at)))
            case f.CameBack():
                self._hand(sent_at=None)
            case f.Parked():
                self._hand(parked=h.parked + 1, is_parked=True, held_from=h.held_from or fact.at)
            case f.Retrieved() | f.ParkingEnded():
                self._taken_back(fact.at, is_parked=False)
            case f.Forwarded():
                self._hand(forwards=h.forwards + 1)
            case f.Overflowed():
                self._hand(strictly=h.strictly + 1, talked_until=None if self.answer is None else fact.at)

    def _survey_offered(self, fact: f.SurveyOffered) -> None:
        self._hand(survey=fact.by)
        if fact.by == "transfer" and self.answer is not None:
            self._taken_back(fact.at, talked_until=self.handing.talked_until or fact.at)

    def _taken_back(self, at: datetime | None, **changes: Any) -> None:
        if self.handing.held_from is not None:
            changes["held_until"] = self.handing.held_until or at
        self._hand(**changes)

    def _hand(self, **changes: Any) -> None:
        if changes:
            self.handing = _changed(self.handing, **changes)

    def _line_opened(self, fact: f.LineOpened) -> None:
        self.opened = fact.at or True
        self._ringback_over(self._hidden_until(fact.at))
        if self.answer is None and not self.queue.is_in:
            self.stage = "menu"

    def _hidden_until(self, opened: datetime | None) -> datetime | None:
        """The end of the last gap, if it may hide for what the line was opened. That ended the ringing, or not.

        A time before the end of the gap is of a menu: the listing shows it.
        """
        gap = self.doubt.gaps[-1] if self.doubt.gaps else None
        if gap is None:
            return None
        if opened and gap.until and (opened < gap.until or (self.ringing and gap.until <= self.ringing)):
            return None
        return gap.until or opened

    def _phone_dialled(self, fact: f.PhoneDialled) -> None:
        self.first_tried = self.first_tried or fact.at
        self._seek()
        if self.answer is None:
            self.tried += 1
            self.trying_now += 1
            if self.stage == "menu":  # the menu is over: until something rings, the caller hears silence
                self.stage = "arriving"

    def _phone_rang(self, fact: f.PhoneRang) -> None:
        if self.answer is not None:
            return
        self.in_band = self.in_band or fact.in_band
        self.rang += 1
        self.stopped = self.stopped_by = None
        if self.queue.is_in:
            self._rang_in_queue(fact)
            if self._is_music_in_queue():
                return
        self.stage = "ringing"
        if self.music:
            self._start_clock(fact.at, fact.slack, "phone")
            return
        self._heard_from(fact.at, fact.slack, fact.early_media)

    def _music_played(self, fact: f.MusicPlayed) -> None:
        """The wait is counted in seconds from here on, whether a phone rings or not."""
        self.music = self.answer is None and not self.heard_ringing
        if self.music:
            self._start_clock(fact.at, f.EXACT, "told")

    def _heard_from(self, at: datetime | None, slack: timedelta, early_media: bool = False) -> None:
        """The caller hears ringing by then; perhaps sooner, where a dial's options were not reported."""
        source: WaitStart = "early_media" if early_media else "told"
        if self.untold_from is not None and at is not None and self.untold_from < at:
            at, slack, source = self.untold_from, at + slack - self.untold_from, "phone"
        self._ring(at, slack, source, early_media)

    def _rang_in_queue(self, fact: f.PhoneRang) -> None:
        """With `R` the first ring is a member's; where the options were not reported, it may be."""
        if self.ringing is not None or self.clock is None or self.source != "queue" or fact.at is None:
            return
        if self.queue.plays == "phones":
            self.clock = None
            self._doubts("clock_slack", f.EXACT)
        elif self.queue.plays is None:
            self.source = "phone"
            self._doubts("clock_slack", max(self.doubt.clock_slack, fact.at + fact.slack - self.clock))

    def _is_music_in_queue(self) -> bool:
        """Whether the caller hears music while phones ring. If not reported: on a line that the exchange took."""
        plays = self.queue.plays
        return bool(self.opened) if plays is None else plays == "music"

    def _ring(self, at: datetime | None, slack: timedelta, source: WaitStart, early_media: bool = False) -> None:
        self.heard_ringing = True
        if self.ringing is None:
            self._start_clock(at, slack, source)
            self._start_ringing(at, slack)
            self.early_media = early_media
        elif self.doubt.may_begin_again and at is not None and self.clock is not None:
            self._may_begin_by(at + slack)

    def _ringback_began(self, fact: f.RingbackBegan) -> None:
        """The caller hears ringing, whether a phone rings or not."""
        if self.answer is not None or self.voicemail is not None:
            return
        self.stopped = self.stopped_by = None
        self.stage = "ringing"
        self.in_band = self.in_band or fact.in_band
        self._heard_from(fact.at, f.EXACT)

    def _ringback_over(self, unheard_until: datetime | None = None) -> None:
        """The exchange's own ringing, for which nothing was dialled, is over: a menu or a tone follows.

        `unheard_until`: a gap hides what followed; the ringing may have begun again by then.
        """
        if self.tried > 0 or self.queue.entered or self.dial_failed or self.answer is not None:
            return
        if unheard_until is None:
            self.clock = self.ringing = self.source = None
            self.heard_ringing = False
        elif self.clock is not None and self.ringing is not None:
            self._may_begin_by(unheard_until)
            self._doubts("may_begin_again", True)

    def _may_begin_by(self, latest: datetime) -> None:
        """The wait and its ringing began by then, at the latest."""
        if self.clock is not None and self.ringing is not None:
            self._doubts("clock_slack", latest - self.clock)
            self._doubts("ringing_slack", latest - self.ringing)
            self._doubts("may_begin_again", False)

    def _ringback_unknown(self, fact: f.RingbackUnknown) -> None:
        is_first = self.untold_from is None and self.answer is None and not self.heard_ringing
        if is_first:
            self.untold_from = self.arrival.at if fact.from_arrival else fact.at

    def _phone_stopped(self, fact: f.PhoneStopped) -> None:
        if self.answer is None and fact.why == "busy":
            self.busy += 1
        self.trying_now = max(0, self.trying_now - 1)
        if self.trying_now == 0 and self.ringing is not None and self.voicemail is None and not self.queue.is_in:
            self._stop_clock(fact.at, self._stopped_by(fact))

    def _stopped_by(self, fact: f.PhoneStopped) -> f.StopReason:
        """What ended the ringing. A last phone that never rang and was given up at once did not."""
        before, at = self.stopped, fact.at
        if fact.rang or self.stopped_by is None or before is None or at is None or at - before > rings.GRACE:
            return fact.why
        return self.stopped_by

    def _queue_entered(self, fact: f.QueueEntered) -> None:
        if self.answer is not None:
            return
        self._seek()
        self.queue = QueueState(True, self.queue.at or fact.at, True, fact.plays)
        self.stage = "queue"
        if fact.plays == "ringing":
            self._ring(fact.at, fact.slack, "told")
        before = self.untold_from if fact.plays is None else None
        if before is not None and fact.at is not None and fact.at - before > rings.NEAR:
            self._start_clock(before, fact.at + fact.slack - before, "phone")
        self._start_clock(fact.at, fact.slack, "queue")

    def _queue_left(self, fact: f.QueueLeft) -> None:
        self.queue = _changed(self.queue, is_in=False)
        if self.stage in ("queue", "ringing") and not fact.hung_up:
            self._stop_clock(fact.at, "no_answer", fact.slack)

    def _start_clock(self, at: datetime | None, slack: timedelta, source: WaitStart) -> None:
        if self.clock is not None:
            return
        self.source = source
        self.clock, hidden = at, self.doubt.hidden_from
        if hidden is not None and at is not None and hidden < at:
            self.clock, slack = hidden, at + slack - hidden
        self._doubts("clock_slack", slack)

    def _start_ringing(self, at: datetime | None, slack: timedelta) -> None:
        """After a gap that may hide an answer, the first ringing received may be that of a transfer."""
        self.ringing = at
        if self.doubt is CERTAIN and slack == f.EXACT and not self.arrival.may_hide_answer:
            return
        hiding = [gap.at or self.arrival.at for gap in self.doubt.gaps if gap.may_hide_answer]
        hiding += [self.arrival.at] if self.arrival.may_hide_answer else []
        hidden = min(filter(None, (self.doubt.hidden_from, *hiding)), default=None)
        if hidden is not None and at is not None and hidden < at:
            self.ringing, slack = hidden, at + slack - hidden
        self._doubts("ringing_slack", slack)

    def _stop_clock(self, at: datetime | None, by: f.StopReason, slack: timedelta = f.EXACT) -> None:
        """The ringing or the queue is over. Without a time of its own it ended within the last gap."""
        self.stopped, self.stopped_by = at, by
        gap = self.doubt.gaps[-1] if self.doubt.gaps else None
        if at is None and gap is not None and gap.at is not None and gap.until is not None:
            self.stopped, slack = gap.at, gap.until - gap.at
        self._doubts("stopped_slack", slack)

    def _answered(self, fact: f.Answered) -> None:
        self.stage = "talking"
        if self.answer is None:
            self.answer = fact
        elif self.answer.at is None or self.answer.slack != f.EXACT:  # a listing brought the time
            self.answer = _changed(self.answer, at=fact.at, slack=fact.slack)

    def _voicemail_took(self, fact: f.VoicemailTook) -> None:
        self.stage = "voicemail"
        if self.voicemail is not None:  # an instance that takes over may state it again
            if self.voicemail.mailbox is None:
                self.voicemail = _changed(self.voicemail, mailbox=fact.mailbox)
            return
        self.voicemail, self.voicemail_first = fact, self.answer is None
        if self.answer is not None:
            h = self.handing
            self._hand(strictly=h.strictly + 1, talked_until=h.talked_until or fact.at)

    def _unheard(self, fact: f.Unheard) -> None:
        self._doubts("gaps", (*self.doubt.gaps, fact))
        if not fact.may_hide_ringing or self.answer is not None:
            return
        if self.clock is None:
            self._doubts("hidden_from", self.doubt.hidden_from or fact.at or self.arrival.at)
        elif self.stopped is not None and fact.until is not None:
            self._doubts("stopped_slack", max(self.doubt.stopped_slack, fact.until - self.stopped))

    def _clock_set(self, fact: f.ClockSet) -> None:
        """Shift all times to the exchange's clock as it now is (`clock_steps.py`)."""
        by, clock = fact.by, self.clock
        is_waiting = clock is not None and self.answer is None and self.stopped is None and self.voicemail is None
        for name in _TIMES:
            setattr(self, name, shifted(getattr(self, name), by))
        if is_waiting and clock is not None and self.clock is not None:
            earliest = min(clock, self.clock) if by > f.EXACT else self.clock - UNSURE
            self._doubts("clock_slack", self.clock - earliest + UNSURE + self.doubt.clock_slack)
            self.clock = earliest

    def _doubts(self, what: str, value: Any) -> None:
        if getattr(self.doubt, what) != value:
            self.doubt = _changed(self.doubt, **{what: value})


def _transfer(fact: f.Transferred) -> Transfer:
    """The transfer. A gap may hide its event (`kind` None) and an earlier dial (`to` of a redirect None)."""
    if not fact.unheard:
        return Transfer(fact.kind, fact.by, fact.to, fact.answered)
    return Transfer(None, fact.by, None if fact.kind == "redirect" else fact.to or None, fact.answered)


_TIMES = (
    *("arrival", "clock", "ringing", "untold_from", "opened", "asked_at", "stopped", "first_tried", "answer"),
    "left_by_key_at",
    *("voicemail", "end", "offered", "handing", "doubt", "queue"),
)
# A table by type: a chain of cases would be evaluated for each of a dozen facts a call.
_TAKING: Mapping[type[Fact], Callable[[AccountState, Any], None]] = {
    f.PhoneDialled: AccountState._phone_dialled,
    f.PhoneRang: AccountState._phone_rang,
    f.RingbackBegan: AccountState._ringback_began,
    f.RingbackEnded: AccountState._noted,
    f.RingbackUnknown: AccountState._ringback_unknown,
    f.PhoneStopped: AccountState._phone_stopped,
    f.Answered: AccountState._answered,
    f.LineOpened: AccountState._line_opened,
    f.QueueEntered: AccountState._queue_entered,
    f.QueueLeft: AccountState._queue_left,
    f.VoicemailTook: AccountState._voicemail_took,
    f.Unheard: AccountState._unheard,
    f.ClockSet: AccountState._clock_set,
    f.SurveyOffered: AccountState._survey_offered,
    **dict.fromkeys(
        (
            f.Held,
            f.Resumed,
            f.SentOff,
            f.Transferred,
            f.CameBack,
            f.PersonJoined,
            f.ThirdJoined,
            f.Parked,
            f.Retrieved,
            f.ParkingEnded,
            f.Forwarded,
            f.Overflowed,
        ),
        AccountState._handed_on,
    ),
}
