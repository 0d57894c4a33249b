"""The exchange tries phones for a caller, or queues the caller: what was dialled, rang, stopped and why. Pure.

Exchanges differ in what they send. Newstate Ringing may come before the phone's own DialBegin. DialEnd may come
twice or without a DialBegin. There is no DialState before Asterisk 13. A pick-up's taker has an id of its own.
"""

from datetime import datetime, timedelta

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import (
    answering,
    arrival,
    availability,
    called_person,
    choice,
    click_to_dial,
    ghost_channels,
    hairpins,
    language,
    ringback,
    transfers,
)
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState

_WHY: dict[str, f.StopReason] = {
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CONGESTION": "congested",
    "CHANUNAVAIL": "unreachable",
}


def dial_begin(state: TrackerState, event: e.DialBegin) -> None:
    """DialBegin: a phone, or a Local channel of the exchange's own, is tried."""
    source = state.legs.get(event.uniqueid)
    if source is not None and source.call is None:
        click_to_dial.dial_begin(state, source, event)
    leg = _dialled_leg(state, source, event)
    call = leg.call if leg is not None else None
    if leg is None or call is None:
        if leg is not None:
            click_to_dial.rings(state, leg, event)
        return
    if source is call.caller:
        call.gone_unheard = call.refused_unheard = False
        language.observe_language(state, call, event, chosen=True)
        call.left_queue = None
        choice.seek_person(state, call, event.at)
    answering.not_voicemail_after_all(state, call, event)
    known = leg.dialled  # a listing may have shown it
    leg.dialled = True
    call.dialled = True
    if not leg.is_phone:
        ringback.dialled(state, call, source, event)
        return
    outside = state.profile.endpoints.is_outside_dialled(leg.channel, event.dial_string)
    leg.outside = outside
    if outside:
        if call.is_called:
            called_person.begin(state, leg, event)
            return
        click_to_dial.dials_outside(state, call, event)
    arrival.settle_direction(state, call, outside)
    if outside:
        called_person.dialled_beside(state, call, leg, event)
    if outside and call.inbound:
        hairpins.went_out(state, call, leg, event)
    transfers.dialled(state, call, leg, event)
    at = event.at
    availability.dialled(state, call, leg, at)
    ringback.dialled(state, call, source, event)
    choice.try_phone(call)
    if call.is_emitted and not known:
        state.emit(f.PhoneDialled(call.id, at, *state.phone_and_channel(leg)))


def _dialled_leg(
    state: TrackerState, source: TrackedChannel | None, event: e.DialBegin | e.DialEnd
) -> TrackedChannel | None:
    """The leg that is dialled; one with an id of its own becomes a leg of the call that dials it."""
    leg = state.legs.get(event.dest_uniqueid)
    call = source.call if source is not None else None
    if leg is None:
        if call is None or not event.dest_uniqueid:
            return None
        ghost_channels.make_room(state, event)
        leg = state.legs[event.dest_uniqueid] = TrackedChannel(event.dest_uniqueid, event.dest_channel)
        leg.outside = leg.is_phone and state.profile.endpoints.is_outside_dialled(leg.channel, "")
    if call is not None and leg.call is not call and leg is not call.caller:
        state.adopt_leg(call, leg)
    return leg


def _begun_unheard(state: TrackerState, leg: TrackedChannel) -> None:
    if leg.is_phone and not leg.outside:
        leg.outside = state.profile.endpoints.is_outside_dialled(leg.channel, "")


def dial_state(state: TrackerState, event: e.DialState) -> None:
    """DialState: RINGING, or PROGRESS (early media), from a phone."""
    leg = state.legs.get(event.dest_uniqueid)
    if leg is None or leg.call is None or event.status not in ("RINGING", "PROGRESS"):
        return
    if leg.is_phone and not leg.rang:
        if not leg.dialled:
            _begun_unheard(state, leg)
        rang(state, leg.call, leg, event.at, early_media=event.status == "PROGRESS")
    elif not leg.is_phone and event.status == "RINGING":
        ringback.passed_on(state, leg.call, event)


def rang(
    state: TrackerState,
    call: TrackedCall,
    leg: TrackedChannel,
    at: datetime | None,
    early_media: bool = False,
    slack: timedelta = f.EXACT,
) -> None:
    """Emit `PhoneRang`: a phone rings for this call."""
    leg.rang = True
    leg.rang_at, leg.rang_slack = at, slack
    transfers.rung(state, call)
    ringback.rings(state, call, leg)
    if call.is_emitted:
        availability.rang(state, call, leg, at)
        state.emit(
            f.PhoneRang(call.id, at, *state.phone_and_channel(leg), early_media, slack, ringback.is_in_band(call))
        )


