"""Takeover: merges the leader's stored state with the standby's buffer when the standby becomes leader. Pure.

    stored by the leader ─────────┐
                                  ├─▶ missing in the database ──▶ written by the new leader
    buffered by the standby ──────┘          └─▶ the new leader's memory: stored and missing

Leader and standby receive events of the same exchange; only the leader writes. Each call is merged from the two
sources: stored facts win, and facts that only the standby received are appended. The verdicts follow from all
facts. An instance that joined in the middle of a call thus claims neither less nor more than both received.
A time in which either instance received events is no gap.

Refuses: to emit anything twice. A ledger entry is left out when it is stored, or repeats what a stored one states.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.core import facts as f
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import LedgerUpdate, Obligation, after
from callmon.core.calls.call import Call, CallKey
from callmon.core.merged_transfers import merged_transfers
from callmon.core.monitor import Monitor
from callmon.core.outcome import Item, Outcome
from callmon.core.verdicts import Finding, Gap

ReceivedUntil = Mapping[str, datetime]
# Two connections to one exchange need not receive an event at the same moment.
CERTAIN = timedelta(seconds=0.5)
# On a busy machine the leader's heartbeat may be this much later than the events that Asterisk has sent to it.
OVERTAKEN = timedelta(seconds=3)
# Each instance detects a step of the exchange's clock by its own Ping. The two Pings are seconds apart, and the
# measured steps differ slightly.
SAME_STEP, NEAR = timedelta(seconds=0.5), timedelta(seconds=15)
SETTLING = (n.CalledBack, n.ReachedUs, n.ClosedByHand, n.ComplaintAnswered)


class StoredOpenCall(msgspec.Struct, frozen=True):
    """A call in progress as last stored: its facts as emitted, and its findings so far."""

    facts: tuple[f.Fact, ...]
    findings: tuple[Finding, ...] = ()


class StoredState(msgspec.Struct):
    """The stored state, read from the database."""

    heard: Mapping[str, datetime]  # until when the leader received events from each exchange
    begun: Mapping[CallKey, StoredOpenCall]
    over: frozenset[CallKey]
    ledger: Ledger
    entries: frozenset[AnyEntry]  # of the ledger
    callback_command: int  # the number of the last manual command applied


class LocalCall(msgspec.Struct):
    """The buffered facts, findings and calls that this instance emitted of one call."""

    facts: list[f.Fact] = msgspec.field(default_factory=list)
    findings: list[Finding] = msgspec.field(default_factory=list)
    calls: list[Call] = msgspec.field(default_factory=list)


def take_over(monitor: Monitor, known: StoredState, kept: Sequence[Item]) -> list[Outcome]:
    """The outcomes missing in the database. `monitor` is merged from both sources, also after a gap of its own."""
    heard = _heard(known)
    own = [item for item in kept if isinstance(item, Outcome)]
    calls = dict(_calls(monitor, known, _by_call(_after(kept, heard), heard), heard))
    missing = [*calls.values(), *_gaps(own, heard), *_ledger(monitor, known, own), *_by_hand(known, own)]
    missing += [Outcome(x.exchange, contacts=x.contacts) for x in own if x.contacts]  # the database has each once
    _renew(monitor, known, calls)
    return missing


def _heard(known: StoredState) -> dict[str, datetime]:
    """Until when the leader received events from each exchange: its last heartbeat, or a later stored fact."""
    heard = dict(known.heard)
    for (exchange, _), stored in known.begun.items():
        for fact in stored.facts:
            if fact.at is not None:
                heard[exchange] = max(fact.at, heard.get(exchange, fact.at))
    return heard


def _after(kept: Sequence[Item], heard: ReceivedUntil) -> list[Outcome]:
    """The outcomes after the last heartbeat passed by `OVERTAKEN`: earlier ones are certain to be stored."""
    last: dict[str, int] = {}
    for place, item in enumerate(kept):
        until = heard.get(item.exchange)
        if not isinstance(item, Outcome) and until is not None and item.at + OVERTAKEN <= until:
            last[item.exchange] = place
    later = ((place, item) for place, item in enumerate(kept) if isinstance(item, Outcome))
    return [item for place, item in later if place > last.get(item.exchange, -1)]


def _by_call(outcomes: Iterable[Outcome], heard: ReceivedUntil) -> dict[CallKey, LocalCall]:
    own: dict[CallKey, LocalCall] = {}
    for outcome in outcomes:
        if outcome.gaps and all(_is_covered(gap.exchange, gap.end, heard) for gap in outcome.gaps):
            continue  # the leader received what a listing could prove after a gap
        for fact in outcome.facts:
            # The fact of a gap may be emitted before the listing is complete.
            if not (isinstance(fact, f.Unheard) and _is_covered(outcome.exchange, fact.until, heard)):
                facts = own.setdefault((outcome.exchange, fact.call), LocalCall()).facts
                facts.append(fact)
                if isinstance(fact, f.Arrived) and fact.found and outcome.gaps:
                    facts.append(_gap_before(fact, outcome.gaps[0]))
        for finding in outcome.findings:
            own.setdefault((outcome.exchange, finding.call), LocalCall()).findings.append(finding)
        for call in outcome.calls:
            own.setdefault((outcome.exchange, call.call), LocalCall()).calls.append(call)
    return own


def _gap_before(found: f.Arrived, gap: Gap) -> f.Unheard:
    """The gap of a call found by the listing that ended it: the leader may have stored the call's arrival."""
    start = gap.start if found.at is None else max(gap.start, found.at)
    return f.Unheard(found.call, start, gap.end, found.may_hide_answer, found.may_hide_ringing)


