"""Channels that ended without a Hangup: lost in a gap, or missing from later listings of channels. Pure.

While the exchange is received, callmon lists its channels every few minutes. A channel missing from two
consecutive listings has gone without a Hangup: its Hangup cannot still be on the way. A call that a person
answered keeps its outcome, without an end. The outcome of any other call is unknown. This never happens where
every event is received.
"""

from datetime import datetime

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import answering, called_person, click_to_dial, hairpins
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState


def drop(state: TrackerState, leg: TrackedChannel) -> None:
    """Forget a channel that ended without a Hangup."""
    state.legs.pop(leg.uniqueid, None)
    state.unborn.pop(leg.uniqueid, None)
    state.bridges.leave(leg)
    hairpins.forget_channel(state, leg)
    click_to_dial.gone(state, leg.uniqueid)
    called_person.gone_beside(state, leg.uniqueid, None)
    if leg.partner is not None:
        leg.partner.partner = None


def drop_from(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> None:
    """A leg of a call ended without a Hangup; the call goes on."""
    call.let_go(leg)
    drop(state, leg)
    if leg.is_tried and leg.is_phone:
        state.emit(f.PhoneStopped(call.id, None, *state.phone_and_channel(leg), "gone", leg.rang))


def forget_all(state: TrackerState) -> None:
    """Forget all: calls and legs reference each other, and no garbage collector tracks them."""
    for leg in state.legs.values():
        leg.call = leg.partner = None
    for call in state.calls.values():
        call.take_apart()
    state.legs.clear()
    state.calls.clear()


def give_up(state: TrackerState, leg: TrackedChannel, at: datetime | None) -> None:
    """Follow a channel no longer: no more events of it are expected."""
    call = leg.call
    if call is None:
        drop(state, leg)
    elif leg is call.caller:
        _close(state, call, at)
    elif leg in call.legs:
        drop_from(state, call, leg)
        if call.ending is not None and all(other.mailbox is None for other in call.legs):
            _close(state, call, at)


def _close(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """Close a call whose end, and whose events between the last one and this listing, were not received."""
    state.ghosts_closed += 1
    state.bridges.leave(call.caller)
    if call.is_emitted:
        open_still = not call.answered and not call.voicemail
        state.emit(f.Unheard(call.id, None, at, open_still, open_still))
    answering.close_call(state, call, f.Ended(call.id, None, "unknown", "unheard"))


def make_room(state: TrackerState, event: e.Event) -> None:
    """Make room for one more channel: at the limit, drop those without an event for longest."""
    limit = state.limit
    limit.note_size()
    while limit.is_full:
        leg = next(iter(state.legs.values()))
        give_up(state, leg, event.at)
        state.legs.pop(leg.uniqueid, None)
        limit.given_up += 1