def music(state: TrackerState, event: e.MusicOnHoldStart) -> None:
    """Dial with `m` plays music after the last DialBegin; only then does it replace the ringing."""
    call = state.calls.get(event.uniqueid)
    if call is None or not call.is_emitted or not call.inbound or call.answered or call.voicemail:
        return
    if call.queue is None and any(leg.is_tried for leg in call.legs):
        state.emit(f.MusicPlayed(call.id, event.at))


def rang_by_hint(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> None:
    """Emit `PhoneRang` from the phone's own Newstate Ringing: exchanges before 13 send no DialState."""
    if leg.is_hinted:
        rang(state, call, leg, e.stamp_time(leg.rang_at))


def dial_end(state: TrackerState, event: e.DialEnd) -> None:
    """DialEnd: answered (perhaps only to be asked for a confirmation), or not."""
    source = state.legs.get(event.uniqueid)
    leg = _dialled_leg(state, source, event)
    if leg is None:
        return
    call = leg.call
    if not leg.dialled:
        _begun_unheard(state, leg)
    if event.status == "ANSWER":
        leg.answered, leg.answered_at = True, event.at
        called_person.answered_beside(state, leg.uniqueid, leg.answered_at)
    if call is None:
        if leg.answered:
            click_to_dial.answered(state, source, leg)
        return
    leg.dialled = True
    if event.status == "ANSWER":
        if leg.stopped:  # its NOANSWER was no time-out: the caller's hang-up crossed the answer, perhaps in a gap
            call.gone_unheard = True
        for other in call.legs:  # a phone whose call was picked up elsewhere rang, too
            rang_by_hint(state, call, other)
        if leg is call.caller:  # the person outside was called
            answering.open_line(state, call, event.at)
        if leg.bridge is not None:
            answering.join(state, call, event)
    elif not leg.stopped:
        if source is call.caller and event.status != "CANCEL":  # CANCEL also follows a caller's hang-up
            call.gone_unheard = call.refused_unheard = False
        transfers.forwarded(state, call, leg, event)
        call.unheard_since = None
        stop_dialling(state, call, leg, event.at, _WHY.get(event.status, "cancelled"))
        if source is call.caller and not event.forward:
            ringback.dial_ended(call)


def stop_dialling(
    state: TrackerState, call: TrackedCall, leg: TrackedChannel, at: datetime | None, why: f.StopReason
) -> None:
    """Emit `PhoneStopped`: a phone is tried no longer, and did not take the call."""
    rang_by_hint(state, call, leg)
    leg.stopped = True
    call.last_stop = at
    if why == "busy":
        transfers.taken(call)
    if leg.is_phone and call.is_emitted:
        state.emit(f.PhoneStopped(call.id, at, *state.phone_and_channel(leg), why, leg.rang))
        availability.stopped(state, call, leg, at, why)


def hangup_request(state: TrackerState, event: e.HangupRequest) -> None:
    """HangupRequest of a phone's side: it declined, or the person on the line left first."""
    leg = state.legs.get(event.uniqueid)
    call = leg.call if leg is not None else None
    if leg is None or call is None:
        return
    if leg is call.person:
        call.person_left = True
    elif leg.is_phone and not leg.answered and event.cause in transfers.REFUSALS:  # perhaps before its DialBegin
        transfers.taken(call)


def queue_joined(state: TrackerState, event: e.QueueCallerJoin) -> None:
    call = state.calls.get(event.uniqueid)
    if call is None:
        return
    language.by_queue(state, call, event)
    answering.not_voicemail_after_all(state, call, event)
    arrival.settle_direction(state, call, dialled_outside=False)
    call.queue = event.queue
    call.queued = True
    call.left_queue = None
    call.queued_at = state.common(event.context), state.common(event.exten)
    call.gone_unheard = call.refused_unheard = False
    transfers.taken(call)
    ringback.queued(state, call, event)
    choice.try_phone(call)
    state.emit(f.QueueEntered(call.id, event.at, event.queue, plays=call.caller.queue))
    availability.queued(state, call, event.at)


def queue_left(state: TrackerState, event: e.QueueCallerLeave) -> None:
    """QueueCallerLeave. A phone that rang until now rang while the caller heard the queue."""
    call = state.calls.get(event.uniqueid)
    if call is None or call.queue is None:
        return
    for leg in call.legs:
        rang_by_hint(state, call, leg)
    call.queue = call.caller.queue = None
    sent_away = call.left_queue is not None
    call.left_queue = event.at if sent_away else None
    state.emit(f.QueueLeft(call.id, event.at, event.queue, call.has_left, sent_away=sent_away))


def queue_abandoned(state: TrackerState, event: e.QueueCallerAbandon) -> None:
    """QueueCallerAbandon at another place of the dialplan: a Redirect (an async goto) takes the caller out."""
    call = state.calls.get(event.uniqueid)
    if call is None or call.queued_at is None or call.hangup_requested or call.answered or call.voicemail:
        return
    if (event.context, event.exten) != call.queued_at:
        call.left_queue = event.at
