"""What the phones of a line had to offer a caller who waited: the ground for the cause of a *not met*. Pure.

    unreachable < in_use < free < ringing      (the best that any phone offers; told when it gets better)

A phone that rings for this caller and has nobody on it is the best there is: it could have been picked up. A
free one that does not ring comes next. A phone that was tried is known by what it did: one that said busy is in
use (its owner may have set do-not-disturb), one that neither rang nor said so could not be reached, whatever
its state says. "In use" is only told when the state of every phone of the line is known.

Nothing is told where the dial says it all: a free phone that rings first, as in most calls. A phone that was
free for less than a second before something was done with it was not left idle: queues and hunt groups take
their moment. A caller who is up during a gap is left to what the dial says.

Refuses to tell of a single phone: what it tells is true of the line's phones together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import Leg, TrackedCall, Tried, Waiting
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.phone_states import Phones, State
from callmon.core.calls.state import TrackerState

LEFT_IDLE = timedelta(seconds=1)
RANKS: dict[f.PhonesBest, int] = {"unreachable": 1, "in_use": 2, "free": 3, "ringing": 4}

Offer = Literal["unreachable", "in_use", "silent", "free", "ringing"]


def dialled(state: TrackerState, call: TrackedCall, leg: Leg, at: datetime | None) -> None:
    """A phone is tried for the caller: so it is one of the line's."""
    waiting = call.waiting
    if waiting is None or call.answered or leg.outside:
        return
    phone = endpoint(leg.channel)
    if not waiting.forwarded:
        state.phones.learn(waiting.line.name, phone, at)
    if not waiting.over:
        waiting.tried[phone] = "silent"
        state.waiting[call.id] = call


