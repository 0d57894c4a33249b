"""One call received by a leader and by a standby that starts during it. The leader dies; the standby takes over.

Where the leader was alive at the standby's listing, no moment is lost between the two: the stored call equals the
call of one instance that received everything. Otherwise the call claims no more than is true.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.facts import Fact, as_it_stands
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.core.takeover import StoredState, take_over
from callmon.core.verdicts import Finding
from tests.model.exam.cuts import LATER, UPTIME, Examined, fresh
from tests.model.exam.judging import wrongs
from tests.model.exam.subjects import said_of

# A leader that dies sooner after the standby's listing leaves an honest gap: its last heartbeat is older.
SURE = timedelta(seconds=0.6)
SECOND = timedelta(seconds=1)
LAGS = (timedelta(0), SECOND)  # the age of the leader's last heartbeat
OLDER = (0, 2, 8)  # events by which the stored state is older than the start of the standby
# Unknown where the standby has its channel from a listing alone.
NOT_COMPARED = {"caller", "people"}  # of the people, the phones alone: a join has several events


class Takeover(NamedTuple):
    """The standby restores what is stored at moment `stored`, receives events from `begin` on and the listing at
    `listed`. The leader commits facts up to `committed` and dies; the standby takes over at `leads`.
    """

    stored: int
    begin: int
    listed: int
    committed: int
    leads: int
    lag: timedelta


class StoredCall(NamedTuple):
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]


def takeovers(examined: Examined, count: int, seed: int) -> Iterator[Takeover]:
    """Up to `count` of them, at random moments."""
    subject = examined.subject
    last, chance = len(subject.moments) - 1, random.Random(f"{seed} {subject.name}")
    for _ in range(count):
        begin = chance.randint(0, last)
        listed = min(begin + chance.choice((0, LATER)), last)
        committed, lag = chance.randint(listed, last), chance.choice(LAGS)
        leads = chance.randint(committed, last)
        stored = chance.randint(max(0, begin - chance.choice(OLDER)), begin)
        yield Takeover(stored, begin, listed, committed, leads, lag)


def _is_sure(examined: Examined, takeover: Takeover) -> bool:
    """Whether the leader was alive at the standby's listing for certain."""
    return _time(examined, takeover.committed) - takeover.lag > _time(examined, takeover.listed) + SURE


def disagreements(examined: Examined, takeover: Takeover) -> list[str]:
    """What differs from the account of one instance that received everything; if not sure, what is untrue."""
    events, place = examined.subject.events, takeover
    leader = _leader(examined)
    said = list(_emitted(examined, leader, place))
    standby = _standby(examined, place, [*leader.begun, *(outcome for n, outcome in said if n < place.stored)])
    kept = _buffered(
        standby,
        [
            e.FullyBooted(_time(examined, place.begin), UPTIME),
            *events[place.begin : place.listed],
            *examined.listing(place.listed),
            *events[place.listed : place.leads],
        ],
    )
    stored = [outcome for n, outcome in said if n < place.committed]
    missing = take_over(standby, _known(examined, place, standby, stored), kept)
    rest = _fed(standby, events[place.leads :])
    reported = _by_call([*stored, *missing, *rest])
    unlike = _unlike if _is_sure(examined, place) else _untrue
    found = []
    for own in sorted(reported.keys() | leader.calls.keys()):
        if own in leader.calls and own in reported and _same(reported[own], leader.calls[own]):
            continue
        made, real = _retold(examined, own, reported), leader.outcomes.get(own)
        if made is not None and real is not None:
            found += unlike(own, made, real)
        elif made is not real:
            found.append(f"{own} is known to {'nobody' if made is None else 'the standby alone'}")
    if _is_sure(examined, place):
        found += [f"gap {gap}" for outcome in (*missing, *rest) for gap in outcome.gaps]
    return [f"{examined.subject.name} {tuple(place)}: {line}" for line in found]


class Leader(NamedTuple):
    """An instance that received everything. `said`: its outcomes of each event. `requests`: the hang-up requests
    that a heartbeat before each event would emit, by call. `outcomes`: of each call that can be judged.
    """

    begun: list[Outcome]
    said: list[list[Outcome]]
    requests: list[dict[str, Outcome]]
    calls: dict[str, StoredCall]
    outcomes: dict[str, Outcome]


@lru_cache(maxsize=1)
def _leader(examined: Examined) -> Leader:
    monitor, start = fresh(examined.subject), _time(examined, 0)
    begun = _fed(
        monitor, [e.FullyBooted(start, UPTIME), e.CoreShowChannelsComplete(start), e.StatusComplete(start)]
    )
    said: list[list[Outcome]] = []
    requests: list[dict[str, Outcome]] = []
    for event in examined.subject.events:
        requests.append({outcome.facts[0].call: outcome for outcome in monitor.requested_hangups("toronto")})
        for call in monitor.exchanges["toronto"].tracker.state.calls.values():
            call.request_emitted = False
        said.append(_fed(monitor, [event]))
    calls = _by_call(outcome for outcomes in said for outcome in outcomes)
    retold = {own: _retold(examined, own, calls) for own in calls}
    return Leader(begun, said, requests, calls, {own: made for own, made in retold.items() if made is not None})


