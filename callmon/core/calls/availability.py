"""What the phones of a line offered a waiting caller: the basis for the cause of a *not met*. Pure.

    unreachable < in_use < free < ringing      (the best that any phone offers; emitted when it gets better)

The best offer is a phone that rings for this caller and has no other call: it could have been picked up. Next is a
free phone that does not ring. A phone that was tried is classified by what it did. One that answered *busy* is in
use (its owner may have set do-not-disturb). One that neither rang nor answered *busy* could not be reached,
whatever its state says. "In use" is emitted only when the state of every phone of the line is known.

Nothing is emitted where the dial events suffice: a free phone that rings first, as in most calls. A phone that was
free for less than a second before it was used was not left idle: queues and hunt groups take a moment. For a
caller who is up during a gap, only the dial events count.

Refuses: to report a single phone. Each fact is true of the line's phones together.
"""

from datetime import datetime, timedelta
from typing import Literal

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import DialAttempts, TrackedCall, TrackedChannel, WaitState
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.phone_states import Phones, State
from callmon.core.calls.state import TrackerState

LEFT_IDLE = timedelta(seconds=1)
RANKS: dict[f.PhonesBest, int] = {"unreachable": 1, "in_use": 2, "free": 3, "ringing": 4}

Offer = Literal["unreachable", "in_use", "silent", "free", "ringing"]


def dialled(state: TrackerState, call: TrackedCall, leg: TrackedChannel, at: datetime | None) -> None:
    """A phone is tried for the caller, so it is one of the line's phones."""
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
    """The caller waits in a queue, which need not dial any phone."""
    waiting = call.waiting
    if waiting is not None and not waiting.over:
        state.waiting[call.id] = call
        _look(state, call, waiting, at)


def rang(state: TrackerState, call: TrackedCall, leg: TrackedChannel, at: datetime | None) -> None:
    """A phone rings for the caller. If it was in use, this is emitted before its PhoneRang."""
    waiting = call.waiting
    if waiting is None:
        return
    phone = endpoint(leg.channel)
    state.phones.rings(phone)
    if waiting.over:
        return
    if leg.outside or state.phones.phone_state(phone) != "in_use":  # a trunk is in use by any of its calls
        _rings_free(state, call, waiting, at)
        return
    waiting.tried[phone] = "rings"
    offer = _look(state, call, waiting, at)
    if not waiting.best_rank and offer is None:  # another may be free: nothing is certain
        _over(state, call, waiting)
    elif not waiting.best_rank:
        _tell(state, call, waiting, "in_use", at)


def stopped(
    state: TrackerState, call: TrackedCall, leg: TrackedChannel, at: datetime | None, why: f.StopReason
) -> None:
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