def queued(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The caller waits in a queue, which need not dial anybody."""
    waiting = call.waiting
    if waiting is not None and not waiting.over:
        state.waiting[call.id] = call
        _look(state, call, waiting, at)


def rang(state: TrackerState, call: TrackedCall, leg: Leg, at: datetime | None) -> None:
    """A phone rings for the caller. Told before its PhoneRang when there was somebody on it."""
    waiting = call.waiting
    if waiting is None:
        return
    phone = endpoint(leg.channel)
    state.phones.rings(phone)
    if waiting.over:
        return
    if leg.outside or state.phones.state(phone) != "in_use":  # a trunk is in use whoever talks over it
        _rings_free(state, call, waiting, at)
        return
    waiting.tried[phone] = "rings"
    offer = _look(state, call, waiting, at)
    if not waiting.told and offer is None:  # another may be free: nothing can be said
        _over(state, call, waiting)
    elif not waiting.told:
        _tell(state, call, waiting, "in_use", at)


def stopped(state: TrackerState, call: TrackedCall, leg: Leg, at: datetime | None, why: f.StopReason) -> None:
    """A phone is tried no longer."""
    waiting = call.waiting
    if waiting is None or waiting.over:
        return
    phone = endpoint(leg.channel)
    if leg.rang:
        waiting.tried.pop(phone, None)
    elif phone in waiting.tried:
        waiting.tried[phone] = "refused" if why == "busy" else "gone"
    if waiting.free_since is not None or not waiting.is_undecided():
        _look(state, call, waiting, at)


def refused(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The caller gets the busy signal, perhaps without any phone having been tried."""
    waiting = call.waiting
    if waiting is not None and not waiting.over:
        _look(state, call, waiting, at)


def decided(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """Somebody or something takes the caller, or the call ends: what was free until now was left idle."""
    waiting, call.waiting = call.waiting, None
    if waiting is not None and not waiting.over:
        if waiting.free_since is not None:
            _tell(state, call, waiting, "free", waiting.free_since)
        _over(state, call, waiting)


def changed(state: TrackerState, event: e.DeviceStateChange) -> None:
    """DeviceStateChange: does it matter to somebody who waits?"""
    phones, device = state.phones, event.device
    if not phones.heard(device, event.state, event.stamp) or not state.waiting:
        return
    for call in list(state.waiting.values()):
        waiting = call.waiting
        if waiting is None or not _may_matter(phones, waiting, device):
            continue
        if waiting.tried.get(device) == "refused" and phones.state(device) == "free":
            del waiting.tried[device]
        _look(state, call, waiting, event.at or state.clock)


def _may_matter(phones: Phones, waiting: Waiting, device: str) -> bool:
    """Most changes do not: a phone that is dialled begins to ring, one in use is in use otherwise."""
    tried = waiting.tried.get(device)
    if tried is None and not phones.is_of(waiting.line, device):
        return False
    if tried == "rings" or waiting.told >= RANKS["free"]:
        return tried == "rings"
    if waiting.free_since is not None or phones.state(device) == "free":
        return True
    return waiting.told < RANKS["in_use"] and not waiting.is_undecided()


def unheard(state: TrackerState) -> None:
    """A gap begins: what was told stands, and no more can be."""
    for call in state.calls.values():
        if call.waiting is not None:
            call.waiting.over = True
    state.waiting.clear()
    state.phones.unheard()


def _rings_free(state: TrackerState, call: TrackedCall, waiting: Waiting, at: datetime | None) -> None:
    """A phone with nobody on it rings. The PhoneRang says so, unless something else was told before."""
    _was_left_idle(state, call, waiting, at)
    if waiting.told:
        _tell(state, call, waiting, "ringing", at)
    _over(state, call, waiting)


def _look(state: TrackerState, call: TrackedCall, waiting: Waiting, at: datetime | None) -> Offer | None:
    """What do the phones offer now?"""
    offer = best(state.phones, waiting)
    if offer == "ringing":
        _rings_free(state, call, waiting, at)
    elif offer == "free":
        _free(state, call, waiting, at)
    else:
        _was_left_idle(state, call, waiting, at)
        if (offer == "in_use" or offer == "unreachable") and not _dial_says_so(state.phones, waiting):
            _tell(state, call, waiting, offer, at)
    return offer


def _free(state: TrackerState, call: TrackedCall, waiting: Waiting, at: datetime | None) -> None:
    """One is free, since when? Once it was left idle, only a phone that rings is better."""
    since = waiting.free_since
    _was_left_idle(state, call, waiting, at)
    if waiting.told < RANKS["free"]:
        waiting.free_since = since or at


def _dial_says_so(phones: Phones, waiting: Waiting) -> bool:
    """Every phone of the line was tried, and all said busy, or none gave a sign."""
    done = set(waiting.tried.values())
    return (done == {"refused"} or done == {"gone"}) and waiting.tried.keys() >= {*phones.of(waiting.line)}


def _was_left_idle(state: TrackerState, call: TrackedCall, waiting: Waiting, at: datetime | None) -> None:
    since, waiting.free_since = waiting.free_since, None
    if since is not None and at is not None and at - since >= LEFT_IDLE:
        _tell(state, call, waiting, "free", since)


def _tell(
    state: TrackerState, call: TrackedCall, waiting: Waiting, what: f.PhonesBest, at: datetime | None
) -> None:
    if RANKS[what] > waiting.told:
        waiting.told = RANKS[what]
        state.tell(f.PhonesSeen(call.id, at, what))


def forwarded(call: TrackedCall) -> None:
    """A phone sends the call on."""
    waiting = call.waiting
    if waiting is not None and waiting.over:
        call.waiting = Waiting(waiting.line, forwarded=True, over=True)
    elif waiting is not None:
        waiting.forwarded = True


def _over(state: TrackerState, call: TrackedCall, waiting: Waiting) -> None:
    waiting.over = True
    waiting.tried.clear()
    state.waiting.pop(call.id, None)
    if call.waiting is not None and not waiting.forwarded:  # one for all callers of the line whose wait is over
        call.waiting = state.no_longer_waiting.setdefault(waiting.line.name, waiting)


def best(phones: Phones, waiting: Waiting) -> Offer | None:
    """The best that the phones offer the caller; None when too little is known to say."""
    tried = waiting.tried
    offers: set[Offer | None] = {offered(how, phones.state(phone)) for phone, how in tried.items()}
    offers |= {"in_use" if state == "ringing" else state for state in phones.states(waiting.line, tried)}
    order: tuple[Offer | None, ...] = ("ringing", "free", None, "silent", "in_use", "unreachable")
    return next((offer for offer in order if offer in offers), None)


def offered(tried: Tried, state: State | None) -> Offer:
    """What a phone that was tried offers: by what it did for this caller."""
    match tried:
        case "rings":
            return "in_use" if state == "in_use" else "ringing"
        case "refused":
            return "in_use"
        case "gone":
            return "in_use" if state == "in_use" else "unreachable"
        case "silent":
            return state if state == "in_use" or state == "unreachable" else "silent"
