"""Which facts of a call a story tells, and which belong into one sentence. Pure.

Leaves out what the reader sees from the next sentence anyway (a phone is dialled a millisecond before it
rings), and tells the cause before its effects: Asterisk stops the other phones first, then says who answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter

from callmon.core import facts as f
from callmon.core.facts import OUTSIDE, AnyFact

TOGETHER = timedelta(seconds=0.5)
AT_ONCE = timedelta(seconds=1)

Moment = list[AnyFact]
Phone = f.PhoneDialled | f.PhoneRang | f.PhoneStopped


def moments(facts: Sequence[AnyFact]) -> list[Moment]:
    """The facts worth telling, in the order of the telling; those of one moment are like each other."""
    facts = in_time(facts)
    told = [fact for place, fact in enumerate(facts) if not _goes_without_saying(fact, facts[:place], facts)]
    grouped: list[Moment] = []
    for fact in _causes_first(told):
        moment = next((m for m in reversed(grouped) if _belongs(fact, m[0])), None)
        if moment is None:
            grouped.append([fact])
        else:
            moment.append(fact)
    return grouped


def in_time(facts: Sequence[AnyFact]) -> Sequence[AnyFact]:
    """In the order in which they happened: a backfill, or a message that came late, is written down behind.

    The end is told last. What has no time stays behind what it was told after; where the clock was set, times
    are no order.
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
    """Whether the two are known to have happened within `length` of each other."""
    return fact.at is not None and other.at is not None and abs(fact.at - other.at) <= length


def cause_of_stop(
    stop: f.PhoneStopped, facts: Sequence[AnyFact]
) -> f.Answered | f.PersonJoined | f.Forwarded | f.Ended | None:
    """What made the exchange stop ringing a phone: another answered, its own forwarding, or the call was over.

    A phone whose call was picked up elsewhere is simply gone.
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


def told_by(transfer: f.Transferred, fact: AnyFact) -> bool:
    """Whether `fact` is the sending that became this transfer, and so tells of it."""
    if not isinstance(fact, f.SentOff):
        return False
    return (fact.at, fact.kind, fact.by, fact.to) == (transfer.at, transfer.kind, transfer.by, transfer.to)


def _goes_without_saying(fact: AnyFact, before: Sequence[AnyFact], facts: Sequence[AnyFact]) -> bool:
    match fact:
        case f.PhoneDialled():
            return any(_is_same_phone_at_once(fact, other) for other in facts)
        case f.PhoneStopped():
            cause = cause_of_stop(fact, facts)
            return isinstance(cause, f.Forwarded) or (cause is not None and not fact.rang)
        case f.Transferred():
            return any(told_by(fact, x) for x in before)
        case f.SentOff(kind="redirect"):  # named late: by what it was
            return any(isinstance(x, f.SentOff) and x.at == fact.at for x in facts[len(before) + 1 :])
        case f.PersonJoined():
            return any(
                isinstance(x, f.Retrieved) and x.phone == fact.phone and within(x, fact, AT_ONCE) for x in before
            )
        case f.QueueLeft():
            return any(isinstance(x, f.Answered | f.Ended) and within(x, fact, AT_ONCE) for x in facts)
        case f.Answered() if fact.slack != f.EXACT or fact.at is None:
            after = facts[len(before) + 1 :]
            return any(isinstance(x, f.Answered) and x.channel == fact.channel for x in after)
        case f.Resumed():  # a phone that transfers sends it, whether it had held or not
            if any(isinstance(x, f.SentOff) and within(x, fact, TOGETHER) for x in facts[len(before) :]):
                return True
            holds = [x for x in before if isinstance(x, f.Held | f.Resumed)]
            return not holds or isinstance(holds[-1], f.Resumed)
        case _:
            return False


def _is_same_phone_at_once(dialled: f.PhoneDialled, other: AnyFact) -> bool:
    if not isinstance(other, f.PhoneRang | f.PhoneStopped | f.Answered) or other.channel != dialled.channel:
        return False
    return dialled.at is None or within(other, dialled, AT_ONCE)


def _causes_first(facts: Sequence[AnyFact]) -> list[AnyFact]:
    """Stops that a later answer or end had caused come behind it; who takes a transfer behind the transfer."""
    told: list[AnyFact] = []
    waiting: list[tuple[AnyFact, AnyFact]] = []
    for place, fact in enumerate(facts):
        cause = _cause(fact, facts[place + 1 :])
        if cause is not None:
            waiting.append((cause, fact))
            continue
        told.append(fact)
        told += [held_back for because, held_back in waiting if because is fact]
    return told


def _cause(fact: AnyFact, after: Sequence[AnyFact]) -> AnyFact | None:
    match fact:
        case f.PhoneStopped():
            return cause_of_stop(fact, after)
        case f.PersonJoined():  # Asterisk joins the bridges first
            sent = (x for x in after if isinstance(x, f.SentOff) and x.to == fact.phone)
            return next((x for x in sent if within(x, fact, TOGETHER)), None)
        case _:
            return None


def _belongs(fact: AnyFact, first: AnyFact) -> bool:
    """Whether it can be told in one sentence with `first`: phones that did the same together."""
    if type(fact) is not type(first) or not within(fact, first, TOGETHER):
        return False
    if not isinstance(fact, Phone) or not isinstance(first, Phone) or _is_outside(fact) != _is_outside(first):
        return False
    if isinstance(fact, f.PhoneStopped) and isinstance(first, f.PhoneStopped):
        return (fact.why, fact.rang) == (first.why, first.rang)
    return True


def _is_outside(fact: Phone) -> bool:
    return fact.phone == OUTSIDE
