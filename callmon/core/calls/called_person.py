"""A person outside whom the exchange called, as the caller of a call: rung first, or handed on. Pure.

    Originate ── a channel outside (virtual hold, dialler, conference) ─▶ a call, of which no phone is the caller
    outbound call ── the phone that called leaves, the person stays ────▶ the same call, with another caller

What follows is as for any caller: a phone joins, transfers, parks. `Parted` says that no phone is with the person
any more. Only the callbacks need these calls: nobody knows which party calls (`Arrived.person_first`).

Refuses: to take another channel outside for a phone of the exchange; a number that no dial string has.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from callmon.ami import events as e
from callmon.ami.events import UP
from callmon.core import facts as f
from callmon.core.calls.channels import Origination, TrackedCall, TrackedChannel, new_call
from callmon.core.calls.endpoints import endpoint, is_local, is_number, number_dialled
from callmon.core.calls.state import TrackerState

SECOND = timedelta(seconds=1)  # the Uniqueid of a channel names the second of its creation


def begin(state: TrackerState, leg: TrackedChannel, event: e.DialBegin) -> TrackedCall | None:
    """The exchange dials outside, and no phone began that. None where the number is not known."""
    number = number_dialled(event.dest_channel, event.dial_string)
    if not is_number(number):
        return None
    before = leg.call
    if before is not None and before.caller is leg:  # a listing showed it before it was dialled
        state.absorb(before)
    elif before is not None:
        before.let_go(leg)
    leg.dialled = True
    call = _begun(state, leg, number, event.at, event.language)
    for other in before.legs if before is not None and before.caller is leg else ():
        call.adopt_channel(other)
    return call


def _begun(
    state: TrackerState, leg: TrackedChannel, number: str, at: datetime | None, language: str, **more: Any
) -> TrackedCall:
    state.unborn.pop(leg.uniqueid, None)
    call = state.calls[leg.uniqueid] = new_call(leg, None, state.common(language))
    leg.outside = call.is_emitted = True
    channel = state.profile.endpoints.masked_name(leg.channel)
    arrived = f.Arrived(call.id, at, "outbound", None, number, None, None, channel, person_first=True, **more)
    state.emit(arrived)
    return call


def adopt_originated(state: TrackerState, call: TrackedCall, origination: Origination) -> None:
    """The other channels of the Originate are legs of the call, and so are later ones."""
    origination.call = call.id
    for leg in [state.legs[uniqueid] for uniqueid in sorted(origination.channels) if uniqueid in state.legs]:
        if leg.call is None:
            call.adopt_channel(leg)


def found(state: TrackerState, entry: e.Status) -> None:
    """A listing shows a person outside whom the exchange called first."""
    leg = state.legs.setdefault(entry.uniqueid, TrackedChannel(entry.uniqueid, entry.channel))
    if leg.call is not None:
        leg.call.let_go(leg)
    at, seen = e.born(entry.uniqueid), {"found": True, "may_hide_answer": True, "slack": SECOND}
    call = _begun(state, leg, entry.caller, at, entry.language, **seen)
    call.doubtful = call.gone_unheard = call.sent_unheard = True
    call.unheard_since = at
    if entry.state == UP:
        call.line_up = True
        state.emit(f.LineOpened(call.id, at, SECOND))


def goes_on(state: TrackerState, call: TrackedCall, event: e.Hangup) -> bool:
    """Whether the person outside stays where the phone that called has gone. Then the call follows that person."""
    if not call.outbound or call.is_called:
        return False
    far = next((leg for leg in call.legs if leg.outside and leg.has_person), None)
    if far is None:
        return False
    if not call.answered and not _answered_unheard(state, call, far, far.joined_unheard, event.at):
        return False
    _follow(state, call, far)
    _parted(state, call, call.hangup_requested_at if call.has_left else event.at)
    return True


def sent_off(state: TrackerState, call: TrackedCall, uniqueid: str) -> None:
    """The phone that called sends this person off, and may stay up for a while: the call follows the person."""
    far = state.legs.get(uniqueid)
    if far is not None and far.outside and far is not call.caller and call.outbound and call.answered:
        _follow(state, call, far)
        call.handed_on = True


def _answered_unheard(
    state: TrackerState, call: TrackedCall, far: TrackedChannel, since: datetime | None, until: datetime | None
) -> bool:
    """Emit the answer that a gap hid: the person outside was with the phone at some time since then."""
    if since is None or until is None:
        return False
    call.answered = far.answered = True
    state.emit(f.Answered(call.id, since, *state.phone_and_channel(far), slack=until - since, found=True))
    return True


def _parted(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    call.person, call.handed_on = None, True
    state.emit(f.Parted(call.id, at))


def _follow(state: TrackerState, call: TrackedCall, far: TrackedChannel) -> None:
    person = call.person
    if person is not None and state.talking.get(endpoint(person.channel)) is call:
        del state.talking[endpoint(person.channel)]
    call.let_go(far)
    call.caller.call = None
    call.caller, call.person = far, None if person is far else person


def left(state: TrackerState, call: TrackedCall, event: e.Hangup) -> None:
    """The phone of the person has gone: emit `Parted` if the person outside was with it, and was not sent off."""
    if call.is_called and call.sent is None:
        call.person = None
        state.emit(f.Parted(call.id, event.at))


# Dialled outside within another call: forwarded, consulted, transferred to.


def dialled_beside(state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A person outside is dialled for a call that is not to that person: nobody knows what they will talk of."""
    number = number_dialled(event.dest_channel, event.dial_string)
    is_own = not call.is_emitted or (call.outbound and not call.answered)
    if is_own or leg.uniqueid in state.beside or not is_number(number):
        return
    state.beside[leg.uniqueid] = False
    channel = state.profile.endpoints.masked_name(leg.channel)
    state.emit(f.Arrived(leg.uniqueid, event.at, "outbound", None, number, None, None, channel, person_first=True))


