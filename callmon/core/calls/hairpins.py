"""A call that goes out by a trunk and comes back by one, to a number of this exchange: one call. Pure.

A site that sends a line's calls on over its carrier receives them again within seconds. The new channel has the
caller's number, dials the number just dialled for the caller, and has an id of its own. Together these identify
it. Both channels are treated as the halves of one, like those of a Local channel. So the person who answers behind
them answers the caller, on the line that was called first.

Asterisk publishes the two from different threads. So the new channel may come before the DialBegin of the channel
that went out. Then all events wait for that DialBegin, half a second at most.

Refuses: to guess where the carrier shows another number than the caller's. Then they are two calls.
"""

from datetime import timedelta

from callmon.ami import events as e
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.endpoints import number_dialled
from callmon.core.calls.state import TrackerState

# A carrier connects a call in a few seconds. Later, the same caller may have called again.
WITHIN = timedelta(seconds=10)
MAX_OUT = 100
# How long, and how many events, an early return waits for the DialBegin.
EARLY = timedelta(seconds=0.5)
MAX_EARLY = 100
END_OF_WAIT = (e.ConnectionLost, e.Shutdown, e.FullyBooted)


def went_out(state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A number outside is dialled for a caller from outside: it may be one of this exchange's."""
    number = number_dialled(event.dest_channel, event.dial_string)
    for key in [key for key, (out, _) in state.gone_out.items() if not out.is_tried]:
        del state.gone_out[key]
    if len(state.gone_out) < MAX_OUT:
        state.gone_out[call.number, _one_form(state, number)] = leg, event.at


def is_return(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> bool:
    """Whether this new channel is the other end of one that goes out, or may be: then it begins no call yet."""
    return bool(state.gone_out and _came_back(state, leg, event)) or _came_early(state, leg, event)


def _came_back(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> bool:
    """Whether this new channel is the other end of one that just went out: then it becomes a leg of that call."""
    out, since = state.gone_out.pop((_caller(state, event), _one_form(state, event.exten)), (None, None))
    if out is None or out.call is None or not out.is_tried:
        return False
    at = event.at
    if at is not None and since is not None and at - since > WITHIN:
        return False
    out.call.adopt_channel(leg)
    out.partner, leg.partner = leg, out
    out.is_half = leg.is_half = True
    return True


def _came_early(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> bool:
    """Whether a call of this caller may be on its way out, without its DialBegin. Then `event` waits for it."""
    undialled = [out for out in state.newest_legs if not out.dialled and out.call is not None]
    if not any(_goes_out(state, out, event) for out in undialled):
        return False
    del state.legs[leg.uniqueid]
    state.early = [event]
    return True


def _goes_out(state: TrackerState, out: TrackedChannel | None, event: e.Newchannel) -> bool:
    """Whether a channel was made for a call of this caller, and its DialBegin was not received yet."""
    if out is None or out.call is None or not out.is_phone or out.dialled or out.uniqueid not in state.legs:
        return False
    return out.call.inbound and out.call.number == _caller(state, event)


def reordered(state: TrackerState, event: e.Event) -> list[e.Event]:
    """The events to process now: the DialBegin that the early return waits for, before all others."""
    early, first = state.early, state.early[0]
    is_late = event.at is not None and first.at is not None and event.at - first.at > EARLY
    early.append(event)
    if _is_dial_of(state, event, first):
        early.insert(0, early.pop())
    elif len(early) < MAX_EARLY and not is_late and not isinstance(event, END_OF_WAIT):
        return []
    state.early = []
    state.newest_legs.clear()
    return early


def _is_dial_of(state: TrackerState, event: e.Event, first: e.Event) -> bool:
    if not isinstance(event, e.DialBegin) or not isinstance(first, e.Newchannel):
        return False
    return _goes_out(state, state.legs.get(event.dest_uniqueid), first)


def forget_channel(state: TrackerState, leg: TrackedChannel) -> None:
    for key in [key for key, (out, _) in state.gone_out.items() if out is leg]:
        del state.gone_out[key]


def _caller(state: TrackerState, event: e.Newchannel) -> str | None:
    return None if is_withheld(event.caller, event.caller_name) else _one_form(state, event.caller)


def _one_form(state: TrackerState, number: str) -> str:
    return e164(number, state.profile.region) or number
