"""Merges a call that was received in part with its facts from CEL, each source where it is more exact. Pure.

Received facts win where they are exact: when a phone rang, when a person answered, a message, a hold, a language,
the state of the phones. CEL gives the rest. Outside gaps, received facts are complete: a phone that was dialled
and had no ringing event did not ring, although CEL cannot say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from callmon.core import facts as f
from callmon.core.facts import Fact

# Facts that CEL does not contain, or not as exactly.
ONLY_HEARD = (
    f.NumberWithheld, f.LanguageChosen, f.MusicPlayed, f.RingbackBegan, f.RingbackEnded, f.PhonesSeen,
    f.MessageLeft, f.MessageUnclear, f.SurveyOffered, f.CallbackRequested, f.ComplaintMade,
    f.SipCallIdGiven,
)  # fmt: skip
# Facts that CEL contains where the dialplan tells them by UserEvent, and `apps` of cel.conf names it.
FROM_DIALPLAN = (f.SurveyOffered, f.CallbackRequested, f.ComplaintMade)
HOLDING = (f.Held, f.Resumed)
NEVER = datetime.max.replace(tzinfo=UTC)
NEAR = timedelta(seconds=2)
LATE = timedelta(seconds=2)  # the message event comes after the hang-up request of the caller's channel
REFUSED_FOR = timedelta(seconds=30)  # the longest time for which a caller hears the busy signal
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

FactType = TypeVar("FactType", bound=Fact)
_with = msgspec.structs.replace


def merged(heard: Sequence[Fact], logged: Sequence[Fact]) -> list[Fact]:
    """The facts of CEL (`logged`, of a whole call), corrected by the received facts (`heard`)."""
    gaps = _Gaps(heard)
    arrived = _of(logged, f.Arrived)
    filled = _of(logged, f.Filled)
    end = _of(logged, f.Ended)
    was_there = _of(heard, f.Arrived)
    if arrived is None or filled is None or end is None or was_there is None:
        return list(logged)
    best = list(_best(logged, heard, gaps))
    rang = [fact for fact in best if isinstance(fact, f.PhoneRang) and fact.slack == f.EXACT]
    body = _in_order([fact for fact in best if fact not in rang], rang)
    kept = [fact for fact in heard if isinstance(fact, (*ONLY_HEARD, *HOLDING)) and not _is_in(fact, body)]
    end = _end(_of(heard, f.Ended), end, gaps)
    talk = _heard_talk(heard, gaps)
    message = filled.message or _heard_voicemail(heard, logged, gaps)
    filled = _with(filled, alone=False, imported=False, message=message, holds=filled.holds or talk, talk=talk)
    return [_arrival(was_there, arrived), filled, *_in_order(body, kept), end]


def _best(logged: Sequence[Fact], heard: Sequence[Fact], gaps: _Gaps) -> Iterator[Fact]:
    """The facts of CEL between arrival and end, corrected; holds only from within gaps."""
    silent = _never_rang(heard, gaps)
    for fact in logged:
        if isinstance(fact, f.Arrived | f.Filled | f.Ended) or (isinstance(fact, HOLDING) and gaps.heard_at(fact)):
            continue
        if isinstance(fact, f.RingbackUnknown) and gaps.heard_at(fact) and _of(heard, f.RingbackUnknown) is None:
            continue  # the exchange reported what the caller heard
        if isinstance(fact, FROM_DIALPLAN) and _was_received(fact, heard):
            continue
        better = _better(fact, heard, silent)
        if better is not None:
            yield better


def _was_received(fact: Fact, heard: Iterable[Fact]) -> bool:
    """Whether such a fact was received at about that time. AMI and CEL have clocks of their own."""
    same = (x.at for x in heard if type(x) is type(fact))
    return any(at is not None and fact.at is not None and abs(at - fact.at) <= NEAR for at in same)


class _Gaps:
    """The measurement gaps of this call."""

    def __init__(self, heard: Sequence[Fact]) -> None:
        arrived = _of(heard, f.Arrived)
        self._spans = [(x.at or BEFORE_ALL, x.until or NEVER) for x in heard if isinstance(x, f.Unheard)]
        if arrived is not None and arrived.found:
            seen = [x.at for x in heard[1:] if x.at is not None and not _is_listed(x)]
            self._spans.append((BEFORE_ALL, min(seen, default=NEVER)))
        ended = _of(heard, f.Ended)
        if ended is None or ended.at is None or ended.how == "unheard":
            last = max((x.at for x in heard if x.at is not None), default=BEFORE_ALL)
            self._spans.append((last, NEVER))

    def touch(self, begin: datetime | None, end: datetime | None) -> bool:
        return any(since <= (end or NEVER) and until >= (begin or BEFORE_ALL) for since, until in self._spans)

    def heard_at(self, fact: Fact) -> bool:
        return fact.at is not None and not any(since <= fact.at <= until for since, until in self._spans)


def _is_listed(fact: Fact) -> bool:
    """Whether the fact comes from a channel listing, not from an event."""
    return getattr(fact, "slack", f.EXACT) != f.EXACT or (isinstance(fact, f.Answered) and fact.found)


def _of(facts: Iterable[Fact], kind: type[FactType]) -> FactType | None:
    return next((fact for fact in facts if isinstance(fact, kind)), None)


def _arrival(heard: f.Arrived, logged: f.Arrived) -> f.Arrived:
    """The merged arrival. CEL does not say that a number is withheld, so the received value stays."""
    if not heard.found and heard.at is not None:
        return heard if heard.withheld is not None else _with(heard, caller=heard.caller or logged.caller)
    if heard.withheld is not None:
        return _with(logged, caller=None, withheld=heard.withheld)
    return logged


def _end(heard: f.Ended | None, logged: f.Ended, gaps: _Gaps) -> f.Ended:
    """The merged end. `by` is CEL's where a gap may hide the hang-up request, or a refusal that preceded it."""
    if heard is None or heard.at is None or heard.how == "unheard":
        return logged
    is_known = heard.by == "caller" and not gaps.touch(heard.at - REFUSED_FOR, heard.at)
    return heard if is_known or heard.how == "stopped" else _with(heard, by=logged.by)


