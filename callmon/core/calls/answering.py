"""A person answers, or the exchange itself takes the line. Pure.

An answer is a person and the caller joined in a bridge, also through Local channels. A phone that was picked up
and then refused the call in a confirmation prompt has not answered. Nor has one that is joined with a caller who
had requested the hang-up before: the two crossed, and no answer reached the carrier.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from callmon.ami import events as e
from callmon.ami.events import BUSY, RING, RINGING, UP
from callmon.core import facts as f
from callmon.core.calls import arrival, availability, click_to_dial, language, transfers, voicemail
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.state import TrackerState

# The join follows the phone's answer within milliseconds. After a longer time something stood between (a
# confirmation prompt, an announcement to the agent), and the caller has a person only from the join on.
JOINED_AT_ONCE = timedelta(seconds=0.5)


def newstate(state: TrackerState, event: e.Newstate) -> None:
    """Newstate: a channel dials, rings, goes up, or its caller is given the busy signal."""
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        return
    call = leg.call
    if call is None:
        if event.state == RING and (born := state.unborn.pop(event.uniqueid, None)) is not None:
            arrival.begin_call(state, leg, born)
        elif event.state == RINGING:  # an application may call it for a caller, without saying so
            leg.rang_at = event.stamp
    elif leg is not call.caller:
        if event.state == RINGING and not leg.rang_at and not leg.rang:
            leg.rang_at = event.stamp
    elif event.state == UP:
        _caller_up(state, call, event)
        call.gone_unheard = call.refused_unheard = False
    elif event.state == BUSY:
        call.gone_unheard = call.refused_unheard = False
        call.busy, call.hangup_requested = True, False  # a request just before was its echo
        arrival.settle_direction(state, call, dialled_outside=False)
        availability.busy_signal(state, call, event.at)
        state.emit(f.CallerBusy(call.id, event.at))


def _caller_up(state: TrackerState, call: TrackedCall, event: e.Newstate) -> None:
    """The caller's line goes up: for a person (the join reports it), for voicemail, or for the exchange."""
    language.observe_language(state, call, event)
    taken = call.answered or call.voicemail or any(leg.answered for leg in call.legs)
    if taken or (not call.inbound and call.dialled):
        return
    voicemail.by_place(state, call, event)
    if call.voicemail:
        return
    if call.dialled and call.gone_unheard and call.is_emitted:  # the gap may hide for whom, or for what
        state.emit(f.Unheard(call.id, call.unheard_since, event.at, may_hide_answer=True))
    elif _may_be_voicemail(state, call, event):
        call.maybe_voicemail = event.at or True
    else:
        open_line(state, call, event.at)


def _may_be_voicemail(state: TrackerState, call: TrackedCall, event: e.Newstate) -> bool:
    """Whether voicemail may have taken the line unreported, by a step within another or after an async goto."""
    if call.menu or event.context in state.voicemail_contexts:
        return False
    return call.dialled or (state.dialplan_heard and call.unheard_since is not None)


