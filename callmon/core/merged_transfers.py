"""The transfers of a call whose facts come from two instances: those the leader stored, then the standby's. Pure.

The leader's facts state each transfer as its event did. A standby that started during the call may only have
inferred it (`unheard`). It may also have missed the start of a transfer, or left it without a conclusion.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from callmon.core.calls.account import CallAccount
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.resume import resume
from callmon.core.calls.site import ExchangeProfile
from callmon.core.calls.state import TrackerState
from callmon.core.calls.transfers import settle
from callmon.core.facts import (
    Arrived,
    CameBack,
    Ended,
    Fact,
    PersonJoined,
    SentOff,
    Transferred,
    Unheard,
)


def merged_transfers(
    site: ExchangeProfile, stored: Sequence[Fact], missing: Iterable[Fact], until: datetime | None
) -> list[Fact]:
    """The missing facts. A transfer that the leader knew is as stored, is not repeated, and has its conclusion.

    `until`: up to then the leader is certain to have received, and stored, all events.
    """
    merged: list[Fact] = []
    pending = _pending(stored)
    for fact in missing:
        if isinstance(fact, SentOff | Transferred) and fact.unheard:
            may_be_hidden = any(isinstance(known, Unheard) or _is_found(known) for known in (*stored, *merged))
            merged += _stated(fact, pending, until, may_be_hidden)
        elif isinstance(fact, PersonJoined) and pending is not None:
            merged += [_joined(pending, fact), fact]
        elif isinstance(fact, Ended) and pending is not None:
            merged += [*_conclusion(site, [*stored, *merged], fact), fact]
        else:
            merged.append(fact)
        pending = _pending([*stored, *merged])
    return merged


def _pending(facts: Iterable[Fact]) -> SentOff | None:
    """The transfer that has no conclusion yet."""
    last: Fact | None = None
    for fact in facts:
        if isinstance(fact, SentOff | Transferred | CameBack):
            last = fact
    return last if isinstance(last, SentOff) else None


def _stated(
    fact: SentOff | Transferred, pending: SentOff | None, until: datetime | None, may_be_hidden: bool
) -> Iterator[Fact]:
    """An inferred transfer, as its event stated it; nothing if the leader has stored it."""
    if pending is not None and isinstance(fact, Transferred):
        yield msgspec.structs.replace(
            fact, at=pending.at, kind=pending.kind, by=pending.by, to=pending.to, unheard=pending.unheard
        )
    elif pending is None and (until is None or fact.at is None or fact.at > until):
        yield msgspec.structs.replace(fact, unheard=may_be_hidden)


def _joined(pending: SentOff, joined: PersonJoined) -> Fact:
    """The conclusion of the pending transfer when this person is on the line."""
    if endpoint(joined.channel) == endpoint(pending.by):
        return CameBack(joined.call, joined.at, pending.to)
    return Transferred(
        joined.call, pending.at, pending.kind, pending.by, pending.to, answered=True, unheard=pending.unheard
    )


def _is_found(fact: Fact) -> bool:
    """Whether a listing showed the call first: its beginning was not received."""
    return isinstance(fact, Arrived) and fact.found


def _conclusion(site: ExchangeProfile, facts: Sequence[Fact], ended: Ended) -> list[Fact]:
    """Whether the pending transfer of a call that has ended is one that counts."""
    arrival = next((fact for fact in facts if isinstance(fact, Arrived)), None)
    if arrival is None:
        return []
    account, state = CallAccount(arrival), TrackerState(site)
    for fact in facts:
        account.record_fact(fact)
    resume(state, account, facts)
    settle(state, state.calls[ended.call], ended.at)
    return state.emitted