def _better(fact: Fact, heard: Sequence[Fact], silent: frozenset[str]) -> Fact | None:
    match fact:
        case f.PhoneRang() if fact.channel in silent:
            return None
        case f.PhoneStopped() if fact.channel in silent:
            return _with(fact, rang=False)
        case f.PhoneRang():
            rang = _rang(heard, fact.channel)
            return fact if rang is None else _with(rang, phone=_phone(fact, heard))
        case f.Answered():
            exact = (x for x in heard if isinstance(x, f.Answered) and _is_exact(x, fact.channel) and not x.found)
            # After a gap, the same channels may have been bridged again.
            answered = next((x for x in exact if x.at and fact.at and abs(x.at - fact.at) <= NEAR), None)
            return fact if answered is None else _answer(answered, fact, heard)
        case _:
            return fact


def _answer(heard: f.Answered, logged: f.Answered, all_heard: Sequence[Fact]) -> f.Answered:
    """The received answer time. Phone and start of ringing are the received ones only if they were received."""
    rang = _rang(all_heard, logged.channel)
    since, slack = (logged.rang, logged.rang_slack) if rang is None else (rang.at, f.EXACT)
    return _with(heard, phone=_phone(logged, all_heard), rang=since, rang_slack=slack)


def _rang(heard: Iterable[Fact], channel: str) -> f.PhoneRang | None:
    return next((x for x in heard if isinstance(x, f.PhoneRang) and _is_exact(x, channel)), None)


def _phone(logged: f.PhoneRang | f.Answered, heard: Iterable[Fact]) -> str:
    """The dialled phone, if the dial was received: a channel alone does not tell a trunk from a phone."""
    dialled = (x for x in heard if isinstance(x, f.PhoneDialled) and x.channel == logged.channel)
    return next((x.phone for x in dialled if x.at is not None), logged.phone)


def _is_exact(fact: f.PhoneRang | f.Answered, channel: str) -> bool:
    return fact.channel == channel and fact.at is not None and fact.slack == f.EXACT


def _never_rang(heard: Sequence[Fact], gaps: _Gaps) -> frozenset[str]:
    """Channels without ringing or answer whose dial was received from begin to end, without a gap."""
    dialled = {x.channel: x.at for x in heard if isinstance(x, f.PhoneDialled) and x.at is not None}
    stopped = {x.channel: x.at for x in heard if isinstance(x, f.PhoneStopped) and x.at is not None}
    rang = {x.channel for x in heard if isinstance(x, f.PhoneRang | f.Answered)}
    both = (channel for channel in dialled if channel in stopped and channel not in rang)
    return frozenset(channel for channel in both if not gaps.touch(dialled[channel], stopped[channel]))


def _is_in(fact: Fact, body: Sequence[Fact]) -> bool:
    """Whether CEL has such a fact as well: a language by the key, a message by a dialplan event."""
    return isinstance(fact, f.LanguageChosen | f.MessageLeft) and any(type(x) is type(fact) for x in body)


def _in_order(body: list[Fact], kept: Iterable[Fact]) -> list[Fact]:
    """Inserts each received fact before the first later fact."""
    for fact in kept:
        later = (n for n, other in enumerate(body) if other.at and fact.at and other.at > fact.at)
        body.insert(next(later, len(body)), fact)
    return body


def _heard_voicemail(heard: Sequence[Fact], logged: Sequence[Fact], gaps: _Gaps) -> bool:
    """Whether the call was received from before the greeting (its time is from CEL) to the end."""
    took, ended = _of(logged, f.VoicemailTook), _of(heard, f.Ended)
    if took is None or took.at is None or ended is None or ended.how != "hangup":
        return False
    return _of(heard, f.VoicemailTook) is not None and not gaps.touch(took.at, ended.at and ended.at + LATE)


def _heard_talk(heard: Sequence[Fact], gaps: _Gaps) -> bool:
    """Whether the call was received from the answer to the end."""
    answered, ended = _of(heard, f.Answered), _of(heard, f.Ended)
    if answered is None or answered.at is None or answered.found or ended is None:
        return False
    return not gaps.touch(answered.at, ended.at)
