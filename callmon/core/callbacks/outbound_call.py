"""An outbound call that may be a callback: how long it rang, whether and how long the parties talked. Pure.

                    ┌── stopped: an attempt, if it had rung for four rings ──┐
    dialled ─ rings ┤                                                        ├─ over
                    └── answered ─ talked long enough: called back ──────────┘
                               └── ended sooner: an attempt

Refuses: to count time that was not observed. A duration counts only up to a moment until which all events of the
exchange were received.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from callmon.config.schema import CallbackRules
from callmon.core import facts as f
from callmon.core.facts import OUTSIDE, Fact


class TrackedOutboundCall(msgspec.Struct, eq=False):
    """One outbound call. `attempt` and `answered`: its result so far."""

    exchange: str
    call: str
    token: str
    phone: str
    ringing: datetime | None = None
    answered: datetime | None = None  # the latest possible time
    earliest: datetime | None = None  # the earliest possible time
    attempt: datetime | None = None
    seen: datetime | None = None  # when it was still listed after a gap, unless it ended in that gap
    is_paid: bool = False
    is_counted: bool = False
    is_settled: bool = False
    is_over: bool = False
    is_waited_for: bool = False
    is_unsure: bool = False  # answered; its end was not received, so the talk may have been long enough
    waiting: list[tuple[str, str]] = []  # obligations whose verdict depends on it

    def hear(self, fact: Fact, rules: CallbackRules) -> None:
        match fact:
            case f.PhoneRang(phone=phone) if phone == OUTSIDE and self.answered is None:
                self.ringing = None if fact.at is None else fact.at + fact.slack
            case f.PhoneStopped(phone=phone) if phone == OUTSIDE:
                self.reach(fact.at, rules)
                self.ringing = None
            case f.Answered(phone=phone) if phone == OUTSIDE:
                self.reach(fact.at, rules)
                self.ringing = None
                self.answered = None if fact.at is None else fact.at + fact.slack
                self.earliest = fact.at
            case f.Unheard():
                self.reach(self.seen, rules)
                self.reach(fact.at, rules)
                self.seen = fact.until
            case f.ClockSet():
                self._shift(fact.by)
            case f.Ended():
                self.reach(fact.at, rules)
                self.is_over = True
                if self.answered is not None and not self.is_paid:
                    self.attempt = self.attempt or self.answered
                    self._doubt(fact, rules)
            case _:
                pass

    def _shift(self, by: timedelta) -> None:
        """Shift all times after a step of the exchange's clock, so that durations stay the same."""
        for name in ("ringing", "answered", "earliest", "seen"):
            at = getattr(self, name)
            setattr(self, name, None if at is None else at + by)

    def _doubt(self, ended: f.Ended, rules: CallbackRules) -> None:
        """For an end in a gap: the parties may have talked long enough until events were received again."""
        if ended.at is None and self.seen is not None and self.earliest is not None:
            self.is_unsure = self.seen - self.earliest >= rules.talked_for
        if self.is_unsure:
            self.attempt, self.is_counted = self.answered, False  # emitted as unsure, even if counted before

    def reach(self, until: datetime | None, rules: CallbackRules) -> None:
        """All events of this call until then were received."""
        if until is None:
            return
        if self.ringing is not None and until - self.ringing >= rules.rang_for:
            self.attempt = self.attempt or self.ringing + rules.rang_for
        if self.answered is not None and until - self.answered >= rules.talked_for:
            self.is_paid = True

    def counts_at(self, rules: CallbackRules) -> datetime | None:
        """When it has rung, or the parties have talked, long enough; None: nothing more follows from time."""
        if self.ringing is not None and not self.is_counted:
            return self.ringing + rules.rang_for
        return self.answered + rules.talked_for if self.is_undecided and self.answered is not None else None

    @property
    def is_undecided(self) -> bool:
        """Answered, and the length of the talk is not known yet."""
        return self.answered is not None and not self.is_paid and not self.is_over


def next_contacts(calls: Iterable[TrackedOutboundCall], rules: CallbackRules) -> dict[str, datetime]:
    """By exchange, the first time by its clock at which a call becomes a contact if it lasts until then."""
    found: dict[str, datetime] = {}
    for call in calls:
        if (at := call.counts_at(rules)) is not None:
            found[call.exchange] = min(at, found.get(call.exchange, at))
    return found