def _emitted(examined: Examined, leader: Leader, place: Takeover) -> Iterator[tuple[int, Outcome]]:
    """The number of the event, or of the one before, and the outcome; with a heartbeat before the leader dies."""
    beat, asked = _time(examined, place.committed) - place.lag, set[str]()
    for n, event in enumerate(examined.subject.events):
        requests = leader.requests[n]
        if requests and (
            n == place.committed or (n < place.committed and event.at is not None and event.at > beat)
        ):
            yield from ((n - 1, outcome) for own, outcome in requests.items() if own not in asked)
            asked |= requests.keys()
        yield from ((n, outcome) for outcome in leader.said[n])


def _same(reported: StoredCall, true: StoredCall) -> bool:
    """Whether the facts are equal: so is all that follows from them. A request to hang up is stated again."""
    return tuple(x for x in reported.facts if not isinstance(x, f.HangupRequested)) == true.facts


def _buffered(standby: Monitor, events: Iterable[e.Event]) -> list[Item]:
    """What the standby buffers: its outcomes, and a heartbeat each second."""
    kept: list[Item] = []
    beat: datetime | None = None
    for event in events:
        if event.at is not None and (beat is None or event.at - beat >= SECOND):
            kept.append(Heartbeat("toronto", event.at))
            beat = event.at
        kept += _fed(standby, [event])
    return kept


def _standby(examined: Examined, place: Takeover, stored: Sequence[Outcome]) -> Monitor:
    made, calls = fresh(examined.subject), _by_call(stored)
    going = {own: call for own, call in calls.items() if not _is_over(call)}
    made.restore(
        "toronto",
        _time(examined, place.stored),
        {own: list(call.facts) for own, call in going.items()},
        {own: [finding.standard for finding in call.findings] for own, call in going.items()},
    )
    return made


def _known(examined: Examined, place: Takeover, standby: Monitor, stored: Sequence[Outcome]) -> StoredState:
    calls = {("toronto", own): call for own, call in _by_call(stored).items()}
    over = frozenset(key for key, call in calls.items() if _is_over(call))
    begun = {key: call for key, call in calls.items() if key not in over}
    received = {"toronto": _time(examined, place.committed) - place.lag}
    return StoredState(received, begun, over, standby.ledger.empty(), frozenset(), 0)


def _time(examined: Examined, moment: int) -> datetime:
    return examined.subject.time(examined.subject.moments[moment])


def _fed(monitor: Monitor, events: Iterable[e.Event]) -> list[Outcome]:
    outcomes = [monitor.feed("toronto", event) for event in events]
    return [outcome for outcome in outcomes if outcome is not None]


def _by_call(outcomes: Iterable[Outcome]) -> dict[str, StoredCall]:
    found: dict[str, StoredCall] = {}
    for outcome in outcomes:
        for fact in outcome.facts:
            before = found.get(fact.call, StoredCall((), ()))
            found[fact.call] = StoredCall((*before.facts, fact), before.findings)
        for finding in outcome.findings:
            before = found.get(finding.call, StoredCall((), ()))
            found[finding.call] = StoredCall(before.facts, (*before.findings, finding))
    return found


def _is_over(call: StoredCall) -> bool:
    return any(isinstance(fact, f.Ended) for fact in call.facts)


def _untrue(own: str, made: Outcome, real: Outcome) -> list[str]:
    return [f"{own} {line}" for line in wrongs(said_of(made), said_of(real))]


def _retold(examined: Examined, own: str, calls: dict[str, StoredCall]) -> Outcome | None:
    if own not in calls:
        return None
    return examined.subject.retelling.retell("toronto", as_it_stands(calls[own].facts))


def _unlike(own: str, made: Outcome, real: Outcome) -> list[str]:
    if len(made.calls) != len(real.calls):
        return [f"{own} is stated over {len(made.calls)} times, not {len(real.calls)}"]
    names = [name for name in real.calls[0].__struct_fields__ if name not in NOT_COMPARED]
    pairs = [(name, getattr(made.calls[0], name), getattr(real.calls[0], name)) for name in names]
    pairs.append(("people", *([person.phone for person in outcome.calls[0].people] for outcome in (made, real))))
    pairs += [
        (theirs.standard, ours.verdict, theirs.verdict)
        for ours, theirs in zip(
            *(sorted(outcome.findings, key=lambda x: x.standard) for outcome in (made, real)), strict=True
        )
    ]
    return [
        f"{own} {name}: {is_told}, not {is_true}"
        for name, is_told, is_true in pairs
        if is_told != is_true and (name, is_told) != ("language", None)
    ]