def busy_signal(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The caller gets the busy signal, perhaps before any phone was tried."""
    waiting = call.waiting
    if waiting is not None and not waiting.over:
        _look(state, call, waiting, at)


def decided(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """A person or the exchange takes the caller, or the call ends. A phone free until now was left idle."""
    waiting, call.waiting = call.waiting, None
    if waiting is not None and not waiting.over:
        if waiting.free_since is not None:
            _tell(state, call, waiting, "free", waiting.free_since)
        _over(state, call, waiting)


def changed(state: TrackerState, event: e.DeviceStateChange) -> None:
    """DeviceStateChange: update each waiting caller for whom it matters."""
    phones, device = state.phones, event.device
    if not phones.record_state(device, event.state, event.stamp) or not state.waiting:
        return
    for call in list(state.waiting.values()):
        waiting = call.waiting
        if waiting is None or not _may_matter(phones, waiting, device):
            continue
        if waiting.tried.get(device) == "refused" and phones.phone_state(device) == "free":
            del waiting.tried[device]
        _look(state, call, waiting, event.at or state.exchange_time)


def _may_matter(phones: Phones, waiting: WaitState, device: str) -> bool:
    """Whether a change matters to this caller. Most do not: a dialled phone rings, a busy one stays in use."""
    tried = waiting.tried.get(device)
    if tried is None and not phones.is_of(waiting.line, device):
        return False
    if tried == "rings" or waiting.best_rank >= RANKS["free"]:
        return tried == "rings"
    if waiting.free_since is not None or phones.phone_state(device) == "free":
        return True
    return waiting.best_rank < RANKS["in_use"] and not waiting.is_undecided()


def begin_gap(state: TrackerState) -> None:
    """A gap begins: what was emitted stands, and nothing more can be emitted."""
    for call in state.calls.values():
        if call.waiting is not None:
            call.waiting.over = True
    state.waiting.clear()
    state.phones.forget_states()


def _rings_free(state: TrackerState, call: TrackedCall, waiting: WaitState, at: datetime | None) -> None:
    """A free phone rings. PhoneRang says so, unless another state was emitted before."""
    _was_left_idle(state, call, waiting, at)
    if waiting.best_rank:
        _tell(state, call, waiting, "ringing", at)
    _over(state, call, waiting)


def _look(state: TrackerState, call: TrackedCall, waiting: WaitState, at: datetime | None) -> Offer | None:
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


def _free(state: TrackerState, call: TrackedCall, waiting: WaitState, at: datetime | None) -> None:
    """Record since when a phone is free. Once one was left idle, only a phone that rings is better."""
    since = waiting.free_since
    _was_left_idle(state, call, waiting, at)
    if waiting.best_rank < RANKS["free"]:
        waiting.free_since = since or at


def _dial_says_so(phones: Phones, waiting: WaitState) -> bool:
    """Whether every phone of the line was tried, and all answered *busy* or none gave a sign."""
    done = set(waiting.tried.values())
    return (done == {"refused"} or done == {"gone"}) and waiting.tried.keys() >= {*phones.phones_of(waiting.line)}


def _was_left_idle(state: TrackerState, call: TrackedCall, waiting: WaitState, at: datetime | None) -> None:
    since, waiting.free_since = waiting.free_since, None
    if since is not None and at is not None and at - since >= LEFT_IDLE:
        _tell(state, call, waiting, "free", since)


def _tell(
    state: TrackerState, call: TrackedCall, waiting: WaitState, what: f.PhonesBest, at: datetime | None
) -> None:
    if RANKS[what] > waiting.best_rank:
        waiting.best_rank = RANKS[what]
        state.emit(f.PhonesSeen(call.id, at, what))


def forwarded(call: TrackedCall) -> None:
    waiting = call.waiting
    if waiting is not None and waiting.over:
        call.waiting = WaitState(waiting.line, forwarded=True, over=True)
    elif waiting is not None:
        waiting.forwarded = True


def _over(state: TrackerState, call: TrackedCall, waiting: WaitState) -> None:
    waiting.over = True
    waiting.tried.clear()
    state.waiting.pop(call.id, None)
    if call.waiting is not None and not waiting.forwarded:  # one for all callers of the line whose wait is over
        call.waiting = state.no_longer_waiting.setdefault(waiting.line.name, waiting)


def best(phones: Phones, waiting: WaitState) -> Offer | None:
    """The best that the phones offer the caller; None when too little is known."""
    tried = waiting.tried
    offers: set[Offer | None] = {offered(how, phones.phone_state(phone)) for phone, how in tried.items()}
    offers |= {"in_use" if state == "ringing" else state for state in phones.states(waiting.line, tried)}
    order: tuple[Offer | None, ...] = ("ringing", "free", None, "silent", "in_use", "unreachable")
    return next((offer for offer in order if offer in offers), None)


def offered(tried: DialAttempts, state: State | None) -> Offer:
    """What a tried phone offers, by what it did for this caller."""
    match tried:
        case "rings":
            return "in_use" if state == "in_use" else "ringing"
        case "refused":
            return "in_use"
        case "gone":
            return "in_use" if state == "in_use" else "unreachable"
        case "silent":
            return state if state == "in_use" or state == "unreachable" else "silent"
