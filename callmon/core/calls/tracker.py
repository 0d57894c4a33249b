"""Events to facts: the caller, the phones that rang, the answer, what took the call. Pure: no I/O, no clock.

    Newchannel (Ring, its own Linkedid) ─▶ Arrived ─▶ PhoneDialled ─▶ PhoneRang ─▶ Answered ─▶ Ended
                                             ├─▶ LineOpened (menu) ─▶ LanguageChosen
                                             ├─▶ QueueEntered ─▶ QueueLeft
                                             └─▶ VoicemailTook ─▶ MessageLeft

A call is its caller's channel, whose Uniqueid never changes. Every leg that the exchange creates for it has its
Linkedid. Legs created on their own (a pick-up's taker) become legs of the call when they are dialled into it. Real
exchanges send, and the tracker tolerates: Newstate before DialBegin, DialEnd twice, DialEnd without DialBegin, no
DialEnd at all, no DialState at all, Hangups in any order.

Refuses: to guess. What a gap hid is settled by the next listing (`listing.py`).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from callmon.ami import events as e
from callmon.ami.clock import ClockStepped
from callmon.core.calls import (
    answering,
    arrival,
    availability,
    clock_steps,
    dialling,
    dialplan,
    hairpins,
    language,
    lifecycle,
    transfers,
    user_events,
    voicemail,
)
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.listing import Listing
from callmon.core.calls.state import TrackerState
from callmon.core.facts import Fact


class Tracker:
    def __init__(self, profile: ExchangeProfile) -> None:
        self.state = TrackerState(profile)
        self.listing = Listing(self.state)
        self._steps = {**_steps_of_calls(self.state), **_steps_of_exchange(self.state, self.listing)}

    def feed(self, event: e.Event) -> list[Fact]:
        """Process one more event; return the facts that follow from it, in order."""
        state = self.state
        if event.stamp:
            state.latest = event
        if state.limit.is_crowded:
            state.limit.record_event(event)
        if state.early:
            for released in hairpins.reordered(state, event):
                self._steps[type(released)](released)
        else:
            self._steps[type(event)](event)
        if not state.emitted:
            return []
        emitted = state.emitted.copy()
        state.emitted.clear()
        return self.listing.doubted(emitted) if state.is_unheard else emitted


Steps = dict[type[e.Event], Callable[[Any], None]]


def _steps_of_calls(state: TrackerState) -> Steps:
    steps: dict[type[e.Event], Callable[[TrackerState, Any], None]] = {
        e.Newchannel: lifecycle.newchannel,
        e.Newstate: answering.newstate,
        e.DialBegin: dialling.dial_begin,
        e.DialState: dialling.dial_state,
        e.DialEnd: dialling.dial_end,
        e.MusicOnHoldStart: dialling.music,
        e.BlindTransfer: transfers.blind,
        e.AttendedTransfer: answering.attended_transfer,
        e.ParkedCall: transfers.parked,
        e.UnParkedCall: transfers.retrieved,
        e.ParkedCallTimeOut: transfers.parking_over,
        e.BridgeEnter: answering.bridge_enter,
        e.BridgeLeave: answering.bridge_leave,
        e.LocalBridge: answering.local_bridge,
        e.HangupRequest: lifecycle.hangup_request,
        e.SoftHangupRequest: lifecycle.soft_hangup_request,
        e.Hold: transfers.hold,
        e.Unhold: transfers.hold,
        e.Newexten: dialplan.step,
        e.MessageWaiting: voicemail.message_waiting,
        e.QueueCallerJoin: dialling.queue_joined,
        e.QueueCallerLeave: dialling.queue_left,
        e.QueueCallerAbandon: dialling.queue_abandoned,
        e.UserEvent: user_events.said,
        e.LanguageKey: language.by_key,
        e.Presentation: arrival.presentation,
    }
    return {kind: partial(step, state) for kind, step in steps.items()}


def _steps_of_exchange(state: TrackerState, listing: Listing) -> Steps:
    def hangup(event: e.Hangup) -> None:
        listing.gone(event.uniqueid)
        lifecycle.hangup(state, event)

    return {
        e.Hangup: hangup,
        e.DeviceStateChange: partial(availability.changed, state),
        e.Registry: state.phones.registrations.record_registry,
        e.FullyBooted: listing.booted,
        e.Shutdown: listing.stopped,
        e.ConnectionLost: listing.lost,
        ClockStepped: partial(clock_steps.was_set, state),
        e.ListingRefused: listing.listing_refused,
        e.CoreShowChannel: listing.entry,
        e.CoreShowChannelsComplete: listing.channels_complete,
        e.Status: listing.entry,
        e.StatusComplete: listing.status_complete,
    }
