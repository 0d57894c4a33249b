"""The exchange tries phones for a caller: what was dialled, what rang, what stopped and why. Pure.

Real exchanges differ in what they say: Newstate Ringing before the phone's own DialBegin, DialEnd twice or
without a DialBegin, no DialState at all before Asterisk 13, a taker of a pick-up with an id of its own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import (
    arrival,
    availability,
    click_to_dial,
    hairpins,
    language,
    transfers,
)
from callmon.core.calls.channels import DIALLED, NOT_HEARD, OUTSIDE, PHONE, RANG, STOPPED, Leg, TrackedCall

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker

# 12 legs a call, ten thousand calls: far above what one Asterisk carries; a bound, not a target.

_WHY: dict[str, f.StopReason] = {
    "NOANSWER": "no_answer",
    "BUSY": "busy",
    "CONGESTION": "congested",
    "CHANUNAVAIL": "unreachable",
}


def begin(tracker: Tracker, event: e.DialBegin) -> None:
    """DialBegin: a phone, or a Local channel of the exchange's own, is tried."""
    source = tracker.legs.get(event.uniqueid)
    if source is not None and source.call is None:
        click_to_dial.begin(tracker, source, event)
    leg = _dialled_leg(tracker, source, event)
    call = leg.call if leg is not None else None
    if leg is None or call is None:
        if leg is not None:
            click_to_dial.rings(tracker, source, leg, event)
        return
    if source is call.caller:
        call.flags &= ~NOT_HEARD
        language.heard(tracker, call, event, chosen=True)
    tracker.not_voicemail_after_all(call, event)
    known = leg.flags & DIALLED  # a listing may have told of it
    leg.flags |= DIALLED
    call.dialled = True
    if not leg.flags & PHONE:
        return
    outside = tracker.site.endpoints.is_outside_dialled(leg.channel, event.dial_string)
    if outside or leg.flags & OUTSIDE:
        leg.outside = outside
    if outside:
        click_to_dial.dials_outside(call, event)
    arrival.settle_direction(tracker, call, outside)
    if outside and call.inbound:
        hairpins.went_out(tracker, call, leg, event)
    transfers.dialled(tracker, call, leg, event)
    at = event.at
    availability.dialled(tracker, call, leg, at)
    if call.told and not known:
        tracker.tell(f.PhoneDialled(call.id, at, tracker.phone(leg), tracker.named(leg)))


def _dialled_leg(tracker: Tracker, source: Leg | None, event: e.DialBegin | e.DialEnd) -> Leg | None:
    """The leg that is dialled; one with an id of its own is taken into the call that dials it."""
    leg = tracker.legs.get(event.dest_uniqueid)
    call = source.call if source is not None else None
    if leg is None:
        if call is None or not event.dest_uniqueid:
            return None
        tracker.crowd.make_room(event.at)
        leg = tracker.legs[event.dest_uniqueid] = Leg(event.dest_uniqueid, event.dest_channel)
        leg.outside = leg.is_phone and tracker.site.endpoints.is_outside_dialled(leg.channel, "")
    if call is not None and leg.call is not call and leg is not call.caller:
        tracker.take_in(call, leg)
    return leg


def _begun_unheard(tracker: Tracker, leg: Leg) -> None:
    """Whom it reaches its channel alone tells."""
    if leg.is_phone and not leg.outside:
        leg.outside = tracker.site.endpoints.is_outside_dialled(leg.channel, "")


def state(tracker: Tracker, event: e.DialState) -> None:
    """DialState: RINGING, or PROGRESS (early media), from a phone."""
    leg = tracker.legs.get(event.dest_uniqueid)
    if leg is None or leg.call is None or event.status not in ("RINGING", "PROGRESS"):
        return
    if leg.flags & (PHONE | RANG) == PHONE:
        if not leg.flags & DIALLED:
            _begun_unheard(tracker, leg)
        rang(tracker, leg.call, leg, event.at, early_media=event.status == "PROGRESS")


def rang(
    tracker: Tracker,
    call: TrackedCall,
    leg: Leg,
    at: datetime | None,
    early_media: bool = False,
    slack: timedelta = f.EXACT,
) -> None:
    """Tell that a phone rings for this call."""
    leg.flags |= RANG
    leg.rang_at, leg.rang_slack = at, slack
    transfers.taken(call)
    if call.told:
        availability.rang(tracker, call, leg, at)
        phone, channel = tracker.phone(leg), tracker.named(leg)
        tracker.tell(f.PhoneRang(call.id, at, phone, channel, early_media, slack))


def music(tracker: Tracker, event: e.MusicOnHoldStart) -> None:
    """Dial with `m`: Asterisk starts the music after the last DialBegin, before it hears any phone ring.

    Only then: music in a menu, in a queue, on hold or while parked replaces no ringing.
    """
    call = tracker.calls.get(event.uniqueid)
    if (
        call is None
        or not call.told
        or not call.inbound
        or call.answered
        or call.voicemail
        or call.queue is not None
    ):
        return
    if any(leg.is_tried for leg in call.legs):
        tracker.tell(f.MusicPlayed(call.id, event.at))


def rang_by_hint(tracker: Tracker, call: TrackedCall, leg: Leg) -> None:
    """Exchanges before 13 send no DialState: the phone's own Newstate Ringing is what was heard."""
    if leg.is_hinted:
        rang(tracker, call, leg, e.moment(leg.rang_at))


def end(tracker: Tracker, event: e.DialEnd) -> None:
    """DialEnd: answered (perhaps only to be asked for a confirmation), or not."""
    source = tracker.legs.get(event.uniqueid)
    leg = _dialled_leg(tracker, source, event)
    if leg is None:
        return
    call = leg.call
    if not leg.flags & DIALLED:
        _begun_unheard(tracker, leg)
    if event.status == "ANSWER":
        leg.answered, leg.answered_at = True, event.at
    if call is None:
        if leg.answered:
            click_to_dial.answered(tracker, source, leg)
        return
    leg.flags |= DIALLED
    if event.status == "ANSWER":
        for other in call.legs:  # a phone that was picked up from elsewhere rang, too
            rang_by_hint(tracker, call, other)
        if leg.bridge is not None:
            tracker.join(call, event)
    elif not leg.flags & STOPPED:
        if source is call.caller and event.status != "CANCEL":  # as a caller's hang-up would have it
            call.flags &= ~NOT_HEARD
        transfers.forwarded(tracker, call, leg, event)
        call.unheard_since = None
        stop(tracker, call, leg, event.at, _WHY.get(event.status, "cancelled"))


def stop(tracker: Tracker, call: TrackedCall, leg: Leg, at: datetime | None, why: f.StopReason) -> None:
    """Tell that a phone is tried no longer, and did not take the call."""
    rang_by_hint(tracker, call, leg)
    leg.flags |= STOPPED
    call.last_stop = at
    if why == "busy":
        transfers.taken(call)
    if leg.flags & PHONE and call.told:
        phone, channel = tracker.phone(leg), tracker.named(leg)
        tracker.tell(f.PhoneStopped(call.id, at, phone, channel, why, bool(leg.flags & RANG)))
        availability.stopped(tracker, call, leg, at, why)


def asked(tracker: Tracker, event: e.HangupRequest) -> None:
    """A phone's side asked for the end: it declined, or the person on the line left first."""
    leg = tracker.legs.get(event.uniqueid)
    call = leg.call if leg is not None else None
    if leg is None or call is None:
        return
    if leg is call.person:
        call.person_left = True
    elif leg.dialled and not leg.answered and event.cause in transfers.REFUSALS:
        transfers.taken(call)
