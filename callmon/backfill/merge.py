"""A call of which a part was heard and all is in CEL: one account of both, each where it knows more. Pure.

What was heard stands where it is exact: when a phone rang, when a person answered, a message, a hold, a language,
how the phones stood. CEL tells the rest. What a phone did in heard time it did: one that was dialled and not heard
to ring did not ring, though CEL cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from callmon.core import facts as f
from callmon.core.facts import Fact

# CEL does not say these.
ONLY_HEARD = (
    f.NumberWithheld, f.LanguageChosen, f.MusicPlayed, f.PhonesSeen, f.MessageLeft, f.SurveyOffered,
    f.CallbackRequested, f.ComplaintMade,
)  # fmt: skip
HOLDING = (f.Held, f.Resumed)
NEVER = datetime.max.replace(tzinfo=UTC)
NEAR = timedelta(seconds=2)
LATE = timedelta(seconds=2)  # that a message was left is said after the caller's side has asked for the end
REFUSED_FOR = timedelta(seconds=30)  # a caller hears the busy signal for so long, at the most
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)

One = TypeVar("One", bound=Fact)
_with = msgspec.structs.replace


def merged(heard: Sequence[Fact], told: Sequence[Fact]) -> list[Fact]:
    """The facts of CEL (`told`, of a whole call) with what was heard better."""
    gaps = _Gaps(heard)
    arrived, filled, end = _of(told, f.Arrived), _of(told, f.Filled), _of(told, f.Ended)
    was_there = _of(heard, f.Arrived)
    if arrived is None or filled is None or end is None or was_there is None:
        return list(told)
    body = list(_best(told, heard, gaps))
    kept = [fact for fact in heard if isinstance(fact, (*ONLY_HEARD, *HOLDING)) and not _is_in(fact, body)]
    end = _end(_of(heard, f.Ended), end, gaps)
    holds = filled.holds or _heard_talk(heard, gaps)
    message = filled.message or _heard_voicemail(heard, told, gaps)
    word = _with(filled, alone=False, message=message, holds=holds)
    return [_arrival(was_there, arrived), word, *_in_order(body, kept), end]


def _best(told: Sequence[Fact], heard: Sequence[Fact], gaps: _Gaps) -> Iterator[Fact]:
    """What CEL tells between the arrival and the end; of holds, only what was not heard."""
    silent = _never_rang(heard, gaps)
    for fact in told:
        if isinstance(fact, f.Arrived | f.Filled | f.Ended) or (isinstance(fact, HOLDING) and gaps.heard_at(fact)):
            continue
        better = _better(fact, heard, silent)
        if better is not None:
            yield better


class _Gaps:
    """When nobody listened while this call was up."""

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
    """Not heard when it happened, but seen in a listing."""
    return getattr(fact, "slack", f.EXACT) != f.EXACT or (isinstance(fact, f.Answered) and fact.found)


def _of(facts: Iterable[Fact], kind: type[One]) -> One | None:
    return next((fact for fact in facts if isinstance(fact, kind)), None)


def _arrival(heard: f.Arrived, told: f.Arrived) -> f.Arrived:
    """Who must not be shown, CEL does not know."""
    if not heard.found and heard.at is not None:
        return heard if heard.withheld is not None else _with(heard, caller=heard.caller or told.caller)
    if heard.withheld is not None:
        return _with(told, caller=None, withheld=heard.withheld)
    return told


def _end(heard: f.Ended | None, told: f.Ended, gaps: _Gaps) -> f.Ended:
    """That the caller's side asked for it may have been said in the gap, or that this was a refusal's echo."""
    if heard is None or heard.at is None or heard.how == "unheard":
        return told
    is_known = heard.by == "caller" and not gaps.touch(heard.at - REFUSED_FOR, heard.at)
    return heard if is_known or heard.how == "stopped" else _with(heard, by=told.by)


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
            answered = next((x for x in exact if _is_near(x.at, fact.at)), None)
            return fact if answered is None else _answer(answered, fact, heard)
        case _:
            return fact


def _answer(heard: f.Answered, told: f.Answered, all_heard: Sequence[Fact]) -> f.Answered:
    """When it was, as it was heard; whose phone it is, and since when it rang, only if that was heard, too."""
    rang = _rang(all_heard, told.channel)
    since, slack = (told.rang, told.rang_slack) if rang is None else (rang.at, f.EXACT)
    return _with(heard, phone=_phone(told, all_heard), rang=since, rang_slack=slack)


def _rang(heard: Iterable[Fact], channel: str) -> f.PhoneRang | None:
    return next((x for x in heard if isinstance(x, f.PhoneRang) and _is_exact(x, channel)), None)


def _phone(told: f.PhoneRang | f.Answered, heard: Iterable[Fact]) -> str:
    """Whom it was dialled as, where that was heard: a trunk's channel alone is not told from a phone's."""
    dialled = (x for x in heard if isinstance(x, f.PhoneDialled) and x.channel == told.channel)
    return next((x.phone for x in dialled if x.at is not None), told.phone)


def _is_exact(fact: f.PhoneRang | f.Answered, channel: str) -> bool:
    return fact.channel == channel and fact.at is not None and fact.slack == f.EXACT


def _is_near(one: datetime | None, other: datetime | None) -> bool:
    """What was heard after a gap may be a later joining of the same two."""
    return one is not None and other is not None and abs(one - other) <= NEAR


def _never_rang(heard: Sequence[Fact], gaps: _Gaps) -> frozenset[str]:
    """Phones that were heard from the dial to its end, and gave no sign."""
    dialled = {x.channel: x.at for x in heard if isinstance(x, f.PhoneDialled) and x.at is not None}
    stopped = {x.channel: x.at for x in heard if isinstance(x, f.PhoneStopped) and x.at is not None}
    rang = {x.channel for x in heard if isinstance(x, f.PhoneRang | f.Answered)}
    both = (channel for channel in dialled if channel in stopped and channel not in rang)
    return frozenset(channel for channel in both if not gaps.touch(dialled[channel], stopped[channel]))


def _is_in(fact: Fact, body: Sequence[Fact]) -> bool:
    """CEL told it as well (a language by the key, a message by an event of the dialplan's own)."""
    return isinstance(fact, f.LanguageChosen | f.MessageLeft) and any(type(x) is type(fact) for x in body)


def _in_order(body: list[Fact], kept: Iterable[Fact]) -> list[Fact]:
    """What was heard goes before the first that came later."""
    for fact in kept:
        later = (n for n, other in enumerate(body) if _is_after(other.at, fact.at))
        body.insert(next(later, len(body)), fact)
    return body


def _is_after(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one > other


def _heard_voicemail(heard: Sequence[Fact], told: Sequence[Fact], gaps: _Gaps) -> bool:
    """From before the greeting, of which CEL knows when it was, to the end."""
    took, ended = _of(told, f.VoicemailTook), _of(heard, f.Ended)
    if took is None or took.at is None or ended is None or ended.how != "hangup":
        return False
    return _of(heard, f.VoicemailTook) is not None and not gaps.touch(took.at, ended.at and ended.at + LATE)


def _heard_talk(heard: Sequence[Fact], gaps: _Gaps) -> bool:
    """From the answer to the end."""
    answered, ended = _of(heard, f.Answered), _of(heard, f.Ended)
    if answered is None or answered.at is None or answered.found or ended is None:
        return False
    return not gaps.touch(answered.at, ended.at)
