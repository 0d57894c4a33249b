"""Handing the caller on: blind, attended, blonde, redirect; parking and forwarding told apart. Pure.

    a person sends the caller off ──▶ SentOff ─┬─ another person answers ──────────▶ Transferred, answered
                                               ├─ a phone rang, was busy or declined,
                                               │  voicemail, a queue, a menu took it ▶ Transferred
                                               ├─ back with the transferer ────────▶ CameBack: no transfer
                                               ├─ nothing was reached ─────────────▶ CameBack: no transfer
                                               └─ a phone of which only the dial is
                                                  known (CEL) ────────────────────▶ Unheard: not known

Asterisk's `Result: Success` does not mean that a party took the call. What took or refused the caller decides, at
one of three times: the caller is joined with a person, is sent off again, or the call ends. A Redirect has no
event at all. Its sign is a new dial, or voicemail, for a caller whose person did not hang up first. The dialplan
is sometimes quicker than the transfer's own event: an apparent Redirect then gets its real kind. Parking, pick-up,
forwarding by a phone, overflow and the exchange's own Local channels are no transfers. Nor is
the survey, offered to a caller who had a person, whichever way it is done.
"""

from datetime import datetime, timedelta

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import availability, called_person
from callmon.core.calls.channels import PendingTransfer, TrackedCall, TrackedChannel
from callmon.core.calls.endpoints import endpoint, extension, is_local
from callmon.core.calls.state import TrackerState

# A caller who stays this long where nothing was dialled has been taken by a menu or an announcement: an extension
# that does not exist ends the call at once.
TAKEN_AFTER = timedelta(seconds=2)
# A caller who is sent off leaves the bridge within milliseconds.
LEAVES_WITHIN = timedelta(seconds=1)
REFUSALS = frozenset(("17", "21"))  # busy, declined


def blind(state: TrackerState, event: e.BlindTransfer) -> None:
    """BlindTransfer: the caller is the transferee, whatever Local channels stand between."""
    call = _caller_of(state, event.transferee)
    if call is None or event.result not in ("Success", "") or call.parked:
        return
    if event.extension in state.profile.parking_extensions:
        return
    if _is_survey(state, event.extension):
        settle(state, call, event.at)
        _sent_to_survey(state, call, event.at)
        return
    to = state.profile.endpoints.party(event.extension)
    called_person.sent_off(state, call, event.transferee)
    send_off(state, call, PendingTransfer("blind", event.transferer_channel, to, event.at))


def attended(state: TrackerState, event: e.AttendedTransfer) -> None:
    """AttendedTransfer: the person consulted had answered, or (blonde) is still being rung."""
    call = _caller_of(state, event.transferee) or _caller_of(state, event.original)
    if call is None or event.result not in ("Success", ""):
        return
    called_person.sent_off(state, call, event.transferee)
    extension = _named(state, event.target_channel) or _consulted_extension(state, call, event)
    target = _take_consultation_in(state, call, event) or _consulted(call, event)
    if target is not None and not target.dialled:  # its DialBegin was not received
        target.outside = target.outside or state.profile.endpoints.is_outside_dialled(target.channel, "")
    if _is_survey(state, extension):
        _sent_to_survey(state, call, event.at)
        return
    person = call.person
    if person is not None and endpoint(person.channel) != endpoint(event.original_channel):
        target = person  # the bridges were merged before the event
    kind: f.TransferKind = "attended" if target is None or target.answered else "blonde"
    # A queue or a group may have dialled, in the gap, the phone that takes the caller.
    is_hidden = call.sent_unheard and not _is_new(call, event.at)
    to = state.phone(target) if target is not None else "" if is_hidden else extension
    is_taken = target is not None and (target.answered or target.rang)
    sending = PendingTransfer(kind, event.original_channel, to, event.at, taken=is_taken)
    send_off(state, call, sending)
    if call.sent is not None and target is not None and target is person:
        call.sent = None
        state.emit(f.Transferred(call.id, event.at, kind, _by(state, sending), to, True, sending.unheard))
    else:
        joined(state, call, event.at)


def send_off(state: TrackerState, call: TrackedCall, sending: PendingTransfer) -> None:
    """The caller is on the way to another party. The result is emitted when it is known."""
    if not call.answered:
        return
    seen = call.sent
    is_redirect = seen is not None and seen.kind == "redirect" and sending.kind != "redirect"
    if seen is not None and is_redirect and endpoint(seen.by) == endpoint(sending.by):
        sending.named_late(seen)
    else:
        settle(state, call, sending.at)
    call.sent = sending
    sending.unheard = call.sent_unheard and sending.kind != "blind" and not _is_new(call, sending.at)
    state.emit(f.SentOff(call.id, sending.at, sending.kind, _by(state, sending), sending.to, sending.unheard))


def _is_new(call: TrackedCall, at: datetime | None) -> bool:
    """Whether the last listing showed the caller with the person, long enough before a sending at this time."""
    since = call.together_at
    return at is not None and since is not None and at - since >= LEAVES_WITHIN