def answered_beside(state: TrackerState, uniqueid: str, at: datetime | None) -> None:
    if state.beside.get(uniqueid) is False:
        state.beside[uniqueid] = True
        state.emit(f.LineOpened(uniqueid, at))


def gone_beside(state: TrackerState, uniqueid: str, at: datetime | None) -> None:
    if state.beside.pop(uniqueid, None) is not None:
        state.emit(f.Ended(uniqueid, at, "exchange" if at is not None else "unknown"))


# A listing.


def listed(
    state: TrackerState, call: TrackedCall, entries: Mapping[str, e.Status], legs: Iterable[e.Status]
) -> e.Status | None:
    """The entry of the call's caller; of the person outside, if the phone that called has gone in the gap."""
    entry = entries.get(call.caller.uniqueid)
    if entry is not None or not call.outbound:
        return entry
    known = {leg.channel: leg for leg in (call.caller, *call.legs) if leg.outside and leg.is_phone}
    stays = next((entry for entry in legs if entry.channel in known and entry.state == UP), None)
    if stays is None:
        return None
    far = known[stays.channel]
    far.uniqueid = stays.uniqueid  # after a restart of callmon it was known by its name
    state.legs[far.uniqueid] = far
    if far is not call.caller:
        _follow(state, call, far)
    return stays


def after_gap(
    state: TrackerState, call: TrackedCall, entry: e.Status, since: datetime | None, until: datetime | None
) -> None:
    """Emit what the gap hid: the answer of the person outside, and that the phone that called has gone."""
    if call.is_called and not entry.bridge:
        call.parked = False  # the event may not have been received
    if not call.is_called or call.handed_on:
        return
    if call.outbound:
        if call.answered or _answered_unheard(state, call, call.caller, since, until):
            _parted(state, call, None)
    elif entry.state == UP and not call.line_up:
        call.line_up = True
        state.emit(f.LineOpened(call.id, since))


def apart(state: TrackerState, call: TrackedCall, entries: Iterable[e.Status]) -> list[e.Status]:
    """The entries without other persons outside, called in the gap: each of them is a call of its own."""
    others = [x for x in entries if call.is_called and _is_new(state, x)]
    for entry in others:
        found(state, entry)
    return [entry for entry in entries if entry not in others]


def _is_new(state: TrackerState, entry: e.Status) -> bool:
    leg = state.legs.get(entry.uniqueid)
    is_known = leg is not None and (leg.dialled or entry.uniqueid in state.calls)
    return not is_known and is_called(state, entry)


def is_called(state: TrackerState, entry: e.Status) -> bool:
    """Whether this is a channel outside that the exchange dials, or has dialled."""
    return not entry.dialled and is_outside(state, entry)


def is_outside(state: TrackerState, entry: e.Status) -> bool:
    return not is_local(entry.channel) and state.profile.endpoints.is_outside_dialled(entry.channel, "")