def _is_covered(exchange: str, end: datetime | None, heard: ReceivedUntil) -> bool:
    until = heard.get(exchange)
    return end is not None and until is not None and end + CERTAIN <= until


# Calls.


def _calls(
    monitor: Monitor, known: StoredState, own: Mapping[CallKey, LocalCall], heard: ReceivedUntil
) -> Iterator[tuple[CallKey, Outcome]]:
    for key, local in own.items():
        if key in known.over:
            continue
        stored = known.begun.get(key)
        if stored is None:
            yield key, Outcome(key[0], tuple(local.facts), tuple(local.findings), tuple(local.calls))
            continue
        leader_and_gaps = [*stored.facts, *(fact for fact in local.facts if isinstance(fact, f.Unheard))]
        partly = f.partly_heard(leader_and_gaps)
        facts = [_as_leader_states(fact, leader_and_gaps, partly) for fact in local.facts]
        more = [fact for fact in facts if not _is_stored(fact, stored.facts)]
        state = monitor.exchanges.get(key[0])
        if more and state is not None:
            more = merged_transfers(state.profile, stored.facts, local.facts, more, heard.get(key[0]))
        if more:
            yield key, _the_rest(monitor, key[0], stored, local, more)


def _is_stored(fact: f.Fact, stored: Sequence[f.Fact]) -> bool:
    """Whether an equivalent fact is stored. It may differ: the leader may have received less of the call."""
    match fact:
        case f.Arrived() | f.NumberWithheld():  # once per call; a withheld number is not stored
            return any(type(known) is type(fact) for known in stored)
        case (
            f.PhoneDialled(channel=channel)
            | f.PhoneRang(channel=channel)
            | f.PhoneStopped(channel=channel)
            | f.Answered(channel=channel)
        ):  # once a channel
            return any(type(known) is type(fact) and known.channel == channel for known in stored)
        case f.QueueEntered(at=datetime()):  # the standby may not know what the queue plays
            return any(isinstance(known, f.QueueEntered) and known.at == fact.at for known in stored)
        case f.RingbackUnknown():  # the leader received what the caller heard, or has stated that it did not
            return any(isinstance(known, f.PhoneDialled | f.RingbackBegan) for known in stored)
        case f.PersonJoined(channel=channel, at=datetime() as at):  # a listing may show the join before its event
            joins = [known for known in stored if isinstance(known, f.PersonJoined) and known.channel == channel]
            return any(known.at is not None and abs(known.at - at) < CERTAIN for known in joins)
        case f.SentOff(at=datetime()) | f.Transferred(at=datetime()) | f.QueueLeft(at=datetime()):  # one at once
            return any(type(known) is type(fact) and known.at == fact.at for known in stored)
        case f.ClockSet(at=at, by=by):
            steps = [(known, known.at) for known in stored if isinstance(known, f.ClockSet)]
            return fact in stored or any(
                abs(known.by - by) < SAME_STEP and at is not None and seen is not None and abs(seen - at) < NEAR
                for known, seen in steps
            )
        case _:
            return fact in stored


def _as_leader_states(fact: f.Fact, stored: Sequence[f.Fact], partly: bool) -> f.Fact:
    """An answer with the ringing that the leader received. The next person's, if the first is stored.

    The party that ended the call, if this instance does not know it: the leader received every HangupRequest.
    `partly`: neither instance received a part of the call.
    """
    if isinstance(fact, f.Ended) and (fact.how, fact.by) == ("hangup", "unknown"):
        return _ended_as_leader_states(fact, stored, partly)
    if not isinstance(fact, f.Answered):
        return fact
    if fact.found and fact.at is not None and not partly:
        # An earlier join would be stored: this is the time of the join that was received.
        fact = msgspec.structs.replace(fact, at=fact.at + fact.slack, slack=f.EXACT, found=False)
    answers = [known for known in stored if isinstance(known, f.Answered)]
    if answers and all(known.channel != fact.channel for known in answers):
        return f.PersonJoined(fact.call, fact.at, fact.phone, fact.channel)
    rang = (known for known in stored if isinstance(known, f.PhoneRang) and known.channel == fact.channel)
    known = next(rang, None)
    if known is None or f.EXACT == fact.rang_slack < known.slack:
        return fact
    return msgspec.structs.replace(fact, rang=known.at, rang_slack=known.slack)