def open_line(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """Emit `LineOpened`: the exchange itself took the line."""
    if call.is_emitted and not call.line_up:
        call.line_up = at or True
        call.rung = call.rung and (call.dialled or call.queued)  # the exchange's own ringing is over
        state.emit(f.LineOpened(call.id, at))


def not_voicemail_after_all(state: TrackerState, call: TrackedCall, event: e.Event) -> None:
    """A line that went up after unsuccessful dials is used for something other than voicemail."""
    if call.maybe_voicemail:
        when, call.maybe_voicemail = call.maybe_voicemail, False
        open_line(state, call, when if isinstance(when, datetime) else event.at)


def bridge_enter(state: TrackerState, event: e.BridgeEnter) -> None:
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        return
    if state.bridges.enter(leg, event.bridge):
        return
    call = leg.call
    if call is not None and leg is call.caller:
        call.gone_unheard = call.refused_unheard = False
    # The channel may reach a caller's leg through other channels, or have joined a caller without a dial.
    if call is None or call.caller.bridge is None or call.visitor or not (call.is_emitted or call.consults):
        call = next((near.call for near in state.bridges.reachable(leg) if near.call is not None), call)
    if call is not None:
        join(state, call, event)


def bridge_leave(state: TrackerState, event: e.BridgeLeave) -> None:
    leg = state.legs.get(event.uniqueid)
    if leg is None or leg.bridge != event.bridge:
        return
    state.bridges.leave(leg)
    call = leg.call
    if call is not None:
        transfers.left_bridge(call, leg, event)
        if leg is call.person:  # the remaining person has the caller now
            join(state, call, event)


def local_bridge(state: TrackerState, event: e.LocalBridge) -> None:
    """LocalBridge: the two channels are the halves of one Local channel."""
    first, second = state.legs.get(event.one), state.legs.get(event.two)
    if first is not None and second is not None:
        first.partner, second.partner = second, first


def join(state: TrackerState, call: TrackedCall, event: e.Event | None) -> None:
    """Emit what follows if the caller is joined with a person, or with voicemail behind a Local channel."""
    if call.caller.bridge is None:
        return
    at = event.at if event is not None else None
    near = state.bridges.reachable(call.caller)
    _admit(state, call, near)
    if call.answered:
        transfers.joined(state, call, at)
        return
    if call.has_left:
        return
    for leg in near:
        if leg.mailbox is not None:
            voicemail.took(state, call, at, leg.mailbox)
        elif call.may_be_answered_by(leg):
            arrival.settle_direction(state, call, leg.outside)
            answer(state, call, leg, *_when_joined(call, leg, at))
            return


def _admit(state: TrackerState, call: TrackedCall, near: Iterable[TrackedChannel]) -> None:
    """Adopt colleagues near the caller who joined without a dial (conference, pool): no DialEnd reports it."""
    if call.parked:  # a parking lot is one bridge, too, but its members do not hear each other
        return
    if not call.inbound and not call.is_called:
        return
    for leg in near:
        own = leg.call
        # A call that was not emitted dialled no party, or only as a leg of another call (a consultation).
        is_visit = own is not None and own.caller is leg and not own.is_own and not own.dialled
        if is_visit and _is_colleague(state, call, leg):
            state.adopt_leg(call, leg)
            leg.answered = True


def _is_colleague(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> bool:
    """Another phone of the exchange; not a second line of the caller's person, who is about to join the two."""
    own, person = leg.call, call.person
    if own is None or (own.begun is None and not own.visitor):
        return False
    caller = own.begun.caller if own.begun is not None else own.number or ""
    if state.profile.endpoints.is_outside_caller(leg.channel, caller):
        return False
    return person is None or call.sent is not None or endpoint(person.channel) != endpoint(leg.channel)


def _when_joined(
    call: TrackedCall, leg: TrackedChannel, at: datetime | None
) -> tuple[datetime | None, timedelta, bool]:
    """The time of the join, the slack after it, and whether only a listing shows it."""
    picked_up, unheard = leg.answered_at, leg.joined_unheard if call.sent_unheard else None
    if unheard is not None:  # an agent of a pool is up for hours before
        unheard = max(unheard, e.born(call.id) or unheard)
    if picked_up is not None and at is not None and at - picked_up <= JOINED_AT_ONCE:
        return picked_up, f.EXACT, False
    if unheard is None or at is None or at < unheard:
        return at, f.EXACT, False
    return unheard, at - unheard, True  # need not have been the first join


def attended_transfer(state: TrackerState, event: e.AttendedTransfer) -> None:
    """AttendedTransfer: the person who sends the caller off has answered, perhaps in a gap."""
    leg, caller = state.legs.get(event.original), state.legs.get(event.transferee)
    call = caller.call if caller is not None else None
    if leg is not None and call is not None and call.caller is caller and leg.call is call:
        is_unheard = call.sent_unheard and leg.joined_unheard is not None and call.is_emitted
        if is_unheard and not call.answered and call.may_be_answered_by(leg):
            answer(state, call, leg, *_when_joined(call, leg, event.at))
    transfers.attended(state, event)


def answer(
    state: TrackerState,
    call: TrackedCall,
    leg: TrackedChannel,
    at: datetime | None,
    slack: timedelta = f.EXACT,
    found: bool = False,
) -> None:
    """Emit `Answered`: a person answered the caller."""
    state.adopt_visitor(call, leg)
    _rang_alone(state, call, leg)
    call.answered = leg.answered = True
    call.sent_unheard = found
    call.person = leg
    state.talking[endpoint(leg.channel)] = call
    call.maybe_voicemail = False  # the line went up for this person, before the answer was reported
    leg.answered_at = None  # no longer needed
    rang, later = (e.stamp_time(leg.rang_at), leg.rang_slack) if leg.rang else (None, f.EXACT)
    availability.decided(state, call, at)
    at_once = leg.uniqueid.partition(".")[0] == call.id.partition(".")[0]  # the second of its birth
    state.emit(f.Answered(call.id, at, *state.phone_and_channel(leg), rang, slack, found, later, at_once))


def _rang_alone(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> None:
    """Emit `PhoneRang` of a phone that an application called (ARI, without `originator`), seen only at the join.

    No event says whether the application let the caller hear ringing before.
    """
    since, up = e.stamp_time(leg.rang_at), call.line_up
    if leg.rang or leg.dialled or since is None or not call.inbound or not call.is_emitted or call.answered:
        return
    arrived = e.born(call.id)
    if (isinstance(up, datetime) and up < since) or up is True or arrived is None or since < arrived:
        return  # on a line that is up the caller hears no ringing; a phone that rang before rang for others
    leg.rang = True
    state.emit(f.RingbackUnknown(call.id, since, from_arrival=True))
    state.emit(f.PhoneRang(call.id, since, *state.phone_and_channel(leg)))


def close_call(state: TrackerState, call: TrackedCall, ended: f.Ended) -> None:
    """Close the call. Legs that live on (a colleague still in another conversation) belong to no call then."""
    transfers.settle(state, call, ended.at)
    availability.decided(state, call, ended.at)
    if call.is_emitted:
        state.emit(ended)
    if call.person is not None and state.talking.get(endpoint(call.person.channel)) is call:
        del state.talking[endpoint(call.person.channel)]
    state.calls.pop(call.id, None)
    state.legs.pop(call.id, None)
    click_to_dial.gone(state, call.id)
    call.take_apart()
