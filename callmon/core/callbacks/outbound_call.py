"""A call to a number outside that may be a callback: how long it rang, how long the parties talked. Pure.

                    ┌── stopped: an attempt, if it had rung for four rings ───────────┐
    dialled ─ rings ┤                                                                 ├─ over
                    └── answered ─ talked with phones of ours long enough: called back┘
                               └── ended sooner: answered, for too short a time

The talk is the time for which any phone of ours and the person were joined: of the phone that called, and of those
to which the person was handed on. A call that no phone of ours began (`Arrived.person_first`) is answered when one
is joined with the person. If none ever is, nobody knows whose call it was: it is unattributed.

Refuses: to count time that was not observed. A duration counts only up to a moment until which all events of the
exchange were received.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from callmon.config.schema import CallbackRules
from callmon.core import facts as f
from callmon.core.facts import OUTSIDE, Fact

NO_TIME = timedelta(0)
TIMES = ("since", "ringing", "opened", "answered", "joined", "seen", "gap_from")


class TrackedOutboundCall(msgspec.Struct, eq=False):
    """One outbound call. `attempt`, `answered` and `unattributed`: its result so far."""

    exchange: str
    call: str
    token: str  # "": a gap hid the number
    phone: str
    person_first: bool = False
    since: datetime | None = None
    is_found: bool = False  # in a listing: another phone may have talked with the person before
    ringing: datetime | None = None
    opened: datetime | None = None  # the person answered a call that no phone of ours began
    answered: datetime | None = None  # the latest possible time
    joined: datetime | None = None  # a phone of ours and the person are together since then, at the latest
    talked: timedelta = NO_TIME  # before `joined`
    hidden: timedelta = NO_TIME  # how much longer they may have talked
    attempt: datetime | None = None
    unattributed: datetime | None = None
    gap_from: datetime | None = None  # the start of the last gap
    seen: datetime | None = None  # when it was still listed after a gap, unless it ended in that gap
    is_paid: bool = False
    is_counted: bool = False
    is_settled: bool = False
    is_over: bool = False
    is_waited_for: bool = False
    is_unsure: bool = False  # answered; the talk may have been long enough
    is_short: bool = False  # answered, and the talk was too short
    is_transferred: bool = False  # the last fact was Transferred
    waiting: list[tuple[str, str]] = []  # obligations whose verdict depends on it

    def hear(self, fact: Fact, rules: CallbackRules) -> None:
        was_transferred, self.is_transferred = self.is_transferred, False
        match fact:
            case f.PhoneRang(phone=phone) if phone == OUTSIDE and self.begun is None:
                self.ringing = None if fact.at is None else fact.at + fact.slack
            case f.PhoneStopped(phone=phone) if phone == OUTSIDE:
                self.reach(fact.at, rules)
                self.ringing = None
            case f.LineOpened() if self.person_first:
                self.reach(fact.at, rules)
                self.ringing, self.opened = None, fact.at
            case f.Answered(phone=phone) if (phone == OUTSIDE) is not self.person_first:
                self._answer(fact, rules)
            case f.Unheard():
                self._unheard(fact, rules)
            case f.ClockSet():
                self._shift(fact.by)
            case f.Ended():
                self._end(fact, rules)
            case _ if self.answered is not None:
                self._handed_on(fact, rules, was_transferred)
            case _:
                pass

    def _answer(self, fact: f.Answered, rules: CallbackRules) -> None:
        self.reach(fact.at, rules)
        self.ringing = None
        self.answered = self.joined = None if fact.at is None else fact.at + fact.slack
        self.hidden = fact.slack
        if self.person_first:
            self.phone = fact.phone
        if self.is_found and self.since is not None and fact.at is not None:
            self.hidden += max(NO_TIME, fact.at - self.since)

    def _handed_on(self, fact: Fact, rules: CallbackRules, was_transferred: bool) -> None:
        """After the answer: whether a phone of ours is with the person."""
        match fact:
            case f.SentOff() | f.Parked() | f.Parted() | f.Overflowed() | f.VoicemailTook():
                self._part(fact.at, rules)
            case f.PersonJoined(phone=phone) if phone != OUTSIDE:
                self.joined = None if was_transferred else self.joined
                self._join(fact.at)
            case f.Transferred(answered=True, to=to) if to != OUTSIDE:
                self._join(fact.at)  # at the sending; if they were joined later, that fact follows at once
                self.is_transferred = True
            case f.CameBack():
                self._join(fact.at)
            case _:
                pass

    def _part(self, at: datetime | None, rules: CallbackRules) -> None:
        """Without a time, they parted in the last gap."""
        until = at or self.gap_from
        self.reach(until, rules)
        if self.joined is not None and until is not None:
            self.talked += max(NO_TIME, until - self.joined)
            self.hidden += self.seen - until if at is None and self.seen is not None else NO_TIME
        self.joined = None

    def _join(self, at: datetime | None) -> None:
        """Without a time, a listing shows them together."""
        self.joined = self.joined or at or self.seen

    def _unheard(self, gap: f.Unheard, rules: CallbackRules) -> None:
        self.reach(self.seen, rules)
        self.reach(gap.at, rules)
        self.gap_from, self.seen = gap.at, gap.until
        if self.joined is None and gap.at is not None and gap.until is not None:
            self.hidden += gap.until - gap.at

    def _end(self, ended: f.Ended, rules: CallbackRules) -> None:
        self.reach(ended.at, rules)
        self.is_over = True
        if self.is_paid:
            return
        if self.answered is not None:
            until = ended.at or self.seen
            now = until - self.joined if until is not None and self.joined is not None else NO_TIME
            self.is_unsure = self.talked + now + self.hidden >= rules.talked_for
            self.attempt = self.answered
            self.is_counted = False
            self.is_short = not self.is_unsure
        elif self.person_first:
            until = ended.at or self.seen
            lasted = until - self.opened if until is not None and self.opened is not None else rules.talked_for
            may_be_one = rules.attempt_counts or (self.opened is not None and lasted >= rules.talked_for)
            self.unattributed, self.attempt = (self.opened or self.attempt) if may_be_one else None, None

    def _shift(self, by: timedelta) -> None:
        """Shift all times after a step of the exchange's clock, so that durations stay the same."""
        for name in TIMES:
            at = getattr(self, name)
            setattr(self, name, None if at is None else at + by)

    def reach(self, until: datetime | None, rules: CallbackRules) -> None:
        """All events of this call until then were received."""
        if until is None:
            return
        if self.ringing is not None and until - self.ringing >= rules.rang_for:
            self.attempt = self.attempt or self.ringing + rules.rang_for
        if self.joined is not None and self.talked + (until - self.joined) >= rules.talked_for:
            self.is_paid = True

    def counts_at(self, rules: CallbackRules) -> datetime | None:
        """When it has rung, or the parties have talked, long enough; None: nothing more follows from time."""
        if self.ringing is not None and self.attempt is None:
            return self.ringing + rules.rang_for
        return self.joined + rules.talked_for - self.talked if self.is_undecided and self.joined else None

    @property
    def is_attempt(self) -> bool:
        """Whether an attempt is to be told: nobody knows for whom a call is that no phone of ours began."""
        return self.attempt is not None and not self.is_counted and not (self.person_first and not self.answered)

    @property
    def begun(self) -> datetime | None:
        """When the person answered."""
        return self.opened or self.answered

    def span(self, until: datetime | None) -> tuple[datetime, datetime] | None:
        """From when to when it may have been a callback; None if nobody answered it."""
        until = until or self.seen
        return None if self.begun is None or until is None else (self.since or self.begun, until)

    @property
    def is_undecided(self) -> bool:
        """Answered, and the length of the talk is not known yet."""
        return self.begun is not None and not self.is_paid and not self.is_over


def next_contacts(calls: Iterable[TrackedOutboundCall], rules: CallbackRules) -> dict[str, datetime]:
    """By exchange, the first time by its clock at which a call becomes a contact if it lasts until then."""
    found: dict[str, datetime] = {}
    for call in calls:
        if (at := call.counts_at(rules)) is not None:
            found[call.exchange] = min(at, found.get(call.exchange, at))
    return found