def _ended_as_leader_states(fact: f.Ended, stored: Sequence[f.Fact], partly: bool) -> f.Ended:
    """A request before the busy signal is the echo of a refusal (`lifecycle.hangup_request`)."""
    last = next((x for x in reversed(stored) if isinstance(x, f.HangupRequested | f.CallerBusy)), None)
    if isinstance(last, f.HangupRequested):
        return f.Ended(fact.call, last.at, "caller")
    return fact if partly else f.Ended(fact.call, fact.at, "exchange")


def _the_rest(
    monitor: Monitor, exchange: str, stored: StoredOpenCall, own: LocalCall, more: list[f.Fact]
) -> Outcome:
    retold = monitor.retell(exchange, [*stored.facts, *more])
    judged = {finding.standard for finding in stored.findings}
    findings = own.findings if retold is None else retold.findings
    calls = own.calls if retold is None else retold.calls
    return Outcome(exchange, tuple(more), tuple(x for x in findings if x.standard not in judged), tuple(calls))


def _renew(monitor: Monitor, known: StoredState, missing: Mapping[CallKey, Outcome]) -> None:
    for exchange, call in known.over:
        if (state := monitor.exchanges.get(exchange)) is not None:
            state.accounts.pop(call, None)  # no more facts of it are emitted
    for key, stored in known.begun.items():
        more = missing.get(key, Outcome(key[0]))
        if not more.calls and key not in known.over:
            judged = [finding.standard for finding in (*stored.findings, *more.findings)]
            monitor.adopt_call(*key, [*stored.facts, *more.facts], judged)
    for exchange, heard in known.heard.items():
        state = monitor.exchanges.get(exchange)
        if state is not None and state.tracker.state.is_unheard:  # neither instance receives it only since then
            listing = state.tracker.listing
            listing.resume(max(heard, listing.since or heard))


def _gaps(outcomes: Iterable[Outcome], heard: ReceivedUntil) -> Iterator[Outcome]:
    for outcome in outcomes:
        for gap in outcome.gaps:
            start = max(gap.start, heard.get(gap.exchange, gap.start))
            if start < gap.end:
                yield Outcome(gap.exchange, gaps=(Gap(gap.exchange, start, gap.end),))


# Callbacks.


def _ledger(monitor: Monitor, known: StoredState, kept: Iterable[Outcome]) -> Iterator[Outcome]:
    """One outcome for each missing entry. The ledger becomes the stored one plus these entries."""
    monitor.ledger.renew(known.ledger)
    for outcome in kept:
        for written in outcome.ledger:
            before = monitor.ledger.index.get(written.obligation.key)
            if written.entry in known.entries or (before is not None and _is_said(before, written.entry)):
                continue
            again = _stood(before, written)
            monitor.ledger.restore([again.obligation])
            yield Outcome(outcome.exchange, ledger=(again,))


def _is_said(obligation: Obligation, entry: AnyEntry) -> bool:
    match entry:
        case n.Owed():
            return True
        case n.DueSoon():
            return obligation.is_soon
        case n.Overdue():
            return obligation.is_overdue
        case n.FellDue():
            return obligation.fell_due >= len(obligation.due_times)
        case _:
            return isinstance(entry, SETTLING) and not obligation.is_open


def _stood(before: Obligation | None, written: LedgerUpdate) -> LedgerUpdate:
    if before is None:
        return written
    own, judged = written.obligation, (x.standard for x in written.findings if x.standard not in before.judged)
    obligation = msgspec.structs.replace(after(before, written.entry), judged=(*before.judged, *judged))
    if isinstance(written.entry, n.Marked):
        obligation = msgspec.structs.replace(obligation, other=own.other)
    return LedgerUpdate(written.entry, obligation, written.findings, written.corrections)


def _by_hand(known: StoredState, kept: Iterable[Outcome]) -> Iterator[Outcome]:
    """The number of the last manual command that this instance applied, when the stored number is lower."""
    last = max((outcome.callback_command for outcome in kept), default=0)
    if last > known.callback_command:
        yield next(Outcome(x.exchange, callback_command=last) for x in kept if x.callback_command == last)