def left_bridge(call: TrackedCall, leg: TrackedChannel, event: e.BridgeLeave) -> None:
    """The caller or the person leaves a bridge. Soon after a listing, the gap may have hidden a transfer event.

    A caller who leaves the parking lot is no longer parked, whether UnParkedCall comes before this or after.
    """
    if call.parked and leg is call.caller and event.bridge != call.parked_from:
        call.parked = False
    since = call.together_at
    if since is None or (at := event.at) is None:
        return
    if at - since < LEAVES_WITHIN and leg in (call.caller, call.person):
        call.together_at = None


def dialled(state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A dial for a caller who had a person: after a transfer, by a recall, by a Redirect, or by an overflow."""
    if not call.answered or not leg.is_phone or call.recalled:
        return
    if call.sent is not None:
        call.sent.dialled = True
        return
    if call.person is None or event.uniqueid != call.caller.uniqueid:
        return
    if call.person_left:
        call.person = None
        state.emit(f.Overflowed(call.id, event.at))
        return
    to = state.phone(leg)
    send_off(state, call, PendingTransfer("redirect", call.person.channel, to, event.at, dialled=True))


def redirected(state: TrackerState, call: TrackedCall, at: datetime | None, to: str) -> None:
    """Voicemail has a caller whose person did not leave first, and who was not seen to be sent off."""
    if call.sent is not None or call.person is None or call.person_left or call.voicemail or call.recalled:
        return
    send_off(state, call, PendingTransfer("redirect", call.person.channel, to, at))


def rung(state: TrackerState, call: TrackedCall) -> None:
    """A phone rings for the caller; where rings are not told, it was dialled and may ring."""
    if state.rings_told:
        taken(call)
    elif call.sent is not None:
        call.sent.may_have_rung = True


def taken(call: TrackedCall) -> None:
    """A phone rang for the caller who was sent off, or a party refused or took the caller."""
    if call.sent is not None:
        call.sent.taken = True


def joined(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The caller is in a bridge: emit it if another person is there."""
    person = _somebody_new(state, call)
    if person is None:
        _third(state, call, at)
        return
    sent, before = call.sent, call.person
    if at is None and sent is not None and not sent.is_unsure and endpoint(person.channel) == endpoint(sent.by):
        return  # a listing, just before the caller leaves
    is_new = before is None or endpoint(before.channel) != endpoint(person.channel)
    if call.sent_unheard and sent is None and at is not None:  # a gap may hide that the caller was sent off
        is_new = before is None or before.channel != person.channel
    call.person = person
    call.person_left = False
    call.recalled = False
    call.held = False
    call.sent_unheard = call.sent_unheard and at is None
    call.parked = False  # the retrieval's event may not have been received
    if call.is_called:  # the phone that called has left; its request is not this person's
        call.hangup_requested = False
    state.talking[endpoint(person.channel)] = call
    if person.call is None:  # the exchange called the person back, on a channel of its own
        state.adopt_leg(call, person)
    else:
        state.adopt_visitor(call, person)
    if sent is not None and endpoint(person.channel) != endpoint(sent.by):
        call.sent, is_new = None, True  # `before` may be from before a gap
        state.emit(f.Transferred(call.id, sent.at, sent.kind, _by(state, sent), sent.to, True, sent.unheard))
    elif sent is not None:
        call.sent = None
        state.emit(f.CameBack(call.id, at, sent.to))
    if is_new:
        state.emit(f.PersonJoined(call.id, at, *state.phone_and_channel(person)))


def _somebody_new(state: TrackerState, call: TrackedCall) -> TrackedChannel | None:
    """The new person near the caller. The transferer may leave last; a third person has not taken over yet."""
    near = [leg for leg in state.bridges.reachable(call.caller) if leg.has_person]
    if call.sent is None and call.person in near:
        return None
    return next((leg for leg in near if leg is not call.person), None)


def _third(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    if call.person is None or call.sent is not None:
        return
    for leg in state.bridges.reachable(call.caller):
        if leg.has_person and leg is not call.person and leg.uniqueid not in call.thirds:
            call.thirds += (leg.uniqueid,)
            state.emit(f.ThirdJoined(call.id, at, *state.phone_and_channel(leg)))


def settle(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The call is over, or the caller is sent off again: emit whether the last sending was a transfer."""
    sent, call.sent = call.sent, None
    if sent is None or sent.is_unsure or (sent.unheard and sent.kind != "redirect"):
        return  # the person consulted may have answered in the gap
    if sent.may_have_rung and not sent.taken:
        state.emit(f.Unheard(call.id, sent.at, at, unreported=True))
        return
    stayed = at is not None and sent.at is not None and at - sent.at >= TAKEN_AFTER
    if sent.taken or (stayed and not sent.dialled):
        state.emit(f.Transferred(call.id, sent.at, sent.kind, _by(state, sent), sent.to, False, sent.unheard))
    else:
        state.emit(f.CameBack(call.id, at, sent.to))


def hold(state: TrackerState, event: e.Hold | e.Unhold) -> None:
    """A person puts the caller on hold, or takes the caller back."""
    call = _caller_of(state, event.uniqueid)
    if call is not None and call.answered and event.uniqueid != call.caller.uniqueid:
        call.held = isinstance(event, e.Hold)
        fact = f.Held if call.held else f.Resumed
        state.emit(fact(call.id, event.at, state.phone(state.legs[event.uniqueid])))


def parked(state: TrackerState, event: e.ParkedCall) -> None:
    call = _caller_of(state, event.parkee)
    if call is not None:
        called_person.sent_off(state, call, event.parkee)
        call.parked = True
        call.sent = None
        call.person = None
        call.parked_from = call.caller.bridge or ""
        state.emit(f.Parked(call.id, event.at))


def retrieved(state: TrackerState, event: e.UnParkedCall) -> None:
    """The retriever's channel, perhaps in the caller's bridge already, becomes a leg of the call that it takes."""
    call, leg = _caller_of(state, event.parkee), state.legs.get(event.retriever)
    if call is None:
        return
    call.parked = False
    if leg is not None and leg.uniqueid != call.id:
        state.adopt_leg(call, leg)
        leg.answered = True
    phone = state.phone(leg) if leg is not None else _named(state, event.retriever_channel)
    state.emit(f.Retrieved(call.id, event.at, phone))
    if call.person is not leg:
        call.person = None
    if call.answered and call.caller.bridge is not None:
        joined(state, call, event.at)


def parking_over(state: TrackerState, event: e.ParkedCallTimeOut) -> None:
    call = _caller_of(state, event.parkee)
    if call is not None:
        call.parked = False
        call.recalled = True
        call.person = None
        state.emit(f.ParkingEnded(call.id, event.at))


def forwarded(state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.DialEnd) -> None:
    """A phone's own forwarding: the call goes on to the target that the phone gave."""
    if event.forward and call.is_emitted:
        availability.forwarded(call)
        to = state.profile.endpoints.party(event.forward.partition("@")[0])
        state.emit(f.Forwarded(call.id, event.at, state.phone(leg), to))


def _caller_of(state: TrackerState, uniqueid: str) -> TrackedCall | None:
    leg = state.legs.get(uniqueid)
    return leg.call if leg is not None else None


def _take_consultation_in(
    state: TrackerState, call: TrackedCall, event: e.AttendedTransfer
) -> TrackedChannel | None:
    """Adopt the legs of a consultation that was a call of its own, on the phone's second line."""
    own = state.calls.get(event.second)
    if own is None or own is call:
        return None
    target = next((leg for leg in reversed(own.legs) if leg.is_phone), None)
    for leg in [own.caller, *own.legs]:
        call.adopt_channel(leg)
    own.legs = ()
    state.absorb(own)
    return target


def _consulted_extension(state: TrackerState, call: TrackedCall, event: e.AttendedTransfer) -> str:
    """The extension consulted where no phone was: dialled by the second line, or (by keys) by a Local channel."""
    own = state.calls.get(event.second)
    if own is not None and own is not call:
        if own.begun is not None:
            return state.profile.endpoints.party(own.begun.exten)
        # Emitted as a call of its own, since the caller's Hold was not received: use its current extension.
        return state.profile.endpoints.party(event.second_exten)
    locals_ = (leg for leg in reversed(call.legs) if not leg.is_phone and leg.dialled)
    return next((_named(state, leg.channel) for leg in locals_), "")


def _consulted(call: TrackedCall, event: e.AttendedTransfer) -> TrackedChannel | None:
    """By keys: the phone dialled last that is neither the transferer's nor already released."""
    ours = (event.original, event.second)
    phones = (leg for leg in reversed(call.legs) if leg.is_phone and leg.dialled and not leg.stopped)
    return next((leg for leg in phones if leg.uniqueid not in ours and leg is not call.person), None)


def _by(state: TrackerState, sending: PendingTransfer) -> str:
    return state.profile.endpoints.masked_name(sending.by)


def _named(state: TrackerState, channel: str) -> str:
    ends = state.profile.endpoints
    if not is_local(channel) and ends.is_outside_dialled(channel, ""):
        return f.OUTSIDE
    return ends.party(extension(channel).partition("@")[0])


def _is_survey(state: TrackerState, *extensions: str) -> bool:
    return not state.profile.survey_extensions.isdisjoint(extensions)


def _sent_to_survey(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """A person hands the caller to the survey: no person is on the line from now on."""
    if call.answered:
        call.sent = call.person = None
        survey_offered(state, call, at, "transfer")


def survey_by_place(state: TrackerState, call: TrackedCall, event: e.Hangup | e.HangupRequest) -> None:
    """The caller's last place was the survey, which a Redirect or a Goto leads to without an event."""
    if call.answered and _is_survey(state, event.exten):
        survey_offered(state, call, event.at, "transfer")


def survey_offered(state: TrackerState, call: TrackedCall, at: datetime | None, by: f.SurveyOffer) -> None:
    """Emit `SurveyOffered` (once); by UserEvent(CallmonSurveyOffered) also before the answer."""
    if call.is_emitted and not call.surveyed:
        call.surveyed = True
        state.emit(f.SurveyOffered(call.id, at, by))
