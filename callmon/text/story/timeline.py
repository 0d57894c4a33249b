"""Selects the facts of a call for its story, and groups those of one sentence. Pure.

A fact that the next sentence implies is left out: a phone is dialled a millisecond before it rings. A cause
precedes its effects: Asterisk stops the other phones first, then reports the answer.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from operator import itemgetter

from callmon.core import facts as f
from callmon.core.calls import rings
from callmon.core.calls.call import Call
from callmon.core.facts import OUTSIDE, AnyFact
from callmon.text.formatter import Formatter


class StoryContext(Formatter):
    """One call, and the formatter of its sentences. `clock` is None if the start of the wait is not known."""

    def __init__(
        self,
        language: str,
        timezone: tzinfo,
        call: Call,
        facts: Sequence[AnyFact],
        clock: datetime | None,
        clock_slack: timedelta,
    ) -> None:
        super().__init__(language, timezone)
        self.call = call
        self.facts = facts
        self.clock = clock
        self.clock_slack = clock_slack

    def ring_at(self, at: datetime | None, slack: timedelta = f.EXACT) -> int | None:
        """The number of the caller's ring at that time.

        None if the caller heard no ring then, or if the number is not known.
        """
        if at is None or self.clock is None or self.is_by_seconds or self.is_answered_before(at):
            return None
        shortest, longest = at - self.clock - self.clock_slack, at + slack - self.clock
        return rings.rings_between(shortest, longest, self.call.cycle) if longest >= f.EXACT else None

    @property
    def is_by_seconds(self) -> bool:
        return self.call.by_queue or self.call.by_music

    @property
    def third_ring_over(self) -> datetime | None:
        """When the caller's third ring ends: what the phones offered until then gives the cause of a miss."""
        return None if self.clock is None else self.clock + 3 * self.call.cycle

    def is_answered_before(self, at: datetime) -> bool:
        return any(isinstance(x, f.Answered) and x.at is not None and x.at + x.slack < at for x in self.facts)


TOGETHER = timedelta(seconds=0.5)
AT_ONCE = timedelta(seconds=1)

Moment = list[AnyFact]
Phone = f.PhoneDialled | f.PhoneRang | f.PhoneStopped


def moments(facts: Sequence[AnyFact], limit: datetime | None = None) -> list[Moment]:
    """The selected facts in the order of the story; the facts of one moment are of the same type.

    `limit`: as `StoryContext.third_ring_over`.
    """
    facts = in_time(facts)
    kept = [
        fact
        for place, fact in enumerate(facts)
        if not _goes_without_saying(fact, facts[:place], facts)
        and not _is_bettered(fact, facts[place + 1 :], limit)
    ]
    grouped: list[Moment] = []
    for fact in _causes_first(kept):
        moment = next((m for m in reversed(grouped) if _belongs(fact, m[0])), None)
        if moment is None:
            grouped.append([fact])
        else:
            moment.append(fact)
    return grouped


def in_time(facts: Sequence[AnyFact]) -> Sequence[AnyFact]:
    """The facts in the order in which they happened: facts of a backfill, or of a late event, are stored later.

    `Ended` is last. A fact without a time stays behind the fact that precedes it in the store. If the clock was
    set, times give no order, and the facts stay as they are.
    """
    if any(isinstance(fact, f.ClockSet) for fact in facts):
        return facts
    timed: list[tuple[float, AnyFact]] = []
    last = float("-inf")
    for fact in facts:
        last = last if fact.at is None else fact.at.timestamp()
        timed.append((float("inf") if isinstance(fact, f.Ended) else last, fact))
    return [fact for _, fact in sorted(timed, key=itemgetter(0))]


def within(fact: f.Fact, other: f.Fact, length: timedelta) -> bool:
    """Whether both facts have a time, and their times differ by at most `length`."""
    return fact.at is not None and other.at is not None and abs(fact.at - other.at) <= length


def cause_of_stop(
    stop: f.PhoneStopped, facts: Sequence[AnyFact]
) -> f.Answered | f.PersonJoined | f.Forwarded | f.Ended | None:
    """Why the exchange stopped ringing a phone: another answer, its own forwarding or the end of the call.

    A phone whose call was picked up elsewhere stops as "gone".
    """
    if stop.why not in ("cancelled", "gone"):
        return None
    for x in facts:
        match x:
            case f.Forwarded() if x.phone != stop.phone:
                continue
            case f.Answered() | f.PersonJoined() | f.Forwarded() | f.Ended() if within(x, stop, TOGETHER):
                return x
    return None


