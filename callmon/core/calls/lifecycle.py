"""Channels and calls begin and end: a new channel, a request to hang up, the hang-up. Pure.

A call is its caller's channel, whose Uniqueid never changes. It begins with a Newchannel whose Uniqueid is its own
Linkedid, and ends with that channel's Hangup.
"""

from callmon.ami import events as e
from callmon.ami.events import RING
from callmon.core import facts as f
from callmon.core.calls import (
    answering,
    arrival,
    availability,
    called_person,
    click_to_dial,
    dialling,
    ghost_channels,
    hairpins,
    language,
    transfers,
    voicemail,
)
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState
from callmon.core.facts import Fact

# Causes of a dial that made no channel: no route, absent, not registered, no circuit, out of order. The caller's
# cause is stale in all other cases, but no other case sets these.
NO_CHANNEL = frozenset(("1", "2", "3", "20", "27", "34", "38", "42", "44", "58"))


def newchannel(state: TrackerState, event: e.Newchannel) -> None:
    """Newchannel: a leg of a call, a caller's channel, or one that may become either."""
    uniqueid = event.uniqueid
    if not uniqueid or uniqueid in state.legs:
        return
    ghost_channels.make_room(state, event)
    call = state.calls.get(event.linkedid)
    leg = state.legs[uniqueid] = TrackedChannel(uniqueid, event.channel)
    if call is not None:
        call.adopt_channel(leg)
        state.newest_legs.append(leg)
    elif uniqueid == event.linkedid and event.exten and leg.is_phone:
        if event.state == RING:
            if not hairpins.is_return(state, leg, event):
                arrival.begin_call(state, leg, event)
        else:
            state.unborn[uniqueid] = event
    else:
        click_to_dial.born(state, leg, event)


def hangup_request(state: TrackerState, event: e.HangupRequest) -> None:
    """HangupRequest: the caller, or a phone's side, requests the hang-up."""
    call = state.calls.get(event.uniqueid)
    if call is None:
        dialling.hangup_request(state, event)
    elif call.handed_on:
        return  # of the phone that called, which the person outside has left
    elif not call.busy:  # else the echo of a refusal
        call.hangup_requested, call.hangup_requested_at = True, event.at
        if not call.has_left:
            return
        voicemail.by_place(state, call, event)
        transfers.survey_by_place(state, call, event)


def requested_hangups(state: TrackerState) -> list[Fact]:
    """The requests of callers whose channel still runs the dialplan (an `h` extension), each once."""
    facts: list[Fact] = []
    for call in state.calls.values():
        if call.has_left and call.is_emitted and not call.request_emitted:
            call.request_emitted = True
            facts.append(f.HangupRequested(call.id, call.hangup_requested_at))
    return facts


def soft_hangup_request(state: TrackerState, event: e.SoftHangupRequest) -> None:
    """SoftHangupRequest: the exchange ends a call; cause 4 is its own shutdown."""
    call = state.calls.get(event.uniqueid)
    if call is not None and event.cause == "4":
        call.stopping = True


def hangup(state: TrackerState, event: e.Hangup) -> None:
    """Hangup: the channel is gone; with the caller's, the call is over."""
    leg = state.legs.pop(event.uniqueid, None)
    if state.originations:
        click_to_dial.gone(state, event.uniqueid)
    if leg is None:
        return
    state.unborn.pop(event.uniqueid, None)
    if leg.bridge is not None:
        state.bridges.leave(leg)
    if leg.partner is not None:
        leg.partner.partner = None
    if state.gone_out:
        hairpins.forget_channel(state, leg)
    if event.uniqueid in state.beside:
        called_person.gone_beside(state, event.uniqueid, event.at)
    call = leg.call
    if call is None:
        return
    if leg is call.caller:
        if called_person.goes_on(state, call, event):
            answering.join(state, call, event)
        else:
            _end(state, call, event)
        return
    if leg.is_tried:
        dialling.stop_dialling(state, call, leg, event.at, "gone")
    call.let_go(leg)
    if leg is call.person:
        called_person.left(state, call, event)
    if call.ending is not None:
        _end(state, call, call.ending)


def _end(state: TrackerState, call: TrackedCall, event: e.Hangup) -> None:
    at = event.at
    call.ending = event if [leg for leg in call.legs if leg.mailbox is not None] else None
    if call.ending is not None:
        return  # voicemail behind a Local channel reports the message after the caller's end
    language.observe_language(state, call, event)
    arrival.settle_direction(state, call, dialled_outside=False)
    for leg in call.legs:
        dialling.rang_by_hint(state, call, leg)
    voicemail.by_place(state, call, event)
    transfers.survey_by_place(state, call, event)
    # The caller has left at the request. Until the Hangup the dialplan may run its `h` extension for seconds.
    has_left = call.has_left
    over = (call.hangup_requested_at if has_left else None) or at
    if call.maybe_voicemail or call.left_queue is not None:
        voicemail.unreported(state, call, over)
    if call.maybe_voicemail:
        voicemail.took_by(state, call, at, None)
    if event.cause in NO_CHANNEL and not call.dialled:
        state.emit(f.DialFailed(call.id, at))
    if event.cause == "17" and not (call.line_up or call.busy or call.voicemail or has_left):
        availability.busy_signal(state, call, at)
        state.emit(f.CallerBusy(call.id, at))
    by: f.Ender = "caller" if has_left else "unknown" if call.gone_unheard else "exchange"
    how: f.EndedHow = "stopped" if call.stopping else "hangup"
    answering.close_call(state, call, f.Ended(call.id, over, by, how))
