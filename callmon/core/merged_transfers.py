"""The transfers of a call whose facts come from two instances: those the leader stored, then the standby's. Pure.

The leader's facts state each transfer as its event did. A standby that started during the call may only have
inferred it (`unheard`). It may also have missed the start of a transfer, or left it without a conclusion.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import takewhile

import msgspec

from callmon.core import facts as f
from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.resume import resume
from callmon.core.calls.state import TrackerState
from callmon.core.calls.transfers import settle


def merged_transfers(
    profile: ExchangeProfile,
    stored: Sequence[f.Fact],
    own: Sequence[f.Fact],
    missing: Iterable[f.Fact],
    until: datetime | None,
) -> list[f.Fact]:
    """The missing facts. A transfer that the leader knew is as stored, is not repeated, and has its conclusion.

    `own`: all facts of the standby; some are stored. `until`: up to then the leader is certain to have received,
    and stored, all events.
    """
    merged: list[f.Fact] = []
    pending = _pending(stored)
    for fact in missing:
        if isinstance(fact, f.SentOff | f.Transferred) and fact.unheard:
            merged += _stated(fact, pending, until, f.partly_heard([*stored, *merged]))
        elif isinstance(fact, f.PersonJoined):
            merged += _joined(pending, _person([*stored, *merged]), fact)
        elif isinstance(fact, f.CameBack) and pending is not None and fact.to != pending.to:
            merged += _back_with(fact, pending, _sender(fact, [*stored, *merged], own), [*stored, *merged])
        elif isinstance(fact, f.Ended) and pending is not None:
            merged += [*_conclusion(profile, [*stored, *merged], fact), fact]
        else:
            merged.append(fact)
        pending = _pending([*stored, *merged])
    return merged


def _pending(facts: Iterable[f.Fact]) -> f.SentOff | None:
    steps = [fact for fact in facts if isinstance(fact, f.SentOff | f.Transferred | f.CameBack)]
    return steps[-1] if steps and isinstance(steps[-1], f.SentOff) else None


def _stated(
    fact: f.SentOff | f.Transferred, pending: f.SentOff | None, until: datetime | None, may_be_hidden: bool
) -> Iterator[f.Fact]:
    """An inferred transfer as its event stated it; nothing if stored. It is inferred after its event."""
    if pending is not None and pending.at is not None and fact.at is not None and fact.at < pending.at:
        return
    if pending is not None and isinstance(fact, f.Transferred):
        yield msgspec.structs.replace(
            fact, at=pending.at, kind=pending.kind, by=pending.by, to=pending.to, unheard=pending.unheard
        )
    elif pending is None and (until is None or fact.at is None or fact.at > until):
        yield msgspec.structs.replace(fact, unheard=may_be_hidden)


def _person(facts: Iterable[f.Fact]) -> str | None:
    person: str | None = None
    for fact in facts:
        if isinstance(fact, f.Answered | f.PersonJoined):
            person = endpoint(fact.channel)
        elif isinstance(fact, f.Parked):
            person = None
    return person


def _joined(pending: f.SentOff | None, person: str | None, joined: f.PersonJoined) -> Iterator[f.Fact]:
    """The conclusion of the pending transfer when this person is on the line; the person, if another one was."""
    new = endpoint(joined.channel)
    if pending is not None and new == endpoint(pending.by):
        yield f.CameBack(joined.call, joined.at, pending.to)
    elif pending is not None:
        yield f.Transferred(
            joined.call, pending.at, pending.kind, pending.by, pending.to, answered=True, unheard=pending.unheard
        )
        person = None
    if new != person:
        yield joined


def _sender(back: f.CameBack, facts: Sequence[f.Fact], own: Sequence[f.Fact]) -> str | None:
    """The sender to whom the caller is back. The standby may not know where its sender sent the caller."""
    before = [*facts, *takewhile(lambda x: x is not back, own)]
    return next((x.by for x in reversed(before) if isinstance(x, f.SentOff) and x.to == back.to), None)


def _back_with(back: f.CameBack, pending: f.SentOff, by: str | None, facts: Sequence[f.Fact]) -> Iterator[f.Fact]:
    """The pending transfer's conclusion when the caller is back with this sender, perhaps an earlier one."""
    if by is None:
        return
    if endpoint(by) == endpoint(pending.by):
        yield f.CameBack(back.call, back.at, pending.to)
        return
    calls = (x for x in reversed(facts) if isinstance(x, f.PhoneDialled) and endpoint(x.channel) == endpoint(by))
    phone = next(calls, None)
    if phone is not None:
        yield from _joined(pending, _person(facts), f.PersonJoined(back.call, back.at, phone.phone, phone.channel))


def _conclusion(profile: ExchangeProfile, facts: Sequence[f.Fact], ended: f.Ended) -> list[f.Fact]:
    arrival = next((fact for fact in facts if isinstance(fact, f.Arrived)), None)
    if arrival is None:
        return []
    account, state = CallAccount(arrival).record_facts(facts), TrackerState(profile)
    resume(state, account, facts)
    settle(state, state.calls[ended.call], ended.at)
    return state.emitted
