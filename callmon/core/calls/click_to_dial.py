"""Click-to-dial: the exchange begins a call by Originate, rings an agent's phone, and dials for it. Pure.

    first channel, without a dial ───── a phone ────────────────────┐
                                     └─ Local channels ── a phone ──┴─ picked up ──▶ it dials ──▶ a call

The first channel is created Down; no channel dials it. Its answer is the agent's, not the other party's. All
channels of an Originate have the first one's Linkedid. The call begins when something is dialled for a phone that
was picked up. Its caller is that phone's channel, since Asterisk may optimise the Local channels away. An
Originate that dials nothing (a wake-up call, a conference) is no call.

The number is that of the last channel dialled, the one outside. The phone's `Exten` is `s`, and a Local channel's
extension is whatever the dialplan needs.

Refuses: an Originate that rings the person outside first, since no event says which party calls; and one that
dials before a phone was picked up, since voicemail has answered the agent's side.
"""

import msgspec

from callmon.ami import events as e
from callmon.core.calls.channels import Origination, TrackedCall, TrackedChannel, new_call
from callmon.core.calls.endpoints import extension, is_local, is_number, number_dialled
from callmon.core.calls.state import TrackerState


def born(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> None:
    """Adopt a channel that belongs to no call: the first of an Originate, or a later one of it."""
    origination = state.originations.get(event.linkedid)
    if origination is None:
        if leg.uniqueid != event.linkedid or not is_local(leg.channel):
            return
        origination = Origination(leg.uniqueid, {leg.uniqueid})
    origination.channels.add(leg.uniqueid)
    state.originations[leg.uniqueid] = origination
    call = state.calls.get(origination.call) if origination.call is not None else None
    if call is not None:
        call.adopt_channel(leg)


def gone(state: TrackerState, uniqueid: str) -> None:
    origination = state.originations.get(uniqueid)
    if origination is None:
        return
    origination.channels.discard(uniqueid)
    if uniqueid != origination.root:
        del state.originations[uniqueid]
    if not origination.channels:
        state.originations.pop(origination.root, None)


def rings(state: TrackerState, source: TrackedChannel | None, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A channel that belongs to no call is dialled; an Originate's first one has no dialling channel."""
    if source is None and leg.uniqueid in state.unborn:
        state.originations.setdefault(leg.uniqueid, Origination(leg.uniqueid, {leg.uniqueid}))
    if leg.is_phone and leg.uniqueid in state.originations:
        leg.outside = state.site.endpoints.is_outside_dialled(leg.channel, event.dial_string)


def answered(state: TrackerState, source: TrackedChannel | None, leg: TrackedChannel) -> None:
    """A channel that belongs to no call was answered: the first one, or the phone behind it."""
    origination = state.originations.get(leg.uniqueid)
    if origination is None:
        return
    if leg.is_phone and (not origination.is_up or source is None or origination.reaches_agent(source)):
        origination.phone = leg.uniqueid
    origination.is_up = origination.is_up or leg.uniqueid == origination.root


def dial_begin(state: TrackerState, source: TrackedChannel, event: e.DialBegin) -> None:
    """A channel that belongs to no call dials: for the agent's phone, or on the way to it."""
    if source.uniqueid in state.unborn:  # it runs the dialplan: it was picked up
        begun = state.originations.setdefault(source.uniqueid, Origination(source.uniqueid, {source.uniqueid}))
        begun.is_up, begun.phone = True, source.uniqueid
    origination = state.originations.get(source.uniqueid)
    if origination is None:
        return
    if origination.reaches_agent(source):
        origination.agents.add(event.dest_uniqueid)
        return
    phone = state.legs.get(origination.phone) if origination.is_up and origination.phone is not None else None
    if phone is not None and phone.call is None:
        _begin(state, origination, phone, event)


def _begin(state: TrackerState, origination: Origination, phone: TrackedChannel, event: e.DialBegin) -> None:
    birth, own = state.unborn.pop(phone.uniqueid, None), extension(phone.channel)
    # An Originate may set the number outside as caller id, for the agent's display.
    caller = birth.caller if birth is not None and birth.caller.isdigit() and not is_number(birth.caller) else own
    if phone.outside or state.site.endpoints.is_outside_caller(phone.channel, caller):
        return
    number = number_dialled(event.dest_channel, event.dial_string)
    begun = e.Newchannel(
        event.stamp, phone.channel, "", caller, "", event.language, number, phone.uniqueid, phone.uniqueid
    )
    call = state.calls[phone.uniqueid] = new_call(phone, begun, state.common(event.language))
    origination.call, call.clicked = call.id, True
    for leg in [state.legs[uniqueid] for uniqueid in sorted(origination.channels) if uniqueid in state.legs]:
        if leg.call is None:
            call.adopt_channel(leg)


def dials_outside(call: TrackedCall, event: e.DialBegin) -> None:
    """Set the number from the dial string of the channel outside; a Local channel has only its extension."""
    number = number_dialled(event.dest_channel, event.dial_string)
    if call.clicked and call.begun is not None and number.removeprefix("+").isdigit():
        call.begun = msgspec.structs.replace(call.begun, exten=number)