def is_shown_by(transfer: f.Transferred, fact: AnyFact) -> bool:
    """Whether `fact` is the `SentOff` of this transfer, which already describes it."""
    if not isinstance(fact, f.SentOff):
        return False
    return (fact.at, fact.kind, fact.by, fact.to) == (transfer.at, transfer.kind, transfer.by, transfer.to)


def _goes_without_saying(fact: AnyFact, before: Sequence[AnyFact], facts: Sequence[AnyFact]) -> bool:
    match fact:
        case f.PhoneDialled():
            return any(_is_same_phone_at_once(fact, other) for other in facts)
        case f.RingbackUnknown():
            return any(isinstance(x, f.PhoneRang | f.PhoneStopped) and within(x, fact, AT_ONCE) for x in facts)
        case f.PhoneStopped():
            cause = cause_of_stop(fact, facts)
            return isinstance(cause, f.Forwarded) or (cause is not None and not fact.rang)
        case f.Transferred():
            return any(is_shown_by(fact, x) for x in before)
        case f.SentOff(kind="redirect"):  # a later fact at the same time has the real kind
            return any(isinstance(x, f.SentOff) and x.at == fact.at for x in facts[len(before) + 1 :])
        case f.PersonJoined():
            return any(
                isinstance(x, f.Retrieved) and x.phone == fact.phone and within(x, fact, AT_ONCE) for x in before
            )
        case f.Parted():  # the call ends with it, or the phone had sent the person off
            after = facts[len(before) + 1 :]
            return isinstance(after[0] if after else fact, f.Ended) or isinstance(before[-1], f.SentOff)
        case f.HangupRequested():
            return any(isinstance(x, f.Ended) and x.by == "caller" for x in facts)
        case f.QueueLeft():
            return any(isinstance(x, f.Answered | f.Ended) and within(x, fact, AT_ONCE) for x in facts)
        case f.Answered() if fact.slack != f.EXACT or fact.at is None:
            after = facts[len(before) + 1 :]
            return any(isinstance(x, f.Answered) and x.channel == fact.channel for x in after)
        case f.Resumed():  # a transferring phone sends it, even without a hold
            if any(isinstance(x, f.SentOff) and within(x, fact, TOGETHER) for x in facts[len(before) :]):
                return True
            holds = [x for x in before if isinstance(x, f.Held | f.Resumed)]
            return not holds or isinstance(holds[-1], f.Resumed)
        case _:
            return False


def _is_bettered(fact: AnyFact, after: Sequence[AnyFact], limit: datetime | None) -> bool:
    """Whether the phones offered better within a second. If the third ring ended in between, both states count."""
    if not isinstance(fact, f.PhonesSeen):
        return False
    better = next((x for x in after if isinstance(x, f.PhonesSeen) and within(x, fact, AT_ONCE)), None)
    if better is None or fact.at is None or better.at is None:
        return False
    return limit is None or not fact.at < limit <= better.at


def _is_same_phone_at_once(dialled: f.PhoneDialled, other: AnyFact) -> bool:
    if not isinstance(other, f.PhoneRang | f.PhoneStopped | f.Answered) or other.channel != dialled.channel:
        return False
    return dialled.at is None or within(other, dialled, AT_ONCE)


def _causes_first(facts: Sequence[AnyFact]) -> list[AnyFact]:
    """Move a stop after the answer or end that caused it, and the taker of a transfer after the transfer."""
    ordered: list[AnyFact] = []
    waiting: list[tuple[AnyFact, AnyFact]] = []
    for place, fact in enumerate(facts):
        cause = _cause(fact, facts[place + 1 :])
        if cause is not None:
            waiting.append((cause, fact))
            continue
        ordered.append(fact)
        ordered += [held_back for because, held_back in waiting if because is fact]
    return ordered


def _cause(fact: AnyFact, after: Sequence[AnyFact]) -> AnyFact | None:
    match fact:
        case f.PhoneStopped():
            return cause_of_stop(fact, after)
        case f.PersonJoined():  # Asterisk joins the bridges before it reports the transfer
            sent = (x for x in after if isinstance(x, f.SentOff) and x.to == fact.phone)
            return next((x for x in sent if within(x, fact, TOGETHER)), None)
        case _:
            return None


def _belongs(fact: AnyFact, first: AnyFact) -> bool:
    """Whether one sentence can have both: phones that did the same at the same time."""
    if type(fact) is not type(first) or not within(fact, first, TOGETHER):
        return False
    if (
        not isinstance(fact, Phone)
        or not isinstance(first, Phone)
        or (fact.phone == OUTSIDE) != (first.phone == OUTSIDE)
    ):
        return False
    if isinstance(fact, f.PhoneStopped) and isinstance(first, f.PhoneStopped):
        return (fact.why, fact.rang) == (first.why, first.rang)
    return True
